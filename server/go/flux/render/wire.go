// Package render builds objects exactly as the Flux controllers do, from a tree of files in memory.
package render

import "encoding/json"

// Kustomize asks for what is built of a directory.
type Kustomize struct {
	Tree          string             `json:"tree"`
	Path          string             `json:"path"`
	Kustomization json.RawMessage    `json:"kustomization"`
	Variables     map[string]string  `json:"variables"`
	Strict        bool               `json:"strict"`
	Overlay       map[string]*string `json:"overlay"`
	Only          []ObjectID         `json:"only"`
	Origins       bool               `json:"origins"`
}

// ObjectID is an object by its identity in what is built.
type ObjectID struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// Helm asks for what is rendered of a chart.
type Helm struct {
	Path                    string             `json:"path"`
	Archive                 string             `json:"archive"`
	ValuesFiles             []string           `json:"valuesFiles"`
	Values                  json.RawMessage    `json:"values"`
	ValuesFrom              []ValuesFrom       `json:"valuesFrom"`
	Changes                 []Change           `json:"changes"`
	ReportValues            bool               `json:"reportValues"`
	Release                 string             `json:"release"`
	Namespace               string             `json:"namespace"`
	Owner                   *Owner             `json:"owner"`
	PostRenderers           json.RawMessage    `json:"postRenderers"`
	PostRenderStrategy      string             `json:"postRenderStrategy"`
	CommonMetadata          json.RawMessage    `json:"commonMetadata"`
	KubernetesVersion       string             `json:"kubernetesVersion"`
	APIVersions             []string           `json:"apiVersions"`
	IncludeCrds             bool               `json:"includeCrds"`
	IsUpgrade               bool               `json:"isUpgrade"`
	DisableSchemaValidation bool               `json:"disableSchemaValidation"`
	Overlay                 map[string]*string `json:"overlay"`
}

// ValuesFrom is one of the references of spec.valuesFrom, with what it refers to.
type ValuesFrom struct {
	Data       string `json:"data"`
	TargetPath string `json:"targetPath"`
	Literal    bool   `json:"literal"`
}

// Change is a change of the merged values for one request. The path has keys and numbers of items.
type Change struct {
	Path   []any           `json:"path"`
	Value  json.RawMessage `json:"value"`
	Delete bool            `json:"delete"`
}

// Owner is the HelmRelease of what is rendered.
type Owner struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Built is what came out.
type Built struct {
	Objects  []Object `json:"objects"`
	Fault    *Fault   `json:"fault,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// The user's values as they are merged, where they are asked for.
	Values json.RawMessage `json:"values,omitempty"`
}

// Object is one object.
type Object struct {
	Object          json.RawMessage `json:"object"`
	Origin          *Origin         `json:"origin,omitempty"`
	Transformations []Origin        `json:"transformations,omitempty"`
	Hook            bool            `json:"hook,omitempty"`
}

// Origin is where something came from.
type Origin struct {
	Path             string `json:"path,omitempty"`
	ConfiguredIn     string `json:"configuredIn,omitempty"`
	ConfiguredBy     string `json:"configuredBy,omitempty"`
	ConfiguredByName string `json:"configuredByName,omitempty"`
}

// Fault is why nothing could be built.
type Fault struct {
	Step    string    `json:"step"`
	Message string    `json:"message"`
	Object  *ObjectID `json:"object,omitempty"`
}
