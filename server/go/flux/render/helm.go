package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	kubefake "helm.sh/helm/v4/pkg/kube/fake"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	"sigs.k8s.io/yaml"
)

// BuildHelm renders a chart as helm-controller does before it installs or upgrades a release.
func BuildHelm(tree *Tree, request *Helm) (built *Built) {
	defer func() {
		if panicked := recover(); panicked != nil {
			built = failed("template", fmt.Errorf("recovered from a panic of Helm: %v", panicked))
		}
	}()
	tree = tree.With(request.Overlay)
	loaded, err := loadChart(tree, request)
	if err != nil {
		return failed("load", err)
	}
	if err := overwriteValues(tree, loaded, request); err != nil {
		return failed("values", err)
	}
	values, err := userValues(request)
	if err != nil {
		return failed("values", err)
	}
	if request.ReportValues {
		merged, err := json.Marshal(values)
		if err != nil {
			return failed("values", err)
		}
		defer func() { built.Values = merged }()
	}
	install, err := installOf(request)
	if err != nil {
		return failed("template", err)
	}
	done, err := install.Run(loaded, values)
	if err != nil {
		return failed(stepOf(err), err)
	}
	typed, is := done.(*release.Release)
	if !is {
		return failed("load", fmt.Errorf("only the Chart API v2 is supported"))
	}
	built, err = objectsOf(typed, request)
	if err != nil {
		return failed("template", err)
	}
	return built
}

// installOf is the action that helm-controller runs, without a cluster. It is a dry run "on the server", where the server is
// nobody, because the other kind adds API versions to those that it is told.
func installOf(request *Helm) (*action.Install, error) {
	capabilities := common.DefaultCapabilities.Copy()
	if request.KubernetesVersion != "" {
		version, err := common.ParseKubeVersion(request.KubernetesVersion)
		if err != nil {
			return nil, err
		}
		capabilities.KubeVersion = *version
	}
	if len(request.APIVersions) > 0 {
		capabilities.APIVersions = common.VersionSet(request.APIVersions)
	}
	memory := driver.NewMemory()
	memory.SetNamespace(request.Namespace)
	config := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	config.Capabilities = capabilities
	config.KubeClient = &kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}
	config.Releases = storage.Init(memory)
	install := action.NewInstall(config)
	install.DryRunStrategy = action.DryRunServer
	install.ReleaseName = shortened(request.Release)
	install.Namespace = request.Namespace
	install.Devel = true
	install.SkipCRDs = true
	install.IncludeCRDs = request.IncludeCrds
	install.IsUpgrade = request.IsUpgrade
	install.SkipSchemaValidation = request.DisableSchemaValidation
	install.DisableOpenAPIValidation = true
	install.PostRenderStrategy = action.PostRenderStrategyCombined
	if request.PostRenderStrategy != "" {
		install.PostRenderStrategy = action.PostRenderStrategy(request.PostRenderStrategy)
	}
	renderer, err := postRenderer(request)
	if err != nil {
		return nil, err
	}
	if renderer != nil {
		install.PostRenderer = renderer
	}
	return install, nil
}

// shortened is the name of a release as helm-controller makes it fit.
func shortened(name string) string {
	const longest, hash = 53, 12
	if len(name) <= longest {
		return name
	}
	return name[:longest-hash-1] + "-" + fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:hash]
}

// stepOf says which step of Helm failed, by its words: the action has no types for them.
func stepOf(err error) string {
	message := err.Error()
	for _, known := range []struct{ words, step string }{
		{"values don't meet the specifications of the schema", "schema"},
		{"post render", "post-render"},
		{"error merging manifests", "post-render"},
		{"chart dependencies processing failed", "values"},
	} {
		if strings.Contains(message, known.words) {
			return known.step
		}
	}
	return "template"
}

// objectsOf has what is installed, in its order, and then the hooks.
func objectsOf(done *release.Release, request *Helm) (*Built, error) {
	built := &Built{Objects: []Object{}}
	if err := addManifest(built, done.Manifest, "", false, request); err != nil {
		return nil, err
	}
	for _, hook := range done.Hooks {
		if err := addManifest(built, hook.Manifest, hook.Path, true, request); err != nil {
			return nil, err
		}
	}
	return built, nil
}

// addManifest reads objects of which each is preceded by its template in a comment, if it is not the one of all.
func addManifest(built *Built, manifest, template string, isHook bool, request *Helm) error {
	documents := releaseutil.SplitManifests(manifest)
	for at := range len(documents) {
		text := documents[fmt.Sprintf("manifest-%d", at)]
		if line, rest, is := strings.Cut(text, "\n"); is || line != "" {
			if source, is := strings.CutPrefix(line, "# Source: "); is {
				template, text = source, rest
			}
		}
		content, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			return fmt.Errorf("YAML parse error on %s: %w", template, err)
		}
		if bytes.Equal(content, []byte("null")) {
			continue
		}
		if isCrd := path.Base(path.Dir(template)) == "crds"; isCrd && !isHook {
			if content, err = withOwner(content, request); err != nil {
				return err
			}
		}
		built.Objects = append(built.Objects, Object{Object: content, Hook: isHook, Origin: &Origin{Path: templatePath(template, request)}})
	}
	return nil
}

// templatePath is the file of a template: in the tree, or for an archive as Helm has it.
func templatePath(template string, request *Helm) string {
	if request.Archive != "" {
		return template
	}
	_, below, _ := strings.Cut(template, "/")
	return clean(path.Join(clean(request.Path), below))
}
