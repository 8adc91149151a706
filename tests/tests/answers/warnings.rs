//! What the server takes, but warns of.

use expect_test::expect;
use gitops_tests::fixture::{Show, check_with};

use crate::SHOW;
use crate::prepare::namespace;

#[test]
fn deprecated_version() {
    namespace("deprecated");
    check_with(
        Show { lenses: true, ..SHOW },
        expect![[r#"
            #- endpoints.yaml
            apiVersion: v1
            #> lens: ✓ applied · AGE
            #           ^^ warning apply/deprecated-version: v1 Endpoints is deprecated; use discovery.k8s.io/v1 EndpointSlice
            kind: Endpoints
            metadata:
              name: web
              namespace: deprecated
            subsets: []
        "#]],
    );
}

#[test]
fn deprecated_fields() {
    namespace("deprecated-fields");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: old
              namespace: deprecated-fields
              annotations:
                scheduler.alpha.kubernetes.io/critical-pod: ""
            #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning apply/deprecated-field: non-functional in v1.16+; use the "priorityClassName" field instead
            spec:
              serviceAccount: default
              nodeSelector:
                beta.kubernetes.io/os: linux
            #   ^^^^^^^^^^^^^^^^^^^^^ warning apply/deprecated-field: deprecated since v1.14; use "kubernetes.io/os" instead
              containers:
                - name: a
                  image: a
                  env:
                    - name: A
                      value: "1"
                  ports:
                    - containerPort: 80
                    - containerPort: 80
                      name: again
                      protocol: UDP
            #- service.yaml
            apiVersion: v1
            kind: Service
            metadata:
              name: outside
              namespace: deprecated-fields
            spec:
              externalName: example.com
            #               ^^^^^^^^^^^ warning apply/warning: "externalName" is ignored when spec.type is not "ExternalName"
              externalIPs: [192.0.2.7]
            # ^^^^^^^^^^^ warning apply/deprecated-field: "externalIPs" is deprecated and may no longer be implemented in some clusters
              ports:
                - port: 80
        "##]],
    );
}
