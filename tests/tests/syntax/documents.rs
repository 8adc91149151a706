//! Faults of documents, each on its place.

use expect_test::expect;
use gitops_tests::fixture::check_offline as check;
use gitops_tests::shared::{file, offline};

/// A broken document between sound ones: they keep their lenses, and it alone is marked.
#[test]
fn a_broken_document_between_sound_ones() {
    check(expect![[r##"
        #- three.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: first
        data: {}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: "second
        #       ^^^^^^^ error syntax/unclosed-quote: the quote " is opened here and not closed
        #| see 10:9-10:10 "\"": opened here
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: third
        data:
          a: 1
    "##]]);
    let lenses: Vec<u64> = offline()
        .lenses(&file("three.yaml"))
        .into_iter()
        .filter(|(_, title)| title == "not in session")
        .map(|(line, _)| line)
        .collect();
    assert_eq!(lenses, [0, 11]);
}

#[test]
fn half_typed() {
    check(expect![[r##"
        #- key.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name
        #= more of it
        #- key.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name:
        spec:
          containers:
            -
        #= a key without its colon, between others
        #- key.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name: x
          labels
        # ^^^^^^ error syntax/not-yaml: `labels` has no colon: a key is written `labels:`; more of a text above is indented deeper than its key
          annotations: {}
        #= an open bracket
        #- key.yaml
        apiVersion: v1
        kind: Pod
        spec:
          args: ["a", "b"
        #       ^^^^^^^^^ error syntax/unclosed-bracket: the bracket `[` is opened here and not closed
        #| see 4:9-4:10 "[": opened here
          image: x
        #- pair.yaml (nothing sent)
        metadata: [
        #         ^ error syntax/unclosed-bracket: the bracket `[` is opened here and not closed
        #| see 1:11-1:12 "[": opened here
          name: x
        data: {}
    "##]]);
}

#[test]
fn indentation() {
    check(expect![[r##"
        #- in.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name: x
           labels: {}
        #  ^^^^^^^^^^ error syntax/indentation: this line is indented deeper than `name`, which has a value on its own line already, so that it reads as more of that value
        #| see 4:3-4:10 "name: x": the value of `name`
        #- out.yaml
        apiVersion: v1
        kind: Pod
        spec:
            containers: []
          volumes: []
        # ^^^^^^^^^^^ error syntax/indentation: this line is indented by 2 and belongs to no mapping or list: those around it stand at 0 and 4
        #| see 1:1-1:15 "apiVersion: v1": this one stands at 0
        #- list.yaml
        spec:
          containers:
            - name: a
             image: b
        #    ^^^^^^^^ error syntax/indentation: this line is indented by 5 and belongs to no mapping or list: those around it stand at 0, 2, 4 and 6
        #| see 3:5-3:14 "- name: a": this one stands at 6
    "##]]);
}

#[test]
fn tabs() {
    check(expect![[r#"
        #- tab.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata:
        	name: x
        #@4:1-4:2 error syntax/tab: a tab stands where YAML counts blanks: indentation is made of blanks alone
        #- sound.yaml
        apiVersion: v1
        kind: ConfigMap	# a tab that is a blank
        metadata: { name: x }
        data:
          text: |
            first
            	second
    "#]]);
}

#[test]
fn duplicate_keys() {
    check(expect![[r##"
        #- twice.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: a
          labels: { x: "1", "x": "2" }
        #                   ^^^ error syntax/duplicate-key: the key `x` stands twice in this mapping
        #| see 5:13-5:14 "x": `x` stands here first
          name: b
        # ^^^^ error syntax/duplicate-key: the key `name` stands twice in this mapping
        #| see 4:3-4:7 "name": `name` stands here first
        data:
          1: one
        # ^ warning syntax/dialect-difference: Flux cannot build a mapping with a key that is the number 1: put the key in quotes
          "1": two
        # ^^^ error syntax/duplicate-key: the key `1` stands twice in this mapping
        #| see 8:3-8:4 "1": `1` stands here first
          <<: {}
        metadata: {}
        #<^^^^^^ error syntax/duplicate-key: the key `metadata` stands twice in this mapping
        #| see 3:1-3:9 "metadata": `metadata` stands here first
    "##]]);
}

/// kubectl and Flux read some scalars differently; each is told, in manifests alone.
#[test]
fn dialects() {
    check(expect![[r##"
        #- dialects.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: dialects
          annotations:
            a: yes
        #      ^^^ warning syntax/dialect-difference: kubectl reads `yes` as the boolean true, Flux as the text "yes": write true, or put it in quotes
            b: on
        #      ^^ warning syntax/dialect-difference: kubectl reads `on` as the boolean true, Flux as the text "on": write true, or put it in quotes
            c: 0o17
            d: 017
            e: 1_000
            f: 12:30:45
            g: 2001-01-01
        #      ^^^^^^^^^^ warning syntax/dialect-difference: kubectl reads `2001-01-01` as the text "2001-01-01", Flux as the text "2001-01-01T00:00:00Z": put it in quotes
            h: .inf
            i: ~
            j: "yes"
        #- values.yaml
        enabled: yes
        mode: 017
    "##]]);
}

#[test]
fn anchors() {
    check(expect![[r##"
        #- anchors.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata: &meta
          name: a
        data: *nope
        #     ^^^^^ error syntax/unknown-anchor: no anchor `&nope` stands before this alias in its document
        #- sound.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: a, labels: &labels { x: "1" } }
        data: *labels
    "##]]);
}

#[test]
fn directives_and_control_characters() {
    check(expect![[r#"
        #- directive.yaml
        %YAML 1.2
        ---
        a: !e!tag b
        #  ^^^^^^ error syntax/not-yaml: `!` starts a tag, and this is none; a text that starts with it goes in quotes
        #- two.yaml
        a: b
        %NOPE
        #<^^^ error syntax/directive: a line that starts with `%` is a directive, and kubectl and Flux cannot read a file that has one
        ---
        c: d
    "#]]);
    let name = file("control.yaml");
    offline().open_with(&name, "apiVersion: v1\nkind: \u{0}Pod\u{7}\nmetadata: { name: a }\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: { name: b }\n");
    let published = offline().wait_for_version(&name, 1);
    assert_eq!(
        published.summary(),
        ["error syntax/control-character: the character U+0000 is not allowed in YAML"]
    );
    assert!(
        published
            .diagnostics
            .iter()
            .all(|diagnostic| diagnostic["range"]["start"]["line"] == 1)
    );
    assert_eq!(
        offline().lenses(&name).iter().filter(|(line, _)| *line == 4).count(),
        2,
        "the second document is sound"
    );
}

/// Objects that are never sent say why, on their own line.
#[test]
fn objects_that_are_not_sent() {
    check(expect![[r#"
        #- no-version.yaml
        kind: Deployment
        #<^^^^^^^^^^^^^^ warning model/api-version-missing: apiVersion is missing: the object is not sent to the cluster
        metadata:
          name: x
        spec: {}
        #- no-kind.yaml
        apiVersion: apps/v1
        #<^^^^^^^^^^^^^^^^^ warning model/kind-missing: kind is missing: the object is not sent to the cluster
        metadata:
          name: x
        spec: {}
        #- list.yaml
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: ConfigMap
            metadata: { name: sound }
          - kind: ConfigMap
        #   ^^^^^^^^^^^^^^^ warning model/api-version-missing: apiVersion is missing: the object is not sent to the cluster
            metadata: { name: no-version }
          - metadata: { name: neither }
        #   ^^^^^^^^ warning model/kind-missing: kind is missing: the object is not sent to the cluster
            data: {}
          - v1
        #   ^^ warning model/kind-missing: kind is missing: the object is not sent to the cluster
        #- encrypted.yaml
        apiVersion: v1
        kind: Secret
        #<^^^^^^^^^^ information model/encrypted: encrypted by SOPS: not sent, since the cluster would only see ciphertext
        metadata:
          name: x
        stringData:
          a: ENC[AES256_GCM,data:aGk=,iv:aXY=,tag:dGFn,type:str]
        sops:
          version: 3.9.0
          mac: ENC[AES256_GCM,data:aGk=,iv:aXY=,tag:dGFn,type:str]
    "#]]);
}
