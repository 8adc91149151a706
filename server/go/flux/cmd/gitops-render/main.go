// Command gitops-render builds objects as the Flux controllers do, for as long as somebody asks it over a pipe.
//
// Each message is a length of four bytes, the most significant first, and as many bytes of JSON. A request has an id, an op
// and what the op needs; its answer has the id and either "answer" or "error". A message with the id and "started" says
// that a request waits no longer, which is when its time begins. Nothing is read but what was sent: no disk, no network, no
// program. The end of standard input ends it.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/gitops-lsp/gitops-lsp/server/go/flux/render"
)

const (
	// What the collector aims at, in bytes.
	softMemoryLimit = 384 << 20
	// Where the process ends, in bytes: a chart that allocates without end must not take the machine with it.
	hardMemoryLimit = 1 << 30
	// Collecting costs a part of each build. At 400 a build is somewhat faster, but twice as much memory is held (measured: 65 MB
	// at 200, 53 MB at 100, 124 MB at 400 after charts and kustomizations of two repositories).
	collectAt = 200
)

// refuse is a transport that reaches nothing: a base on another machine is reported, not fetched.
type refuse struct{}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is fetched to build this")
}

func main() {
	debug.SetGCPercent(collectAt)
	debug.SetMemoryLimit(softMemoryLimit)
	limitMemory(hardMemoryLimit)
	http.DefaultTransport = refuse{}
	// kustomize would run git for a base on another machine, in a temporary directory.
	for name, value := range map[string]string{"PATH": "", "TMPDIR": os.DevNull, "TMP": os.DevNull} {
		_ = os.Setenv(name, value)
	}
	go render.WarmUp()
	service := newService(os.Stdout)
	if err := service.serve(bufio.NewReaderSize(os.Stdin, 1<<16)); err != nil {
		fmt.Fprintln(os.Stderr, "gitops-render:", err)
		os.Exit(1)
	}
}
