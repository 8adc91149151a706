//! Objects of each kind and version, and what is read of them.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::flux::{Chart, SourceOrigin, Substitution};

fn read(object: &Value) -> FluxObject {
    FluxObject::read(object).unwrap_or_else(|| panic!("it is not read: {object}"))
}

/// Each object that `object` names, what for, and where that stands.
fn check_references(object: Value, expected: Expect) {
    let object = read(&object);
    let said: String = object
        .references()
        .into_iter()
        .map(|reference| {
            let group = Some(reference.group.as_str())
                .filter(|group| !group.is_empty())
                .unwrap_or("core");
            let key = reference
                .key
                .as_ref()
                .map(|key| format!(" key {key}"))
                .unwrap_or_default();
            let optional = if reference.is_optional { " optional" } else { "" };
            format!(
                "{:?} {reference} ({group}){key}{optional} at {}\n",
                reference.role, reference.field
            )
        })
        .collect();
    expected.assert_eq(&said);
}

fn kustomization(version: &str) -> Value {
    json!({
        "apiVersion": format!("kustomize.toolkit.fluxcd.io/{version}"),
        "kind": "Kustomization",
        "metadata": { "name": "apps", "namespace": "flux-system" },
        "spec": {
            "interval": "10m",
            "path": "./apps/staging/",
            "prune": true,
            "wait": true,
            "targetNamespace": "web",
            "sourceRef": { "kind": "GitRepository", "name": "fleet" },
            "dependsOn": [{ "name": "infra" }, { "name": "crds", "namespace": "platform" }],
            "components": ["../components/tls"],
            "postBuild": {
                "substitute": { "cluster": "staging", "wrong": 1 },
                "substituteFrom": [
                    { "kind": "ConfigMap", "name": "settings" },
                    { "kind": "Secret", "name": "secrets", "optional": true },
                ],
            },
            "healthChecks": [
                { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "web" },
                { "apiVersion": "v1", "kind": "Service", "name": "web" },
            ],
            "decryption": { "provider": "sops", "secretRef": { "name": "age" } },
            "kubeConfig": { "secretRef": { "name": "other-cluster", "key": "value" } },
            "serviceAccountName": "deployer",
        },
    })
}

#[test]
fn a_kustomization_names_its_source_and_all_that_it_needs() {
    for version in ["v1", "v1beta2"] {
        check_references(
            kustomization(version),
            expect![[r#"
                Source GitRepository/flux-system/fleet (source.toolkit.fluxcd.io) at spec.sourceRef.name
                Dependency Kustomization/flux-system/infra (kustomize.toolkit.fluxcd.io) at spec.dependsOn[0].name
                Dependency Kustomization/platform/crds (kustomize.toolkit.fluxcd.io) at spec.dependsOn[1].name
                Variables ConfigMap/flux-system/settings (core) at spec.postBuild.substituteFrom[0].name
                Variables Secret/flux-system/secrets (core) optional at spec.postBuild.substituteFrom[1].name
                HealthCheck Deployment/web/web (apps) at spec.healthChecks[0].name
                HealthCheck Service/flux-system/web (core) at spec.healthChecks[1].name
                Secret Secret/flux-system/age (core) at spec.decryption.secretRef.name
                Cluster Secret/flux-system/other-cluster (core) key value at spec.kubeConfig.secretRef.name
                ServiceAccount ServiceAccount/flux-system/deployer (core) at spec.serviceAccountName
            "#]],
        );
    }
}

#[test]
fn a_kustomization_says_what_it_builds() {
    let object = read(&kustomization("v1"));
    assert_eq!(object.key.to_string(), "Kustomization/flux-system/apps");
    let FluxSpec::Kustomization(spec) = object.spec else {
        panic!("it is a Kustomization")
    };
    assert_eq!(spec.directory, "apps/staging");
    assert_eq!(spec.substitution, Substitution::WithVariables);
    assert_eq!(
        spec.substitute.into_iter().collect::<Vec<_>>(),
        [("cluster".to_owned(), "staging".to_owned())]
    );
    assert_eq!(spec.components, ["../components/tls"]);
    assert_eq!(spec.target_namespace.as_deref(), Some("web"));
    assert!(spec.waits && spec.prunes && !spec.forces && !spec.is_suspended);
}

#[test]
fn a_source_in_another_namespace_or_of_another_group_is_named_as_it_is() {
    check_references(
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": "apps" },
            "spec": { "sourceRef": { "apiVersion": "source.example.com/v1", "kind": "ExternalArtifact", "name": "apps", "namespace": "sources" } },
        }),
        expect!["Source ExternalArtifact/sources/apps (source.example.com) at spec.sourceRef.name\n"],
    );
    // Its own namespace is not known before a build says it.
    check_references(
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": "apps" },
            "spec": { "sourceRef": { "kind": "Bucket", "name": "apps" } },
        }),
        expect!["Source Bucket/apps (source.toolkit.fluxcd.io) at spec.sourceRef.name\n"],
    );
}

