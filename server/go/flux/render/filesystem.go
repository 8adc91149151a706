package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where the root of a tree is for kustomize. It is not "/", so that a path that leads out of the tree leads to
// nothing, as it is refused by the controller, and not to a file at the root.
const mount = "/@"

// inside is a path of the tree as kustomize sees it.
func inside(name string) string { return path.Join(mount, clean(name)) }

// outside is a path as the tree has it, of one as kustomize sees it.
func outside(name string) string { return clean(strings.TrimPrefix(name, mount)) }

// withTreePaths takes the mount off the paths in a message.
func withTreePaths(message string) string {
	return strings.ReplaceAll(strings.ReplaceAll(message, mount+"/", "/"), mount, "/")
}

// fileSystem is a tree as kustomize wants one. Nothing is read but what is in it, and nothing is written.
type fileSystem struct{ tree *Tree }

var _ filesys.FileSystem = fileSystem{}

var errReadOnly = errors.New("the tree of files cannot be written")

func (fileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (fileSystem) Mkdir(string) error                  { return errReadOnly }
func (fileSystem) MkdirAll(string) error               { return errReadOnly }
func (fileSystem) RemoveAll(string) error              { return errReadOnly }
func (fileSystem) WriteFile(string, []byte) error      { return errReadOnly }

func (f fileSystem) Open(name string) (filesys.File, error) {
	return nil, missing("open", name)
}

// find is what is at a path, or the error that kustomize-controller has for it.
func (f fileSystem) find(operation, system, name string) (*node, error) {
	if !path.IsAbs(name) {
		name = path.Join(mount, name)
	}
	name = path.Clean(name)
	if name != mount && !strings.HasPrefix(name, mount+"/") {
		return nil, fmt.Errorf("fs-security-constraint %s %s: path '%s' is not in or below '%s'", operation, name, name, mount)
	}
	if at := f.tree.find(outside(name)); at != nil {
		return at, nil
	}
	return nil, missing(system, name)
}

func (f fileSystem) IsDir(name string) bool {
	at, err := f.find("open", "stat", name)
	return err == nil && at.entries != nil
}

func (f fileSystem) Exists(name string) bool {
	_, err := f.find("open", "stat", name)
	return err == nil
}

func (f fileSystem) ReadFile(name string) ([]byte, error) {
	at, err := f.find("read", "open", name)
	if err != nil {
		return nil, err
	}
	if at.entries != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return []byte(at.text), nil
}

func (f fileSystem) ReadDir(name string) ([]string, error) {
	at, err := f.find("open", "open", name)
	if err != nil {
		return nil, err
	}
	return at.names(), nil
}

func (f fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	at, err := f.find("abs", "lstat", name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("evalsymlink failure on '%s' : %w", name, missing("lstat", f.firstMissing(name)))
		}
		return "", "", err
	}
	if !path.IsAbs(name) {
		name = path.Join(mount, name)
	}
	name = path.Clean(name)
	if at.entries != nil {
		return filesys.ConfirmedDir(name), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(name)), path.Base(name), nil
}

// firstMissing is the first part of a path that is not there, which a disk names.
func (f fileSystem) firstMissing(name string) string {
	at := mount
	for _, part := range partsOf(outside(name)) {
		at = path.Join(at, part)
		if f.tree.find(outside(at)) == nil {
			break
		}
	}
	return at
}

func (f fileSystem) Glob(pattern string) ([]string, error) {
	if !path.IsAbs(pattern) {
		pattern = path.Join(mount, pattern)
	}
	parts := partsOf(outside(path.Clean(pattern)))
	found := []string{}
	var visit func(*node, string, []string) error
	visit = func(at *node, name string, parts []string) error {
		if len(parts) == 0 {
			found = append(found, name)
			return nil
		}
		for _, entry := range at.names() {
			matches, err := path.Match(parts[0], entry)
			if err != nil {
				return err
			}
			if !matches {
				continue
			}
			if err := visit(at.entries[entry], path.Join(name, entry), parts[1:]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(f.tree.root, mount, parts); err != nil {
		return nil, err
	}
	if filesys.IsHiddenFilePath(pattern) {
		return found, nil
	}
	return filesys.RemoveHiddenFiles(found), nil
}

func (f fileSystem) Walk(name string, visit filepath.WalkFunc) error {
	at, err := f.find("walk", "lstat", name)
	if err != nil {
		err = visit(name, nil, err)
	} else {
		err = walk(at, path.Clean(name), visit)
	}
	if errors.Is(err, filepath.SkipDir) || errors.Is(err, filepath.SkipAll) {
		return nil
	}
	return err
}

func walk(at *node, name string, visit filepath.WalkFunc) error {
	if err := visit(name, entryOf(at, path.Base(name)), nil); err != nil || at.entries == nil {
		return err
	}
	for _, child := range at.names() {
		err := walk(at.entries[child], path.Join(name, child), visit)
		if errors.Is(err, filepath.SkipDir) {
			if at.entries[child].entries != nil {
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

// notThere has the words of a disk on every system.
type notThere struct{}

func (notThere) Error() string        { return "no such file or directory" }
func (notThere) Is(target error) bool { return target == fs.ErrNotExist }

func missing(operation, name string) error {
	return &fs.PathError{Op: operation, Path: name, Err: notThere{}}
}

// entry describes a file.
type entry struct {
	name      string
	size      int64
	directory bool
}

func entryOf(at *node, name string) entry {
	return entry{name: name, size: int64(len(at.text)), directory: at.entries != nil}
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
