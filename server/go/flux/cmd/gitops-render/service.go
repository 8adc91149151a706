package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gitops-lsp/gitops-lsp/server/go/flux/render"
)

const (
	// How many requests are worked on at once, and how many of them may be wholes: a slice is what somebody waits for, and
	// never waits for two wholes.
	atOnce, wholesAtOnce = 2, 1
	// How many requests may wait. More are not read until some are done.
	mostWaiting = 256
)

type request struct {
	ID    uint64             `json:"id"`
	Op    string             `json:"op"`
	Tree  string             `json:"tree"`
	Files map[string]*string `json:"files"`
}

type answer struct {
	ID      uint64 `json:"id"`
	Started bool   `json:"started,omitempty"`
	Answer  any    `json:"answer,omitempty"`
	Error   string `json:"error,omitempty"`
}

// service answers requests. Trees belong to the reading of requests: what was asked before a change does not see it.
type service struct {
	out            *writer
	trees          map[string]*render.Tree
	waiting        chan struct{}
	running, whole chan struct{}
}

func newService(out io.Writer) *service {
	return &service{
		out:     &writer{to: out},
		trees:   map[string]*render.Tree{},
		waiting: make(chan struct{}, mostWaiting),
		running: make(chan struct{}, atOnce),
		whole:   make(chan struct{}, wholesAtOnce),
	}
}

// serve reads requests until there are no more.
func (s *service) serve(in io.Reader) error {
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
		tree := s.trees[head.Tree]
		if tree == nil {
			tree = render.NewTree()
		}
		switch head.Op {
		case "change":
			s.trees[head.Tree] = tree.With(head.Files)
			s.out.send(answer{ID: head.ID, Answer: struct{}{}})
		case "kustomize":
			var wanted render.Kustomize
			if s.understand(head.ID, message, &wanted) {
				s.start(head.ID, len(wanted.Only) == 0, func() any { return render.BuildKustomize(tree, &wanted) })
			}
		case "helm":
			var wanted render.Helm
			if s.understand(head.ID, message, &wanted) {
				s.start(head.ID, false, func() any { return render.BuildHelm(tree, &wanted) })
			}
		default:
			s.out.send(answer{ID: head.ID, Error: fmt.Sprintf("there is no op %q", head.Op)})
		}
	}
}

func (s *service) understand(id uint64, message []byte, wanted any) bool {
	if err := json.Unmarshal(message, wanted); err != nil {
		s.out.send(answer{ID: id, Error: err.Error()})
		return false
	}
	return true
}

// start works on a request beside others as soon as there is room.
func (s *service) start(id uint64, isWhole bool, work func() any) {
	s.waiting <- struct{}{}
	go func() {
		defer func() { <-s.waiting }()
		if isWhole {
			s.whole <- struct{}{}
			defer func() { <-s.whole }()
		}
		s.running <- struct{}{}
		defer func() { <-s.running }()
		s.out.send(answer{ID: id, Started: true})
		s.out.send(answer{ID: id, Answer: work()})
	}()
}
