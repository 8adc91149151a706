//! Repositories that nobody wrote: layers put together at random, always the same for a seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gitops_render::Renderer as _;

use crate::{Target, line, prepare, renderer, tally};

/// A linear congruential generator is random enough to put layers together (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn sometimes(&mut self) -> bool {
        self.below(2) == 0
    }
}

fn base(random: &mut Random) -> String {
    let mut text = String::from(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\n  labels: {app: app}\n  annotations: {a/b: c}\nspec:\n  replicas: 1\n  selector:\n    matchLabels: {app: app}\n  template:\n    metadata:\n      labels: {app: app}\n    spec:\n      containers:\n",
    );
    for container in 0..=random.below(3) {
        writeln!(
            text,
            "      - name: c{container}\n        image: registry.example.org/c{container}:1\n        args: [same, same, last]\n        env:"
        )
        .expect("writing to a text");
        for variable in 0..=random.below(4) {
            writeln!(text, "        - {{name: V{variable}, value: same}}").expect("writing to a text");
        }
    }
    text.push_str("---\napiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec:\n  selector: {app: app}\n  ports:\n  - {port: 80, name: a}\n  - {port: 81, name: b}\n---\napiVersion: example.org/v1\nkind: Thing\nmetadata: {name: app}\nspec:\n  list:\n  - {name: x, value: 1}\n  - {name: y, value: 1}\n");
    text
}

/// A layer above another: what it says is chosen at random.
fn overlay(random: &mut Random, level: u64, below: &str) -> String {
    let mut text = format!("resources: [{below}]\npatches:\n");
    let value = if random.sometimes() {
        "same".to_owned()
    } else {
        format!("l{level}")
    };
    let patches = [
        format!("- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: app}}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: c0\n            env:\n            - {{name: V1, value: {value}}}\n            - {{name: N{level}, value: {value}}}\n"),
        format!("- target: {{kind: Deployment}}\n  patch: |\n    - {{op: add, path: /spec/template/spec/containers/0/env/-, value: {{name: J{level}, value: {value}}}}}\n    - {{op: add, path: /spec/template/spec/containers/0/env/0, value: {{name: F{level}, value: {value}}}}}\n    - {{op: replace, path: /spec/template/spec/containers/0/args/1, value: {value}}}\n"),
        format!("- target: {{kind: Deployment}}\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: any}}\n    spec:\n      replicas: {level}\n      template:\n        spec:\n          containers:\n          - name: new{level}\n            image: registry.example.org/c0:2\n            args: [same, {value}]\n"),
        "- target: {kind: Deployment}\n  patch: '[{\"op\": \"remove\", \"path\": \"/spec/template/spec/containers/0/args/0\"}]'\n".to_owned(),
        format!("- target: {{kind: Service}}\n  patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {{name: any}}\n    spec:\n      ports:\n      - {{port: 81, targetPort: 8{level}}}\n      - {{port: 9{level}, name: n{level}}}\n"),
        format!("- target: {{kind: Thing, name: .*}}\n  patch: |\n    - {{op: replace, path: /spec/list/1/value, value: {level}}}\n    - {{op: add, path: /metadata/annotations, value: {{x~y: same}}}}\n"),
        format!("- target: {{kind: Thing}}\n  patch: |\n    apiVersion: example.org/v1\n    kind: Thing\n    metadata: {{name: any}}\n    spec:\n      list: [{{name: x, value: 1}}, {{name: z{level}, value: 1}}]\n"),
    ];
    let mut count = 0;
    let mut removed = false;
    for (number, patch) in patches.iter().enumerate() {
        // An argument list is long enough to lose one item, not more.
        let removes = number == 3;
        if random.sometimes() && !(removes && (removed || level > 1)) {
            text.push_str(patch);
            removed |= removes;
            count += 1;
        }
    }
    if count == 0 {
        text = text.replace("patches:\n", "");
    }
    let settings = [
        format!("namePrefix: p{level}-\n"),
        format!("nameSuffix: -s{level}\n"),
        "namespace: same\n".to_owned(),
        format!(
            "labels:\n- pairs: {{l{level}: same, app: app}}\n  includeSelectors: {}\n  includeTemplates: true\n",
            random.sometimes()
        ),
        "commonAnnotations: {note: same, a/b: c}\n".to_owned(),
        format!(
            "images:\n- name: registry.example.org/c0\n  newTag: \"{level}\"\n- name: registry.example.org/c1\n  newName: registry.example.org/c0\n"
        ),
        format!("replicas: [{{name: app, count: {}}}]\n", 1 + random.below(2)),
        format!("configMapGenerator:\n- name: made{level}\n  literals: [A=same, B=same]\n"),
    ];
    for setting in &settings {
        if random.sometimes() {
            text.push_str(setting);
        }
    }
    text
}

#[tokio::test]
async fn every_field_of_what_nobody_wrote_has_its_place() {
    let seeds = std::env::var("GITOPS_LSP_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let renderer = renderer();
    let mut summary = String::new();
    for seed in 1..=seeds.unwrap_or(4_u64) {
        let mut random = Random(seed);
        let mut files = BTreeMap::new();
        files.insert("l0/all.yaml".to_owned(), base(&mut random));
        files.insert("l0/kustomization.yaml".to_owned(), "resources: [all.yaml]\n".to_owned());
        for (level, below, directory) in [(1, "../l0", "l1"), (2, "../l1", "l2"), (3, "../l2", "l3")] {
            files.insert(
                format!("{directory}/kustomization.yaml"),
                overlay(&mut random, level, below),
            );
        }
        let target = Target {
            files: files.clone(),
            directory: "l3",
            flux: None,
            variables: None,
        };
        // What cannot be built, such as when an operation finds nothing, has no fields.
        let (_, _, request) = prepare(&renderer, &format!("seed {seed}"), &target).await;
        let built = renderer.kustomize(&request).await.expect("the renderer is there");
        if built.fault.is_some() {
            continue;
        }
        let mut tally = tally(&renderer, &format!("seed {seed}"), target).await;
        let untried = std::mem::take(&mut tally.untried).len();
        if !tally.misses.is_empty() && std::env::var_os("GITOPS_LSP_SHOW").is_some() {
            for (path, text) in &files {
                println!("#- {path}\n{text}");
            }
        }
        line(&mut summary, &format!("seed {seed} ({untried} not triable)"), &tally);
    }
    expect_test::expect_file!["random.txt"].assert_eq(&summary);
}
