//! Whatever the server says, there is an answer and no panic.

use gitops_model::Gvk;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Cause, PeelRecord, Refusal, decode, decode_creation_failure, decode_warnings, sent};
use super::known;

/// Texts of every layer, to be cut and mixed.
const TEXTS: &[&str] = &[
    "failed to create typed patch object (default/a; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"a\"].imag: field not declared in schema\n  .spec.foo: expected string, got &value.valueUnstructured{Value:[]interface {}{\"a\"}}",
    ".spec.containers[containerPort=88,protocol=\"TCP\"]: duplicate entries for key [name=\"a\"]",
    "element 0: associative list with keys has an element that omits all key fields [\"name\"]",
    "failed to convert new object (/a; /v1, Kind=Pod) to proper version: quantities must match the regular expression '^([+-]?[0-9.]+)$'",
    "illegal base64 data at input byte 6",
    "json: cannot unmarshal string into Go struct field A.spec.b of type []int32",
    "parsing time \"x\" as \"2006\": cannot parse",
    "time: invalid duration \"1\"",
    "strict decoding error: unknown field \"spec.a\", duplicate field \"b\"",
    "Pod \"a\" is invalid: [spec.containers[0].image: Required value, <nil>: Invalid value: {\"a\":1}: field is immutable]",
    "Unsupported value: \"a\": supported values: \"b\", \"c\"",
    "spec: Forbidden: spec is immutable\n@@ -1 +1 @@\n- \"A\": 1,\n+ \"A\": 2,",
    "Invalid value: \"_\": a valid label must be (e.g. 'a', regex used for validation is 'b')",
    "Invalid value: core.PodSpec{A:[]string{\"}\"}}: may not change once set",
    "Apply failed with 2 conflicts: conflicts with \"one\" using v1 at 2026:\n- .data.a\n- .spec",
    "pods \"p\" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: cpu=0, limited: cpu=0",
    "is forbidden: failed quota: q: must specify limits.cpu for: a,b; memory for: c",
    "minimum memory usage per Container is 32Mi, but request is 16Mi",
    "maximum cpu usage per Pod is 1.  No limit is specified",
    "cpu max limit to request ratio per Container is 2, but provided ratio is 10.0",
    "violates PodSecurity \"restricted:latest\": a (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]; x), b (volume \"v\" uses restricted volume type \"hostPath\")",
    "ValidatingAdmissionPolicy 'a' with binding 'b' denied request: failed expression: object.spec.x",
    "User \"a\" cannot patch resource \"b\" in API group \"c\" in the namespace \"d\"",
    "namespaces \"a\" not found",
    "no matches for kind \"A\" in version \"b/v1\"",
    "failed calling webhook \"w\": Post \"https://x\": connection refused",
    "admission webhook \"w\" denied the request: spec.a: Invalid value: 1: no",
    "policy/v1beta1 A is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 A",
    "Invalid value: failed rule: self.a.all(x, x.b > 0) && has(self.c)",
];

fn object() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n", "labels": {"a": "_", "é": "ü"}}, "data": {"a.b": "x"}, "spec": {
        "foo": [1, null, {"name": "a"}], "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "c"}}, "spec": {"volumes": [{"name": "v"}], "containers": [
            {"name": "a", "imag": "ä\u{1F600}", "ports": [{"containerPort": 88}, {"containerPort": "88", "protocol": "TCP"}], "resources": {"requests": {"cpu": "x"}}},
        ]}},
    }})
}

/// A text of a server, with pieces cut out, doubled, or replaced by anything.
fn text() -> impl Strategy<Value = String> {
    // Where the piece starts and how long it is, in parts of a hundred; most start at the start, many go to the end.
    let piece = (0..TEXTS.len(), 0..100_usize, 0..100_usize).prop_map(|(index, from, length)| {
        let characters: Vec<char> = TEXTS.get(index).copied().unwrap_or_default().chars().collect();
        let at = |part: usize| part * characters.len() / 100;
        let from = if from < 40 { 0 } else { at(from) };
        let length = if length < 30 {
            characters.len()
        } else {
            at(length).max(1)
        };
        characters.iter().skip(from).take(length).collect::<String>()
    });
    let whole = (0..TEXTS.len()).prop_map(|index| TEXTS.get(index).copied().unwrap_or_default().to_owned());
    let anything = prop_oneof![
        ".{0,20}",
        "[\\[\\]{}():.,=\"'`\\\\ \n-]{0,12}",
        Just("\u{1F600}".to_owned())
    ];
    prop::collection::vec(prop_oneof![3 => piece, 3 => whole, 1 => anything], 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn every_text_has_an_answer(
        status in prop_oneof![Just(400_u16), Just(403), Just(404), Just(409), Just(422), Just(500), any::<u16>()],
        message in text(),
        causes in prop::collection::vec((prop_oneof![Just(""), Just("FieldValueInvalid"), Just("FieldValueForbidden"), Just("FieldValueRequired")], text(), text()), 0..3),
        live in any::<bool>(),
    ) {
        let kind = Gvk::parse("apps/v1", "Deployment");
        let object = object();
        let causes = causes.into_iter().map(|(reason, message, field)| Cause { reason: reason.to_owned(), message, field }).collect();
        let refusal = Refusal { status, reason: String::new(), message: message.clone(), causes };
        let beside = live.then(|| json!({"spec": {"foo": [2]}}));
        let answers = decode(&refusal, &kind, &object, beside.as_ref(), &known());
        prop_assert!(!answers.is_empty());
        for answer in &answers {
            prop_assert!(sent::value_at(&object, &answer.path).is_some(), "{}", answer.path);
        }
        let mut peeled = object.clone();
        let mut record = PeelRecord::default();
        record.peel(&mut peeled, &answers);
        prop_assert_eq!(peeled.pointer("/metadata/name"), object.pointer("/metadata/name"));
        let again = decode(&refusal, &kind, &peeled, beside.as_ref(), &known());
        prop_assert!(!again.is_empty());
        record.restore(again);
        decode_warnings(&message, &kind, &object, &known());
        decode_creation_failure(&message, &kind, &object, &known());
    }
}
