//! Large texts: read in two halves, and in good time.

use gitops_yaml::parse;
use std::fmt::Write as _;

/// 3,000 Deployments in 57,000 lines.
fn deployments() -> String {
    let mut text = String::new();
    for number in 0..3000 {
        write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{number}\n  namespace: shop\n  labels:\n    app.kubernetes.io/name: web-{number}\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: web\n  template:\n    spec:\n      containers:\n        - name: web\n          image: nginx:1.{number}\n          ports: [{{containerPort: 80}}]\n"
        )
        .unwrap();
    }
    text
}

/// Each document of a large text is read as if it stood alone, whichever half it is in.
#[test]
fn halves_make_the_same_as_single_documents() {
    let mut text = deployments();
    // Faults, comments, a directive and an end marker, some of them about where the halves meet.
    for (at, line) in [
        ("web-1400\n  namespace", "x: [\n"),
        ("web-1499\n", "  bad\n"),
        ("web-1501\n", "# comment\n"),
        ("web-1600\n", "  on: yes\n"),
    ] {
        let found = text.find(at).expect("it is there") + at.len();
        text.insert_str(found, line);
    }
    text.push_str("...\n# behind\n%TAG ! x\n---\nlast: 1\n");
    assert!(text.len() > 500_000);
    let whole = parse(&text);
    assert_eq!(whole.documents.len(), 3001);
    assert_eq!(
        whole.documents.iter().filter(|document| document.is_broken()).count(),
        2
    );
    let mut messages = Vec::new();
    for document in &whole.documents {
        let alone = parse(document.span().slice(&text));
        assert_eq!(alone.documents.len(), 1);
        assert_eq!(
            alone.documents[0].node_count(),
            document.node_count(),
            "{:?}",
            document.span()
        );
        assert_eq!(
            alone.documents[0].is_broken(),
            document.is_broken(),
            "{:?}",
            document.span()
        );
        assert_eq!(
            alone.documents[0].comments().len(),
            document.comments().len(),
            "{:?}",
            document.span()
        );
        messages.extend(alone.errors.into_iter().map(|error| error.message));
    }
    let found: Vec<_> = whole.errors.into_iter().map(|error| error.message).collect();
    assert_eq!(found, messages);
}
