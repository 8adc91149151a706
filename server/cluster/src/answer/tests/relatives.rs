//! Relatives of the rows of both tables.

use expect_test::expect;
use gitops_model::Gvk;
use serde_json::json;

use super::super::decode_creation_failure;
use super::{Case, Known, check, known, show};

#[test]
fn patterns_and_choices_of_definitions() {
    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Watcher", "metadata": {"name": "front"}, "spec": {"endpoints": [{"interval": "10"}]}});
    let words =
        "Invalid value: \"10\": spec.endpoints[0].interval in body should match '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'";
    let message = format!("Watcher.rep.example.org \"front\" is invalid: spec.endpoints[0].interval: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", words, "spec.endpoints[0].interval")]),
        &expect![[r#"
            invalid-value at spec.endpoints[0].interval (value)
              "10" is not valid: should match '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
              peel spec.endpoints[0].interval
        "#]],
    );

    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Passport", "metadata": {"name": "front"}, "spec": {"authority": {"kind": "CityBureau"}}});
    let message = "Passport.rep.example.org \"front\" is invalid: [spec.authority.kind: Unsupported value: \"CityBureau\": supported values: \"Bureau\", \"ClusterBureau\", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        unsupported-value at spec.authority.kind (value)
          "CityBureau" is not supported; use one of Bureau, ClusterBureau
          → write Bureau | ClusterBureau
          peel spec.authority.kind = "Bureau"
    "#]],
    );

    let sent = json!({"apiVersion": "rep.example.org/v1", "kind": "Dump", "metadata": {"name": "nightly"}, "spec": {"schedule": "0 1 * * 0"}});
    let words = "Invalid value: \"0 1 * * 0\": schedule has six fields, seconds first";
    let message = format!("Dump.rep.example.org \"nightly\" is invalid: spec.schedule: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", words, "spec.schedule")]),
        &expect![[r#"
            invalid-value at spec.schedule (value)
              "0 1 * * 0" is not valid: schedule has six fields, seconds first
              peel spec.schedule
        "#]],
    );
}

