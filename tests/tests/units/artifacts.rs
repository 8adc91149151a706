//! Artifacts that are made of the work tree: copies, what is excluded, what is merged, artifacts of artifacts.

use crate::fleet::Fleet;

const GENERATOR: &str = "\
#- clusters/east/parts.yaml
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: { name: parts, namespace: flux-system }
spec:
  sources:
    - { alias: repo, kind: GitRepository, name: flux-system }
  artifacts:
    - name: web
      copy:
        - { from: '@repo/apps/web/**', to: '@artifact/web/', exclude: ['*.md', 'old/**'] }
        - { from: '@repo/apps/shared.env', to: '@artifact/web/values.env' }
        - { from: '@repo/apps/web/level.yaml', to: '@artifact/web/merged.yaml' }
        - { from: '@repo/settings/level.yaml', to: '@artifact/web/merged.yaml', strategy: Merge }
    - name: elsewhere
      copy:
        - { from: '@other/**', to: '@artifact/' }
---
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: { name: again, namespace: flux-system }
spec:
  sources:
    - { alias: web, kind: ExternalArtifact, name: web }
  artifacts:
    - name: again
      copy:
        - { from: '@web/web', to: '@artifact/deep/' }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: web, namespace: flux-system }
spec:
  interval: 1h
  prune: true
  path: ./deep/web
  targetNamespace: default
  sourceRef: { kind: ExternalArtifact, name: again }
  postBuild: { substituteFrom: [{ kind: ConfigMap, name: vars }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: vars, namespace: flux-system }
data:
  replicas: '1'
#- settings/level.yaml
kind: ConfigMap
data: { level: loud }
#- apps/shared.env
LEVEL=low
#- apps/web/kustomization.yaml
resources: [web.yaml, merged.yaml]
configMapGenerator:
  - { name: settings, envs: [values.env] }
#- apps/web/level.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: level }
data: { level: quiet }
#- apps/web/notes.md
Not YAML: [
#- apps/web/old/kustomization.yaml
resources: [gone.yaml]
#- apps/web/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: ghcr.io/stefanprodan/podinfo:6.9.0
";

/// The generator of the fixture names a source that it does not have; without that one it is sound.
fn sound() -> String {
    let (before, rest) = GENERATOR.split_once("    - name: elsewhere\n").expect("the artifact");
    let (_, after) = rest.split_once("---\n").expect("the next document");
    format!("{before}---\n{after}")
}

#[test]
fn what_is_said_is_in_the_file_that_was_copied() {
    let fleet = Fleet::start(&sound(), "clusters/east");
    // The base, two copies away.
    assert!(!fleet.edit("apps/web/web.yaml", "image:", "imag:"));
    assert_eq!(
        fleet.findings(),
        "apps/web/web.yaml:12: error apply/unknown-field: unknown field \"imag\"; did you mean \"image\"?\n"
    );
    assert!(fleet.edit("apps/web/web.yaml", "imag:", "image:"));
    assert_eq!(fleet.findings(), "");
    // A variable, whose ConfigMap is in no artifact.
    assert!(!fleet.edit("clusters/east/parts.yaml", "replicas: '1'", "replicas: many"));
    let said = fleet.findings();
    assert!(
        said.starts_with("clusters/east/parts.yaml:41: error apply/wrong-type: "),
        "{said}"
    );
    assert!(fleet.edit("clusters/east/parts.yaml", "replicas: many", "replicas: '1'"));
    assert_eq!(fleet.findings(), "");
    // A line of a file under another name.
    assert!(!fleet.edit("apps/shared.env", "LEVEL=low", "LEVEL LOW=low"));
    let said = fleet.findings();
    assert!(said.starts_with("apps/shared.env:1: error "), "{said}");
    assert!(fleet.edit("apps/shared.env", "LEVEL LOW=low", "LEVEL=low"));
    assert_eq!(fleet.findings(), "");
    // What is merged stands in the file that counts.
    assert!(!fleet.edit("settings/level.yaml", "level: loud", "level: 7"));
    let said = fleet.findings();
    assert!(said.starts_with("settings/level.yaml:2: error apply/"), "{said}");
    assert!(fleet.edit("settings/level.yaml", "level: 7", "level: loud"));
    assert_eq!(fleet.findings(), "");
    fleet.server.assert_sound();
}

#[test]
fn what_cannot_be_copied_is_on_the_copy() {
    let fleet = Fleet::start(GENERATOR, "clusters/east");
    assert!(!fleet.edit("apps/shared.env", "low", "high"));
    assert_eq!(
        fleet.findings(),
        "clusters/east/parts.yaml:16: error render/artifact-not-made: the artifact elsewhere cannot be made: there is no \
         source with the alias `other`\n"
    );
    assert!(fleet.edit("clusters/east/parts.yaml", "'@other/**'", "'@repo/apps/web/old/**'"));
    assert_eq!(fleet.findings(), "");
    fleet.server.assert_sound();
}

#[test]
fn what_source_ignore_leaves_out_is_not_there() {
    let files = format!("{}#- .sourceignore\napps/shared.env\n", sound());
    let fleet = Fleet::start(&files, "clusters/east");
    assert!(!fleet.edit("apps/web/web.yaml", "podinfo:6.9.0", "podinfo:6.9.1"));
    let said = fleet.findings();
    assert!(said.contains("render/artifact-not-made"), "{said}");
    fleet.server.assert_sound();
}

/// Rules that change in a session count from their save on, for the build and for Flux.
#[test]
fn source_ignore_changes_in_a_session() {
    let files = format!("{}#- .sourceignore\n# nothing\n", sound());
    let fleet = Fleet::start(&files, "clusters/east");
    let web = "apps/web/web.yaml";
    let began = fleet.server.client.mark();
    assert!(fleet.edit(web, "podinfo:6.9.0", "podinfo:6.9.1"));
    assert!(fleet.verdict(web, "flux", began));
    assert!(!fleet.edit(".sourceignore", "# nothing", "apps/shared.env"));
    let said = fleet.findings();
    assert!(said.contains("render/artifact-not-made"), "{said}");
    let mended = fleet.server.client.mark();
    assert!(fleet.edit(".sourceignore", "apps/shared.env", "# nothing more"));
    assert_eq!(fleet.findings(), "");
    assert!(fleet.verdict(".sourceignore", "flux", mended));
    fleet.server.assert_sound();
}
