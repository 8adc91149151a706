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
        &expect![[r#"
            quota-exceeded at spec.template.spec.containers[0].resources.limits (missing cpu)
              no pod can be created: quota "team" wants limits.cpu to be set
              → insert cpu: ?
        "#]],
    );
    check(
        &not_created("pods \"…\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2"),
        &expect![[r#"
            quota-exceeded at spec.replicas (value)
              no pod can be created: quota "team" is used up (pods: 1 asked for, 2 of 2 in use)
        "#]],
    );
    check(
        &not_created("pods \"…\" is forbidden: minimum memory usage per Container is 32Mi, but request is 64Ti"),
        &expect![[r#"
            limit-range at spec.template.spec.containers[0].resources.requests.memory (value)
              no pod can be created: memory request 64Ti is below the minimum of 32Mi (limit range)
              → write 32Mi
        "#]],
    );
    check(
        &not_created(
            "pods \"…\" is forbidden: error looking up service account shop/storefront: serviceaccount \"storefront\" not found",
        ),
        &expect![[r#"
            pod-refused at spec.template.spec.serviceAccountName (value)
              no pod can be created: service account "storefront" does not exist in namespace "shop"
        "#]],
    );
    check(
        &not_created(
            "pods \"…\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"crunch\" must set securityContext.allowPrivilegeEscalation=false)",
        ),
        &expect![[r#"
            pod-security at spec.template.spec.containers[0] (missing securityContext.allowPrivilegeEscalation)
              no pod can be created: Pod Security level "restricted:latest": container "crunch" must set securityContext.allowPrivilegeEscalation: false
              → set spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: false
        "#]],
    );
    check(
        &not_created(
            "Pod \"…\" is invalid: spec.containers[0].image: Invalid value: \"registry.example.org/crunch:1.4.2 \": must not have leading or trailing whitespace",
        ),
        &expect![[r#"
            pod-refused at spec.template.spec.containers[0].image (value)
              no pod can be created: "registry.example.org/crunch:1.4.2 " is not valid: must not have leading or trailing whitespace
              → write registry.example.org/crunch:1.4.2
        "#]],
    );
    check(
        &not_created(
            "Pod \"…\" is invalid: spec.containers[0].resources.requests: Invalid value: \"64Ti\": must be less than or equal to memory limit of 64Mi",
        ),
        &expect![[r#"
            pod-refused at spec.template.spec.containers[0].resources.requests.memory (value)
              no pod can be created: "64Ti" is not valid: must be less than or equal to memory limit of 64Mi
        "#]],
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
        &expect![[r#"
            pod-refused at spec.jobTemplate.spec.template.spec.containers[0].image (value)
              no pod can be created: "x " is not valid: must not have leading or trailing whitespace
              → write x
        "#]],
    );
    check_of(
        &cron,
        &not_created(
            "Job.batch \"…\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
        &expect![[r#"
            pod-refused at spec.jobTemplate.spec.template.spec (missing restartPolicy)
              no pod can be created: required field "restartPolicy" is missing; use one of OnFailure, Never
        "#]],
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
        &expect![[r#"
            unschedulable at spec.template.spec.containers[0].resources.requests.memory (value)
              no node has 64Ti memory free for the pods
        "#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: persistentvolumeclaim \"archives\" not found. not found",
            &[],
        ),
        &expect![[r#"
            unschedulable at spec.template.spec.volumes[1].persistentVolumeClaim.claimName (value)
              no node takes the pods: PersistentVolumeClaim "archives" not found
        "#]],
    );
    check(
        &unschedulable(
            &format!("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {preemption}"),
            &["pool"],
        ),
        &expect![[r#"
            unschedulable at spec.template.spec.nodeSelector.pool (value)
              no node takes the pods: none has the label pool: big
        "#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: x",
            &[],
        ),
        &expect![[r#"
            unschedulable at spec.template.spec (missing tolerations)
              no node takes the pods: they have a taint that is not tolerated
        "#]],
    );
    check(
        &unschedulable(
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            &[],
        ),
        &expect![[r#"
            unschedulable (warning) at spec.template.spec.volumes[1].persistentVolumeClaim.claimName (value)
              the pods wait for a volume: their claims are not bound, and nobody provides volumes here
        "#]],
    );
    check(
        &unschedulable("something new", &[]),
        &expect![[r#"
        unschedulable at the object (object)
          no node takes the pods: something new
    "#]],
    );
}

#[test]
fn containers_that_do_not_start() {
    check(
        &waiting(
            "ImagePullBackOff",
            "Back-off pulling image \"crunch:9\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/crunch:9\": failed to resolve reference \"docker.io/library/crunch:9\": docker.io/library/crunch:9: not found",
        ),
        &expect![[r#"
            image-pull at spec.template.spec.containers[0].image (value)
              image "registry.example.org/crunch:1.4.2 " cannot be pulled: its registry does not have it
        "#]],
    );
    check(
        &waiting(
            "InvalidImageName",
            "Failed to apply default image tag \"registry.example.org/crunch:1.4.2 \": couldn't parse image name: invalid reference format",
        ),
        &expect![[r#"
            image-pull at spec.template.spec.containers[0].image (value)
              image "registry.example.org/crunch:1.4.2 " cannot be pulled: this is not the name of an image
        "#]],
    );
    check(
        &waiting("CreateContainerConfigError", "secret \"keys\" not found"),
        &expect![[r#"
            bad-configuration at spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.name (value)
              Secret "keys" not found
        "#]],
    );
    check(
        &waiting(
            "CreateContainerConfigError",
            "couldn't find key api in Secret shop/keys",
        ),
        &expect![[r#"
            bad-configuration at spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key (value)
              Secret "keys" has no key "api"
        "#]],
    );
    check(
        &waiting(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
        ),
        &expect![[r#"
            bad-configuration at spec.template.spec.containers[0] (missing securityContext)
              the container cannot be configured: container has runAsNonRoot and image will run as root
        "#]],
    );
    check(
        &waiting(
            "RunContainerError",
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/crunch\": stat /crunch: no such file or directory: unknown",
        ),
        &expect![[r#"
            not-started at spec.template.spec.containers[0].command (key)
              container "crunch" cannot be started: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/crunch": stat /crunch: no such file or directory: unknown
        "#]],
    );
    check(
        &Trouble::Crashed {
            container: "crunch".to_owned(),
            exit_code: 1,
            reason: "Error".to_owned(),
            message: "no config".to_owned(),
        },
        &expect![[r#"
            crash at spec.template.spec.containers[0] (value)
              container "crunch" ends with exit code 1: no config
        "#]],
    );
    check(
        &Trouble::Crashed {
            container: "crunch".to_owned(),
            exit_code: 137,
            reason: "OOMKilled".to_owned(),
            message: String::new(),
        },
        &expect![[r#"
            crash at spec.template.spec.containers[0].resources.limits.memory (value)
              container "crunch" needs more memory than its limit and is killed
        "#]],
    );
    check(
        &Trouble::Unhealthy {
            container: "crunch".to_owned(),
            probe: Probe::Readiness,
            text: "Readiness probe failed: HTTP probe failed with statuscode: 404".to_owned(),
        },
        &expect![[r#"
            probe-failed (warning) at spec.template.spec.containers[0].readinessProbe (key)
              the readinessProbe of container "crunch" fails: HTTP probe failed with statuscode: 404
        "#]],
    );
}

#[test]
fn volumes_that_cannot_be_mounted() {
    let volume = |text: &str| Trouble::Volume { text: text.to_owned() };
    check(
        &volume("MountVolume.SetUp failed for volume \"pages\" : configmap \"paeges\" not found"),
        &expect![[r#"
            volume-failed at spec.template.spec.volumes[0].configMap.name (value)
              volume cannot be mounted: ConfigMap "paeges" not found
        "#]],
    );
    check(
        &volume("MountVolume.SetUp failed for volume \"pages\" : configmap references non-existent config key: title"),
        &expect![[r#"
            volume-failed at spec.template.spec.volumes[0].configMap.items[0].key (value)
              volume cannot be mounted: ConfigMap "paeges" has no key "title"
        "#]],
    );
    check(
        &volume("MountVolume.SetUp failed for volume \"store\" : mount failed: exit status 32"),
        &expect![[r#"
            volume-failed at spec.template.spec.volumes[1] (value)
              volume "store" cannot be mounted: mount failed: exit status 32
        "#]],
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
        &expect![[r#"
            claim-pending (warning) at spec.storageClassName (value)
              StorageClass "fsat" not found: nobody provides a volume for the claim
        "#]],
    );
    check_of(
        &claim,
        &says(
            "VolumeMismatch",
            "Cannot bind to requested volume \"v\": incompatible accessMode",
        ),
        &expect![[r#"
            claim-pending at spec.accessModes (key)
              the claim is not bound: Cannot bind to requested volume "v": incompatible accessMode
        "#]],
    );
    check_of(
        &claim,
        &says(
            "VolumeMismatch",
            "Cannot bind to requested volume \"v\": requested PV is too small",
        ),
        &expect![[r#"
            claim-pending at spec.resources.requests.storage (value)
              the claim is not bound: Cannot bind to requested volume "v": requested PV is too small
        "#]],
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
        &expect![[r#"
            would-not-start (warning) at spec.template.spec.volumes[0].configMap.name (value)
              would not start: ConfigMap "paeges" is not there; did you mean "pages"?
              → write pages
        "#]],
    );
    check(
        &missing(Referent::Secret, "keys", Some("api"), None),
        &expect![[r#"
        would-not-start (warning) at spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key (value)
          would not start: Secret "keys" has no key "api"
    "#]],
    );
    check(
        &missing(Referent::PullSecret, "registry", None, None),
        &expect![[r#"
            would-not-start (warning) at spec.template.spec.imagePullSecrets[0].name (value)
              Secret "registry" is not there, and images would be pulled without it
        "#]],
    );
    check(
        &missing(Referent::ServiceAccount, "storefront", None, None),
        &expect![[r#"
            would-not-start (warning) at spec.template.spec.serviceAccountName (value)
              would not start: ServiceAccount "storefront" is not there
        "#]],
    );
}

#[test]
fn what_nobody_knows_is_said_of_the_object() {
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
    let strange = Trouble::Failed {
        reason: "Evicted".to_owned(),
        text: "The node was low on resource: memory.".to_owned(),
    };
    check_of(
        &config,
        &strange,
        &expect![[r#"
        not-started at the object (object)
          a pod has failed: Evicted: The node was low on resource: memory.
    "#]],
    );
    check_of(
        &Value::Null,
        &not_created("pods \"…\" is forbidden: no"),
        &expect![[r#"
            not-started at the object (object)
              pods "…" is forbidden: no
        "#]],
    );
    check_of(
        &Value::Null,
        &waiting("ErrImagePull", "no"),
        &expect![[r#"
        image-pull at the object (object)
          an image cannot be pulled: no
    "#]],
    );
    check(
        &Trouble::Deadline {
            text: "ReplicaSet \"crunch-5c\" has timed out progressing.".to_owned(),
        },
        &expect![[r#"
            progress-deadline at the object (object)
              the rollout is not done within its 600 seconds
        "#]],
    );
}
