//! Files of other programs, and of other people.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_tests::fixture::check_offline as check;
use gitops_tests::server::TestServer;
use gitops_tests::shared::offline;
use gitops_tests::show::headline;
use serde_json::Value;

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
    // A chart can be the target of a session.
    assert_eq!(said, "chart/Chart.yaml: lens ▶ Start session\n");
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
                    let errors: Vec<&Value> = published
                        .diagnostics
                        .iter()
                        .filter(|diagnostic| diagnostic["severity"] == 1)
                        .collect();
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