#[test]
fn relatives_of_validation() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "b"}}, "spec": {
            "volumes": [{"name": "date"}, {"name": "date"}],
            "containers": [{"name": "a", "image": "a ", "volumeMounts": [{"name": "data", "mountPath": "/x"}],
                "resources": {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "1"}}}],
        }},
    }});
    let causes = [
        (
            "FieldValueInvalid",
            "Invalid value: {\"app\":\"b\"}: `selector` does not match template `labels`",
            "spec.template.metadata.labels",
        ),
        (
            "FieldValueNotFound",
            "Not found: \"data\"",
            "spec.template.spec.containers[0].volumeMounts[0].name",
        ),
        (
            "FieldValueDuplicate",
            "Duplicate value: \"date\"",
            "spec.template.spec.volumes[1].name",
        ),
        (
            "FieldValueInvalid",
            "Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            "spec.template.spec.containers[0].resources.requests",
        ),
        (
            "FieldValueInvalid",
            "Invalid value: \"a \": must not have leading or trailing whitespace",
            "spec.template.spec.containers[0].image",
        ),
        (
            "FieldValueTooLong",
            "Too long: may not be more than 262144 bytes",
            "metadata.annotations",
        ),
        (
            "FieldValueTooMany",
            "Too many: 51: must have at most 50 items",
            "spec.template.spec.volumes",
        ),
        (
            "FieldValueForbidden",
            "Forbidden: may not be used in this way",
            "spec.template.spec.containers[0].volumeMounts",
        ),
    ];
    check(
        &Case::new(422, "Deployment.apps \"d\" is invalid: …", sent).causes(&causes),
        &expect![[r#"
            invalid-value at spec.template.metadata.labels.app (value)
              label "app" is "b" here, but the selector looks for "a"
              see spec.selector.matchLabels.app: the selector
              → write a
              peel spec.template.metadata.labels.app = "a"
            reference-not-found at spec.template.spec.containers[0].volumeMounts[0].name (value)
              no volume of this pod is named "data"; did you mean "date"?
              → write date
              peel spec.template.spec.containers[0].volumeMounts[0]
            duplicate-item at spec.template.spec.volumes[1].name (value)
              duplicate: another item has "date" too
              see spec.template.spec.volumes[0].name: the first item with "date"
              → remove
              peel spec.template.spec.volumes[1].name
            invalid-value at spec.template.spec.containers[0].resources.requests.cpu (value)
              "2" is not valid: must be less than or equal to cpu limit of 1
              peel spec.template.spec.containers[0].resources.requests.cpu
            invalid-value at spec.template.spec.containers[0].image (value)
              "a " is not valid: must not have leading or trailing whitespace
              → write a
              peel spec.template.spec.containers[0].image
            too-long at metadata (missing annotations)
              too long: may not be more than 262144 bytes
            too-many at spec.template.spec.volumes (key)
              too many: must have at most 50 items (it has 2)
            forbidden-field at spec.template.spec.containers[0].volumeMounts (key)
              field "volumeMounts": may not be used in this way
              → remove
              peel spec.template.spec.containers[0].volumeMounts
        "#]],
    );
}

#[test]
fn fields_named_in_other_ways() {
    let deployment = |spec: serde_json::Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {".dockerconfigjson": "nope"}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteone"]}});
    let owned = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "o", "ownerReferences": [{"kind": "A", "name": "b"}]}});
    let thing = json!({"apiVersion": "probe.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"one": {"a": 1, "b": 2}, "when": "yesterday", "size": "10 GB", "min": 10, "max": 5}});
    let quantity = "Invalid value: \"10 GB\": spec.size in body should match '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$'";
    for (sent, causes, expected) in [
        (
            deployment(json!({"strategy": {"type": "rolling"}})),
            &[(
                "FieldValueNotSupported",
                "Unsupported value: {\"Type\":\"rolling\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\"",
                "spec.strategy",
            )][..],
            expect![[r#"
                unsupported-value at spec.strategy.type (value)
                  "rolling" is not supported; use one of Recreate, RollingUpdate
                  → write RollingUpdate | Recreate
                  peel spec.strategy.type = "RollingUpdate"
            "#]],
        ),
        (
            deployment(
                json!({"template": {"spec": {"containers": [{"name": "a", "resources": {"requests": {"cpus": 1}}}]}}}),
            ),
            &[(
                "FieldValueInvalid",
                "Invalid value: \"cpus\": must be a standard resource type or fully qualified",
                "spec.template.spec.containers[0].resources.requests[cpus]",
            )],
            expect![[r#"
                invalid-value at spec.template.spec.containers[0].resources.requests.cpus (key)
                  "cpus" is not valid: must be a standard resource type or fully qualified
                  → rename to cpu
                  peel spec.template.spec.containers[0].resources.requests.cpus
            "#]],
        ),
        (
            deployment(json!({"template": {"spec": {"restartPolicy": "Always", "containers": []}}})),
            &[
                (
                    "FieldValueRequired",
                    "Required value: valid values: \"OnFailure\", \"Never\"",
                    "spec.template.spec.restartPolicy",
                ),
                ("FieldValueRequired", "Required value", "spec.template.spec.containers"),
                ("FieldValueRequired", "Required value", "spec.selector"),
                (
                    "FieldValueInvalid",
                    "Invalid value: null: `selector` does not match template `labels`",
                    "spec.template.metadata.labels",
                ),
            ],
            expect![[r#"
                unsupported-value at spec.template.spec.restartPolicy (value)
                  "Always" is not supported; use one of OnFailure, Never
                  → write OnFailure | Never
                required at spec.template.spec.containers (key)
                  required field "containers" must not be empty
                required at spec (missing selector)
                  required field "selector" is missing
                  → insert selector: ?
            "#]],
        ),
        (
            secret,
            &[(
                "FieldValueInvalid",
                "Invalid value: \"<secret contents redacted>\": invalid character 'o' in literal null (expecting 'u')",
                "data[.dockerconfigjson]",
            )],
            expect![[r#"
                invalid-value at stringData[.dockerconfigjson] (value)
                  this value is not valid: invalid character 'o' in literal null (expecting 'u')
                  peel stringData[.dockerconfigjson]
            "#]],
        ),
        (
            claim,
            &[
                (
                    "FieldValueNotSupported",
                    "Unsupported value: \"ReadWriteone\": supported values: \"ReadOnlyMany\", \"ReadWriteOnce\"",
                    "spec.accessModes",
                ),
                ("FieldValueRequired", "Required value", "spec.resources[storage]"),
            ],
            expect![[r#"
                unsupported-value at spec.accessModes[0] (value)
                  "ReadWriteone" is not supported; use one of ReadOnlyMany, ReadWriteOnce
                  → write ReadWriteOnce | ReadOnlyMany
                  peel spec.accessModes[0] = "ReadWriteOnce"
                required at spec (missing resources.requests.storage)
                  required field "resources.requests.storage" is missing
                  → insert resources.requests.storage: ?
            "#]],
        ),
        (
            owned,
            &[(
                "FieldValueInvalid",
                "Invalid value: \"\": must not be empty",
                "metadata.ownerReferences.uid",
            )],
            expect![[r#"
                invalid-value at metadata.ownerReferences[0] (missing uid)
                  field "uid" is missing: must not be empty
                  → insert uid: ?
            "#]],
        ),
        (
            thing,
            &[
                (
                    "FieldValueInvalid",
                    "Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
                    "<nil>",
                ),
                (
                    "FieldValueTypeInvalid",
                    "Invalid value: \"yesterday\": spec.when in body must be of type date-time: \"yesterday\"",
                    "spec.when",
                ),
                ("FieldValueInvalid", quantity, "spec.size"),
                (
                    "FieldValueInvalid",
                    "Invalid value: failed rule: self.min <= self.max",
                    "spec",
                ),
                (
                    "FieldValueInvalid",
                    "Invalid value: \"x\": must be either Value, or AverageValue",
                    "spec.mode",
                ),
            ],
            expect![[r#"
                invalid-value at spec.one (key)
                  field "one" must have exactly one of its possible forms (found 2 valid alternatives)
                bad-time at spec.when (value)
                  "yesterday" is not a time such as 2006-01-02T15:04:05Z
                  peel spec.when
                bad-quantity at spec.size (value)
                  "10 GB" is not a quantity; did you mean 10G?
                  → write 10G | 10Gi
                  peel spec.size
                invalid-value at spec.min (value)
                  failed rule: self.min <= self.max
                  see spec.max: this is looked at too
                  peel spec.min
                invalid-value at spec (missing mode)
                  field "mode" is "x" when it is not written: must be either Value, or AverageValue
                  → insert mode: ?
            "#]],
        ),
    ] {
        check(&Case::new(422, "K \"n\" is invalid: …", sent).causes(causes), &expected);
    }
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "o", "managedFields": []}});
    check(
        &Case::new(400, "metadata.managedFields must be nil", sent),
        &expect![[r#"
            forbidden-field at metadata.managedFields (key)
              metadata.managedFields belongs to the object as it once was on a cluster; remove it from the file
              → remove
              peel metadata.managedFields
        "#]],
    );
}

#[test]
fn texts_of_conversion() {
    let sent = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"since": "yesterday", "every": "10", "count": "many", "list": ["a", 1]}});
    for (message, expected) in [
        (
            "Thing in version \"v1\" cannot be handled as a Thing: json: cannot unmarshal string into Go struct field ThingSpec.spec.count of type int32",
            expect![[r#"
                wrong-type at spec.count (value)
                  expected integer, got string "many"
                  peel spec.count
            "#]],
        ),
        (
            "failed to convert new object (/t; example.com/v1, Kind=Thing) to proper version: parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
            expect![[r#"
                bad-time at spec.since (value)
                  "yesterday" is not a time such as 2006-01-02T15:04:05Z
                  peel spec.since
            "#]],
        ),
        (
            "failed to convert new object (/t; example.com/v1, Kind=Thing) to proper version: time: missing unit in duration \"10\"",
            expect![[r#"
                bad-time at spec.every (value)
                  "10" is not a duration such as 30s, 5m or 1h30m
                  peel spec.every
            "#]],
        ),
        (
            "Thing in version \"v1\" cannot be handled as a Thing: strict decoding error: unknown field \"spec.count\", duplicate field \"spec.since\"",
            expect![[r#"
                unknown-field at spec.count (key)
                  unknown field "count"
                  peel spec.count
                duplicate-key at spec.since (key)
                  the key "since" stands twice in this map
            "#]],
        ),
        (
            "failed to convert new object (/t; example.com/v1, Kind=Thing) to proper version: unable to convert unstructured object to example.com/v1, Kind=Thing: cannot convert int64 to string",
            expect![[r#"
                invalid-value at the object (object)
                  the server cannot read this object: cannot convert int64 to string
            "#]],
        ),
        (
            "failed to create typed live object (/t; example.com/v1, Kind=Thing): .spec.gone: field not declared in schema",
            expect![[r#"
                server-error at the object (object)
                  the object on the cluster does not fit its own kind any more, so nothing can be merged into it
                  → recreate
            "#]],
        ),
    ] {
        check(
            &Case::new(400, message, sent.clone()).knowing(Known::default()),
            &expected,
        );
    }
}

#[test]
fn pods_that_a_controller_cannot_create() {
    let kind = Gvk::parse("apps/v1", "Deployment");
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 2, "template": {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"serviceAccountName": "robot", "containers": [
            {"name": "crunch", "image": "x:1.4.2 ", "resources": {"requests": {"memory": "16Mi", "cpu": "100Mi"}, "limits": {"cpu": "1"}}},
        ]},
    }}});
    for (text, expected) in [
        (
            "Error creating: pods \"crunch-dd5b7c9f8-mqpkp\" is forbidden: failed quota: team: must specify limits.memory for: crunch",
            expect![[r#"
                quota-exceeded at spec.template.spec.containers[0].resources.limits (missing memory)
                  quota "team" wants limits.memory to be set
                  → insert memory: ?
            "#]],
        ),
        (
            "Error creating: pods \"crunch-575c94c7c6-bs8vx\" is forbidden: minimum memory usage per Container is 32Mi, but request is 16Mi",
            expect![[r#"
                limit-range at spec.template.spec.containers[0].resources.requests.memory (value)
                  memory request 16Mi is below the minimum of 32Mi (limit range)
                  → write 32Mi
            "#]],
        ),
        (
            "Error creating: pods \"x\" is forbidden: [minimum memory usage per Container is 32Mi, but request is 16Mi, maximum memory usage per Container is 1Gi.  No limit is specified, cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000]",
            expect![[r#"
                limit-range at spec.template.spec.containers[0].resources.requests.memory (value)
                  memory request 16Mi is below the minimum of 32Mi (limit range)
                  → write 32Mi
                limit-range at spec.template.spec.containers[0].resources.limits (missing memory)
                  the limit range wants a memory limit (maximum 1Gi)
                  → insert memory: 1Gi
                limit-range at spec.template.spec.containers[0].resources.limits.cpu (value)
                  the limit range allows a cpu limit of at most 2 times the request
            "#]],
        ),
        (
            "Error creating: pods \"x\" is forbidden: memory max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
            expect![[r#"
                limit-range at spec.template.spec.containers[0].resources.limits (missing memory)
                  the limit range wants the memory limit to be at most 2 times the request; both must be set
                  → insert memory: ?
            "#]],
        ),
        (
            "Error creating: pods \"x\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1",
            expect![[r#"
                quota-exceeded at the object (object)
                  quota "team" is used up (pods: 1 asked for, 1 of 1 in use)
            "#]],
        ),
        (
            "Error creating: pods \"x-\" is forbidden: error looking up service account ns/robot: serviceaccount \"robot\" not found",
            expect![[r#"
                reference-not-found at spec.template.spec.serviceAccountName (value)
                  service account "robot" does not exist in namespace "ns"
            "#]],
        ),
        (
            "Error creating: Pod \"x-5c\" is invalid: spec.containers[0].image: Invalid value: \"x:1.4.2 \": must not have leading or trailing whitespace",
            expect![[r#"
                invalid-value at spec.template.spec.containers[0].image (value)
                  "x:1.4.2 " is not valid: must not have leading or trailing whitespace
                  → write x:1.4.2
            "#]],
        ),
        (
            "Error creating: Pod \"x-5c\" is invalid: spec.containers[0].resources.requests: Invalid value: \"100Mi\": must be less than or equal to cpu limit of 1",
            expect![[r#"
                invalid-value at spec.template.spec.containers[0].resources.requests.cpu (value)
                  "100Mi" is not valid: must be less than or equal to cpu limit of 1
            "#]],
        ),
        (
            "Error creating: Pod \"x-5c\" is invalid: metadata.name: Invalid value: \"X\": a lowercase RFC 1123 subdomain must consist of …",
            expect![[r#"
                invalid-value at the object (object)
                  field "name" is "X" when it is not written: a lowercase RFC 1123 subdomain must consist of …
                  → insert name: ?
            "#]],
        ),
        (
            "Error creating: pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": seccompProfile (pod or container \"crunch\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
            expect![[r#"
                pod-security at spec.template.spec.containers[0] (missing securityContext.seccompProfile.type)
                  Pod Security level "baseline:latest": container "crunch" must set securityContext.seccompProfile.type: RuntimeDefault
                  → set spec.template.spec.securityContext.seccompProfile.type: "RuntimeDefault"
            "#]],
        ),
    ] {
        expected.assert_eq(&show(&decode_creation_failure(text, &kind, &sent, &known())));
    }
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    assert!(decode_creation_failure("Error creating: x", &Gvk::parse("v1", "ConfigMap"), &config, &known()).is_empty());
}
