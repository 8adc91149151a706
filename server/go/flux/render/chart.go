package render

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
	"sigs.k8s.io/yaml"
)

// How deep charts of `file://` dependencies may lie in each other.
const deepestDependency = 16

var byteOrderMark = []byte("\ufeff")

// loadChart is the chart as source-controller hands it over: from an archive, or from a directory of the tree with the
// dependencies that lie in it or beside it.
func loadChart(tree *Tree, request *Helm) (*chart.Chart, error) {
	if request.Archive == "" {
		return loadDirectory(tree, request.Path, deepestDependency)
	}
	content, err := base64.StdEncoding.DecodeString(request.Archive)
	if err != nil {
		return nil, fmt.Errorf("the archive cannot be read: %w", err)
	}
	return loader.LoadArchive(bytes.NewReader(content))
}

func loadDirectory(tree *Tree, directory string, deepest int) (*chart.Chart, error) {
	root := tree.find(directory)
	if root == nil || root.entries == nil {
		return nil, fmt.Errorf("no chart found at path '%s'", clean(directory))
	}
	rules := ignore.Empty()
	if file := root.entries[ignore.HelmIgnore]; file != nil && file.entries == nil {
		var err error
		if rules, err = ignore.Parse(strings.NewReader(file.text)); err != nil {
			return nil, err
		}
	}
	rules.AddDefaults()
	var files []*archive.BufferedFile
	var visit func(*node, string)
	visit = func(at *node, below string) {
		for _, name := range at.names() {
			child, full := at.entries[name], path.Join(below, name)
			if rules.Ignore(full, entryOf(child, name)) {
				continue
			}
			if child.entries != nil {
				visit(child, full)
			} else {
				files = append(files, &archive.BufferedFile{Name: full, Data: bytes.TrimPrefix([]byte(child.text), byteOrderMark)})
			}
		}
	}
	visit(root, "")
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	return loaded, addDependencies(tree, loaded, directory, deepest)
}

// addDependencies loads what source-controller would copy from beside the chart. What it would download is not there.
func addDependencies(tree *Tree, loaded *chart.Chart, directory string, deepest int) error {
	present := map[string]bool{}
	for _, one := range loaded.Dependencies() {
		present[one.Name()] = true
	}
	for _, wanted := range loaded.Metadata.Dependencies {
		if wanted == nil || present[wanted.Name] {
			continue
		}
		beside, isFile := strings.CutPrefix(wanted.Repository, "file://")
		if !isFile {
			return fmt.Errorf("dependency %q of chart %q is not in charts/ and would be fetched from %q", wanted.Name, loaded.Name(), wanted.Repository)
		}
		if deepest == 0 {
			return fmt.Errorf("the dependencies of chart %q have no end", loaded.Name())
		}
		one, err := loadDirectory(tree, path.Join(directory, beside), deepest-1)
		if err != nil {
			return fmt.Errorf("dependency %q of chart %q: %w", wanted.Name, loaded.Name(), err)
		}
		loaded.AddDependency(one)
	}
	return nil
}

// overwriteValues puts the merged files in the place of the chart's own values, as source-controller does.
func overwriteValues(tree *Tree, loaded *chart.Chart, request *Helm) error {
	if len(request.ValuesFiles) == 0 {
		return nil
	}
	merged := map[string]any{}
	for _, name := range request.ValuesFiles {
		text, is := valuesFile(tree, loaded, request, name)
		if !is {
			return fmt.Errorf("no values file found at path '%s'", name)
		}
		values := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &values); err != nil {
			return fmt.Errorf("unmarshaling values from '%s' failed: %w", name, err)
		}
		merged = loader.MergeMaps(merged, values)
	}
	loaded.Values = merged
	written, err := yaml.Marshal(merged)
	if err != nil {
		return err
	}
	for _, files := range [][]*common.File{loaded.Raw, loaded.Files} {
		for _, file := range files {
			if file.Name == "values.yaml" {
				file.Data = written
			}
		}
	}
	return nil
}

func valuesFile(tree *Tree, loaded *chart.Chart, request *Helm, name string) (string, bool) {
	if request.Archive == "" {
		return tree.file(path.Join(clean(request.Path), name))
	}
	for _, file := range loaded.Raw {
		if file.Name == path.Clean(name) {
			return string(file.Data), true
		}
	}
	return "", false
}
