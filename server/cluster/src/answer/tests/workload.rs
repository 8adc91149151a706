//! What controllers, the scheduler and kubelets say, decoded. The texts are verbatim from a cluster or from the sources of
//! Kubernetes 1.36.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::super::{Probe, Referent, Trouble, decode_trouble};
use super::{kind_of, known, show};

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "crunch", "namespace": "shop" },
        "spec": {
            "replicas": 2,
            "template": { "spec": {
                "serviceAccountName": "storefront",
                "nodeSelector": { "kubernetes.io/os": "linux", "pool": "big" },
                "imagePullSecrets": [{ "name": "registry" }],
                "volumes": [
                    { "name": "pages", "configMap": { "name": "paeges", "items": [{ "key": "title", "path": "t" }] } },
                    { "name": "store", "persistentVolumeClaim": { "claimName": "archives" } },
                ],
                "containers": [{
                    "name": "crunch", "image": "registry.example.org/crunch:1.4.2 ", "command": ["/crunch"],
                    "env": [
                        { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "api" } } },
                        { "name": "MAYBE", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "api", "optional": true } } },
                    ],
                    "readinessProbe": { "httpGet": { "path": "/", "port": 80 } },
                    "resources": { "requests": { "cpu": "100m", "memory": "64Ti" }, "limits": { "memory": "64Ti" } },
                }],
            } },
        },
    })
}

fn check(trouble: &Trouble, expected: &Expect) {
    check_of(&deployment(), trouble, expected);
}

fn check_of(sent: &Value, trouble: &Trouble, expected: &Expect) {
    let answers = decode_trouble(trouble, &kind_of(sent), sent, &known());
    for answer in &answers {
        assert!(
            super::super::sent::value_at(sent, &answer.path).is_some(),
            "{} is not there",
            answer.path
        );
    }
    expected.assert_eq(&show(&answers));
}

fn not_created(text: &str) -> Trouble {
    Trouble::NotCreated { text: text.to_owned() }
}

