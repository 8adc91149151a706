package render

import (
	"path"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

const (
	originNote         = "config.kubernetes.io/origin"
	transformationNote = "alpha.config.kubernetes.io/transformations"
)

// notes says which annotations the user asked for. Those stay in the objects, since the controller applies them, too.
type notes struct{ origins, transformations bool }

func notesIn(buildMetadata []string) notes {
	var asked notes
	for _, one := range buildMetadata {
		asked.origins = asked.origins || one == types.OriginAnnotations
		asked.transformations = asked.transformations || one == types.TransformerAnnotations
	}
	return asked
}

// addMissing is the list with what it takes to know where everything came from.
func (n notes) addMissing(buildMetadata []string) []string {
	if !n.origins {
		buildMetadata = append(buildMetadata, types.OriginAnnotations)
	}
	if !n.transformations {
		buildMetadata = append(buildMetadata, types.TransformerAnnotations)
	}
	return buildMetadata
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
		return clean(path.Join(clean(directory), name))
	}
	return Origin{Path: from(n.Path), ConfiguredIn: from(n.ConfiguredIn), ConfiguredBy: n.ConfiguredBy.Kind, ConfiguredByName: n.ConfiguredBy.Name}
}

// takeNotes reads the notes of an object, and takes those off that only we asked for.
func takeNotes(one *resource.Resource, directory string, asked notes, object *Object) {
	annotations := one.GetAnnotations()
	before := len(annotations)
	if text, is := annotations[originNote]; is {
		var of note
		if yaml.Unmarshal([]byte(text), &of) == nil {
			origin := of.origin(directory)
			object.Origin = &origin
		}
		if !asked.origins {
			delete(annotations, originNote)
		}
	}
	if text, is := annotations[transformationNote]; is {
		var all []note
		if yaml.Unmarshal([]byte(text), &all) == nil {
			for _, of := range all {
				object.Transformations = append(object.Transformations, of.origin(directory))
			}
		}
		if !asked.transformations {
			delete(annotations, transformationNote)
		}
	}
	if len(annotations) != before {
		_ = one.SetAnnotations(annotations)
	}
}
