package render

import (
	"strings"

	"sigs.k8s.io/yaml"
)

// document is one of the documents of a file of objects.
type document struct {
	text string
	// As they are written. All are empty where they could not be told.
	apiVersion, kind, name string
}

// known says whether it is an object whose identity is written in it.
func (d document) known() bool {
	return d.name != "" && d.kind != "" && !strings.HasSuffix(d.kind, "List")
}

// all are the documents of a file, read once for as long as the file stays as it is.
func (n *node) all() []document {
	n.once.Do(func() { n.documents = documentsOf(n.text) })
	return n.documents
}

func documentsOf(text string) []document {
	var documents []document
	start := 0
	add := func(end int) {
		if part := text[start:end]; strings.TrimSpace(part) != "" {
			documents = append(documents, identified(part))
		}
	}
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += at + 1
		}
		if line := strings.TrimRight(text[at:end], " \t\r\n"); line == "---" {
			add(at)
			start = end
		} else if strings.HasPrefix(line, "--- ") {
			// What follows on the line may be a part of the document.
			add(at)
			start = at
		}
		at = end
	}
	add(len(text))
	return documents
}

// identified reads the identity of an object from its lines, and the whole object only where these are written unusually:
// a repository has thousands of objects, and a slice needs the names of most and the content of few.
func identified(text string) document {
	found := document{text: text}
	inMetadata, indent := false, ""
	for rest := text; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		trimmed := strings.TrimLeft(line, " ")
		if strings.TrimSpace(trimmed) == "" || trimmed[0] == '#' {
			continue
		}
		depth := line[:len(line)-len(trimmed)]
		if depth == "" {
			inMetadata, indent = strings.TrimSpace(trimmed) == "metadata:", ""
			found.take(&found.apiVersion, trimmed, "apiVersion:")
			found.take(&found.kind, trimmed, "kind:")
			continue
		}
		if inMetadata && indent == "" {
			indent = depth
		}
		if inMetadata && depth == indent {
			found.take(&found.name, trimmed, "name:")
		}
	}
	if found.apiVersion != "" && found.kind != "" && found.name != "" {
		return found
	}
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if yaml.Unmarshal([]byte(text), &object) == nil {
		found.apiVersion, found.kind, found.name = object.APIVersion, object.Kind, object.Metadata.Name
	} else {
		found.apiVersion, found.kind, found.name = "", "", ""
	}
	return found
}

// take reads a plain scalar after a key. Anything else is left to the parser.
func (document) take(into *string, line, key string) {
	value, is := strings.CutPrefix(line, key)
	if !is {
		return
	}
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	if value == "" || strings.ContainsAny(value, "\"'&*!|>{}[],%@`\\:#") || strings.Trim(value, "0123456789.-+eExX_~") == "" {
		value = ""
	}
	*into = value
}

// mentions says whether a name stands in a text as a word of its own, which ends at anything that is no letter and no digit.
func mentions(text, name string) bool {
	for from := 0; name != ""; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(name)
		if (at == 0 || !isWord(text[at-1])) && (end == len(text) || !isWord(text[end])) {
			return true
		}
		from = at + 1
	}
	return false
}

func isWord(character byte) bool {
	return character >= '0' && character <= '9' || character >= 'a' && character <= 'z' || character >= 'A' && character <= 'Z'
}
