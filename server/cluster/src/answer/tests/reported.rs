//! The second table: answers to faults that people have reported.

use expect_test::expect;
use serde_json::json;

use super::{Case, check, known};

#[test]
fn secret_that_is_not_base64() {
    let sent = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"good": "aGVsbG8=", "other": "a", "bad": "s3cr3t!pass"}});
    let message = "failed to convert new object (ns/s; /v1, Kind=Secret) to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 6";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        bad-base64 at data.bad (value)
          not base64: wrong at byte 6; encode it, or write it as plain text below stringData
          → encodebase64
          peel data.bad
        bad-base64 at data.other (value)
          not base64: wrong at byte 0; encode it, or write it as plain text below stringData
          → encodebase64
          peel data.other
    "#]],
    );
}

#[test]
fn secret_values_are_not_repeated() {
    let sent = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"pin": 4711}});
    let message = "failed to create typed patch object (ns/s; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:4711}";
    let case = Case::new(500, message, sent);
    check(
        &case,
        &expect![[r#"
        wrong-type at stringData.pin (value)
          expected string, got number — put it in quotes
          → quote
          peel stringData.pin = "4711"
    "#]],
    );
    assert!(
        case.decode()
            .iter()
            .all(|answer| !format!("{} {}", answer.message, answer.detail).contains("4711"))
    );
}

#[test]
fn two_mounts_on_one_path() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": [{"name": "a",
        "volumeMounts": [{"name": "x", "mountPath": "/srv/pages"}, {"name": "y", "mountPath": "/srv/pages"}, {"name": "z", "mountPath": "/srv/pages"}],
        "env": [{"name": "LISTEN"}, {"name": "VERBOSE"}, {"name": "LISTEN"}],
    }]}}}});
    let message = "failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"a\"].volumeMounts: duplicate entries for key [mountPath=\"/srv/pages\"]\n  .spec.template.spec.containers[name=\"a\"].volumeMounts: duplicate entries for key [mountPath=\"/srv/pages\"]\n  .spec.template.spec.containers[name=\"a\"].env: duplicate entries for key [name=\"LISTEN\"]";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        duplicate-item at spec.template.spec.containers[0].volumeMounts[1] (value)
          duplicate item: another item of "volumeMounts" has mountPath "/srv/pages" too
          see spec.template.spec.containers[0].volumeMounts[0]: the first item with mountPath "/srv/pages"
          → remove
          peel spec.template.spec.containers[0].volumeMounts[1]
        duplicate-item at spec.template.spec.containers[0].volumeMounts[2] (value)
          duplicate item: another item of "volumeMounts" has mountPath "/srv/pages" too
          see spec.template.spec.containers[0].volumeMounts[0]: the first item with mountPath "/srv/pages"
          → remove
          peel spec.template.spec.containers[0].volumeMounts[2]
        duplicate-item at spec.template.spec.containers[0].env[2] (value)
          duplicate item: another item of "env" has name "LISTEN" too
          see spec.template.spec.containers[0].env[0]: the first item with name "LISTEN"
          → remove
          peel spec.template.spec.containers[0].env[2]
    "#]],
    );
}

#[test]
fn key_of_the_wrong_type() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": "8080"}]}]}});
    let message = "failed to create typed patch object (ns/a; /v1, Kind=Pod): .spec.containers[name=\"a\"].ports[containerPort=\"8080\",protocol=\"TCP\"].containerPort: expected numeric (int or float), got string";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        wrong-type at spec.containers[0].ports[1].containerPort (value)
          expected number, got string "8080" — remove the quotes
          → write 8080
          peel spec.containers[0].ports[1].containerPort = 8080
    "#]],
    );
}

#[test]
fn values_of_other_types() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": {"containers": [
        {"name": "http", "env": [{"name": "VERBOSE", "value": false}], "command": "run"},
    ]}}}});
    let message = "failed to create typed patch object (rep-shop/storefront; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"http\"].env[name=\"VERBOSE\"].value: expected string, got &value.valueUnstructured{Value:false}\n  .spec.template.spec.containers[name=\"http\"].command: expected list, got &{run}";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        wrong-type at spec.template.spec.containers[0].env[0].value (value)
          expected string, got boolean false — put it in quotes
          → quote
          peel spec.template.spec.containers[0].env[0].value = "false"
        wrong-type at spec.template.spec.containers[0].command (value)
          expected list, got string "run" — put it in brackets or behind a dash
          → write [run]
          peel spec.template.spec.containers[0].command = ["run"]
    "#]],
    );

    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "pages"}, "data": {"note": ["seven", "nine"]}});
    let message = "failed to create typed patch object (rep-shop/pages; /v1, Kind=ConfigMap): .data.note: expected string, got &value.valueUnstructured{Value:[]interface {}{\"seven\", \"nine\"}}";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
            wrong-type at data.note (key)
              expected string, got list — for a text of several lines write | after the colon
              peel data.note
        "#]],
    );
}

