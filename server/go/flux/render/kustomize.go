package render

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"
)

// kustomize reads and writes schemas that are global to the process (kustomize issue 3659).
var building sync.Mutex

// BuildKustomize builds a directory as kustomize-controller does.
func BuildKustomize(tree *Tree, request *Kustomize) (built *Built) {
	defer func() {
		// kustomize panics on some objects that are none.
		if panicked := recover(); panicked != nil {
			built = failed("build", fmt.Errorf("kustomize panicked: %v", panicked))
		}
	}()
	tree = tree.With(request.Overlay)
	directory := absolute(request.Path)
	if !tree.IsDir(directory) {
		return failed("load", fmt.Errorf("kustomization path not found: %s", relative(directory)))
	}
	tree, err := withKustomization(tree, directory, request)
	if err != nil {
		return failed("load", err)
	}
	resources, err := run(tree, directory)
	if err != nil {
		return failed("build", err)
	}
	built = &Built{Objects: make([]Object, 0, resources.Size())}
	for _, one := range resources.Resources() {
		object, fault := finish(one, request)
		if fault != nil {
			return &Built{Objects: []Object{}, Fault: fault}
		}
		built.Objects = append(built.Objects, object)
	}
	return built
}

func failed(step string, err error) *Built {
	return &Built{Objects: []Object{}, Fault: &Fault{Step: step, Message: err.Error()}}
}

func run(tree *Tree, directory string) (resmap.ResMap, error) {
	building.Lock()
	defer building.Unlock()
	if usesOwnSchema(tree) {
		// Its schema is added to the global one, and must not be there for the next.
		openapi.ResetOpenAPI()
		_ = openapi.Schema()
		defer openapi.ResetOpenAPI()
	}
	options := &krusty.Options{
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	return krusty.MakeKustomizer(options).Run(tree, directory)
}

// usesOwnSchema says whether any kustomization of the tree brings a schema.
func usesOwnSchema(tree *Tree) bool {
	for name, text := range tree.files {
		if isKustomization(path.Base(name)) && strings.Contains(text, "openapi:") {
			return true
		}
	}
	return false
}

func isKustomization(name string) bool {
	for _, known := range konfig.RecognizedKustomizationFileNames() {
		if name == known {
			return true
		}
	}
	return false
}

// withKustomization is the tree with the kustomization that kustomize-controller writes before it builds: what stands
// there, or a list of what is there, with what the Flux Kustomization adds (fluxcd/pkg/kustomize, Generator).
func withKustomization(tree *Tree, directory string, request *Kustomize) (*Tree, error) {
	file, text, exists := ownKustomization(tree, directory)
	if len(request.Kustomization) == 0 && exists && !request.Origins {
		return tree, nil
	}
	content := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	if exists && len(request.Kustomization) == 0 {
		// Nothing is added but what says where objects came from: the text stays as strict as it is.
		withNotes := text + "\nbuildMetadata: [originAnnotations, transformerAnnotations]\n"
		if err := yaml.UnmarshalStrict([]byte(text), &map[string]any{}); err != nil || strings.Contains(text, "buildMetadata") {
			return tree, nil
		}
		return tree.With(map[string]*string{file: &withNotes}), nil
	}
	if exists {
		// As the controller reads it: what is not known is dropped without a word.
		if err := yaml.Unmarshal([]byte(text), &content); err != nil {
			return nil, err
		}
		if len(content.Resources) == 0 {
			content.BuildMetadata = []string{types.OriginAnnotations}
		}
	} else {
		found, err := scan(tree, directory)
		if err != nil {
			return nil, err
		}
		content.Resources = found
		if len(found) == 0 {
			content.Namespace = "_placeholder"
		}
	}
	if len(request.Kustomization) > 0 {
		if err := addSpec(tree, directory, &content, request.Kustomization); err != nil {
			return nil, err
		}
	}
	if request.Origins {
		content.BuildMetadata = addMissing(content.BuildMetadata, types.OriginAnnotations, types.TransformerAnnotations)
	}
	written, err := yaml.Marshal(content)
	if err != nil {
		return nil, err
	}
	text = string(written)
	return tree.With(map[string]*string{file: &text}), nil
}

func addMissing(list []string, more ...string) []string {
	for _, one := range more {
		is := false
		for _, known := range list {
			is = is || known == one
		}
		if !is {
			list = append(list, one)
		}
	}
	return list
}

func ownKustomization(tree *Tree, directory string) (file, text string, exists bool) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file = path.Join(directory, name)
		if text, exists = tree.files[file]; exists {
			return file, text, true
		}
	}
	return path.Join(directory, konfig.DefaultKustomizationFileName()), "", false
}

