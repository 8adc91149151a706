//! Namespaces and kinds come first, whichever file brings them.

use expect_test::expect;
use gitops_tests::fixture::check_with;
use gitops_tests::server::Phase;
use gitops_tests::shared::{self, Shared, file};

use crate::LENSES;

#[test]
fn a_namespace_and_a_kind_of_the_same_save() {
    check_with(
        LENSES,
        expect![[r##"
            #- all.yaml
            apiVersion: staging.example.com/v1
            #> lens: ✓ applied · AGE
            kind: Probe
            metadata:
              name: first
              namespace: staged-one
            spec:
              depth: 3
            ---
            apiVersion: apiextensions.k8s.io/v1
            #> lens: ✓ applied · AGE
            kind: CustomResourceDefinition
            metadata:
              name: probes.staging.example.com
            spec:
              group: staging.example.com
              names: { kind: Probe, plural: probes }
              scope: Namespaced
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            depth: { type: integer, maximum: 10 }
            ---
            apiVersion: v1
            #> lens: ✓ applied · AGE
            kind: Namespace
            metadata:
              name: staged-one
            #= its rules hold
            #- all.yaml
            apiVersion: staging.example.com/v1
            #> lens: ✗ rejected: 2 problems
            kind: Probe
            metadata:
              name: first
              namespace: staged-one
            spec:
              depth: 30
            #        ^^ error apply/invalid-value: 30 is not valid: should be less than or equal to 10
              dpeth: 3
            # ^^^^^ error apply/unknown-field: unknown field "dpeth"; "depth" is written already
            ---
            apiVersion: apiextensions.k8s.io/v1
            #> lens: ✓ applied · AGE
            kind: CustomResourceDefinition
            metadata:
              name: probes.staging.example.com
            spec:
              group: staging.example.com
              names: { kind: Probe, plural: probes }
              scope: Namespaced
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            depth: { type: integer, maximum: 10 }
            ---
            apiVersion: v1
            #> lens: ✓ applied · AGE
            kind: Namespace
            metadata:
              name: staged-one
        "##]],
    );
}

/// What waits for a namespace or a kind is asked again when another file brings it.
#[test]
fn a_namespace_and_a_kind_of_another_file() {
    let Shared { server, .. } = shared::session();
    let (namespace, definition, object) = (file("namespace.yaml"), file("definition.yaml"), file("object.yaml"));
    server.open_with(&object, "apiVersion: elsewhere.example.com/v1\nkind: Gauge\nmetadata:\n  name: first\n  namespace: staged-two\nspec:\n  unit: mm\n");
    let verdict = server.save_and_settle(&object);
    assert!(!verdict.ok);
    expect![[r#"
        [
            "error apply/kind-not-served: no kind \"Gauge\" is served here; the CRD that brings elsewhere.example.com is not installed",
        ]
    "#]]
    .assert_debug_eq(&server.diagnostics(&object).summary());

    let mark = server.client.mark();
    server.open_with(
        &definition,
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gauges.elsewhere.example.com\nspec:\n  group: elsewhere.example.com\n  names: { kind: Gauge, plural: gauges }\n  scope: Namespaced\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n          properties:\n            spec:\n              type: object\n              properties:\n                unit: { type: string }\n",
    );
    assert!(server.save_and_settle(&definition).ok);
    // Another test may bring a kind meanwhile; the object is asked about then, too.
    let missing = "error apply/namespace-not-found: namespace \"staged-two\" does not exist";
    server.wait_for_diagnostics(&object, mark, |published| published.summary() == [missing]);

    let mark = server.client.mark();
    server.open_with(
        &namespace,
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: staged-two\n",
    );
    assert!(server.save_and_settle(&namespace).ok);
    server.wait_for_diagnostics(&object, mark, |published| published.diagnostics.is_empty());
    server.client.wait(mark, "that the object is applied", |_| {
        let verdicts = server.verdicts(&object, Phase::Apply, mark);
        verdicts.into_iter().find(|verdict| verdict.ok)
    });
    server.assert_sound();
}
