// Command controlplane is etcd, kube-apiserver, kube-controller-manager and kube-scheduler in one binary.
//
// They share most of their code: one binary of 132 MB in place of four.
// The first argument names the component; what follows are that component's own flags:
//
//	controlplane kube-apiserver --etcd-servers=…
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"gitops-lsp/controlplane/lifeline"
)

// components maps a name to what makes its command. A command is only made when it is run:
// making one registers flags in global sets.
var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	name := os.Args[1]
	lifeline.Hold()
	switch name {
	case "version":
		fmt.Println(version.Get().GitVersion)
	case "etcd":
		etcdmain.Main(append([]string{"etcd"}, os.Args[2:]...))
	default:
		newCommand, known := components[name]
		if !known {
			usage()
		}
		os.Args = append([]string{name}, os.Args[2:]...)
		os.Exit(cli.Run(newCommand()))
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: controlplane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|version [FLAGS]")
	os.Exit(2)
}
