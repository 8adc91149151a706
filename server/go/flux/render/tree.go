package render

import (
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/konfig"
)

// Tree is a tree of files that never changes: a change makes another one, which shares all directories that are the same
// with it. So a request can lay files over 10,000 others at the cost of the few directories that they are in.
type Tree struct {
	root *node
	// How many kustomization files may bring a schema, which is global to kustomize.
	schemas int
}

// node is a directory when it has entries, even none, and a file otherwise.
type node struct {
	entries map[string]*node
	text    string

	once      sync.Once
	documents []document

	asKustomization func() *kustomization
}

// newFile is a file.
func newFile(text string) *node {
	return &node{text: text, asKustomization: sync.OnceValue(func() *kustomization { return readKustomization(text) })}
}

// NewTree is an empty one.
func NewTree() *Tree {
	return &Tree{root: &node{entries: map[string]*node{}}}
}

// With is the tree with changes: a text for a path, or nil for a file that is gone. A path that leads out of the tree ends
// at its root.
func (t *Tree) With(changes map[string]*string) *Tree {
	if len(changes) == 0 {
		return t
	}
	edit := edit{tree: &Tree{root: t.root, schemas: t.schemas}, own: map[*node]bool{}}
	edit.tree.root = edit.copy(t.root)
	for name, text := range changes {
		parts := partsOf(name)
		if len(parts) == 0 {
			continue
		}
		if text == nil {
			edit.remove(edit.tree.root, parts)
		} else {
			edit.write(parts, *text)
		}
	}
	return edit.tree
}

// edit makes one tree of another. What it has copied itself it can change in place.
type edit struct {
	tree *Tree
	own  map[*node]bool
}

func (e *edit) copy(directory *node) *node {
	if e.own[directory] {
		return directory
	}
	entries := make(map[string]*node, len(directory.entries)+1)
	for name, entry := range directory.entries {
		entries[name] = entry
	}
	copied := &node{entries: entries}
	e.own[copied] = true
	return copied
}

func (e *edit) write(parts []string, text string) {
	directory := e.tree.root
	for _, part := range parts[:len(parts)-1] {
		next := directory.entries[part]
		if next == nil || next.entries == nil {
			// A file gives way to a directory of its name, as it does on a disk when Git checks out the one after the other.
			e.forget(part, next)
			next = &node{entries: map[string]*node{}}
			e.own[next] = true
		} else {
			next = e.copy(next)
		}
		directory.entries[part] = next
		directory = next
	}
	name := parts[len(parts)-1]
	e.forget(name, directory.entries[name])
	directory.entries[name] = newFile(text)
	if bringsSchema(name, text) {
		e.tree.schemas++
	}
}

// remove takes a file out, and the directories that are empty without it.
func (e *edit) remove(directory *node, parts []string) {
	entry := directory.entries[parts[0]]
	if entry == nil {
		return
	}
	if len(parts) == 1 {
		if entry.entries == nil {
			e.forget(parts[0], entry)
			delete(directory.entries, parts[0])
		}
		return
	}
	if entry.entries == nil {
		return
	}
	entry = e.copy(entry)
	directory.entries[parts[0]] = entry
	e.remove(entry, parts[1:])
	if len(entry.entries) == 0 {
		delete(directory.entries, parts[0])
	}
}

// forget counts what is lost with an entry.
func (e *edit) forget(name string, entry *node) {
	if entry == nil {
		return
	}
	if bringsSchema(name, entry.text) {
		e.tree.schemas--
	}
	for name, below := range entry.entries {
		e.forget(name, below)
	}
}

// bringsSchema is true for each kustomization with `openapi`, and for some without.
func bringsSchema(name, text string) bool {
	return isKustomization(name) && strings.Contains(text, "openapi")
}

func isKustomization(name string) bool {
	for _, known := range konfig.RecognizedKustomizationFileNames() {
		if name == known {
			return true
		}
	}
	return false
}

// partsOf are the names on the way to a path from the root.
func partsOf(name string) []string {
	name = clean(name)
	if name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

// clean is a path relative to the root, "" for the root itself.
func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
}

// find is what is at a path, or nil.
func (t *Tree) find(name string) *node {
	at := t.root
	for _, part := range partsOf(name) {
		at = at.entries[part]
		if at == nil {
			return nil
		}
	}
	return at
}

// file is the text at a path, and whether there is a file.
func (t *Tree) file(name string) (string, bool) {
	at := t.find(name)
	if at == nil || at.entries != nil {
		return "", false
	}
	return at.text, true
}

// isDirectory says whether there is a directory at a path.
func (t *Tree) isDirectory(name string) bool {
	at := t.find(name)
	return at != nil && at.entries != nil
}

// names are the entries of a directory, sorted.
func (n *node) names() []string {
	names := make([]string, 0, len(n.entries))
	for name := range n.entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
