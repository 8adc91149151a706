package render

import (
	"encoding/json"
	"fmt"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// building is held for reading by builds with the schemas that kustomize brings, which only read what is global to it, and
// for writing by a build with a schema of its own, which changes that (kustomize issue 3659).
var building sync.RWMutex

// WarmUp reads the schemas that the first build would wait for.
func WarmUp() {
	building.Lock()
	_ = openapi.Schema()
	building.Unlock()
	kustomization, object := "resources: [a.yaml]\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	tree := NewTree().With(map[string]*string{"kustomization.yaml": &kustomization, "a.yaml": &object})
	BuildKustomize(tree, &Kustomize{})
}

// BuildKustomize builds a directory as kustomize-controller does, or what of it feeds the objects that are named.
func BuildKustomize(tree *Tree, request *Kustomize) *Built {
	tree = tree.With(request.Overlay)
	if len(request.Only) > 0 {
		if built := buildSlice(tree, request); built != nil {
			return built
		}
	}
	built, _ := build(tree, request, nil)
	return built
}

// build makes the whole, or a slice of it when there is a cut. A slice has only the objects that the cut is for.
func build(tree *Tree, request *Kustomize, cut *cut) (built *Built, complete bool) {
	defer func() {
		// kustomize panics on some objects that are none.
		if panicked := recover(); panicked != nil {
			built, complete = failed("build", fmt.Errorf("recovered from kustomize build panic: %v", panicked)), false
		}
	}()
	directory := inside(request.Path)
	if !tree.isDirectory(request.Path) {
		return failed("load", fmt.Errorf("kustomization path not found: %s", clean(request.Path))), false
	}
	asked := notes{}
	if cut == nil {
		var err error
		if tree, asked, err = withKustomization(tree, request); err != nil {
			return failed("load", err), false
		}
	} else {
		tree, asked = cut.tree, cut.asked
	}
	resources, err := run(tree, directory)
	if err != nil {
		return failed("build", err), false
	}
	found := map[ObjectID]bool{}
	built = &Built{Objects: make([]Object, 0, resources.Size())}
	reader := noteReader{asked: asked, directory: request.Path}
	for _, one := range resources.Resources() {
		id := idOf(one)
		if cut != nil && !cut.wants(id) && !one.NeedHashSuffix() {
			continue
		}
		found[id] = true
		object, fault := finish(resources, one, request, &reader)
		if fault != nil {
			return &Built{Objects: []Object{}, Fault: fault}, false
		}
		built.Objects = append(built.Objects, object)
	}
	for _, id := range request.Only {
		if !found[id] {
			return built, false
		}
	}
	return built, true
}

func failed(step string, err error) *Built {
	return &Built{Objects: []Object{}, Fault: &Fault{Step: step, Message: withTreePaths(err.Error())}}
}

func run(tree *Tree, directory string) (resmap.ResMap, error) {
	if tree.schemas > 0 {
		building.Lock()
		defer building.Unlock()
		// Its schema is added to the global one, and must not be there for the next.
		openapi.ResetOpenAPI()
		_ = openapi.Schema()
		defer func() {
			openapi.ResetOpenAPI()
			_ = openapi.Schema()
		}()
	} else {
		building.RLock()
		defer building.RUnlock()
	}
	return kustomized(tree, directory)
}

// kustomized runs kustomize with the options of the controllers.
func kustomized(tree *Tree, directory string) (resmap.ResMap, error) {
	options := &krusty.Options{
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	return krusty.MakeKustomizer(options).Run(fileSystem{tree}, directory)
}

// finish takes the notes off an object, puts values in the place of its variables, and adds common metadata.
func finish(all resmap.ResMap, one *resource.Resource, request *Kustomize, notes *noteReader) (Object, *Fault) {
	var object Object
	id := idOf(one)
	fault := func(step string, err error) *Fault {
		return &Fault{Step: step, Message: withTreePaths(err.Error()), Object: &id}
	}
	if id.Name == "" || id.Kind == "" || id.APIVersion == "" {
		return object, fault("build", fmt.Errorf("failed to decode Kubernetes apiVersion, kind and name from: %v", one.String()))
	}
	if request.Origins {
		notes.take(one, &object)
	}
	if request.Variables != nil && substitutes(request.Kustomization, len(request.Variables)) {
		changed, err := substitute(one, request)
		if err == nil && changed {
			_, err = all.Replace(one)
		}
		if err != nil {
			return object, fault("substitute", fmt.Errorf("post build failed for '%s/%s': %w", one.GetGvk(), one.GetName(), err))
		}
	}
	content, err := one.MarshalJSON()
	if err == nil {
		content, err = withCommonMetadata(content, request.Kustomization)
	}
	if err != nil {
		return object, fault("build", err)
	}
	object.Object = content
	return object, nil
}

func idOf(one *resource.Resource) ObjectID {
	gvk := one.GetGvk()
	return ObjectID{APIVersion: gvk.ApiVersion(), Kind: gvk.Kind, Namespace: one.GetNamespace(), Name: one.GetName()}
}

// withCommonMetadata adds what the controller adds to every object just before it applies it.
func withCommonMetadata(content, kustomization json.RawMessage) (json.RawMessage, error) {
	var owner struct {
		Spec struct {
			CommonMetadata metadata `json:"commonMetadata"`
		} `json:"spec"`
	}
	if len(kustomization) == 0 || json.Unmarshal(kustomization, &owner) != nil {
		return content, nil
	}
	return withMetadata(content, owner.Spec.CommonMetadata)
}

// withMetadata adds labels and annotations to an object.
func withMetadata(content json.RawMessage, common metadata) (json.RawMessage, error) {
	if len(common.Labels) == 0 && len(common.Annotations) == 0 {
		return content, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(content, &object); err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(object["metadata"], &fields); err != nil {
		return nil, err
	}
	for field, more := range map[string]map[string]string{"labels": common.Labels, "annotations": common.Annotations} {
		if len(more) == 0 {
			continue
		}
		// What is no map of texts is dropped by the controller, too.
		entries := map[string]string{}
		if json.Unmarshal(fields[field], &entries) != nil || entries == nil {
			entries = map[string]string{}
		}
		for name, value := range more {
			entries[name] = value
		}
		written, err := json.Marshal(entries)
		if err != nil {
			return nil, err
		}
		fields[field] = written
	}
	written, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	object["metadata"] = written
	return json.Marshal(object)
}
