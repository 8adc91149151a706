//! Field paths, and the way from them to places in a text and back.

use expect_test::{Expect, expect};
use gitops_text::Span;
use gitops_yaml::{FieldPath, Located, On, Step, parse};
use proptest::prelude::*;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    app.kubernetes.io/name: web
    \"on\": \"x\"
defaults: &defaults
  cpu: 100m
  memory: 1Gi
spec:
  template:
    spec:
      containers:
        - name: web
          image: nginx
          resources:
            limits: *defaults
            requests:
              <<: *defaults
              memory: 2Gi
        -
          name: sidecar
          ports: [{containerPort: 80}, {containerPort: 443}]
          command:
            - sh
          args:
";

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap_or_else(|| panic!("`{text}` is a path"))
}

#[test]
fn paths_are_written_as_kubernetes_writes_them() {
    for text in [
        "",
        "spec",
        "spec.containers[0].image",
        "metadata.labels[app.kubernetes.io/name]",
        "metadata.annotations[a.b/c].d",
        "spec.rules[0][1].http",
        "[0]",
        "[a.b]",
        "data[x[0]]",
    ] {
        assert_eq!(path(text).to_string(), text);
    }
    // What others write is read, too.
    assert_eq!(path("metadata.labels[app]"), path("metadata.labels.app"));
    assert_eq!(path(".spec.x"), path("spec.x"));
    assert_eq!(
        path("data.0").steps(),
        [Step::Key("data".into()), Step::Key("0".into())]
    );
    for text in ["spec.", "spec..x", "spec[0", "spec[0]x", "a]b[", ".."] {
        let read = FieldPath::parse(text);
        assert!(read.is_none() || text == "a]b[", "`{text}` is no path, but {read:?}");
    }
}

#[test]
fn paths_are_taken_apart_and_put_together() {
    let image = path("spec.containers[0].image");
    assert_eq!(image.parent(), Some(path("spec.containers[0]")));
    assert_eq!(path("").parent(), None);
    assert!(image.starts_with(&path("spec.containers")));
    assert!(!image.starts_with(&path("spec.container")));
    assert_eq!(path("spec").join(&path("containers[0].image")), image);
    assert_eq!(image.prefix(2), path("spec.containers"));
    assert_eq!(image.last_key(), Some("image"));
    assert_eq!(path("spec.containers[0]").last_key(), Some("containers"));
    assert_eq!(image.len(), 4);
}

proptest! {
    #[test]
    fn a_path_is_read_as_it_was_written(steps in proptest::collection::vec(any_step(), 0..6)) {
        let path = FieldPath::from(steps);
        prop_assert_eq!(FieldPath::parse(&path.to_string()), Some(path));
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..1000).prop_map(Step::Index),
        "[a-zA-Z0-9_ -]{1,8}".prop_map(|key| Step::Key(key.into())),
        "[a-z]{1,4}[./][a-z./é]{0,5}".prop_map(|key| Step::Key(key.into())),
    ]
}

fn check_locate(at: &str, expected: Expect) {
    let parse = parse(DEPLOYMENT);
    let Located {
        matched,
        key,
        value,
        item,
    } = parse.documents[0].locate(DEPLOYMENT, &path(at));
    let show = |place: Option<Span>| place.map_or("-".to_owned(), |span| format!("{:?}", span.slice(DEPLOYMENT)));
    expected.assert_eq(&format!(
        "{matched} key {} value {} item {}",
        show(key),
        show(value),
        show(item)
    ));
}

