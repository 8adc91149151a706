//! The client with the real program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use expect_test::expect;
use gitops_render::{Child, Gone, Helm, HelmOwner, Kustomize, ObjectId, Renderer as _};
use serde_json::json;

/// The program where `GITOPS_RENDER` says, or where `cargo xtask build` puts it.
fn program() -> Utf8PathBuf {
    if let Ok(path) = std::env::var("GITOPS_RENDER") {
        return path.into();
    }
    let test = Utf8PathBuf::from_path_buf(std::env::current_exe().expect("a test has a path")).expect("it is UTF-8");
    let target = test.ancestors().nth(3).expect("a test is in target/debug/deps");
    let program = target
        .join("sandbox")
        .join(format!("gitops-render{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{program} is missing: `cargo xtask build` builds it");
    program
}

fn tree(files: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
        .collect()
}

const BASE: [(&str, &str); 2] = [
    (
        "base/kustomization.yaml",
        "resources: [web.yaml]\nconfigMapGenerator: [{name: web, literals: [a=b]}]\n",
    ),
    (
        "base/web.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {externalName: '${host}'}\n\
         ---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner}\n",
    ),
];

/// A chart of one template.
fn chart(template: &str) -> BTreeMap<String, Option<String>> {
    tree(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n"),
        ("chart/values.yaml", "size: 1\n"),
        (
            "chart/values.schema.json",
            r#"{"properties": {"size": {"type": "integer"}}}"#,
        ),
        ("chart/templates/all.yaml", template),
    ])
}

fn release() -> Helm {
    Helm {
        tree: "t".to_owned(),
        path: "chart".to_owned(),
        values: json!({}),
        release: "one".to_owned(),
        namespace: "shop".to_owned(),
        kubernetes_version: "1.36.3".to_owned(),
        ..Helm::default()
    }
}

fn base() -> Kustomize {
    Kustomize {
        tree: "t".to_owned(),
        path: "base".to_owned(),
        ..Kustomize::default()
    }
}