// scan lists what a directory without a kustomization is made of: its YAML files and those of directories below, but of a
// directory with a kustomization that directory.
func scan(tree *Tree, directory string) ([]string, error) {
	var found []string
	factory := provider.NewDefaultDepProvider().GetResourceFactory()
	var visit func(string) error
	visit = func(current string) error {
		for _, name := range sorted(tree.children[current]) {
			child := path.Join(current, name)
			shown := "." + strings.TrimPrefix(child, strings.TrimSuffix(directory, "/"))
			if tree.children[current][name] {
				if _, _, is := ownKustomization(tree, child); is {
					found = append(found, shown)
				} else if err := visit(child); err != nil {
					return err
				}
				continue
			}
			if extension := path.Ext(name); extension != ".yaml" && extension != ".yml" {
				continue
			}
			if _, err := factory.SliceFromBytes([]byte(tree.files[child])); err != nil {
				return fmt.Errorf("failed to decode Kubernetes YAML from %s: %w", relative(child), err)
			}
			found = append(found, shown)
		}
		return nil
	}
	return found, visit(directory)
}

// spec is what of a Flux Kustomization becomes part of the build.
type spec struct {
	TargetNamespace         string                    `json:"targetNamespace"`
	NamePrefix              string                    `json:"namePrefix"`
	NameSuffix              string                    `json:"nameSuffix"`
	Patches                 []kustomize.Patch         `json:"patches"`
	PatchesStrategicMerge   []json.RawMessage         `json:"patchesStrategicMerge"`
	PatchesJSON6902         []kustomize.JSON6902Patch `json:"patchesJson6902"`
	Images                  []kustomize.Image         `json:"images"`
	Components              []string                  `json:"components"`
	IgnoreMissingComponents bool                      `json:"ignoreMissingComponents"`
	BuildMetadata           []string                  `json:"buildMetadata"`
}

