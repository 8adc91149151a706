package render

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/yaml"
)

const substituteNote = "kustomize.toolkit.fluxcd.io/substitute"

var variableName = regexp.MustCompile("^[_[:alpha:]][_[:alpha:][:digit:]]*$")

// substitutes says whether the controller looks for variables: not when there are none, unless it is told to.
func substitutes(kustomization json.RawMessage, variables int) bool {
	if variables > 0 || len(kustomization) == 0 {
		return true
	}
	var owner struct {
		Spec struct {
			PostBuild struct {
				Strategy string `json:"substituteStrategy"`
			} `json:"postBuild"`
		} `json:"spec"`
	}
	return json.Unmarshal(kustomization, &owner) == nil && owner.Spec.PostBuild.Strategy == "Always"
}

// substitute does what SubstituteVariables of fluxcd/pkg/kustomize does, and says whether it did.
func substitute(one *resource.Resource, request *Kustomize) (bool, error) {
	if one.GetLabels()[substituteNote] == "disabled" || one.GetAnnotations()[substituteNote] == "disabled" {
		return false, nil
	}
	text, err := one.AsYAML()
	if err != nil {
		return false, err
	}
	content, err := substituted(string(text), request)
	if err != nil {
		return false, fmt.Errorf("envsubst error: %w", err)
	}
	if err := one.UnmarshalJSON(content); err != nil {
		return false, fmt.Errorf("UnmarshalJSON: %w", err)
	}
	return true, nil
}

func substituted(text string, request *Kustomize) ([]byte, error) {
	names := make([]string, 0, len(request.Variables))
	for name := range request.Variables {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !variableName.MatchString(name) {
			return nil, fmt.Errorf("'%s' var name is invalid, must match '%s'", name, variableName)
		}
	}
	output, err := envsubst.Eval(text, func(name string) (string, bool) {
		value, exists := request.Variables[name]
		return strings.ReplaceAll(value, "\n", ""), exists || !request.Strict
	})
	if err != nil {
		return nil, fmt.Errorf("variable substitution failed: %w", err)
	}
	content, err := yaml.YAMLToJSON([]byte(output))
	if err != nil {
		return nil, fmt.Errorf("YAMLToJSON: %w", err)
	}
	return content, nil
}
