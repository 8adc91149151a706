//! How long one answer takes in an overlay of 201 objects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gitops_model::Want;
use gitops_render::Renderer as _;
use gitops_render::origins::{Origins, Question};
use gitops_yaml::FieldPath;

use crate::{Target, prepare, renderer};

/// A base of 200 Deployments, a generated ConfigMap, and an overlay with a patch for all of them.
fn large() -> Target {
    let mut files = BTreeMap::new();
    let mut resources = String::from("resources:\n");
    for number in 0..200 {
        let name = format!("app-{number}");
        writeln!(resources, "- {name}.yaml").expect("writing to a text");
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 1\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      containers:\n      - name: app\n        image: registry.example.org/app:1\n        env:\n        - name: LEVEL\n          value: info\n        envFrom:\n        - configMapRef: {{name: settings}}\n"
        );
        files.insert(format!("base/{name}.yaml"), text);
    }
    files.insert("base/kustomization.yaml".into(), resources);
    let overlay = "namespace: shop\nnamePrefix: eu-\nresources: [../base]\nconfigMapGenerator:\n- {name: settings, literals: [A=1]}\nimages:\n- {name: registry.example.org/app, newTag: '2'}\nlabels:\n- {pairs: {team: shop}, includeSelectors: true}\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: replace, path: /spec/replicas, value: 2}\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: app-150}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: app\n            env:\n            - {name: LEVEL, value: debug}\n";
    files.insert("prod/kustomization.yaml".into(), overlay.into());
    Target {
        files,
        directory: "prod",
        flux: None,
        variables: None,
    }
}

/// Structure decides here, without the renderer. The limit is that of issue 5, with room for a debug build on a busy
/// machine; `cargo xtask bench` measures it.
#[tokio::test]
async fn one_answer_among_201_objects() {
    let renderer = renderer();
    let target = large();
    let (tree, flux, request) = prepare(&renderer, "large", &target).await;
    let built = renderer.kustomize(&request).await.expect("the renderer is there");
    assert_eq!(built.objects.len(), 201);
    let named = |built: &&gitops_render::BuiltObject| built.object["metadata"]["name"] == "eu-app-150";
    let object = built.objects.iter().find(named).expect("it is built");
    let path = FieldPath::parse("spec.template.spec.containers[0].env[0].value").expect("a path");
    let question = Question {
        built: object,
        path: &path,
        want: Want::Value,
    };
    let start = Instant::now();
    let origins = Origins::read(&tree, "prod", flux).among(&built.objects);
    let places = origins.find(question, &renderer, &request).await.expect("it answers");
    let took = start.elapsed();
    println!("read and answered in {took:?}");
    assert_eq!(
        &*places.first().expect("a place").origin.file,
        "prod/kustomization.yaml"
    );
    assert!(took < Duration::from_millis(500), "{took:?}");

    // The same once more, with everything that was read.
    let start = Instant::now();
    origins.find(question, &renderer, &request).await.expect("it answers");
    println!("answered again in {:?}", start.elapsed());

    // And what it takes to ask the renderer.
    let start = Instant::now();
    let first = places.first().expect("a place");
    let moved = origins.moves(question, &[first], &renderer, &request).await;
    println!("{moved:?} in {:?}", start.elapsed());
}
