package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Tree is a tree of files that never changes: a change makes another one that shares what it has in common.
// Paths begin with "/".
type Tree struct {
	files    map[string]string
	children map[string]map[string]bool // of each directory: names, and whether they are directories
}

// NewTree is an empty one.
func NewTree() *Tree {
	return &Tree{files: map[string]string{}, children: map[string]map[string]bool{"/": {}}}
}

// With is the tree with changes: a text for a path, or nil for a file that is gone. Paths may leave out the first "/".
func (t *Tree) With(changes map[string]*string) *Tree {
	if len(changes) == 0 {
		return t
	}
	next := &Tree{files: make(map[string]string, len(t.files)+len(changes)), children: make(map[string]map[string]bool, len(t.children))}
	for name, text := range t.files {
		next.files[name] = text
	}
	for name, entries := range t.children {
		next.children[name] = entries
	}
	copied := map[string]bool{}
	entriesOf := func(directory string) map[string]bool {
		if !copied[directory] {
			entries := make(map[string]bool, len(next.children[directory])+1)
			for name, isDirectory := range next.children[directory] {
				entries[name] = isDirectory
			}
			next.children[directory] = entries
			copied[directory] = true
		}
		return next.children[directory]
	}
	for name, text := range changes {
		name = absolute(name)
		if text == nil {
			next.remove(name, entriesOf)
			continue
		}
		next.files[name] = *text
		for child, isDirectory := name, false; child != "/"; child, isDirectory = path.Dir(child), true {
			entriesOf(path.Dir(child))[path.Base(child)] = isDirectory
		}
	}
	return next
}

// remove takes a file out, and the directories that are empty without it.
func (t *Tree) remove(name string, entriesOf func(string) map[string]bool) {
	if _, is := t.files[name]; !is {
		return
	}
	delete(t.files, name)
	for child := name; child != "/"; child = path.Dir(child) {
		entries := entriesOf(path.Dir(child))
		delete(entries, path.Base(child))
		if child != name {
			delete(t.children, child)
		}
		if len(entries) > 0 {
			return
		}
	}
}

func absolute(name string) string {
	return path.Clean("/" + filepath.ToSlash(name))
}

var errReadOnly = errors.New("the tree of files cannot be written")

// A Tree is a file system as kustomize wants one. Nothing is read but what is in it, and nothing is written.
var _ filesys.FileSystem = (*Tree)(nil)

func (t *Tree) Create(string) (filesys.File, error)    { return nil, errReadOnly }
func (t *Tree) Mkdir(string) error                     { return errReadOnly }
func (t *Tree) MkdirAll(string) error                  { return errReadOnly }
func (t *Tree) RemoveAll(string) error                 { return errReadOnly }
func (t *Tree) WriteFile(string, []byte) error         { return errReadOnly }
func (t *Tree) Open(name string) (filesys.File, error) { return nil, missing("open", name) }

func (t *Tree) IsDir(name string) bool {
	_, is := t.children[absolute(name)]
	return is
}

func (t *Tree) Exists(name string) bool {
	_, is := t.files[absolute(name)]
	return is || t.IsDir(name)
}

func (t *Tree) ReadFile(name string) ([]byte, error) {
	text, is := t.files[absolute(name)]
	if !is {
		return nil, missing("open", name)
	}
	return []byte(text), nil
}

func (t *Tree) ReadDir(name string) ([]string, error) {
	entries, is := t.children[absolute(name)]
	if !is {
		return nil, missing("open", name)
	}
	return sorted(entries), nil
}

func (t *Tree) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	name = absolute(name)
	if t.IsDir(name) {
		return filesys.ConfirmedDir(name), "", nil
	}
	if _, is := t.files[name]; is {
		return filesys.ConfirmedDir(path.Dir(name)), path.Base(name), nil
	}
	return "", "", missing("lstat", name)
}

func (t *Tree) Glob(pattern string) ([]string, error) {
	var found []string
	pattern = absolute(pattern)
	for name := range t.files {
		matches, err := path.Match(pattern, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		if matches {
			found = append(found, name)
		}
	}
	sort.Strings(found)
	return found, nil
}

func (t *Tree) Walk(name string, visit filepath.WalkFunc) error {
	err := t.walk(absolute(name), visit)
	if errors.Is(err, filepath.SkipDir) || errors.Is(err, filepath.SkipAll) {
		return nil
	}
	return err
}

func (t *Tree) walk(name string, visit filepath.WalkFunc) error {
	if text, is := t.files[name]; is {
		return visit(name, entry{name: path.Base(name), size: int64(len(text))}, nil)
	}
	entries, is := t.children[name]
	if !is {
		return visit(name, nil, missing("lstat", name))
	}
	if err := visit(name, entry{name: path.Base(name), directory: true}, nil); err != nil {
		return err
	}
	for _, child := range sorted(entries) {
		err := t.walk(path.Join(name, child), visit)
		if errors.Is(err, filepath.SkipDir) {
			if entries[child] {
				continue
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sorted(entries map[string]bool) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func missing(operation, name string) error {
	return &fs.PathError{Op: operation, Path: name, Err: fs.ErrNotExist}
}

// entry describes a file for Walk.
type entry struct {
	name      string
	size      int64
	directory bool
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.directory }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() os.FileMode {
	if e.directory {
		return os.ModeDir | 0o755
	}
	return 0o644
}

// without takes the "/" off that paths in messages begin with here and not in the workspace.
func relative(name string) string { return strings.TrimPrefix(name, "/") }
