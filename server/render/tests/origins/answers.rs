//! Questions about the fixtures, and what is answered: the place first, then what else is on the way.

use std::fmt::Write as _;

use gitops_model::Want;
use gitops_render::Renderer as _;
use gitops_render::origins::{Origins, Question};
use gitops_text::LineIndex;
use gitops_yaml::FieldPath;

use crate::{Target, fixtures, fleet, named, prepare, renderer};

/// Object, path, what is meant.
type Asked = (&'static str, &'static str, Want);

/// The places of fields, one a line: line of the file, supplier, how it is known, and the text that is shown.
async fn answers(number: usize, asked: &[Asked]) -> String {
    let (name, directory, flux, variables) = *fixtures::FLEET.get(number).expect("the target is there");
    let target = Target {
        files: fleet(),
        directory,
        flux,
        variables,
    };
    let renderer = renderer();
    let (tree, flux, request) = prepare(&renderer, name, &target).await;
    let built = renderer.kustomize(&request).await.expect("the renderer is there");
    let origins = Origins::read(&tree, directory, flux).among(&built.objects);
    let mut said = String::new();
    for (object, path, want) in asked {
        let built_object = built.objects.iter().find(|built| named(built).starts_with(object));
        let path = FieldPath::parse(path).expect("the path can be read");
        let question = Question {
            built: built_object.expect("the object is built"),
            path: &path,
            want: *want,
        };
        let places = origins
            .find(question, &renderer, &request)
            .await
            .expect("the renderer is there");
        writeln!(said, "{object} {path}").expect("writing to a text");
        for place in &places {
            let text = tree.text(&place.origin.file).expect("the file is there");
            let line = LineIndex::new(text)
                .position(text, place.span.start, gitops_text::Encoding::Utf8)
                .line
                + 1;
            let shown = place.span.slice(text).lines().next().unwrap_or_default();
            let supplier = place.origin.supplier;
            let ancestor = if place.is_exact { "" } else { " (around)" };
            let file = &place.origin.file;
            let known = place.known;
            writeln!(said, "  {file}:{line} `{shown}` {supplier:?} {known:?}{ancestor}").expect("writing to a text");
        }
    }
    said
}

