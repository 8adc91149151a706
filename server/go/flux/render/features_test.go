package render

import (
	"fmt"
	"strings"
	"testing"
)

// files reads many files from one text, in which `#- path` begins a file.
func files(text string) *Tree {
	changes := map[string]*string{}
	for _, part := range strings.Split("\n"+text, "\n#- ")[1:] {
		name, content, _ := strings.Cut(part, "\n")
		content += "\n"
		changes[name] = &content
	}
	return NewTree().With(changes)
}

const web = `#- base/kustomization.yaml
resources: [web.yaml, all.yaml]
configMapGenerator:
- name: settings
  literals: [a=b]
- name: env
  envs: [values.env]
- name: plain
  literals: [x=y]
  options: {disableNameSuffixHash: true}
#- base/values.env
A=1
B=${region:=north}
#- base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: runner
      containers:
      - name: main
        image: nginx:1
        envFrom: [{configMapRef: {name: settings}}]
        env: [{name: REGION, value: "${region}"}, {name: COST, value: "$${cost}"}]
#- base/all.yaml
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner}
---
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}
spec: {selector: {app: web}, ports: [{port: 80}], externalName: "${left}"}
--- # with a comment
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  replicas: 1
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: main, image: nginx:1}]}
`

// Every case is built by Flux's own packages and by this one, as a whole and each object as a slice.
func TestFeaturesAreBuiltAsFluxBuildsThem(t *testing.T) {
	for name, one := range map[string]struct {
		files string
		spec  string
		vars  map[string]string
	}{
		"base": {files: web},
		"overlay": {files: web + `#- over/kustomization.yaml
resources: [../base]
namePrefix: p-
nameSuffix: -s
namespace: shop
commonLabels: {team: blue}
commonAnnotations: {seen: "yes"}
images: [{name: nginx, newTag: "2"}]
replicas: [{name: web, count: 3}, {name: other, count: 4}]
patches:
- path: patch.yaml
- target: {kind: Deployment}
  patch: '[{"op": "add", "path": "/spec/paused", "value": true}]'
patchesStrategicMerge:
- |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: other}
  spec: {minReadySeconds: 3}
patchesJson6902:
- target: {group: apps, version: v1, kind: Deployment, name: other}
  patch: '[{"op": "add", "path": "/spec/revisionHistoryLimit", "value": 2}]'
#- over/patch.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {priorityClassName: high}}}
`},
		"components, replacements and variables of kustomize": {files: web + `#- part/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {hostname: "$(NAME)"}}}
#- over/kustomization.yaml
resources: [../base]
components: [../part]
namePrefix: p-
vars:
- name: NAME
  objref: {kind: Service, version: v1, name: web}
replacements:
- source: {kind: ServiceAccount, name: runner, fieldPath: metadata.name}
  targets:
  - select: {kind: Deployment}
    fieldPaths: [spec.template.spec.subdomain]
    options: {create: true}
`},
		"no kustomization":         {files: strings.ReplaceAll(web, "base/kustomization.yaml", "base/in/kustomization.txt"), spec: `{}`},
		"directory below with one": {files: "#- kustomization.txt\n\n" + web, spec: `{"targetNamespace": "shop"}`},
		"notes that the user wants": {files: web + `#- over/kustomization.yaml
resources: [../base]
buildMetadata: [originAnnotations]
`, spec: `{}`},
		"no resources": {files: "#- base/kustomization.yaml\nconfigMapGenerator: [{name: a, literals: [b=c]}]\n", spec: `{}`},
		"own schema": {files: web + `#- over/kustomization.yaml
resources: [../base]
openapi: {version: v1.21.2}
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {containers: [{name: side, image: busybox}]}}}
`},
		"what Flux adds": {files: web, spec: `{"targetNamespace": "shop", "namePrefix": "f-", "nameSuffix": "-z",
			"images": [{"name": "nginx", "newName": "other", "newTag": "3"}],
			"components": ["../missing"], "ignoreMissingComponents": true,
			"patches": [{"patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 7}"},
			{"patch": "[{\"op\": \"remove\", \"path\": \"/spec/replicas\"}]", "target": {"kind": "Deployment", "name": "other"}}]}`},
		"variables":              {files: web, spec: `{"postBuild": {"substitute": {"region": "south\n"}}}`, vars: map[string]string{"region": "south\n"}},
		"a variable too few":     {files: web, spec: `{"postBuild": {"substitute": {"other": "a"}}}`, vars: map[string]string{"other": "a"}},
		"a bad name":             {files: web, spec: `{"postBuild": {"substitute": {"a-b": "a"}}}`, vars: map[string]string{"a-b": "a"}},
		"a file that is missing": {files: web + "#- over/kustomization.yaml\nresources: [../base, nothing.yaml]\n"},
		"a patch for nobody":     {files: web + "#- over/kustomization.yaml\nresources: [../base]\npatches: [{patch: 'apiVersion: v1\n\n    kind: Service\n\n    metadata: {name: nobody}'}]\n"},
		"an unknown field":       {files: web + "#- over/kustomization.yaml\nresources: [../base]\nnamesapce: a\n"},
		"an object twice":        {files: web + "#- over/kustomization.yaml\nresources: [../base, again.yaml]\n#- over/again.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"},
		"a circle":               {files: "#- base/kustomization.yaml\nresources: [../other]\n#- other/kustomization.yaml\nresources: [../base]\n"},
		"no object":              {files: "#- base/a.yaml\nnothing: here\n", spec: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			repository := files(one.files)
			request := Kustomize{Path: "base", Strict: true, Variables: one.vars}
			if repository.isDirectory("over") {
				request.Path = "over"
			}
			if one.spec != "" {
				request.Kustomization = []byte(fmt.Sprintf(`{"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "spec": %s}`, one.spec))
			}
			objects, slices := sameAsFlux(t, repository, request)
			if objects == 0 && !strings.HasPrefix(name, "a ") && !strings.HasPrefix(name, "an ") && name != "no object" {
				t.Error("nothing was built")
			}
			t.Logf("%d objects, %d as slices", objects, slices)
		})
	}
}

// A path that leads out of the tree leads nowhere, even where the tree has such a path.
func TestNothingOutsideIsRead(t *testing.T) {
	repository := files(web + "#- over/kustomization.yaml\nresources: [../../base]\n")
	built := BuildKustomize(repository, &Kustomize{Path: "over"})
	if built.Fault == nil || !strings.Contains(built.Fault.Message, "fs-security-constraint") {
		t.Errorf("%v", built.Fault)
	}
}

// A request can lay files over a tree, and take files away, without changing it.
func TestTreesStayAsTheyAre(t *testing.T) {
	before := files(web)
	text := "resources: []\nnamespace: a\n"
	after := before.With(map[string]*string{"base/kustomization.yaml": &text, "base/web.yaml": nil, "base/all.yaml": nil, "base/values.env": nil, "new/deep/file": &text})
	if len(before.find("base").entries) != 4 || before.isDirectory("new") {
		t.Error("the tree has changed")
	}
	if len(after.find("base").entries) != 1 || !after.isDirectory("new/deep") {
		t.Error("the change was not made")
	}
	if gone := after.With(map[string]*string{"new/deep/file": nil}); gone.find("new") != nil {
		t.Error("an empty directory stays")
	}
}
