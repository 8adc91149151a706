//! What the text itself gets wrong, and what is left alone. No cluster is asked.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_tests::fixture::check_offline as check;
use gitops_tests::server::TestServer;
use gitops_tests::shared::{file, offline};
use gitops_tests::show::headline;
use serde_json::Value;

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
    let lenses: Vec<u64> = offline().lenses(&file("three.yaml")).into_iter().filter(|(_, title)| title == "not in session").map(|(line, _)| line).collect();
    assert_eq!(lenses, [1, 12]);
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
    assert_eq!(published.summary(), ["error syntax/control-character: the character U+0000 is not allowed in YAML"]);
    assert!(published.diagnostics.iter().all(|diagnostic| diagnostic["range"]["start"]["line"] == 1));
    assert_eq!(offline().lenses(&name).iter().filter(|(line, _)| *line == 4).count(), 2, "the second document is sound");
}

/// Deep nesting, alias bombs and other texts that cost more than they show: one finding, at once.
#[test]
fn texts_that_are_bombs() {
    let mut deep_blocks = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n".to_owned();
    for depth in 0..150 {
        let _ = writeln!(deep_blocks, "{}a:", " ".repeat(depth));
    }
    let mut laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned();
    for level in 1..10 {
        let _ = writeln!(laughs, "a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: ";
    for (name, text) in [
        ("flow.yaml", format!("{object}{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("open.yaml", format!("{object}{}", "[".repeat(100_000))),
        ("maps.yaml", format!("{object}{}", "{a: ".repeat(50_000))),
        ("blocks.yaml", deep_blocks),
        ("dashes.yaml", format!("{object}\n{}", "- ".repeat(50_000))),
        ("laughs.yaml", format!("{laughs}apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\ndata: {{ x: *a9 }}\n")),
        ("self.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: &m { name: a, labels: *m }\n".to_owned()),
        ("merge.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  <<: *m\n".to_owned()),
        ("long-line.yaml", format!("{object}{{ x: \"{}\" }}", "y".repeat(4 << 20))),
        ("question.yaml", "? ".repeat(50_000)),
        ("anchors.yaml", "&a ".repeat(50_000)),
        ("quotes.yaml", format!("{object}\"{}", "\\\"".repeat(500_000))),
        ("documents.yaml", "---\n".repeat(200_000)),
    ] {
        let name = file(name);
        offline().open_with(&name, &text);
        let published = offline().wait_for_version(&name, 1);
        assert!(published.diagnostics.len() <= 201, "{name}: {} findings", published.diagnostics.len());
        // Whatever is asked about it is answered.
        let _ = offline().lenses(&name);
        println!("{name}: {:?}", published.summary().first());
    }
    offline().assert_sound();
    let first = |name: &str| offline().diagnostics(&file(name)).summary().into_iter().next().unwrap_or_default();
    for (name, code) in [("flow.yaml", "too-deep"), ("open.yaml", "too-deep"), ("maps.yaml", "too-deep"), ("blocks.yaml", "too-deep"), ("laughs.yaml", "too-many-aliases")] {
        assert!(first(name).starts_with(&format!("error syntax/{code}: ")), "{name}: {}", first(name));
    }
}

/// A hundred levels are nothing special.
#[test]
fn ninety_levels_are_read() {
    let name = file("deep.yaml");
    offline().open_with(&name, &format!("apiVersion: v1\nkind: X\nmetadata: {{ name: a }}\nspec: {}{}\n", "[".repeat(90), "]".repeat(90)));
    assert_eq!(offline().wait_for_version(&name, 1).summary(), [""; 0]);
}

#[test]
fn a_text_that_is_too_large() {
    let name = file("large.yaml");
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: large }\ndata:\n  x: [ # broken, were it read\n".to_owned();
    while text.len() <= 8 << 20 {
        text.push_str("  # a line of some length that makes the text longer than anybody writes by hand\n");
    }
    offline().open_with(&name, &text);
    assert_eq!(offline().wait_for_version(&name, 1).summary(), ["information syntax/file-too-large: this file is over 8 MiB and is left alone"]);
    assert_eq!(offline().lenses(&name), []);
    let version = offline().retype(&name, "a: [\n");
    assert_eq!(offline().wait_for_version(&name, version).diagnostics.len(), 1, "small again, it is read again");
}

#[test]
fn texts_that_are_not_yaml() {
    for (name, text) in [
        ("empty.yaml", ""),
        ("blank.yaml", " \n\n  \n"),
        ("comment.yaml", "# nothing\n"),
        ("mark.yaml", "\u{feff}"),
        ("end.yaml", "...\n---\n...\n"),
        ("word.yaml", "hello\n"),
        ("prose.yaml", "Dear all,\nthis is not: a manifest.\n"),
        ("json.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}}"),
    ] {
        let name = file(name);
        offline().open_with(&name, text);
        println!("{name}: {:?}", offline().wait_for_version(&name, 1).summary());
    }
    offline().assert_sound();
    for name in ["empty.yaml", "blank.yaml", "comment.yaml", "mark.yaml", "end.yaml", "word.yaml", "json.yaml"] {
        assert_eq!(offline().diagnostics(&file(name)).summary(), [""; 0], "{name}");
    }
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

/// Files of other programs get no error that is not theirs: nothing at all, while they are sound as YAML.
#[test]
fn files_of_other_programs() {
    let server = TestServer::builder()
        .files(
            "
            #- values.yaml
            replicas: 2
            image: { repository: nginx, tag: 1.27 }
            enabled: yes
            #- kustomization.yaml
            resources: [deployment.yaml]
            images:
              - name: nginx
                newTag: 1.27
            #- chart/Chart.yaml
            apiVersion: v2
            name: chart
            version: 0.1.0
            #- chart/templates/deployment.yaml
            {{- if .Values.enabled }}
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: {{ .Release.Name }}
              labels: {{- include \"labels\" . | nindent 4 }}
            {{- end }}
            #- chart/templates/_helpers.tpl
            {{- define \"labels\" -}}
            {{- end }}
            #- ansible.yaml
            - hosts: all
              tasks:
                - debug: { msg: \"{{ x }}\" }
            #- jinja.yaml
            {% for x in y %}
            - name: {{ x }}
            {% endfor %}
            #- .github/workflows/ci.yml
            name: ci
            on: [push]
            jobs:
              test:
                runs-on: ubuntu-latest
                steps:
                  - run: \"true\"
            #- docker-compose.yaml
            version: \"3\"
            services:
              web: { image: nginx, ports: [\"80:80\"] }
            #- compose.yml
            services:
              web:
                ports: [22:22]
            #- .pre-commit-config.yaml
            repos: []
            #- mkdocs.yml
            site_name: x
            theme: !!python/name:material.x ''
            #- openapi.yaml
            openapi: 3.1.0
            paths: {}
            #- kubeconfig.yaml
            apiVersion: v1
            kind: Config
            clusters: []
            #- cloudformation.yaml
            AWSTemplateFormatVersion: 2010-09-09
            Resources:
              X: !GetAtt A.B
            ",
        )
        .build();
    let mut said = String::new();
    for name in [
        "values.yaml",
        "kustomization.yaml",
        "chart/Chart.yaml",
        "chart/templates/deployment.yaml",
        "chart/templates/_helpers.tpl",
        "ansible.yaml",
        "jinja.yaml",
        ".github/workflows/ci.yml",
        "docker-compose.yaml",
        "compose.yml",
        ".pre-commit-config.yaml",
        "mkdocs.yml",
        "openapi.yaml",
        "kubeconfig.yaml",
        "cloudformation.yaml",
    ] {
        server.open(name);
        for diagnostic in server.wait_for_version(name, 1).diagnostics {
            let _ = writeln!(said, "{name}: {}", headline(&diagnostic));
        }
        for (_, title) in server.lenses(name) {
            let _ = writeln!(said, "{name}: lens {title}");
        }
    }
    assert_eq!(said, "");
}

/// A fault of YAML itself is shown in a file of another program, too.
#[test]
fn broken_files_of_other_programs() {
    check(expect![[r##"
        #- values.yaml
        image:
          tag: "1.27
        #      ^^^^^ error syntax/unclosed-quote: the quote " is opened here and not closed
        #| see 2:8-2:9 "\"": opened here
          name: x
        #- kustomization.yaml
        resources: [a.yaml
        #          ^^^^^^^ error syntax/unclosed-bracket: the bracket `[` is opened here and not closed
        #| see 1:12-1:13 "[": opened here
        images: []
    "##]]);
}

#[test]
fn real_files_have_no_findings() {
    let corpora = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
    let mut seen = 0;
    let mut said = String::new();
    for folder in ["podinfo", "reports"] {
        let mut waiting = vec![corpora.join(folder)];
        while let Some(directory) = waiting.pop() {
            for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push(entry.into_path());
                } else if matches!(entry.path().extension(), Some("yaml" | "yml")) {
                    seen += 1;
                    let name = entry.path().strip_prefix(&corpora).expect("below").as_str();
                    offline().open_with(name, &std::fs::read_to_string(entry.path()).expect("text"));
                    let published = offline().wait_for_version(name, 1);
                    let errors: Vec<&Value> = published.diagnostics.iter().filter(|diagnostic| diagnostic["severity"] == 1).collect();
                    for diagnostic in errors {
                        let _ = writeln!(said, "{name}: {}", headline(diagnostic));
                    }
                }
            }
        }
    }
    assert!(seen > 50, "{seen} files: the corpora are not there");
    assert_eq!(said, "");
}