#[tokio::test]
async fn an_overlay() {
    let asked = [
        // A patch wins over the base, which is on the way.
        (
            "Deployment",
            "spec.template.spec.containers[1].resources.limits.memory",
            Want::Value,
        ),
        (
            "Deployment",
            "spec.template.spec.containers[0].resources.limits.memory",
            Want::Value,
        ),
        // Taken away by a patch, though the base has it.
        (
            "Deployment",
            "spec.template.spec.containers[0].resources.limits.cpu",
            Want::Value,
        ),
        ("Deployment", "spec.strategy.rollingUpdate", Want::Value),
        // Nobody gives it: where a person adds it.
        (
            "Deployment",
            "spec.template.spec.containers[0].livenessProbe",
            Want::Value,
        ),
        ("Deployment", "spec.template.spec.containers[1].image", Want::Value),
        ("Deployment", "spec.template.spec.initContainers[0].image", Want::Value),
        ("Deployment", "spec.template.spec.containers[0].args[3]", Want::Value),
        ("Deployment", "spec.template.spec.tolerations[0].key", Want::Value),
        ("Deployment", "spec.template.spec.tolerations[2].key", Want::Key),
        (
            "Deployment",
            "spec.template.metadata.annotations[example.org/port]",
            Want::Value,
        ),
        ("Deployment", "spec.replicas", Want::Value),
        (
            "Deployment",
            "spec.template.spec.containers[0].ports[0].containerPort",
            Want::Value,
        ),
        (
            "Deployment",
            "spec.template.spec.containers[0].envFrom[0].configMapRef.name",
            Want::Value,
        ),
        ("Deployment", "metadata.name", Want::Value),
        ("Deployment", "metadata.namespace", Want::Value),
        ("Deployment", "spec.selector.matchLabels.team", Want::Value),
        ("Route", "spec.rules[1].weight", Want::Value),
        ("Route", "spec.rules[0].weight", Want::Key),
        ("ConfigMap", "data.MODE", Want::Value),
        ("ConfigMap", "data.TIMEOUT", Want::Value),
        ("ConfigMap", "data[nginx.conf]", Want::Value),
        ("Secret", "data.key", Want::Value),
        ("RoleBinding", "subjects[0].namespace", Want::Value),
    ];
    expect_test::expect![[r#"
        Deployment spec.template.spec.containers[1].resources.limits.memory
          web/monitoring/sidecar.yaml:9 `name: exporter` Patch Followed (around)
        Deployment spec.template.spec.containers[0].resources.limits.memory
          web/prod/several.yaml:21 `256Mi` Patch Followed
          web/base/deployment.yaml:54 `64Mi` Manifest OnTheWay
        Deployment spec.template.spec.containers[0].resources.limits.cpu
          web/prod/several.yaml:20 `cpu` Patch Followed (around)
          web/base/deployment.yaml:53 `limits` Manifest OnTheWay (around)
        Deployment spec.strategy.rollingUpdate
          web/prod/several.yaml:7 `$patch` Patch Followed (around)
          web/base/deployment.yaml:9 `strategy` Manifest OnTheWay (around)
        Deployment spec.template.spec.containers[0].livenessProbe
          web/base/deployment.yaml:29 `name: web` Manifest Followed (around)
          web/monitoring/sidecar.yaml:12 `name: web` Patch OnTheWay (around)
          web/prod/several.yaml:12 `name: web` Patch OnTheWay (around)
        Deployment spec.template.spec.containers[1].image
          web/prod/kustomization.yaml:56 `sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3` Image Followed
          web/monitoring/sidecar.yaml:10 `registry.example.org/tools/exporter:2` Patch OnTheWay
        Deployment spec.template.spec.initContainers[0].image
          web/prod/kustomization.yaml:54 `"1.1"` Image Followed
          web/prod/kustomization.yaml:53 `registry.example.org/mirror/prepare` Image OnTheWay
          web/base/deployment.yaml:26 `registry.example.org/tools/prepare:1.0` Manifest OnTheWay
        Deployment spec.template.spec.containers[0].args[3]
          web/base/deployment.yaml:31 `args` Manifest Followed (around)
        Deployment spec.template.spec.tolerations[0].key
          web/prod/kustomization.yaml:43 `new` Patch Followed
        Deployment spec.template.spec.tolerations[2].key
          web/prod/kustomization.yaml:38 `key` Patch Followed
        Deployment spec.template.metadata.annotations[example.org/port]
          web/prod/kustomization.yaml:26 `"8081"` Patch Followed
          web/base/deployment.yaml:21 `"8080"` Manifest OnTheWay
        Deployment spec.replicas
          web/prod/kustomization.yaml:59 `3` Replicas Followed
          web/base/deployment.yaml:8 `1` Manifest OnTheWay
        Deployment spec.template.spec.containers[0].ports[0].containerPort
          web/base/objects.yaml:11 `8080` Manifest Tried
          web/prod/kustomization.yaml:71 `source:` Replacement OnTheWay
          web/base/deployment.yaml:36 `8080` Manifest OnTheWay
        Deployment spec.template.spec.containers[0].envFrom[0].configMapRef.name
          web/base/deployment.yaml:51 `settings` Manifest Tried
          web/prod/kustomization.yaml:4 `eu-` NameAffix OnTheWay
          web/prod/kustomization.yaml:5 `-one` NameAffix OnTheWay
        Deployment metadata.name
          web/base/deployment.yaml:4 `web` Manifest Followed
          web/prod/kustomization.yaml:4 `eu-` NameAffix OnTheWay
          web/prod/kustomization.yaml:5 `-one` NameAffix OnTheWay
        Deployment metadata.namespace
          web/prod/kustomization.yaml:3 `shop` Namespace Followed
        Deployment spec.selector.matchLabels.team
          web/prod/kustomization.yaml:62 `shop` Labels Tried
        Route spec.rules[1].weight
          web/prod/kustomization.yaml:49 `7` Patch Followed
          web/prod/several.yaml:45 `4` Patch OnTheWay
          web/base/objects.yaml:46 `2` Manifest OnTheWay
        Route spec.rules[0].weight
          web/prod/several.yaml:42 `weight` Patch Followed
          web/base/objects.yaml:43 `weight` Manifest OnTheWay
        ConfigMap data.MODE
          web/prod/kustomization.yaml:15 `MODE=fast` Generator Followed
          web/base/kustomization.yaml:9 `MODE=normal` Generator OnTheWay
        ConfigMap data.TIMEOUT
          web/base/conf/limits.env:4 `TIMEOUT=30s` EnvLine Followed
        ConfigMap data[nginx.conf]
          web/base/conf/nginx.txt:1 `server { listen 8080; }` GeneratorFile Followed
          web/base/kustomization.yaml:15 `nginx.conf=conf/nginx.txt` Generator OnTheWay
        Secret data.key
          web/prod/kustomization.yaml:20 `key=second` Generator Followed
        RoleBinding subjects[0].namespace
          web/prod/kustomization.yaml:3 `shop` Namespace Tried
          web/base/objects.yaml:33 `default` Manifest OnTheWay
    "#]].assert_eq(&answers(1, &asked).await);
}

#[tokio::test]
async fn flux() {
    let asked = [
        (
            "Deployment",
            "spec.template.spec.containers[0].env[0].value",
            Want::Value,
        ),
        (
            "Deployment",
            "spec.template.spec.containers[0].env[1].value",
            Want::Value,
        ),
        // The key is nobody's but who writes it.
        ("Deployment", "spec.template.spec.containers[0].env[1].value", Want::Key),
        ("Deployment", "spec.template.spec.containers[0].image", Want::Value),
        ("Deployment", "metadata.namespace", Want::Value),
        ("Deployment", "metadata.labels.from", Want::Value),
    ];
    expect_test::expect![[r#"
        Deployment spec.template.spec.containers[0].env[0].value
          clusters/prod/web.yaml:7 `warn` Substitution Followed
          clusters/prod/web.yaml:39 `${level}` Patch Followed
          web/base/deployment.yaml:43 `info` Manifest OnTheWay
        Deployment spec.template.spec.containers[0].env[1].value
          clusters/prod/web.yaml:54 `shop` Substitution Followed
          clusters/prod/web.yaml:8 `example.org` Substitution Followed
          clusters/prod/web.yaml:41 `https://${name}.${domain}/${path:=start}` Patch Followed
        Deployment spec.template.spec.containers[0].env[1].value
          clusters/prod/web.yaml:41 `value` Patch Followed
        Deployment spec.template.spec.containers[0].image
          clusters/prod/web.yaml:51 `2.0.0` Image Followed
          web/base/deployment.yaml:30 `registry.example.org/web/web:1.0.0` Manifest OnTheWay
        Deployment metadata.namespace
          clusters/prod/web.yaml:19 `web` Namespace Followed
        Deployment metadata.labels.from
          clusters/prod/web.yaml:45 `flux` Patch Tried
    "#]]
    .assert_eq(&answers(5, &asked).await);
}