fn helm_release(version: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("helm.toolkit.fluxcd.io/{version}"),
        "kind": "HelmRelease",
        "metadata": { "name": "podinfo", "namespace": "apps" },
        "spec": spec,
    })
}

#[test]
fn a_helm_release_names_its_chart_and_values() {
    let spec = json!({
        "chart": { "spec": {
            "chart": "podinfo", "version": ">=6", "valuesFiles": ["values.yaml", "prod.yaml"],
            "sourceRef": { "kind": "HelmRepository", "name": "podinfo", "namespace": "flux-system" },
            "verify": { "provider": "cosign", "secretRef": { "name": "cosign" } },
        } },
        "dependsOn": [{ "name": "redis" }],
        "targetNamespace": "web",
        "install": { "createNamespace": true },
        "values": { "replicaCount": 2 },
        "valuesFrom": [
            { "kind": "ConfigMap", "name": "defaults" },
            { "kind": "Secret", "name": "tls", "valuesKey": "crt", "targetPath": "tls.crt", "optional": true, "literal": true },
        ],
        "suspend": true,
    });
    for version in ["v2", "v2beta2", "v2beta1"] {
        check_references(
            helm_release(version, spec.clone()),
            expect![[r#"
                Source HelmRepository/flux-system/podinfo (source.toolkit.fluxcd.io) at spec.chart.spec.sourceRef.name
                Values ConfigMap/apps/defaults (core) key values.yaml at spec.valuesFrom[0].name
                Values Secret/apps/tls (core) key crt optional at spec.valuesFrom[1].name
                Dependency HelmRelease/apps/redis (helm.toolkit.fluxcd.io) at spec.dependsOn[0].name
                Secret Secret/apps/cosign (core) at spec.chart.spec.verify.secretRef.name
            "#]],
        );
    }
    let object = read(&helm_release("v2", spec));
    assert!(object.is_suspended());
    let FluxSpec::HelmRelease(spec) = object.spec else {
        panic!("it is a HelmRelease")
    };
    assert_eq!(
        (spec.release_name.as_str(), spec.release_namespace.as_deref()),
        ("web-podinfo", Some("web"))
    );
    assert!(spec.creates_namespace);
    assert_eq!(spec.values, Some(json!({ "replicaCount": 2 })));
    let targets: Vec<_> = spec
        .values_from
        .iter()
        .map(|from| (from.target_path.as_deref(), from.is_literal))
        .collect();
    assert_eq!(targets, [(None, false), (Some("tls.crt"), true)]);
    let Chart::Template(template) = spec.chart else {
        panic!("it is a template")
    };
    assert_eq!(
        (template.chart.as_str(), template.version.as_deref()),
        ("podinfo", Some(">=6"))
    );
    assert_eq!(template.values_files, ["values.yaml", "prod.yaml"]);
    // In a repository of charts it is a name and no path.
    assert_eq!(template.directory(), None);
}

#[test]
fn a_chart_can_be_in_a_repository_or_be_held_by_an_object_or_be_missing() {
    let chart_of = |spec: Value| match read(&helm_release("v2", spec)).spec {
        FluxSpec::HelmRelease(spec) => (spec.chart, spec.release_name),
        other => panic!("{other:?}"),
    };
    let (chart, name) = chart_of(json!({
        "releaseName": "web",
        "chart": { "spec": { "chart": "./charts/podinfo", "valuesFile": "old.yaml", "valuesFiles": ["new.yaml"],
                             "sourceRef": { "kind": "GitRepository", "name": "fleet" } } },
    }));
    let Chart::Template(template) = chart else {
        panic!("it is a template")
    };
    assert_eq!(template.directory().as_deref(), Some("charts/podinfo"));
    assert_eq!(template.values_files, ["old.yaml", "new.yaml"]);
    assert_eq!(name, "web");
    let (chart, name) = chart_of(json!({ "chartRef": { "kind": "OCIRepository", "name": "podinfo" } }));
    let Chart::Named(named) = chart else {
        panic!("it is named")
    };
    assert_eq!(
        (named.to_string().as_str(), name.as_str()),
        ("OCIRepository/apps/podinfo", "podinfo")
    );
    assert_eq!(chart_of(json!({})).0, Chart::None);
    assert_eq!(crate::flux::HelmRelease::chart_name("apps", "podinfo"), "apps-podinfo");
}

fn source(version: &str, kind: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("source.toolkit.fluxcd.io/{version}"),
        "kind": kind,
        "metadata": { "name": "fleet", "namespace": "flux-system" },
        "spec": spec,
    })
}

