package render

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/fluxcd/pkg/apis/kustomize"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// withKustomization is the tree with the kustomization that kustomize-controller writes before it builds: what stands
// there, or a list of what is there, with what the Flux Kustomization adds (fluxcd/pkg/kustomize, Generator). It also says
// which notes the objects are to keep.
func withKustomization(tree *Tree, request *Kustomize) (*Tree, notes, error) {
	file, text, exists := ownKustomization(tree, request.Path)
	if exists && len(request.Kustomization) == 0 {
		return withNotes(tree, file, text, request.Origins)
	}
	content := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	if exists {
		// As the controller reads it: what is not known is dropped without a word.
		if err := yaml.Unmarshal([]byte(text), &content); err != nil {
			return nil, notes{}, err
		}
		if len(content.Resources) == 0 {
			content.BuildMetadata = []string{types.OriginAnnotations}
		}
	} else {
		found, err := scan(tree, request.Path, len(request.Only) == 0)
		if err != nil {
			return nil, notes{}, err
		}
		content.Resources = found
		if len(found) == 0 {
			content.Namespace = "_placeholder"
		}
	}
	if len(request.Kustomization) > 0 {
		if err := addSpec(tree, request.Path, &content, request.Kustomization); err != nil {
			return nil, notes{}, err
		}
	}
	asked := notesIn(content.BuildMetadata)
	if request.Origins {
		content.BuildMetadata = asked.addMissing(content.BuildMetadata)
	}
	written, err := yaml.Marshal(content)
	if err != nil {
		return nil, notes{}, err
	}
	text = string(written)
	return tree.With(map[string]*string{file: &text}), asked, nil
}

// withNotes asks a kustomization for notes and changes nothing else: its text stays as strict as it is.
func withNotes(tree *Tree, file, text string, wanted bool) (*Tree, notes, error) {
	var content map[string]any
	if !wanted || yaml.UnmarshalStrict([]byte(text), &content) != nil || content == nil {
		// What cannot be read is for kustomize to complain of.
		return tree, notes{}, nil
	}
	listed := struct {
		BuildMetadata []string `json:"buildMetadata"`
	}{}
	if yaml.Unmarshal([]byte(text), &listed) != nil {
		return tree, notes{}, nil
	}
	asked := notesIn(listed.BuildMetadata)
	content["buildMetadata"] = asked.addMissing(listed.BuildMetadata)
	written, err := json.Marshal(content)
	if err != nil {
		return nil, notes{}, err
	}
	text = string(written)
	return tree.With(map[string]*string{file: &text}), asked, nil
}

func ownKustomization(tree *Tree, directory string) (file, text string, exists bool) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file = path.Join(clean(directory), name)
		if text, exists = tree.file(file); exists {
			return file, text, true
		}
	}
	return path.Join(clean(directory), konfig.DefaultKustomizationFileName()), "", false
}

// scan lists what a directory without a kustomization is made of: its YAML files and those of directories below, but of a
// directory with a kustomization that directory. Files that hold no objects fail it, if they are read.
func scan(tree *Tree, directory string, read bool) ([]string, error) {
	var found []string
	factory := provider.NewDefaultDepProvider().GetResourceFactory()
	var visit func(*node, string) error
	visit = func(at *node, below string) error {
		for _, name := range at.names() {
			child, shown := at.entries[name], below+"/"+name
			if child.entries != nil {
				if _, _, is := ownKustomization(tree, path.Join(directory, shown)); is {
					found = append(found, shown)
				} else if err := visit(child, shown); err != nil {
					return err
				}
				continue
			}
			if extension := path.Ext(name); extension != ".yaml" && extension != ".yml" {
				continue
			}
			if read {
				if _, err := factory.SliceFromBytes([]byte(child.text)); err != nil {
					return fmt.Errorf("failed to decode Kubernetes YAML from %s: %w", path.Join(inside(directory), shown), err)
				}
			}
			found = append(found, shown)
		}
		return nil
	}
	return found, visit(tree.find(directory), ".")
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
		if !isLocalRelative(component) {
			return fmt.Errorf("component path '%s' must be local and relative", component)
		}
		if added.IgnoreMissingComponents && tree.find(path.Join(directory, component)) == nil {
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

// isLocalRelative says what the controller takes for a path of a component (fluxcd/pkg/kustomize, IsLocalRelativePath,
// which cannot be imported without the client of a cluster).
func isLocalRelative(component string) bool {
	lower := strings.ToLower(component)
	for _, remote := range []string{"git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"} {
		if len(component) > len(remote) && strings.HasPrefix(lower, remote) {
			return false
		}
	}
	return !path.IsAbs(component) && !path.IsAbs(strings.TrimPrefix(lower, "file://"))
}