#[tokio::test]
async fn a_kustomization_is_built_as_flux_builds_it() -> Result<(), Gone> {
    let renderer = Child::new(program());
    renderer.change("t", tree(&BASE)).await?;
    let mut request = Kustomize {
        kustomization: Some(Arc::new(json!({ "spec": {
            "targetNamespace": "shop",
            "commonMetadata": { "labels": { "team": "blue" } },
            "postBuild": { "substitute": { "host": "example.org" } },
        }}))),
        variables: Some([("host".to_owned(), "example.org".to_owned())].into()),
        strict: true,
        origins: true,
        ..base()
    };
    let built = renderer.kustomize(&request).await?;
    assert_eq!(built.fault, None);
    let service = built
        .objects
        .iter()
        .find(|built| built.object["kind"] == "Service")
        .expect("it is built");
    expect![[r#"{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"team":"blue"},"name":"web","namespace":"shop"},"spec":{"externalName":"example.org"}} base/web.yaml"#]]
        .assert_eq(&format!("{} {}", service.object, service.origin.as_ref().expect("it has an origin").path));

    request.only = vec![ObjectId {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    }];
    let slice = renderer.kustomize(&request).await?;
    let of_slice = slice
        .objects
        .iter()
        .find(|built| built.object["kind"] == "Service")
        .expect("it is built");
    assert_eq!(of_slice.object, service.object);
    assert!(
        slice
            .objects
            .iter()
            .all(|built| built.object["kind"] != "ServiceAccount")
    );

    request.variables = Some([("other".to_owned(), String::new())].into());
    let fault = renderer
        .kustomize(&request)
        .await?
        .fault
        .expect("a variable has no value");
    expect![[r#"substitute: post build failed for 'Service.v1.[noGrp]/web': envsubst error: variable substitution failed: variable not set (strict mode): "host""#]]
        .assert_eq(&format!("{}: {}", fault.step, fault.message));
    Ok(())
}

#[tokio::test]
async fn what_is_laid_over_a_tree_is_gone_with_the_request() -> Result<(), Gone> {
    let renderer = Child::new(program());
    renderer.change("t", tree(&BASE)).await?;
    let overlay = tree(&[("base/kustomization.yaml", "resources: [nothing.yaml]\n")]);
    let fault = renderer
        .kustomize(&Kustomize { overlay, ..base() })
        .await?
        .fault
        .expect("a file is missing");
    assert_eq!(fault.step, "build");
    assert!(fault.message.contains("/base/nothing.yaml"), "{}", fault.message);
    assert_eq!(renderer.kustomize(&base()).await?.objects.len(), 3);
    renderer
        .change("t", [("base/web.yaml".to_owned(), None)].into())
        .await?;
    assert!(renderer.kustomize(&base()).await?.fault.is_some());
    Ok(())
}

#[tokio::test]
async fn a_chart_is_rendered_as_flux_renders_it() -> Result<(), Gone> {
    let renderer = Child::new(program());
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n\
                    data: {size: \"{{ .Values.size }}\", on: \"{{ .Capabilities.KubeVersion }}\"}\n\
                    ---\napiVersion: v1\nkind: Pod\nmetadata: {name: before, annotations: {helm.sh/hook: pre-install}}\n";
    renderer.change("t", chart(template)).await?;
    let request = Helm {
        values: json!({ "size": 3 }),
        owner: Some(HelmOwner {
            namespace: "flux-system".to_owned(),
            name: "small".to_owned(),
        }),
        post_renderers: Some(json!([{ "kustomize": { "patches": [{
            "target": { "kind": "ConfigMap" },
            "patch": r#"[{"op": "add", "path": "/data/more", "value": "yes"}]"#,
        }]}}])),
        ..release()
    };
    let built = renderer.helm(&request).await?;
    assert_eq!(built.fault, None);
    let shown: Vec<String> = built
        .objects
        .iter()
        .map(|built| {
            format!(
                "{} hook: {} {}",
                built.origin.clone().unwrap_or_default().path,
                built.hook,
                built.object
            )
        })
        .collect();
    expect![[r#"
        chart/templates/all.yaml hook: false {"apiVersion":"v1","data":{"more":"yes","on":"v1.36.3","size":"3"},"kind":"ConfigMap","metadata":{"labels":{"helm.toolkit.fluxcd.io/name":"small","helm.toolkit.fluxcd.io/namespace":"flux-system"},"name":"one"}}
        chart/templates/all.yaml hook: true {"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"helm.sh/hook":"pre-install"},"labels":{"helm.toolkit.fluxcd.io/name":"small","helm.toolkit.fluxcd.io/namespace":"flux-system"},"name":"before"}}"#]]
    .assert_eq(&shown.join("\n"));

    let mut steps = Vec::new();
    for request in [
        Helm {
            values: json!({ "size": "three" }),
            ..release()
        },
        Helm {
            values_files: vec!["missing.yaml".to_owned()],
            ..release()
        },
        Helm {
            overlay: chart("{{ nope }}"),
            ..release()
        },
        Helm {
            post_renderers: Some(
                json!([{ "kustomize": { "patches": [{ "patch": "kind: Job\napiVersion: v1\nmetadata: {name: no}" }] } }]),
            ),
            ..release()
        },
        Helm {
            path: "nowhere".to_owned(),
            ..release()
        },
    ] {
        steps.push(
            renderer
                .helm(&request)
                .await?
                .fault
                .expect("it cannot be rendered")
                .step,
        );
    }
    assert_eq!(steps, ["schema", "values", "template", "post-render", "load"]);
    Ok(())
}

#[tokio::test]
async fn a_chart_without_end_is_ended_and_takes_nothing_with_it() -> Result<(), Gone> {
    let renderer = Child::with_limit(program(), Duration::from_secs(10));
    renderer.change("t", tree(&BASE)).await?;
    let long = Helm {
        overlay: chart("{{ range until 1000000 }}{{ range until 100000 }}{{ end }}{{ end }}"),
        ..release()
    };
    let large = Helm {
        overlay: chart("{{ $list := until 1000000000 }}"),
        ..release()
    };
    let whole = base();
    let (long, large, others) = tokio::join!(
        renderer.helm(&long),
        renderer.helm(&large),
        futures::future::join_all((0..20).map(|_| renderer.kustomize(&whole))),
    );
    assert_eq!(
        long.expect_err("it has no end").reason,
        "took longer than 10 s and was ended"
    );
    assert_eq!(
        large.expect_err("it has no end").reason,
        "needed more memory than it may have and was ended"
    );
    for other in others {
        assert_eq!(other?.objects.len(), 3);
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_none_fails_each_request_once() {
    let missing = Child::new("there-is-no-such-program".into());
    let reason = missing.kustomize(&base()).await.expect_err("it is not there").reason;
    assert!(
        reason.starts_with("cannot be started (there-is-no-such-program): "),
        "{reason}"
    );
    if cfg!(unix) {
        let other = Child::new("/bin/true".into());
        for _ in 0..2 {
            let reason = other
                .kustomize(&base())
                .await
                .expect_err("it is another program")
                .reason;
            assert_eq!(reason, "has ended (exit status: 0)");
        }
    }
}