fn origin(object: &Value) -> SourceOrigin {
    match read(object).spec {
        FluxSpec::Source(spec) => spec.origin,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_git_repository_names_what_it_includes_and_its_secrets() {
    let spec = json!({
        "url": "ssh://git@github.com/team/fleet",
        "secretRef": { "name": "deploy-key" },
        "proxySecretRef": { "name": "proxy" },
        "verify": { "mode": "HEAD", "secretRef": { "name": "keys" } },
        "ignore": "/*\n!/clusters\n",
        "sparseCheckout": ["clusters"],
        "include": [{ "repository": { "name": "lib" }, "fromPath": "base" }, { "repository": { "name": "other" }, "toPath": "./here" }],
    });
    for version in ["v1", "v1beta2"] {
        check_references(
            source(version, "GitRepository", spec.clone()),
            expect![[r#"
                Include GitRepository/flux-system/lib (source.toolkit.fluxcd.io) at spec.include[0].repository.name
                Include GitRepository/flux-system/other (source.toolkit.fluxcd.io) at spec.include[1].repository.name
                Secret Secret/flux-system/deploy-key (core) at spec.secretRef.name
                Secret Secret/flux-system/proxy (core) at spec.proxySecretRef.name
                Secret Secret/flux-system/keys (core) at spec.verify.secretRef.name
            "#]],
        );
    }
    let FluxSpec::Source(spec) = read(&source("v1", "GitRepository", spec)).spec else {
        panic!("it is a source")
    };
    let included: Vec<_> = spec
        .includes
        .iter()
        .map(|include| (include.from.as_str(), include.to.as_str()))
        .collect();
    assert_eq!(included, [("base", "lib"), ("", "./here")]);
    assert_eq!(spec.ignore.as_deref(), Some("/*\n!/clusters\n"));
    assert_eq!(
        spec.origin,
        SourceOrigin::Git {
            url: "ssh://git@github.com/team/fleet".to_owned(),
            directories: vec!["clusters".to_owned()],
        }
    );
}

#[test]
fn the_other_sources_say_where_they_come_from() {
    let url = "oci://ghcr.io/team/manifests".to_owned();
    assert_eq!(
        origin(&source("v1", "OCIRepository", json!({ "url": url }))),
        SourceOrigin::Oci { url: url.clone() }
    );
    for (spec, is_oci) in [
        (json!({ "url": url }), true),
        (json!({ "url": "https://charts.example.com", "type": "default" }), false),
        (json!({ "url": "https://charts.example.com" }), false),
        (json!({ "type": "oci" }), true),
    ] {
        let SourceOrigin::Helm { is_oci: found, .. } = origin(&source("v1beta2", "HelmRepository", spec.clone()))
        else {
            panic!("it is a HelmRepository")
        };
        assert_eq!(found, is_oci, "{spec}");
    }
    assert_eq!(
        origin(&source(
            "v1",
            "Bucket",
            json!({ "endpoint": "s3.example.com", "bucketName": "fleet" })
        )),
        SourceOrigin::Bucket {
            endpoint: "s3.example.com".to_owned(),
            name: "fleet".to_owned(),
        }
    );
    check_references(
        source(
            "v1",
            "HelmChart",
            json!({ "chart": "podinfo", "sourceRef": { "kind": "HelmRepository", "name": "podinfo" } }),
        ),
        expect!["Source HelmRepository/flux-system/podinfo (source.toolkit.fluxcd.io) at spec.sourceRef.name\n"],
    );
    check_references(
        source(
            "v1",
            "ExternalArtifact",
            json!({ "sourceRef": { "apiVersion": "source.extensions.fluxcd.io/v1beta1", "kind": "ArtifactGenerator", "name": "parts" } }),
        ),
        expect!["Source ArtifactGenerator/flux-system/parts (source.extensions.fluxcd.io) at spec.sourceRef.name\n"],
    );
}

#[test]
fn an_artifact_generator_says_what_it_copies() {
    let mut object = json!({
        "apiVersion": "source.extensions.fluxcd.io/v1beta1",
        "kind": "ArtifactGenerator",
        "metadata": { "name": "parts", "namespace": "flux-system" },
        "spec": {
            "sources": [{ "alias": "fleet", "kind": "GitRepository", "name": "fleet" },
                        { "alias": "chart", "kind": "OCIRepository", "name": "podinfo", "namespace": "apps" }],
            "artifacts": [{ "name": "apps", "copy": [
                { "from": "@fleet/apps/**", "to": "@artifact/", "exclude": ["*.md"] },
                { "from": "@chart/values.yaml", "to": "@artifact/values.yaml", "strategy": "Merge" },
            ] }],
        },
    });
    check_references(
        object.clone(),
        expect![[r#"
            Source GitRepository/flux-system/fleet (source.toolkit.fluxcd.io) at spec.sources[0].name
            Source OCIRepository/apps/podinfo (source.toolkit.fluxcd.io) at spec.sources[1].name
        "#]],
    );
    let FluxSpec::ArtifactGenerator(spec) = read(&object).spec else {
        panic!("it is an ArtifactGenerator")
    };
    let copies: Vec<_> = spec.artifacts[0]
        .copies
        .iter()
        .map(|copy| (copy.source(), copy.target(), copy.strategy.as_str()))
        .collect();
    assert_eq!(
        copies,
        [
            (Some(("fleet", "apps/**")), Some(""), "Overwrite"),
            (Some(("chart", "values.yaml")), Some("values.yaml"), "Merge"),
        ]
    );
    assert_eq!(spec.artifacts[0].copies[0].exclude, ["*.md"]);
    assert!(!spec.is_disabled);
    object["metadata"]["annotations"] = json!({ "source.extensions.fluxcd.io/reconcile": "Disabled" });
    assert!(read(&object).is_suspended());
}

#[test]
fn other_objects_and_broken_ones_are_no_error() {
    for object in [
        json!(null),
        json!([]),
        json!({ "kind": "Kustomization" }),
        json!({ "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "metadata": { "name": "a" } }),
        json!({ "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization" }),
        json!({ "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver", "metadata": { "name": "a" } }),
        json!({ "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Unknown", "metadata": { "name": "a" } }),
    ] {
        assert_eq!(FluxObject::read(&object), None, "{object}");
    }
    for spec in [
        json!(null),
        json!(1),
        json!([1]),
        json!({ "sourceRef": 1, "dependsOn": {}, "chart": [], "postBuild": "x" }),
    ] {
        for (group, kind) in [
            ("kustomize.toolkit.fluxcd.io", "Kustomization"),
            ("helm.toolkit.fluxcd.io", "HelmRelease"),
            ("source.toolkit.fluxcd.io", "GitRepository"),
            ("source.toolkit.fluxcd.io", "HelmChart"),
            ("source.extensions.fluxcd.io", "ArtifactGenerator"),
        ] {
            let object =
                json!({ "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": { "name": "a" }, "spec": spec });
            assert!(read(&object).references().is_empty(), "{object}");
        }
    }
}

#[test]
fn substitution_goes_by_what_is_written() {
    let substitution = |spec: Value| {
        let object = json!({ "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": "a" }, "spec": spec });
        match read(&object).spec {
            FluxSpec::Kustomization(spec) => spec.substitution,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(substitution(json!({})), Substitution::Never);
    assert_eq!(substitution(json!({ "postBuild": {} })), Substitution::WithVariables);
    assert_eq!(
        substitution(json!({ "postBuild": { "substituteStrategy": "Always" } })),
        Substitution::Always
    );
}

#[test]
fn components_of_flux_say_their_version() {
    let labelled =
        |labels: Value| json!({ "kind": "Deployment", "metadata": { "name": "source-controller", "labels": labels } });
    let component = labelled(json!({ "app.kubernetes.io/part-of": "flux", "app.kubernetes.io/version": "v2.9.5" }));
    assert_eq!(flux_component(&component), Some("v2.9.5"));
    assert_eq!(
        flux_component(&labelled(json!({ "app.kubernetes.io/part-of": "flux" }))),
        Some("")
    );
    assert_eq!(
        flux_component(&labelled(json!({ "app.kubernetes.io/part-of": "web" }))),
        None
    );
    assert_eq!(flux_component(&json!({ "kind": "Deployment" })), None);
}