#[test]
fn items_without_their_key() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"image": "a"}, null, "name:b"]}});
    let message = "failed to create typed patch object (ns/a; /v1, Kind=Pod): errors:\n  .spec.containers: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have default values for any key fields)\n  .spec.containers: element 1: associative list with keys may not have a null element\n  .spec.containers: element 2: associative list with keys may not have non-map elements";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        required at spec.containers[0] (missing name)
          required field "name" is missing
          → insert name: ?
          peel spec.containers[0]
        wrong-type at spec.containers[1] (value)
          this item of the list is empty
          → remove
          peel spec.containers[1]
        wrong-type at spec.containers[2] (value)
          expected map, got string "name:b" — a blank is missing after the colon
          peel spec.containers[2]
    "#]],
    );
}

#[test]
fn claim_moved_to_another_class() {
    let sent = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "archive"}, "spec": {"storageClassName": "rep-fast", "volumeName": "rep-shop-archive", "resources": {"requests": {"storage": "1Gi"}}}});
    let live = json!({"spec": {"storageClassName": "rep-hand-made", "volumeName": "rep-shop-archive", "resources": {"requests": {"storage": "1024Mi"}}}});
    let words = "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n@@ -10,7 +10,7 @@\n   }\n  },\n  \"VolumeName\": \"rep-shop-archive\",\n- \"StorageClassName\": \"rep-hand-made\",\n+ \"StorageClassName\": \"rep-fast\",\n  \"VolumeMode\": \"Filesystem\",\n  \"DataSource\": null,\n  \"DataSourceRef\": null,\n";
    let message = format!("PersistentVolumeClaim \"archive\" is invalid: spec: {words}");
    let causes = [("FieldValueForbidden", words, "spec")];
    let case = Case::new(422, &message, sent).causes(&causes);
    check(
        &case,
        &expect![[r#"
        immutable-field at spec.storageClassName (value)
          field "storageClassName" is immutable; to change it the object must be made anew
          → recreate
    "#]],
    );
    check(
        &case.live(live),
        &expect![[r#"
        immutable-field at spec.storageClassName (value)
          field "storageClassName" is immutable: the live object has "rep-hand-made"; to change it the object must be made anew
          → recreate
          peel spec.storageClassName = "rep-hand-made"
    "#]],
    );
}

#[test]
fn template_of_a_job_changed() {
    let sent = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:2", "resources": {"limits": {"cpu": 0.5}}}]}}}});
    let live = json!({"spec": {"template": {"metadata": {"labels": {"x": "y"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1", "resources": {"limits": {"cpu": "500m"}}}, {"name": "b", "image": "b:1"}]}}}});
    let dump = "core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{Name:\"\", Labels:map[string]string{\"x\":\"y\"}}, Spec:core.PodSpec{Containers:[]core.Container{core.Container{Name:\"a\", Image:\"a:2\"}}}}";
    let words = format!("Invalid value: {dump}: field is immutable");
    let message = format!("Job.batch \"j\" is invalid: spec.template: {words}");
    let causes = [("FieldValueInvalid", words.as_str(), "spec.template")];
    let case = Case::new(422, &message, sent).causes(&causes);
    check(
        &case.clone().live(live),
        &expect![[r#"
        immutable-field at spec.template.spec.containers[1].image (value)
          field "image" is immutable: the live object has "a:1"; to change it the object must be made anew
          → recreate
          peel spec.template.spec.containers[1].image = "a:1"
    "#]],
    );
    check(
        &case,
        &expect![[r#"
            immutable-field at spec.template (key)
              field "template" is immutable; to change it the object must be made anew
              → recreate
        "#]],
    );
    assert!(case.decode().iter().all(|answer| !answer.detail.contains("PodSpec")));
}

#[test]
fn claim_that_cannot_grow() {
    let sent = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    let message = "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    check(
        &Case::new(403, message, sent).reason("Forbidden"),
        &expect![[r#"
        forbidden-field at spec.resources.requests.storage (value)
          the claim cannot grow: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize
    "#]],
    );
}

#[test]
fn recreate_over_a_rolling_update() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"strategy": {"type": "Recreate"}}});
    let words = "Forbidden: may not be specified when strategy `type` is 'Recreate'";
    let message = format!("Deployment.apps \"d\" is invalid: spec.strategy.rollingUpdate: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueForbidden", words, "spec.strategy.rollingUpdate")]),
        &expect![[r#"
            forbidden-field at spec.strategy.type (value)
              type Recreate cannot be combined with rollingUpdate, which the live object still has; make the object anew, or write rollingUpdate in one save and take it out in the next
              → recreate
              peel spec.strategy.type
        "#]],
    );
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}});
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueForbidden", words, "spec.strategy.rollingUpdate")]),
        &expect![[r#"
            forbidden-field at spec.strategy.rollingUpdate (key)
              field "rollingUpdate": may not be specified when strategy `type` is 'Recreate'
              → remove
              peel spec.strategy.rollingUpdate
        "#]],
    );
}

#[test]
fn key_with_only_a_comment() {
    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Fence", "metadata": {"name": "f"}, "spec": {"ingress": [], "egress": null}});
    let causes = [
        (
            "FieldValueTypeInvalid",
            "Invalid value: \"null\": spec.egress in body must be of type array: \"null\"",
            "spec.egress",
        ),
        (
            "FieldValueInvalid",
            "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
            "<nil>",
        ),
    ];
    let message = "Fence.rep.example.org \"f\" is invalid: [spec.egress: Invalid value: \"null\": spec.egress in body must be of type array: \"null\", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]";
    check(
        &Case::new(422, message, sent.clone()).causes(&causes),
        &expect![[r#"
        wrong-type at spec.egress (key)
          expected list, got nothing (null) — give it a value or remove the key
          → remove
          peel spec.egress
    "#]],
    );
    // The same from the message alone.
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        wrong-type at spec.egress (key)
          expected list, got nothing (null) — give it a value or remove the key
          → remove
          peel spec.egress
    "#]],
    );
}

#[test]
fn rule_across_a_defaulted_field() {
    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Passport", "metadata": {"name": "front"}, "spec": {"holder": "x", "renewBefore": "9000h"}});
    let causes = [(
        "FieldValueInvalid",
        "Invalid value: renewBefore must be shorter than validFor",
        "spec",
    )];
    let message =
        "Passport.rep.example.org \"front\" is invalid: spec: Invalid value: renewBefore must be shorter than validFor";
    let case = Case::new(422, message, sent).causes(&causes);
    let rule = known().with_rule(
        "spec",
        "!has(self.renewBefore) || duration(self.renewBefore) < duration(self.validFor)",
        "renewBefore must be shorter than validFor",
    );
    check(
        &case.clone().knowing(rule),
        &expect![[r#"
        invalid-value at spec.renewBefore (value)
          renewBefore must be shorter than validFor
          peel spec.renewBefore
    "#]],
    );
    check(
        &case,
        &expect![[r#"
        invalid-value at spec.renewBefore (value)
          renewBefore must be shorter than validFor
          peel spec.renewBefore
    "#]],
    );
}

#[test]
fn rule_about_what_is_missing() {
    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Fence", "metadata": {"name": "f"}, "spec": {"selector": {"a": "b"}}});
    let causes = [(
        "FieldValueInvalid",
        "Invalid value: at least one ingress or egress rule is needed",
        "spec",
    )];
    let message =
        "Fence.rep.example.org \"f\" is invalid: spec: Invalid value: at least one ingress or egress rule is needed";
    let rule = known().with_rule(
        "spec",
        "(has(self.ingress) && self.ingress.size() > 0) || (has(self.egress) && self.egress.size() > 0)",
        "at least one ingress or egress rule is needed",
    );
    check(
        &Case::new(422, message, sent).causes(&causes).knowing(rule),
        &expect![[r#"
            invalid-value at spec (key)
              at least one ingress or egress rule is needed
        "#]],
    );
}

#[test]
fn cron_job_without_restart_policy() {
    let sent = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tidy"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}}});
    let words = "Required value: valid values: \"OnFailure\", \"Never\"";
    let field = "spec.jobTemplate.spec.template.spec.restartPolicy";
    let message = format!("CronJob.batch \"tidy\" is invalid: {field}: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueRequired", words, field)]),
        &expect![[r#"
            required at spec.jobTemplate.spec.template.spec (missing restartPolicy)
              required field "restartPolicy" is missing; use one of OnFailure, Never
              → insert restartPolicy: OnFailure
        "#]],
    );
}
