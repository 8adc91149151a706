// Command chart-sources serves charts as the world does, for tests: packaged, from a repository over HTTP and from an
// OCI registry. It is asked for nothing but what source-controller asks for.
//
//	chart-sources CHART...
//
// Each CHART is a directory. It prints one line of JSON with both addresses, and ends when its standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	oci "github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/registry"
	repo "helm.sh/helm/v4/pkg/repo/v1"
)

// addresses is what is printed.
type addresses struct {
	// Repository is the URL of the repository, http://127.0.0.1:PORT.
	Repository string `json:"repository"`
	// Registry is the URL below which each chart is, oci://127.0.0.1:PORT/charts.
	Registry string `json:"registry"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("chart-sources: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(charts []string) error {
	directory, err := os.MkdirTemp("", "chart-sources-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	registryHost, err := serve(oci.New(oci.Logger(log.New(io.Discard, "", 0))))
	if err != nil {
		return err
	}
	repositoryHost, err := serve(http.FileServer(http.Dir(directory)))
	if err != nil {
		return err
	}
	client, err := registry.NewClient(registry.ClientOptPlainHTTP(), registry.ClientOptWriter(io.Discard))
	if err != nil {
		return err
	}
	for _, path := range charts {
		if err := publish(path, directory, client, registryHost); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	index, err := repo.IndexDirectory(directory, "http://"+repositoryHost)
	if err != nil {
		return err
	}
	index.SortEntries()
	if err := index.WriteFile(filepath.Join(directory, "index.yaml"), 0o600); err != nil {
		return err
	}
	said := addresses{Repository: "http://" + repositoryHost, Registry: "oci://" + registryHost + "/charts"}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// publish packages a chart into the directory of the repository and pushes it to the registry.
func publish(path, directory string, client *registry.Client, host string) error {
	chart, err := loader.LoadDir(path)
	if err != nil {
		return err
	}
	archive, err := chartutil.Save(chart, directory)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	_, err = client.Push(content, fmt.Sprintf("%s/charts/%s:%s", host, chart.Name(), chart.Metadata.Version))
	return err
}

// serve answers on a port of the loopback interface that the kernel chooses.
func serve(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { log.Print(http.Serve(listener, handler)) }()
	return listener.Addr().String(), nil
}