fn unschedulable(text: &str, unmatched: &[&str]) -> Trouble {
    Trouble::Unschedulable {
        text: text.to_owned(),
        unmatched: unmatched.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn waiting(reason: &str, message: &str) -> Trouble {
    Trouble::Waiting {
        container: "crunch".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

#[test]
fn pods_that_cannot_be_created() {
    check(
        &not_created("pods \"…\" is forbidden: failed quota: team: must specify limits.cpu for: crunch"),
        &expect![[r#""#]],
    );
    check(
        &not_created("pods \"…\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2"),
        &expect![[r#""#]],
    );
    check(
        &not_created("pods \"…\" is forbidden: minimum memory usage per Container is 32Mi, but request is 64Ti"),
        &expect![[r#""#]],
    );
    check(
        &not_created(
            "pods \"…\" is forbidden: error looking up service account shop/storefront: serviceaccount \"storefront\" not found",
        ),
        &expect![[r#""#]],
    );
    check(
        &not_created(
            "pods \"…\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"crunch\" must set securityContext.allowPrivilegeEscalation=false)",
        ),
        &expect![[r#""#]],
    );
    check(
        &not_created(
            "Pod \"…\" is invalid: spec.containers[0].image: Invalid value: \"registry.example.org/crunch:1.4.2 \": must not have leading or trailing whitespace",
        ),
        &expect![[r#""#]],
    );
    check(
        &not_created(
            "Pod \"…\" is invalid: spec.containers[0].resources.requests: Invalid value: \"64Ti\": must be less than or equal to memory limit of 64Mi",
        ),
        &expect![[r#""#]],
    );
}

#[test]
fn pods_of_jobs_of_cron_jobs() {
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "tidy" },
        "spec": { "jobTemplate": { "spec": { "template": { "spec": { "containers": [{ "name": "tidy", "image": "x " }] } } } } },
    });
    check_of(
        &cron,
        &not_created(
            "Pod \"…\" is invalid: spec.containers[0].image: Invalid value: \"x \": must not have leading or trailing whitespace",
        ),
        &expect![[r#""#]],
    );
    check_of(
        &cron,
        &not_created(
            "Job.batch \"…\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
        &expect![[r#""#]],
    );
}

#[test]
fn pods_that_no_node_takes() {
    let preemption =
        "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    check(
        &unschedulable(
            &format!("0/1 nodes are available: 1 Insufficient memory. {preemption}"),
            &[],
        ),
        &expect![[r#""#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: persistentvolumeclaim \"archives\" not found. not found",
            &[],
        ),
        &expect![[r#""#]],
    );
    check(
        &unschedulable(
            &format!("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {preemption}"),
            &["pool"],
        ),
        &expect![[r#""#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: x",
            &[],
        ),
        &expect![[r#""#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            &[],
        ),
        &expect![[r#""#]],
    );
    check(&unschedulable("something new", &[]), &expect![[r#""#]]);
}

#[test]
fn containers_that_do_not_start() {
    check(
        &waiting(
            "ImagePullBackOff",
            "Back-off pulling image \"crunch:9\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/crunch:9\": failed to resolve reference \"docker.io/library/crunch:9\": docker.io/library/crunch:9: not found",
        ),
        &expect![[r#""#]],
    );
    check(
        &waiting(
            "InvalidImageName",
            "Failed to apply default image tag \"registry.example.org/crunch:1.4.2 \": couldn't parse image name: invalid reference format",
        ),
        &expect![[r#""#]],
    );
    check(
        &waiting("CreateContainerConfigError", "secret \"keys\" not found"),
        &expect![[r#""#]],
    );
    check(
        &waiting(
            "CreateContainerConfigError",
            "couldn't find key api in Secret shop/keys",
        ),
        &expect![[r#""#]],
    );
    check(
        &waiting(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
        ),
        &expect![[r#""#]],
    );
    check(
        &waiting(
            "RunContainerError",
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/crunch\": stat /crunch: no such file or directory: unknown",
        ),
        &expect![[r#""#]],
    );
    check(
        &Trouble::Crashed {
            container: "crunch".to_owned(),
            exit_code: 1,
            reason: "Error".to_owned(),
            message: "no config".to_owned(),
        },
        &expect![[r#""#]],
    );
    check(
        &Trouble::Crashed {
            container: "crunch".to_owned(),
            exit_code: 137,
            reason: "OOMKilled".to_owned(),
            message: String::new(),
        },
        &expect![[r#""#]],
    );
    check(
        &Trouble::Unhealthy {
            container: "crunch".to_owned(),
            probe: Probe::Readiness,
            text: "Readiness probe failed: HTTP probe failed with statuscode: 404".to_owned(),
        },
        &expect![[r#""#]],
    );
}

#[test]
fn volumes_that_cannot_be_mounted() {
    let volume = |text: &str| Trouble::Volume { text: text.to_owned() };
    check(
        &volume("MountVolume.SetUp failed for volume \"pages\" : configmap \"paeges\" not found"),
        &expect![[r#""#]],
    );
    check(
        &volume("MountVolume.SetUp failed for volume \"pages\" : configmap references non-existent config key: title"),
        &expect![[r#""#]],
    );
    check(
        &volume("MountVolume.SetUp failed for volume \"store\" : mount failed: exit status 32"),
        &expect![[r#""#]],
    );
}

#[test]
fn claims_without_a_volume() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "archive" },
        "spec": { "storageClassName": "fsat", "accessModes": ["ReadWriteMany"], "volumeName": "v", "resources": { "requests": { "storage": "2Gi" } } },
    });
    let says = |reason: &str, text: &str| Trouble::Claim {
        reason: reason.to_owned(),
        text: text.to_owned(),
    };
    check_of(
        &claim,
        &says("ProvisioningFailed", "storageclass.storage.k8s.io \"fsat\" not found"),
        &expect![[r#""#]],
    );
    check_of(
        &claim,
        &says(
            "VolumeMismatch",
            "Cannot bind to requested volume \"v\": incompatible accessMode",
        ),
        &expect![[r#""#]],
    );
    check_of(
        &claim,
        &says(
            "VolumeMismatch",
            "Cannot bind to requested volume \"v\": requested PV is too small",
        ),
        &expect![[r#""#]],
    );
}

#[test]
fn what_is_foreseen() {
    let missing = |kind: Referent, name: &str, key: Option<&str>, near: Option<&str>| Trouble::Missing {
        kind,
        name: name.to_owned(),
        key: key.map(str::to_owned),
        near: near.map(str::to_owned),
    };
    check(
        &missing(Referent::ConfigMap, "paeges", None, Some("pages")),
        &expect![[r#""#]],
    );
    check(&missing(Referent::Secret, "keys", Some("api"), None), &expect![[r#""#]]);
    check(
        &missing(Referent::PullSecret, "registry", None, None),
        &expect![[r#""#]],
    );
    check(
        &missing(Referent::ServiceAccount, "storefront", None, None),
        &expect![[r#""#]],
    );
}

#[test]
fn what_nobody_knows_is_said_of_the_object() {
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
    let strange = Trouble::Failed {
        reason: "Evicted".to_owned(),
        text: "The node was low on resource: memory.".to_owned(),
    };
    check_of(&config, &strange, &expect![[r#""#]]);
    check_of(
        &Value::Null,
        &not_created("pods \"…\" is forbidden: no"),
        &expect![[r#""#]],
    );
    check_of(&Value::Null, &waiting("ErrImagePull", "no"), &expect![[r#""#]]);
    check(
        &Trouble::Deadline {
            text: "ReplicaSet \"crunch-5c\" has timed out progressing.".to_owned(),
        },
        &expect![[r#""#]],
    );
}