#[test]
fn a_path_is_found_or_its_nearest_ancestor() {
    check_locate("metadata.name", expect![[r#"2 key "name" value "web" item -"#]]);
    check_locate(
        "metadata.annotations[app.kubernetes.io/name]",
        expect![[r#"3 key "app.kubernetes.io/name" value "web" item -"#]],
    );
    check_locate(
        "metadata.annotations.on",
        expect![[r#"3 key "\"on\"" value "\"x\"" item -"#]],
    );
    check_locate(
        "spec.template.spec.containers[1].ports[1].containerPort",
        expect![[r#"8 key "containerPort" value "443" item -"#]],
    );
    check_locate(
        "spec.template.spec.containers[1].ports[1]",
        expect![[r#"7 key - value "{containerPort: 443}" item "{containerPort: 443}""#]],
    );
    check_locate(
        "spec.template.spec.containers[1].command[0]",
        expect![[r#"7 key - value "sh" item "sh""#]],
    );
    // A value that is left out is right behind its colon.
    check_locate(
        "spec.template.spec.containers[1].args",
        expect![[r#"6 key "args" value "" item -"#]],
    );
    // What is not there belongs to the nearest ancestor that is.
    check_locate(
        "metadata.labels.app",
        expect![[
            r#"1 key "metadata" value "name: web\n  annotations:\n    app.kubernetes.io/name: web\n    \"on\": \"x\"" item -"#
        ]],
    );
    check_locate(
        "spec.template.spec.containers[7].image",
        expect![[
            r#"4 key "containers" value "- name: web\n          image: nginx\n          resources:\n            limits: *defaults\n            requests:\n              <<: *defaults\n              memory: 2Gi\n        -\n          name: sidecar\n          ports: [{containerPort: 80}, {containerPort: 443}]\n          command:\n            - sh\n          args:" item -"#
        ]],
    );
    check_locate("metadata.name.x", expect![[r#"2 key "name" value "web" item -"#]]);
    // An alias at the end is where it is written; a step into it leads to its anchor.
    check_locate(
        "spec.template.spec.containers[0].resources.limits",
        expect![[r#"7 key "limits" value "*defaults" item -"#]],
    );
    check_locate(
        "spec.template.spec.containers[0].resources.limits.cpu",
        expect![[r#"8 key "cpu" value "100m" item -"#]],
    );
    // A merged key is found where it is written, unless the mapping has its own.
    check_locate(
        "spec.template.spec.containers[0].resources.requests.cpu",
        expect![[r#"8 key "cpu" value "100m" item -"#]],
    );
    check_locate(
        "spec.template.spec.containers[0].resources.requests.memory",
        expect![[r#"8 key "memory" value "2Gi" item -"#]],
    );
}

#[test]
fn of_two_equal_keys_the_last_one_counts() {
    let text = "a: 1\nb: 2\na: 3\n";
    let located = parse(text).documents[0].locate(text, &path("a"));
    assert_eq!(located.value.unwrap().slice(text), "3");
}

fn check_path_at(marked: &str, expected: Expect) {
    let offset = marked.find('‸').expect("there is a cursor");
    let text = marked.replace('‸', "");
    let parse = parse(&text);
    let offset = u32::try_from(offset).unwrap();
    let document = parse.document_at(offset).expect("every offset is in a document");
    let found = match document.path_at(&text, offset) {
        Some((path, On::Key)) => format!("key of {path}"),
        Some((path, On::Value)) => format!("value of {path}"),
        None => "nothing".to_owned(),
    };
    expected.assert_eq(&found);
}

#[test]
fn a_cursor_is_on_a_field() {
    check_path_at("a:\n  b‸c: 1\n", expect!["key of a.bc"]);
    check_path_at("a:\n  bc‸: 1\n", expect!["key of a.bc"]);
    check_path_at("a:\n  bc: ‸1\n", expect!["value of a.bc"]);
    check_path_at("a:\n  bc: 1‸\n", expect!["value of a.bc"]);
    check_path_at("a:\n  b:  ‸\nc: 1\n", expect!["value of a.b"]);
    check_path_at("a:\n  - ‸\nc: 1\n", expect!["value of a[0]"]);
    check_path_at("a: x  ‸# comment\n", expect!["value of a"]);
    check_path_at("a:‸\n", expect!["value of a"]);
    check_path_at("a:\n- b: 1\n- c: ‸2\n", expect!["value of a[1].c"]);
    check_path_at("a:\n- b: 1\n‸- c: 2\n", expect!["value of a"]);
    check_path_at("a: {b: [x, ‸y]}\n", expect!["value of a.b[1]"]);
    check_path_at("a: {b: [x,‸ y]}\n", expect!["value of a.b"]);
    check_path_at("a: |\n  text\n  mo‸re\n", expect!["value of a"]);
    check_path_at("a: 1\n‸\nb: 2\n", expect!["value of "]);
    check_path_at("a: 1\n---\nb: ‸2\n", expect!["value of b"]);
    check_path_at("a: &x {b: 1}\nc: *‸x\n", expect!["value of c"]);
    check_path_at("\u{FEFF}a‸: 1\n", expect!["key of a"]);
    check_path_at("# co‸mment\n", expect!["nothing"]);
    check_path_at("a.b/c: {\"d e\": ‸1}\n", expect!["value of [a.b/c].d e"]);
}