func addSpec(tree *Tree, directory string, content *types.Kustomization, raw json.RawMessage) error {
	var object struct {
		Spec spec `json:"spec"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return fmt.Errorf("the Kustomization cannot be read: %w", err)
	}
	added := object.Spec
	if added.TargetNamespace != "" {
		content.Namespace = added.TargetNamespace
	}
	if added.NamePrefix != "" {
		content.NamePrefix = added.NamePrefix
	}
	if added.NameSuffix != "" {
		content.NameSuffix = added.NameSuffix
	}
	for _, patch := range added.Patches {
		content.Patches = append(content.Patches, types.Patch{Patch: patch.Patch, Target: selector(patch.Target)})
	}
	for _, component := range added.Components {
		if path.IsAbs(component) || strings.Contains(component, "://") {
			return fmt.Errorf("component path '%s' must be local and relative", component)
		}
		if added.IgnoreMissingComponents && !tree.Exists(path.Join(directory, component)) {
			continue
		}
		content.Components = append(content.Components, component)
	}
	for _, patch := range added.PatchesStrategicMerge {
		content.PatchesStrategicMerge = append(content.PatchesStrategicMerge, types.PatchStrategicMerge(patch))
	}
	for _, patch := range added.PatchesJSON6902 {
		operations, err := json.Marshal(patch.Patch)
		if err != nil {
			return err
		}
		target := patch.Target
		content.PatchesJson6902 = append(content.PatchesJson6902, types.Patch{Patch: string(operations), Target: selector(&target)})
	}
	for _, image := range added.Images {
		addImage(content, image)
	}
	if len(added.BuildMetadata) > 0 {
		content.BuildMetadata = added.BuildMetadata
	}
	return nil
}

func selector(of *kustomize.Selector) *types.Selector {
	if of == nil {
		return nil
	}
	selector := &types.Selector{LabelSelector: of.LabelSelector, AnnotationSelector: of.AnnotationSelector}
	selector.Group, selector.Version, selector.Kind = of.Group, of.Version, of.Kind
	selector.Name, selector.Namespace = of.Name, of.Namespace
	return selector
}

// addImage changes the entry that is there for an image, or adds one. Tag and digest go together.
func addImage(content *types.Kustomization, image kustomize.Image) {
	for index := range content.Images {
		known := &content.Images[index]
		if known.Name != image.Name {
			continue
		}
		if image.NewName != "" {
			known.NewName = image.NewName
		}
		if image.NewTag != "" || image.Digest != "" {
			known.NewTag, known.Digest = image.NewTag, image.Digest
		}
		return
	}
	content.Images = append(content.Images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
}

const (
	originNote         = "config.kubernetes.io/origin"
	transformationNote = "alpha.config.kubernetes.io/transformations"
	substituteNote     = "kustomize.toolkit.fluxcd.io/substitute"
)

// finish takes the notes off an object and puts values in the place of its variables.
func finish(one *resource.Resource, request *Kustomize) (Object, *Fault) {
	var object Object
	if request.Origins {
		takeNotes(one, absolute(request.Path), &object)
	}
	if request.Variables != nil && one.GetLabels()[substituteNote] != "disabled" && one.GetAnnotations()[substituteNote] != "disabled" {
		if err := substitute(one, request); err != nil {
			id := idOf(one)
			return object, &Fault{Step: "substitute", Message: fmt.Sprintf("post build failed for '%s': envsubst error: %v", one.GetName(), err), Object: &id}
		}
	}
	content, err := one.MarshalJSON()
	if err != nil {
		id := idOf(one)
		return object, &Fault{Step: "build", Message: err.Error(), Object: &id}
	}
	object.Object = content
	return object, nil
}

func idOf(one *resource.Resource) ObjectID {
	gvk := one.GetGvk()
	return ObjectID{APIVersion: gvk.ApiVersion(), Kind: gvk.Kind, Namespace: one.GetNamespace(), Name: one.GetName()}
}

// note is what kustomize writes about where an object came from, or what changed it. Paths are relative to the directory
// that was built.
type note struct {
	Path         string `json:"path"`
	ConfiguredIn string `json:"configuredIn"`
	ConfiguredBy struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"configuredBy"`
}

func (n note) origin(directory string) Origin {
	from := func(name string) string {
		if name == "" {
			return ""
		}
		return relative(path.Join(directory, name))
	}
	return Origin{Path: from(n.Path), ConfiguredIn: from(n.ConfiguredIn), ConfiguredBy: n.ConfiguredBy.Kind, ConfiguredByName: n.ConfiguredBy.Name}
}

func takeNotes(one *resource.Resource, directory string, object *Object) {
	annotations := one.GetAnnotations()
	if text, is := annotations[originNote]; is {
		var of note
		if yaml.Unmarshal([]byte(text), &of) == nil {
			origin := of.origin(directory)
			object.Origin = &origin
		}
		delete(annotations, originNote)
	}
	if text, is := annotations[transformationNote]; is {
		var notes []note
		if yaml.Unmarshal([]byte(text), &notes) == nil {
			for _, of := range notes {
				object.Transformations = append(object.Transformations, of.origin(directory))
			}
		}
		delete(annotations, transformationNote)
	}
	_ = one.SetAnnotations(annotations)
}

var variableName = regexp.MustCompile("^[_[:alpha:]][_[:alpha:][:digit:]]*$")

// substitute does what fluxcd/pkg/kustomize's SubstituteVariables does.
func substitute(one *resource.Resource, request *Kustomize) error {
	for name := range request.Variables {
		if !variableName.MatchString(name) {
			return fmt.Errorf("'%s' var name is invalid, must match '%s'", name, variableName)
		}
	}
	text, err := one.AsYAML()
	if err != nil {
		return err
	}
	output, err := envsubst.Eval(string(text), func(name string) (string, bool) {
		value, exists := request.Variables[name]
		return strings.ReplaceAll(value, "\n", ""), exists || !request.Strict
	})
	if err != nil {
		return fmt.Errorf("variable substitution failed: %w", err)
	}
	content, err := yaml.YAMLToJSON([]byte(output))
	if err != nil {
		return fmt.Errorf("YAMLToJSON: %w", err)
	}
	return one.UnmarshalJSON(content)
}
