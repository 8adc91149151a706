package render

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	flux "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// overlayOf is an overlay over so many ConfigMaps and a Deployment, the one that `cargo xtask bench` measures.
func overlayOf(objects int) *Tree {
	files := map[string]*string{}
	add := func(name, text string) { files[name] = &text }
	list := "resources:\n- web.yaml\n"
	for number := range objects {
		list += fmt.Sprintf("- map-%d.yaml\n", number)
		add(fmt.Sprintf("base/map-%d.yaml", number), fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map-%d\ndata:\n  key: value\n", number))
	}
	add("base/kustomization.yaml", list)
	add("base/web.yaml", `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: example.org/web:1
`)
	add("overlay/kustomization.yaml", "namespace: default\nresources: [../base]\nlabels: [{pairs: {stage: bench}}]\n")
	return NewTree().With(files)
}

var kustomizationOfBench = json.RawMessage(`{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","metadata":{"name":"bench","namespace":"flux-system"},"spec":{"path":"./overlay","prune":true}}`)

// BenchmarkWhole builds 201 objects, as this does and as kustomize-controller does, one after the other in one process.
func BenchmarkWhole(b *testing.B) {
	tree := overlayOf(200)
	request := Kustomize{Path: "overlay", Kustomization: kustomizationOfBench}
	ours := func(b *testing.B, request Kustomize) {
		for b.Loop() {
			if built := BuildKustomize(tree, &request); built.Fault != nil || len(built.Objects) != 201 {
				b.Fatalf("%d objects: %+v", len(built.Objects), built.Fault)
			}
		}
	}
	b.Run("ours", func(b *testing.B) { ours(b, request) })
	b.Run("ours-with-origins", func(b *testing.B) {
		request := request
		request.Origins = true
		ours(b, request)
	})
	b.Run("flux", func(b *testing.B) {
		var object unstructured.Unstructured
		if err := json.Unmarshal(kustomizationOfBench, &object.Object); err != nil {
			b.Fatal(err)
		}
		root, err := filepath.EvalSymlinks(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		unpack(b, tree.root, root)
		directory := filepath.Join(root, "overlay")
		file := filepath.Join(directory, "kustomization.yaml")
		before, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			// The controller unpacks an artifact for each build; what it writes into it must not be there for the next.
			if err := os.WriteFile(file, before, 0o644); err != nil {
				b.Fatal(err)
			}
			if _, err := flux.NewGenerator(root, object).WriteFile(directory); err != nil {
				b.Fatal(err)
			}
			all, err := flux.SecureBuild(root, directory, false)
			if err != nil {
				b.Fatal(err)
			}
			if text, err := all.AsYaml(); err != nil || len(text) == 0 {
				b.Fatal(err)
			}
		}
	})
}
