package render

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	flux "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// real builds as kustomize-controller does: the same calls, on a disk.
func real(t *testing.T, repository *Tree, request *Kustomize) (string, error) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	unpack(t, repository.root, root)
	directory := filepath.Join(root, request.Path)
	var object unstructured.Unstructured
	if len(request.Kustomization) > 0 {
		if err := json.Unmarshal(request.Kustomization, &object.Object); err != nil {
			t.Fatal(err)
		}
	}
	unmounted := func(err error) error { return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), root, "")) }
	if len(request.Kustomization) > 0 {
		if _, err := flux.NewGenerator(root, object).WriteFile(directory); err != nil {
			return "", unmounted(err)
		}
	}
	all, err := flux.SecureBuild(root, directory, false)
	if err != nil {
		return "", unmounted(err)
	}
	for _, one := range all.Resources() {
		if request.Variables == nil {
			continue
		}
		changed, err := flux.SubstituteVariables(context.Background(), nil, object, one, flux.SubstituteWithDryRun(true), flux.SubstituteWithStrict(request.Strict))
		if err != nil {
			return "", fmt.Errorf("post build failed for '%s/%s': %w", one.GetGvk(), one.GetName(), err)
		}
		if changed != nil {
			if _, err := all.Replace(one); err != nil {
				return "", err
			}
		}
	}
	text, err := all.AsYaml()
	return string(text), err
}

func unpack(t testing.TB, from *node, to string) {
	t.Helper()
	for name, entry := range from.entries {
		var err error
		if entry.entries != nil {
			if err = os.MkdirAll(filepath.Join(to, name), 0o755); err == nil {
				unpack(t, entry, filepath.Join(to, name))
			}
		} else {
			err = os.WriteFile(filepath.Join(to, name), []byte(entry.text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// written has objects as the controller writes them.
func written(t *testing.T, built *Built) string {
	t.Helper()
	var text bytes.Buffer
	for at, object := range built.Objects {
		one, err := yaml.JSONToYAML(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		if at > 0 {
			text.WriteString("---\n")
		}
		text.Write(one)
	}
	return text.String()
}

// sameAsFlux checks a build with and without notes, and each object alone as a slice. It says what it has checked.
func sameAsFlux(t *testing.T, repository *Tree, request Kustomize) (objects, slices int) {
	t.Helper()
	expected, fault := real(t, repository, &request)
	for _, origins := range []bool{false, true} {
		request.Origins = origins
		built := BuildKustomize(repository, &request)
		if fault != nil {
			if built.Fault == nil {
				t.Errorf("%s: Flux says %q", request.Path, fault)
			} else if built.Fault.Message != fault.Error() {
				t.Errorf("%s: the fault is other than Flux's:\n%s\n%s", request.Path, built.Fault.Message, fault)
			}
			continue
		}
		if built.Fault != nil {
			t.Errorf("%s: Flux builds what this does not: %s", request.Path, built.Fault.Message)
			continue
		}
		if got := written(t, built); got != expected {
			t.Errorf("%s (origins: %v): other than Flux's:\n%s\n--- Flux\n%s", request.Path, origins, got, expected)
		}
		objects = len(built.Objects)
		slices = sameAsWhole(t, repository, request, built)
	}
	return objects, slices
}

// sameAsWhole builds each object alone.
func sameAsWhole(t *testing.T, repository *Tree, request Kustomize, whole *Built) (slices int) {
	t.Helper()
	for _, object := range whole.Objects {
		var content unstructured.Unstructured
		if err := json.Unmarshal(object.Object, &content.Object); err != nil {
			t.Fatal(err)
		}
		id := ObjectID{APIVersion: content.GetAPIVersion(), Kind: content.GetKind(), Namespace: content.GetNamespace(), Name: content.GetName()}
		request.Only = []ObjectID{id}
		built := buildSlice(repository, &request)
		if built == nil {
			continue
		}
		slices++
		for _, one := range built.Objects {
			found := false
			for _, expected := range whole.Objects {
				found = found || sameObject(one, expected)
			}
			if !found {
				t.Errorf("%s: the slice of %v is no part of the whole: %s", request.Path, id, one.Object)
			}
		}
	}
	return slices
}

// sameObject leaves out the notes of what was run over an object: those of patches that are not in a slice are missing.
func sameObject(one, other Object) bool {
	one.Transformations, other.Transformations = nil, nil
	left, _ := json.Marshal(one)
	right, _ := json.Marshal(other)
	return bytes.Equal(left, right)
}

// corpora are the repositories that nobody here wrote.
func corpora() string {
	return filepath.Join("..", "..", "..", "..", "tests", "corpora")
}

func treeOf(t *testing.T, directory string) *Tree {
	t.Helper()
	files := map[string]*string{}
	err := filepath.WalkDir(directory, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		text := string(content)
		relative, _ := filepath.Rel(directory, name)
		files[relative] = &text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return NewTree().With(files)
}

// Every kustomization of the corpora as it stands, and every Flux Kustomization with its patches and variables.
func TestCorporaAreBuiltAsFluxBuildsThem(t *testing.T) {
	root := corpora()
	repositories, err := filepath.Glob(filepath.Join(root, "reports", "*"))
	if err != nil {
		t.Fatal(err)
	}
	repositories = append(repositories, filepath.Join(root, "flux2-kustomize-helm-example"), filepath.Join(root, "podinfo"))
	builds, objects, slices := 0, 0, 0
	for _, directory := range repositories {
		if info, err := os.Stat(directory); err != nil || !info.IsDir() {
			continue
		}
		t.Run(filepath.Base(directory), func(t *testing.T) {
			repository := treeOf(t, directory)
			for _, request := range requestsOf(repository) {
				if !repository.isDirectory(request.Path) {
					// It is a path of an artifact.
					continue
				}
				built, sliced := sameAsFlux(t, repository, request)
				builds, objects, slices = builds+1, objects+built, slices+sliced
			}
		})
	}
	t.Logf("%d builds of %d objects, %d of them as slices, too", builds, objects, slices)
	if slices*2 < objects {
		t.Errorf("only %d of %d objects could be built as slices", slices, objects)
	}
}

func requestsOf(repository *Tree) []Kustomize {
	var requests []Kustomize
	var visit func(*node, string)
	visit = func(at *node, name string) {
		for _, entry := range at.names() {
			child := at.entries[entry]
			if child.entries != nil {
				visit(child, filepath.Join(name, entry))
				continue
			}
			if isKustomization(entry) {
				requests = append(requests, Kustomize{Path: name})
			}
			if filepath.Ext(entry) != ".yaml" {
				continue
			}
			for _, one := range child.all() {
				if one.kind != "Kustomization" || !strings.HasPrefix(one.apiVersion, "kustomize.toolkit.fluxcd.io/") {
					continue
				}
				requests = append(requests, requestOf(one))
			}
		}
	}
	visit(repository.root, "")
	return requests
}

func requestOf(one document) Kustomize {
	content, err := yaml.YAMLToJSON([]byte(one.text))
	if err != nil {
		return Kustomize{Path: "there-is-no-such-directory"}
	}
	var object struct {
		Spec struct {
			Path      string `json:"path"`
			PostBuild *struct {
				Substitute map[string]string `json:"substitute"`
			} `json:"postBuild"`
		} `json:"spec"`
	}
	_ = json.Unmarshal(content, &object)
	request := Kustomize{Path: object.Spec.Path, Kustomization: content, Strict: true}
	if object.Spec.PostBuild != nil {
		request.Variables = object.Spec.PostBuild.Substitute
	}
	return request
}
