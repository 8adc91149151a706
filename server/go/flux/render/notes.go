package render

import (
	"path"
	"strings"

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

// noteReader reads the notes of the objects of one build. Most objects went the same way, and have the same text.
type noteReader struct {
	asked     notes
	directory string
	ways      map[string][]Origin
}

// take reads the notes of an object, and takes those off that only we asked for.
func (r *noteReader) take(one *resource.Resource, object *Object) {
	annotations := one.GetAnnotations()
	before := len(annotations)
	if text, is := annotations[originNote]; is {
		object.Origin = r.origin(text)
		if !r.asked.origins {
			delete(annotations, originNote)
		}
	}
	if text, is := annotations[transformationNote]; is {
		object.Transformations = r.way(text)
		if !r.asked.transformations {
			delete(annotations, transformationNote)
		}
	}
	if len(annotations) != before {
		_ = one.SetAnnotations(annotations)
	}
}

// origin is nil for a text that is none.
func (r *noteReader) origin(text string) *Origin {
	var of note
	// Of a file that is all there is to say, and a name that is written without quotes is that name.
	if line, is := strings.CutPrefix(strings.TrimSuffix(text, "\n"), "path: "); is && isPlainPath(line) {
		of.Path = line
	} else if yaml.Unmarshal([]byte(text), &of) != nil {
		return nil
	}
	origin := of.origin(r.directory)
	return &origin
}

// isPlainPath is true for what YAML can only read as that text.
func isPlainPath(line string) bool {
	for _, character := range []byte(line) {
		if !isWord(character) && strings.IndexByte("-_./", character) < 0 {
			return false
		}
	}
	return strings.Contains(line, ".yaml") || strings.Contains(line, ".yml")
}

func (r *noteReader) way(text string) []Origin {
	if known, is := r.ways[text]; is {
		return known
	}
	var all []note
	var way []Origin
	if yaml.Unmarshal([]byte(text), &all) == nil {
		for _, of := range all {
			way = append(way, of.origin(r.directory))
		}
	}
	if r.ways == nil {
		r.ways = map[string][]Origin{}
	}
	r.ways[text] = way
	return way
}
