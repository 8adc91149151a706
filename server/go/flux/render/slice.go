package render

import (
	"encoding/json"
	"maps"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// cut is what is built for a slice: the kustomizations of the whole with fewer resources, and the patches that still have
// something to patch.
type cut struct {
	tree   *Tree
	asked  notes
	wanted map[ObjectID]bool
}

func (c *cut) wants(id ObjectID) bool { return c.wanted[id] }

// buildSlice builds what feeds the objects that are asked for, or nothing where it is not sure to be the same as in the
// whole: then only the whole will do.
func buildSlice(tree *Tree, request *Kustomize) *Built {
	tree, asked, err := withKustomization(tree, request)
	if err != nil {
		return nil
	}
	s := slice{tree: tree, layers: map[string]*layer{}, changes: map[string]*string{}}
	if !s.read(clean(request.Path)) || !s.choose(request.Only) || !s.write(clean(request.Path)) {
		return nil
	}
	wanted := map[ObjectID]bool{}
	for _, id := range request.Only {
		wanted[id] = true
	}
	built, complete := build(tree, request, &cut{tree: tree.With(s.changes), asked: asked, wanted: wanted})
	if !complete {
		return nil
	}
	return built
}

// kustomization is what a kustomization file says.
type kustomization struct {
	raw     map[string]any
	content types.Kustomization
}

// readKustomization is nil for a text that is none.
func readKustomization(text string) *kustomization {
	var read kustomization
	if yaml.Unmarshal([]byte(text), &read.raw) != nil || yaml.Unmarshal([]byte(text), &read.content) != nil || read.raw == nil {
		return nil
	}
	return &read
}

// layer is a directory with a kustomization, as far as a slice has to know it.
type layer struct {
	file    string
	raw     map[string]any
	content types.Kustomization
	written bool
	// Whether something is left of it.
	stays bool
}

// slice is made in three steps: read all kustomizations on the way and what they list, choose what stays, write them anew.
type slice struct {
	tree    *Tree
	layers  map[string]*layer
	files   []*source
	byPath  map[string]*source
	changes map[string]*string
	// Names of what generators make, which always stay.
	generated []string
}

// source is a file of objects.
type source struct {
	documents []document
	stays     []bool
}

// read reads a kustomization and those that it builds on. It is false where something is used that a slice does not follow.
func (s *slice) read(directory string) bool {
	if known, is := s.layers[directory]; is {
		// Nil is one that is being read: a cycle.
		return known != nil
	}
	s.layers[directory] = nil
	file, _, exists := ownKustomization(s.tree, directory)
	if !exists {
		return false
	}
	// Its resources can be hundreds, and it is the same from save to save.
	read := s.tree.find(file).asKustomization()
	if read == nil {
		return false
	}
	// The lists of a layer are replaced and never written into.
	one := &layer{file: file, raw: maps.Clone(read.raw), content: read.content}
	content := &one.content
	if len(content.Generators)+len(content.Validators)+len(content.HelmCharts)+
		len(content.HelmChartInflationGenerator)+len(content.Configurations)+len(content.Crds)+len(content.OpenAPI) > 0 ||
		content.HelmGlobals != nil {
		return false
	}
	for _, transformer := range content.Transformers {
		if !s.followsTransformer(directory, transformer) {
			return false
		}
	}
	for _, generator := range content.ConfigMapGenerator {
		s.generated = append(s.generated, generator.Name)
	}
	for _, generator := range content.SecretGenerator {
		s.generated = append(s.generated, generator.Name)
	}
	for _, name := range one.resources() {
		if !s.readResource(path.Join(directory, name)) {
			return false
		}
	}
	for _, name := range content.Components {
		if !s.read(path.Join(directory, name)) {
			return false
		}
	}
	s.layers[directory] = one
	return true
}

// gentle are transformers of kustomize that treat each object for itself, and want none to be there.
var gentle = map[string]bool{
	"AnnotationsTransformer":  true,
	"ImageTagTransformer":     true,
	"LabelTransformer":        true,
	"NamespaceTransformer":    true,
	"PrefixSuffixTransformer": true,
	"PrefixTransformer":       true,
	"SuffixTransformer":       true,
}

// followsTransformer is true for a file, or a text, that has only such transformers.
func (s *slice) followsTransformer(directory, entry string) bool {
	text, isFile := s.tree.file(path.Join(directory, entry))
	if !isFile {
		text = entry
	}
	documents := documentsOf(text)
	for _, one := range documents {
		if one.apiVersion != "builtin" || !gentle[one.kind] {
			return false
		}
	}
	return len(documents) > 0
}

func (l *layer) resources() []string {
	return append(append([]string{}, l.content.Resources...), l.content.Bases...)
}

func (s *slice) readResource(name string) bool {
	at := s.tree.find(name)
	switch {
	case at == nil:
		return false
	case at.entries != nil:
		return s.read(name)
	}
	if s.byPath == nil {
		s.byPath = map[string]*source{}
	}
	if s.byPath[name] == nil {
		documents := at.all()
		one := &source{documents: documents, stays: make([]bool, len(documents))}
		s.byPath[name] = one
		s.files = append(s.files, one)
	}
	return true
}

// choose marks the documents that can become what is asked for, and what these may refer to.
func (s *slice) choose(only []ObjectID) bool {
	// What is written about the objects that are asked for: themselves, and what patches them.
	var texts []string
	for _, id := range only {
		fed := false
		s.each(func(one document, stays *bool) {
			if one.known() && one.kind == id.Kind && one.apiVersion == id.APIVersion && strings.Contains(id.Name, one.name) {
				fed = true
				if !*stays {
					*stays = true
					texts = append(texts, one.text)
				}
			}
		})
		if id.Kind == "ConfigMap" || id.Kind == "Secret" {
			for _, name := range s.generated {
				fed = fed || strings.Contains(id.Name, name)
			}
		}
		if !fed {
			return false
		}
	}
	for directory, one := range s.layers {
		more, sure := s.patchTexts(directory, one)
		if !sure {
			return false
		}
		texts = append(texts, more...)
	}
	s.each(func(one document, stays *bool) {
		if *stays {
			return
		}
		if !one.known() {
			*stays = true
			return
		}
		for _, name := range s.generated {
			// A generator may add to an object that is written.
			if one.name == name && (one.kind == "ConfigMap" || one.kind == "Secret") {
				*stays = true
				return
			}
		}
		for _, text := range texts {
			if mentions(text, one.name) {
				*stays = true
				return
			}
		}
	})
	return true
}

func (s *slice) each(visit func(document, *bool)) {
	for _, file := range s.files {
		for at := range file.documents {
			visit(file.documents[at], &file.stays[at])
		}
	}
}

// patchTexts are texts of a kustomization through which an object may come to refer to another: its patches that can apply
// to what stays, replacements and variables.
func (s *slice) patchTexts(directory string, one *layer) (texts []string, sure bool) {
	sure = true
	add := func(list []types.Patch) {
		for _, patch := range list {
			text, is := s.patchText(directory, patch)
			sure = sure && is
			if patch.Target != nil || s.patches(text) {
				texts = append(texts, text)
			}
		}
	}
	add(one.content.Patches)
	add(one.content.PatchesJson6902)
	add(strategic(s, directory, one.content.PatchesStrategicMerge))
	for _, replacement := range one.content.Replacements {
		if replacement.Path != "" {
			text, is := s.tree.file(path.Join(directory, replacement.Path))
			sure = sure && is
			texts = append(texts, text)
			continue
		}
		if replacement.Source != nil {
			// A source without a name can be anything.
			sure = sure && replacement.Source.Name != ""
			texts = append(texts, replacement.Source.Name)
		}
	}
	for _, variable := range one.content.Vars {
		texts = append(texts, variable.ObjRef.Name)
	}
	return texts, sure
}

// strategic has the entries of patchesStrategicMerge, which are paths or texts, as patches.
func strategic(s *slice, directory string, entries []types.PatchStrategicMerge) []types.Patch {
	patches := make([]types.Patch, 0, len(entries))
	for _, entry := range entries {
		text := string(entry)
		if _, is := s.tree.file(path.Join(directory, text)); is && !strings.Contains(text, "\n") {
			patches = append(patches, types.Patch{Path: text})
		} else {
			patches = append(patches, types.Patch{Patch: text})
		}
	}
	return patches
}

func (s *slice) patchText(directory string, patch types.Patch) (string, bool) {
	if patch.Path == "" {
		return patch.Patch, true
	}
	return s.tree.file(path.Join(directory, patch.Path))
}

// patches says whether all objects that a strategic merge patch names are, or may be, among those that stay.
func (s *slice) patches(text string) bool {
	for _, patch := range documentsOf(text) {
		found := false
		for _, name := range s.generated {
			found = found || (patch.kind == "ConfigMap" || patch.kind == "Secret") && strings.Contains(patch.name, name)
		}
		s.each(func(one document, stays *bool) {
			found = found || *stays && one.kind == patch.kind && strings.Contains(patch.name, one.name)
		})
		if !found {
			return false
		}
	}
	return true
}

// write lays the kustomizations over the tree with what stays of them, and the files of which not everything does.
func (s *slice) write(root string) bool {
	if !s.writeLayer(root) {
		return false
	}
	for name, file := range s.byPath {
		var stay strings.Builder
		all := true
		for at, one := range file.documents {
			if !file.stays[at] {
				all = false
				continue
			}
			if stay.Len() > 0 {
				stay.WriteString("---\n")
			}
			stay.WriteString(one.text)
			if !strings.HasSuffix(one.text, "\n") {
				stay.WriteString("\n")
			}
		}
		if !all && stay.Len() > 0 {
			text := stay.String()
			s.changes[name] = &text
		}
	}
	return s.layers[root].stays
}

func (s *slice) writeLayer(directory string) bool {
	one := s.layers[directory]
	if one.written {
		return true
	}
	one.written = true
	content := &one.content
	resources := []string{}
	for _, name := range one.resources() {
		below := path.Join(directory, name)
		if file := s.byPath[below]; file != nil {
			for _, stays := range file.stays {
				if stays {
					resources = append(resources, name)
					break
				}
			}
			continue
		}
		if !s.writeLayer(below) {
			return false
		}
		if s.layers[below].stays {
			resources = append(resources, name)
		}
	}
	for _, name := range content.Components {
		if !s.writeLayer(path.Join(directory, name)) {
			return false
		}
	}
	one.stays = len(resources)+len(content.Components)+len(content.ConfigMapGenerator)+len(content.SecretGenerator) > 0 ||
		content.Kind == types.ComponentKind
	delete(one.raw, "bases")
	put(one.raw, "resources", resources)
	if !s.cutLists(directory, one) {
		return false
	}
	written, err := json.Marshal(one.raw)
	if err != nil {
		return false
	}
	text := string(written)
	s.changes[one.file] = &text
	return true
}

// cutLists takes out the entries that would fail because what they name is not in the slice.
func (s *slice) cutLists(directory string, one *layer) bool {
	stays := func(field string, keep func(int) bool) bool {
		list, is := one.raw[field].([]any)
		if !is {
			return one.raw[field] == nil
		}
		left := []any{}
		for at, entry := range list {
			if keep(at) {
				left = append(left, entry)
			}
		}
		put(one.raw, field, left)
		return true
	}
	content := &one.content
	named := func(kind, name string) bool {
		found := false
		s.each(func(one document, stays *bool) {
			found = found || *stays && (kind == "" || one.kind == kind) && strings.Contains(name, one.name)
		})
		return found
	}
	merges := strategic(s, directory, content.PatchesStrategicMerge)
	return stays("patches", func(at int) bool {
		patch := content.Patches[at]
		text, _ := s.patchText(directory, patch)
		return patch.Target != nil || s.patches(text)
	}) && stays("patchesStrategicMerge", func(at int) bool {
		text, _ := s.patchText(directory, merges[at])
		return s.patches(text)
	}) && stays("patchesJson6902", func(at int) bool {
		target := content.PatchesJson6902[at].Target
		return target == nil || named(target.Kind, target.Name)
	}) && stays("replicas", func(at int) bool {
		return named("", content.Replicas[at].Name)
	})
}

func put[T any](raw map[string]any, field string, list []T) {
	if len(list) == 0 {
		delete(raw, field)
	} else {
		raw[field] = list
	}
}
