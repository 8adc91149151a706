package render

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/fluxcd/pkg/apis/kustomize"
	"helm.sh/helm/v4/pkg/postrenderer"
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
)

// stages are the post renderers of helm-controller one after the other: those of the release, common metadata, and the
// labels that say whose it is.
type stages []func(*bytes.Buffer) (*bytes.Buffer, error)

var _ postrenderer.PostRenderer = stages{}

// Run lets manifests through all stages.
func (s stages) Run(manifests *bytes.Buffer) (*bytes.Buffer, error) {
	building.RLock()
	defer building.RUnlock()
	var err error
	for _, stage := range s {
		if manifests, err = stage(manifests); err != nil {
			return nil, err
		}
	}
	return manifests, nil
}

type metadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// postRenderer is nil when there is nothing to do, which is so for a chart without a HelmRelease.
func postRenderer(request *Helm) (postrenderer.PostRenderer, error) {
	var all stages
	var listed []struct {
		Kustomize *struct {
			Patches []kustomize.Patch `json:"patches"`
			Images  []kustomize.Image `json:"images"`
		} `json:"kustomize"`
	}
	if len(request.PostRenderers) > 0 {
		if err := json.Unmarshal(request.PostRenderers, &listed); err != nil {
			return nil, fmt.Errorf("the post renderers cannot be read: %w", err)
		}
	}
	for _, one := range listed {
		if one.Kustomize == nil {
			continue
		}
		content := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
		for _, image := range one.Kustomize.Images {
			content.Images = append(content.Images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
		}
		for _, patch := range one.Kustomize.Patches {
			content.Patches = append(content.Patches, types.Patch{Patch: patch.Patch, Target: selector(patch.Target)})
		}
		all = append(all, func(manifests *bytes.Buffer) (*bytes.Buffer, error) { return patched(manifests, content) })
	}
	if len(request.CommonMetadata) > 0 {
		var common metadata
		if err := json.Unmarshal(request.CommonMetadata, &common); err != nil {
			return nil, fmt.Errorf("the common metadata cannot be read: %w", err)
		}
		all = append(all, common.add)
	}
	if request.Owner != nil {
		owner := metadata{Labels: ownerLabels(request.Owner)}
		all = append(all, owner.add)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

func ownerLabels(owner *Owner) map[string]string {
	return map[string]string{"helm.toolkit.fluxcd.io/name": owner.Name, "helm.toolkit.fluxcd.io/namespace": owner.Namespace}
}

// patched builds what is rendered as a kustomization of one file.
func patched(manifests *bytes.Buffer, content types.Kustomization) (*bytes.Buffer, error) {
	const input = "helm-output.yaml"
	content.Resources = []string{input}
	kustomization, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	text, rendered := string(kustomization), manifests.String()
	all, err := kustomized(NewTree().With(map[string]*string{"kustomization.yaml": &text, input: &rendered}), mount)
	if err != nil {
		return nil, err
	}
	return asYAML(all)
}

func asYAML(all resmap.ResMap) (*bytes.Buffer, error) {
	text, err := all.AsYaml()
	if err != nil {
		return nil, err
	}
	return bytes.NewBuffer(text), nil
}

// add puts labels and annotations on each object.
func (m metadata) add(manifests *bytes.Buffer) (*bytes.Buffer, error) {
	if m.Labels == nil && m.Annotations == nil {
		return manifests, nil
	}
	all, err := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()).NewResMapFromBytes(manifests.Bytes())
	if err != nil {
		return nil, err
	}
	if m.Labels != nil {
		labels := builtins.LabelTransformerPlugin{Labels: m.Labels, FieldSpecs: []types.FieldSpec{{Path: "metadata/labels", CreateIfNotPresent: true}}}
		if err := labels.Transform(all); err != nil {
			return nil, err
		}
	}
	if m.Annotations != nil {
		annotations := builtins.AnnotationsTransformerPlugin{Annotations: m.Annotations, FieldSpecs: []types.FieldSpec{{Path: "metadata/annotations", CreateIfNotPresent: true}}}
		if err := annotations.Transform(all); err != nil {
			return nil, err
		}
	}
	return asYAML(all)
}

// withOwner labels a CRD, which no post renderer sees.
func withOwner(content json.RawMessage, request *Helm) (json.RawMessage, error) {
	if request.Owner == nil {
		return content, nil
	}
	return withMetadata(content, metadata{Labels: ownerLabels(request.Owner)})
}
