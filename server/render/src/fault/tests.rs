//! Faults as kustomize says them, and the line that they are placed on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};

use gitops_model::kustomize::Tree;

use super::place;
use crate::Fault;

fn check(files: &str, message: &str, expected: Expect) {
    expected.assert_eq(&said(files, message));
}

/// Places a message about the directory `k`; files are `path: text` parts of a fixture that start with `#- path`.
fn said(files: &str, message: &str) -> String {
    let files: BTreeMap<&str, &str> = files
        .split("#- ")
        .filter(|part| !part.is_empty())
        .filter_map(|part| part.split_once('\n'))
        .collect();
    let tree: Tree = files.iter().map(|(path, text)| (*path, *text)).collect();
    let fault = Fault {
        step: "build".to_owned(),
        message: message.to_owned(),
        object: None,
    };
    let placed = place(&fault, "k", &tree);
    let mut shown = String::new();
    if let Some(placed) = placed {
        let text = files[placed.file.as_str()];
        let _ = writeln!(
            shown,
            "{}: `{}` {}\n{}",
            placed.file,
            placed.span.slice(text),
            placed.slug,
            placed.message
        );
    }
    shown
}

const MAP: &str = "#- k/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

#[test]
fn a_file_that_is_not_there() {
    check(
        "#- k/kustomization.yaml\nresources:\n- ../base\n#- base/kustomization.yaml\nresources:\n- deployment.yaml\n- servcie.yaml\n",
        "accumulating resources: accumulation err='accumulating resources from '../base': '/base' must resolve to a file': recursed accumulation of path '/base': accumulating resources: accumulation err='accumulating resources from 'servcie.yaml': evalsymlink failure on '/base/servcie.yaml' : lstat /base/servcie.yaml: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '/base/servcie.yaml' : lstat /base/servcie.yaml: no such file or directory",
        expect![[r#"
            base/kustomization.yaml: `servcie.yaml` file-not-found
            there is no file servcie.yaml
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nconfigMapGenerator:\n- name: x\n  files: [there.conf, key=nope.conf]\n",
        "loading KV pairs: file sources: [there.conf key=nope.conf]: evalsymlink failure on '/k/nope.conf' : lstat /k/nope.conf: no such file or directory",
        expect![[r#"
            k/kustomization.yaml: `key=nope.conf` file-not-found
            there is no file key=nope.conf
        "#]],
    );
    check(
        "#- k/kustomization.yaml\npatches:\n- path: nope.yaml\n",
        "trouble configuring builtin PatchTransformer with config: `\npath: nope.yaml\n`: failed to get the patch file from path(nope.yaml): evalsymlink failure on '/k/nope.yaml' : lstat /k/nope.yaml: no such file or directory",
        expect![[r#"
            k/kustomization.yaml: `nope.yaml` file-not-found
            there is no file nope.yaml
        "#]],
    );
}

#[test]
fn the_kustomization_itself() {
    check(
        "#- k/kustomization.yaml\nresources: [../base]\n#- base/kustomization.yaml\n.commonLabels:\n  a: b\n",
        "accumulating resources: accumulation err='accumulating resources from '../base': '/base' must resolve to a file': couldn't make target for path '/base': invalid Kustomization: json: unknown field \".commonLabels\"",
        expect![[r#"
            base/kustomization.yaml: `.commonLabels` unknown-field
            a kustomization has no field ".commonLabels"; did you mean "commonLabels"?
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nresources: a.yaml\n",
        "invalid Kustomization: json: cannot unmarshal string into Go struct field Kustomization.resources of type []string",
        expect![[r#"
            k/kustomization.yaml: `resources` wrong-type
            resources: expected list, got string
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nresources: [../j]\n#- j/kustomization.yaml\nresources:\n- ../k\n",
        "accumulating resources: accumulation err='accumulating resources from '../j': '/j' must resolve to a file': recursed accumulation of path '/j': accumulating resources: accumulation err='accumulating resources from '../k': '/k' must resolve to a file': cycle detected: candidate root '/k' contains visited root '/k'",
        expect![[r#"
            j/kustomization.yaml: `../k` cycle
            ../k leads back to k, which is being built: a circle
        "#]],
    );
}

#[test]
fn patches_and_replacements() {
    check(
        "#- k/kustomization.yaml\npatches:\n- target: { kind: ConfigMap }\n  patch: |-\n    - op: add\n      path: /metadata/labels/tier\n      value: front\n",
        "add operation does not apply: doc is missing path: \"/metadata/labels/tier\": missing value",
        expect![[r#"
            k/kustomization.yaml: `path: /metadata/labels/tier` patch-path-not-found
            add cannot be done: /metadata/labels/tier has no parent in the object that it is for
        "#]],
    );
    check(
        "#- k/kustomization.yaml\npatches:\n- target: { kind: ConfigMap }\n  path: p.yaml\n#- k/p.yaml\n- op: remove\n  path: /data/x\n",
        "error in remove for path: '/data/x': Unable to remove nonexistent key: x: missing value",
        expect![[r#"
            k/p.yaml: `/data/x` patch-path-not-found
            remove cannot be done: the object that it is for has no /data/x
        "#]],
    );
    check(
        &format!(
            "#- k/kustomization.yaml\nresources: [a.yaml]\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: a}}\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata:\n      name: b\n{MAP}"
        ),
        "no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/b.[noNs]\": no matches for Id ConfigMap.v1.[noGrp]/b.[noNs]; failed to find unique target for patch ConfigMap.v1.[noGrp]/b.[noNs]",
        expect![[r#"
            k/kustomization.yaml: `name: b` patch-target-not-found
            no ConfigMap called "b" is here to be patched
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nreplacements:\n- source: {kind: A, name: x}\n  targets:\n  - select: {kind: B}\n    fieldPaths:\n    - metadata.labels[\"example.org/app\"]\n",
        "unable to find field \"metadata.labels[\\\"example.org/app\\\"]\" in replacement target",
        expect![[r#"
            k/kustomization.yaml: `metadata.labels["example.org/app"]` replacement-path-not-found
            no such field in what is to be replaced: metadata.labels["example.org/app"]
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nreplacements:\n- source: {kind: Service, name: x, fieldPath: metadata.name}\n",
        "nothing selected by Service.[noVer].[noGrp]/x.[noNs]:metadata.name",
        expect![[r#"
            k/kustomization.yaml: `x` replacement-source-not-found
            no Service called "x" is here to be the source of a replacement
        "#]],
    );
}

#[test]
fn two_of_one_name() {
    check(
        &format!(
            "#- k/kustomization.yaml\nresources: [a.yaml, b.yaml]\n{MAP}{}",
            MAP.replace("a.yaml", "b.yaml")
        ),
        "accumulating resources: accumulation err='merging resources from 'b.yaml': may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]': must build at directory: '/k/b.yaml': file is not directory",
        expect![[r#"
            k/b.yaml: `a` duplicate-object
            ConfigMap "a" is here already: two resources of one kustomization have the same name
        "#]],
    );
    check(
        "#- k/kustomization.yaml\nresources: [flags.yaml]\nnamespace: one\n#- k/flags.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: flags\n  namespace: x\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"flags\"\n  namespace: y\n",
        "namespace transformation produces ID conflict: [{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"flags\",\"namespace\":\"one\"}} {\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"flags\",\"namespace\":\"one\"}}]",
        expect![[r#"
            k/flags.yaml: `"flags"` duplicate-object
            two ConfigMaps called "flags" would conflict: the kustomization puts both into namespace "one"
        "#]],
    );
}

#[test]
fn what_is_not_known_is_on_the_kustomization() {
    check(
        "#- k/kustomization.yaml\nnamespace: one\nresources: [a.yaml]\n",
        "something new went wrong",
        expect![[r#"
            k/kustomization.yaml: `resources` build-failed
            something new went wrong
        "#]],
    );
}

#[test]
fn a_directory_without_kustomization_has_its_faults_in_its_files() {
    let files = "\
#- k/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: a }
#- k/values.yaml
level: loud
#- k/deep/kustomization.yaml
resources: [gone.yaml]
";
    check(
        files,
        "failed to decode Kubernetes YAML from /k/values.yaml: missing Resource metadata",
        expect![[r"
            k/values.yaml: `level` not-a-resource
            this file is no object: Flux builds every file of a directory without kustomization.yaml, and each document must have apiVersion, kind and metadata.name
        "]],
    );
    // Of several documents it is the one that is none.
    for second in [
        "metadata: { name: 17 }",
        "metadata: { nmae: b }",
        "metdata: { name: b }",
        "metadata: {}",
    ] {
        let files = format!("{MAP}---\napiVersion: v1\nkind: ConfigMap\n{second}\n");
        let said = said(
            &files,
            "failed to decode Kubernetes YAML from /k/a.yaml: missing Resource metadata",
        );
        let place = second
            .split_whitespace()
            .find(|word| said.contains(&format!("`{}`", word.trim_matches(':'))));
        assert!(place.is_some(), "{second}: {said}");
    }
    check(
        files,
        "something new about './values.yaml'",
        expect![[r"
            k/values.yaml: `level` build-failed
            something new about './values.yaml'
        "]],
    );
    check(
        files,
        "something new",
        expect![[r"
            k/a.yaml: `kind` build-failed
            something new
        "]],
    );
}

#[test]
fn a_file_that_is_listed_twice() {
    check(
        "#- k/kustomization.yaml\nresources:\n- a.yaml\n- a.yaml\n#- k/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
        "accumulating resources: accumulation err='merging resources from 'a.yaml': may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]': must build at directory: '/k/a.yaml': file is not directory",
        expect![[r#"
            k/kustomization.yaml: `a.yaml` duplicate-object
            ConfigMap "a" is here already: two resources of one kustomization have the same name
        "#]],
    );
}

#[test]
fn a_base_that_is_listed_twice() {
    check(
        "#- k/kustomization.yaml\nresources:\n- ../base\n- ../base/\n#- base/kustomization.yaml\nresources:\n- a.yaml\n#- base/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
        "accumulating resources: accumulation err='accumulating resources from '../base/': '/base' must resolve to a file': recursed merging from path '/base': may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]",
        expect![[r#"
            k/kustomization.yaml: `../base/` duplicate-object
            ConfigMap "a" is here already: two resources of one kustomization have the same name
        "#]],
    );
}

#[test]
fn a_source_of_a_replacement_without_the_field() {
    check(
        "#- k/kustomization.yaml\nresources:\n- a.yaml\nreplacements:\n- source:\n    kind: ConfigMap\n    fieldPath: metadata.nmae\n",
        "fieldPath `metadata.nmae` is missing for replacement source ConfigMap.[noVer].[noGrp]/a.[noNs]",
        expect![[r#"
            k/kustomization.yaml: `metadata.nmae` replacement-path-not-found
            the source of this replacement has no field metadata.nmae
        "#]],
    );
}

#[test]
fn a_field_of_an_entry_that_there_is_not() {
    check(
        "#- k/kustomization.yaml\nresources:\n- a.yaml\npatches:\n- ptah: a.yaml\n",
        "invalid Kustomization: json: unknown field \"ptah\"",
        expect![[r#"
            k/kustomization.yaml: `ptah` unknown-field
            a kustomization has no field "ptah"; did you mean "path"?
        "#]],
    );
}

#[test]
fn a_generator_without_a_name() {
    check(
        "#- k/kustomization.yaml\nresources:\n- a.yaml\nconfigMapGenerator:\n- name: b\n- files: [b.conf]\n  nmae: c\n",
        "a configmap must have a name",
        expect![[r#"
            k/kustomization.yaml: `nmae` generator-without-name
            what is generated must have a name: name is missing
        "#]],
    );
}

#[test]
fn an_entry_without_what_it_needs() {
    let mut all = String::new();
    for (files, message) in [
        (
            "#- k/kustomization.yaml\npatches:\n- path: a.yaml\n- target: {kind: Deployment}\n  ptah: b.yaml\n",
            "trouble configuring builtin PatchTransformer with config: `\ntarget:\n  kind: Deployment\n`: must specify one of patch and path in\ntarget:\n  kind: Deployment\n",
        ),
        (
            "#- k/kustomization.yaml\npatches:\n- patch: |-\n    kind: A\n- patch: |-\n    - op: remove\n      path: /a\n  tagret: {kind: A}\n",
            "must specify a target for JSON patch [patch: \"- op: remove\\n  path: /a\"]",
        ),
        (
            "#- k/kustomization.yaml\nreplicas:\n- nme: web\n  count: 2\n",
            "resource with name  does not match a config with the following GVK [Deployment.v1.apps]",
        ),
        (
            "#- k/kustomization.yaml\nreplacements:\n- source: {kind: A}\n  targets:\n  - selct: {kind: B}\n",
            "target must specify resources to select",
        ),
        (
            "#- k/kustomization.yaml\nkind: Kustomization\nresorces: [a.yaml]\n",
            "kustomization.yaml is empty",
        ),
    ] {
        all.push_str(&said(files, message));
    }
    expect![[r#"
        k/kustomization.yaml: `ptah` incomplete-entry
        this entry says neither what to change (patch) nor where that is written (path)
        k/kustomization.yaml: `tagret` incomplete-entry
        operations do not say what they are for: target is missing
        k/kustomization.yaml: `nme` incomplete-entry
        this entry does not say what is to be scaled: name is missing
        k/kustomization.yaml: `selct` incomplete-entry
        this target does not say which resources it is about: select is missing
        k/kustomization.yaml: `resorces` empty-kustomization
        this kustomization is empty: it names no resource, and nothing to do with others
    "#]]
    .assert_eq(&all);
}

#[test]
fn a_patch_whose_kind_is_misspelled() {
    check(
        &format!(
            "#- k/kustomization.yaml\nresources:\n- a.yaml\npatches:\n- path: p.yaml\n{MAP}#- k/p.yaml\napiVersion: v1\nkind: ConfgiMap\nmetadata:\n  name: a\n"
        ),
        "no resource matches strategic merge patch \"ConfgiMap.v1.[noGrp]/a.[noNs]\": no matches for Id ConfgiMap.v1.[noGrp]/a.[noNs]; failed to find unique target for patch ConfgiMap.v1.[noGrp]/a.[noNs]",
        expect![[r#"
            k/p.yaml: `ConfgiMap` patch-target-not-found
            no ConfgiMap called "a" is here to be patched
        "#]],
    );
}

#[test]
fn what_is_somewhere_else_is_not_fetched() {
    for (entry, rest) in [
        (
            "https://git.example.invalid/bases//web?ref=v1",
            "Get \"https://git.example.invalid/bases//web?ref=v1\": nothing is fetched to build this': no 'git' program on path: exec: \"git\": executable file not found in $PATH",
        ),
        (
            "github.com/x/y//z?ref=v1",
            "open /k/github.com/x/y/z?ref=v1: no such file or directory': no 'git' program on path: exec: \"git\": executable file not found in $PATH",
        ),
    ] {
        let text = format!("resources:\n- {entry}\n");
        let message =
            format!("accumulating resources: accumulation err='accumulating resources from '{entry}': {rest}");
        let tree: Tree = [("k/kustomization.yaml", text.as_str())].into_iter().collect();
        let fault = Fault {
            step: "build".to_owned(),
            message,
            object: None,
        };
        let placed = place(&fault, "k", &tree).expect("it has a place");
        assert_eq!(placed.slug, "remote-base", "{}", placed.message);
        assert_eq!(placed.span.slice(&text), entry);
    }
    check(
        "#- k/kustomization.yaml\ncomponents:\n- https://git.example.invalid/x//y?ref=v1\n",
        "accumulating components: loader.New \"no 'git' program on path: exec: \\\"git\\\": executable file not found in $PATH\"",
        expect![[r"
            k/kustomization.yaml: `https://git.example.invalid/x//y?ref=v1` remote-base
            something here is on another machine, and nothing is fetched to build this
        "]],
    );
}
