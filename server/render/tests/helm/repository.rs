//! The repository that the tests of releases begin with.

/// A repository: a release of a small chart, whose values come from everywhere.
pub(super) const REPOSITORY: &str = r#"
#- apps/kustomization.yaml
namespace: shop
resources: [release.yaml, values.yaml]
configMapGenerator:
  - name: file
    files: [values.yaml=file.yaml]
generatorOptions: {disableNameSuffixHash: true}
#- apps/file.yaml
# of a generator
cache:
  size: 1
  kind: memory
#- apps/values.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data:
  values.yaml: |
    port: 8080
    labels:
      tier: web
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData:
  values.yaml: |
    token: sesame
  word: hunter2
#- apps/release.yaml
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  interval: 1h
  chart:
    spec:
      chart: ./charts/web
      sourceRef: {kind: GitRepository, name: fleet}
  valuesFrom:
    - {kind: ConfigMap, name: file}
    - {kind: ConfigMap, name: config}
    - {kind: Secret, name: secret}
    - {kind: Secret, name: secret, valuesKey: word, targetPath: database.password}
  postRenderers:
    - kustomize:
        patches:
          - patch: |
              apiVersion: apps/v1
              kind: Deployment
              metadata: {name: web}
              spec: {minReadySeconds: 1}
  values:
    image:
      repository: registry.example.org/web
      tag: "1.0"
    env:
      - name: MODE
        value: calm
    resources:
      limits:
        memory: 64Mi
    volumes:
      conf-dir: {path: /conf}
#- charts/web/Chart.yaml
apiVersion: v2
name: web
version: 0.1.0
#- charts/web/values.yaml
image: {repository: "", tag: "0"}
port: 80
labels: {}
env: []
resources: {}
volumes: {}
token: ""
cache: {size: 0, kind: none}
database: {password: "", user: admin}
strategy: RollingUpdate
#- charts/web/values.schema.json
{"properties": {"cache": {"properties": {"size": {"type": "integer"}, "kind": {"enum": ["none", "memory"]}}, "additionalProperties": false},
  "token": {"type": "string", "pattern": "^[a-z]+$"}}}
#- charts/web/templates/_helpers.tpl
{{- define "web.owner" -}}
{{ required "an image tag is needed" .Values.image.tag }}
{{- end -}}
#- charts/web/templates/all.yaml
{{- if gt (int .Values.port) 60000 }}
{{- fail "ports end at 60000 here" }}
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  annotations:
    owner: {{ include "web.owner" . | quote }}
    user: {{ .Values.database.user }}
    {{- with .Values.labels }}
    tier: {{ .tier }}
    {{- end }}
spec:
  strategy:
    type: {{ .Values.strategy }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          ports:
            - containerPort: {{ .Values.port }}
          env:
            - name: CACHE
              value: {{ .Values.cache.size | quote }}
            {{- with .Values.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            {{- range $name, $volume := .Values.volumes }}
            - name: {{ $name }}
              mountPath: {{ $volume.path }}
            {{- end }}
"#;
