package render

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// What is merged here is what helm-controller's own package merges.
func TestValuesAreMergedAsFluxMergesThem(t *testing.T) {
	for name, one := range map[string]struct {
		own  string
		from []ValuesFrom
	}{
		"own values only":              {own: `{"a": {"b": 1}}`},
		"null":                         {own: `null`},
		"a later reference wins":       {own: `{}`, from: []ValuesFrom{{Data: "a: {b: 1, c: 1}"}, {Data: "a: {b: 2}"}}},
		"own values win":               {own: `{"a": {"b": 3}}`, from: []ValuesFrom{{Data: "a: {b: 1, c: 1}"}}},
		"a map for a scalar":           {own: `{"a": {"b": 3}}`, from: []ValuesFrom{{Data: "a: 1"}}},
		"null takes away":              {own: `{"a": null}`, from: []ValuesFrom{{Data: "a: {b: 1}"}}},
		"a target path":                {own: `{"a": {"b": 3}}`, from: []ValuesFrom{{Data: "7", TargetPath: "a.b"}}},
		"a target path at the top":     {own: `{"a": 3}`, from: []ValuesFrom{{Data: "7", TargetPath: "a"}}},
		"a target path in a list":      {own: `{"a": [{"b": 1}]}`, from: []ValuesFrom{{Data: "x", TargetPath: "a[0].b"}}},
		"a target path, then values":   {own: `{"c": 1}`, from: []ValuesFrom{{Data: "7", TargetPath: "a.b"}, {Data: "a: {b: 8, d: 9}"}}},
		"quotes make a text":           {own: `{}`, from: []ValuesFrom{{Data: `"7"`, TargetPath: "a"}}},
		"the syntax of --set":          {own: `{}`, from: []ValuesFrom{{Data: "{1,2}", TargetPath: "a"}}},
		"a literal is what it says":    {own: `{}`, from: []ValuesFrom{{Data: "{1,2}=[x]\\", TargetPath: "a.b", Literal: true}}},
		"an escaped dot":               {own: `{}`, from: []ValuesFrom{{Data: "x", TargetPath: `a\.b.c`}}},
		"a target path of no path":     {own: `{}`, from: []ValuesFrom{{Data: "x", TargetPath: "a[b"}}},
		"no YAML":                      {own: `{}`, from: []ValuesFrom{{Data: "a: [", TargetPath: ""}}},
		"nothing":                      {own: `{"a": 1}`, from: []ValuesFrom{{Data: ""}}},
		"large numbers stay numbers":   {own: `{"a": 1000000}`, from: []ValuesFrom{{Data: "b: 12345678901"}}},
		"a value that is not a number": {own: `{"a": "1"}`, from: []ValuesFrom{{Data: "0x1f", TargetPath: "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := fake.NewClientBuilder()
			var references []meta.ValuesReference
			for number, from := range one.from {
				name := fmt.Sprintf("values-%d", number)
				objects = objects.WithObjects(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Data: map[string]string{"values.yaml": from.Data}})
				references = append(references, meta.ValuesReference{Kind: "ConfigMap", Name: name, TargetPath: from.TargetPath, Literal: from.Literal})
			}
			own := func() map[string]any {
				var own map[string]any
				if err := json.Unmarshal([]byte(one.own), &own); err != nil {
					t.Fatal(err)
				}
				return own
			}
			theirs, theirError := chartutil.ChartValuesFromReferences(context.Background(), logr.Discard(), objects.Build(), "shop", own(), references...)
			ours, ourError := userValues(&Helm{Values: json.RawMessage(one.own), ValuesFrom: one.from})
			if (theirError != nil) != (ourError != nil) {
				t.Fatalf("Flux says %v, this %v", theirError, ourError)
			}
			if ourError == nil && !reflect.DeepEqual(theirs.AsMap(), ours) {
				t.Errorf("Flux has %#v, this %#v", theirs, ours)
			}
		})
	}
}

func TestAChangeIsInItsRequestOnly(t *testing.T) {
	request := &Helm{Values: json.RawMessage(`{"a": {"list": [1, {"b": 2}], "c": 3}}`), Changes: []Change{
		{Path: []any{"a", "list", 1.0, "b"}, Value: json.RawMessage(`"x"`)},
		{Path: []any{"a", "c"}, Delete: true},
		{Path: []any{"a", "list", 0.0}, Delete: true},
	}}
	values, err := userValues(request)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(values)
	if wanted := `{"a":{"list":[{"b":"x"}]}}`; string(text) != wanted {
		t.Errorf("%s instead of %s", text, wanted)
	}
	request.Changes = []Change{{Path: []any{"a", "c", "d"}, Value: json.RawMessage(`1`)}}
	if _, err := userValues(request); err == nil {
		t.Error("there is nothing to be changed, and it was")
	}
}
