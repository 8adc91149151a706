// Command gitops-render builds objects as the Flux controllers do, for as long as somebody asks it over a pipe.
//
// Each message is a length of four bytes, the most significant first, and as many bytes of JSON. A request has an id, an op
// and what the op needs; its answer has the id and either "answer" or "error". Nothing is read but what was sent: no disk,
// no network, no program. The end of standard input ends it.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"sync"

	"github.com/gitops-lsp/gitops-lsp/server/go/flux/render"
)

const (
	largestMessage = 1 << 30
	memoryLimit    = 1 << 30
	atOnce         = 2
)

type request struct {
	ID    uint64             `json:"id"`
	Op    string             `json:"op"`
	Tree  string             `json:"tree"`
	Files map[string]*string `json:"files"`
}

type answer struct {
	ID     uint64 `json:"id"`
	Answer any    `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
}

// refuse is a transport that reaches nothing: a base on another machine is reported, not fetched.
type refuse struct{}

func (refuse) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is fetched to build this")
}

func main() {
	// Memory is given back late on purpose: collecting costs a quarter of a build.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(memoryLimit)
	http.DefaultTransport = refuse{}
	// kustomize would run git for a base on another machine.
	_ = os.Setenv("PATH", "")
	out := &writer{to: os.Stdout}
	go warmUp()
	if err := serve(bufio.NewReaderSize(os.Stdin, 1<<16), out); err != nil {
		fmt.Fprintln(os.Stderr, "gitops-render:", err)
		os.Exit(1)
	}
}

// warmUp reads the schemas that the first build would wait for.
func warmUp() {
	kustomization, object := "resources: [a.yaml]\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	tree := render.NewTree().With(map[string]*string{"kustomization.yaml": &kustomization, "a.yaml": &object})
	render.WarmUp()
}

func serve(in io.Reader, out *writer) error {
	trees := map[string]*render.Tree{}
	slots := make(chan struct{}, atOnce)
	for {
		message, err := read(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var head request
		if err := json.Unmarshal(message, &head); err != nil {
			return fmt.Errorf("a request that is no JSON: %w", err)
		}
		tree := trees[head.Tree]
		if tree == nil {
			tree = render.NewTree()
		}
		switch head.Op {
		case "change":
			trees[head.Tree] = tree.With(head.Files)
			out.send(answer{ID: head.ID, Answer: struct{}{}})
		case "kustomize":
			var wanted render.Kustomize
			if err := json.Unmarshal(message, &wanted); err != nil {
				out.send(answer{ID: head.ID, Error: err.Error()})
				continue
			}
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				out.send(answer{ID: head.ID, Answer: render.BuildKustomize(tree, &wanted)})
			}()
		default:
			out.send(answer{ID: head.ID, Error: fmt.Sprintf("there is no op %q", head.Op)})
		}
	}
}

func read(in io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > largestMessage {
		return nil, fmt.Errorf("a message of %d bytes is too large", size)
	}
	message := make([]byte, size)
	_, err := io.ReadFull(in, message)
	return message, err
}

// writer writes whole messages, whoever sends them.
type writer struct {
	lock sync.Mutex
	to   io.Writer
}

func (w *writer) send(message answer) {
	content, err := json.Marshal(message)
	if err != nil {
		content, _ = json.Marshal(answer{ID: message.ID, Error: err.Error()})
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, len(content)+4), uint32(len(content)))
	framed = append(framed, content...)
	w.lock.Lock()
	defer w.lock.Unlock()
	if _, err := w.to.Write(framed); err != nil {
		// Nobody reads any more.
		os.Exit(0)
	}
}
