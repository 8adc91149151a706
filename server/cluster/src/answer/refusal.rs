//! What the API server sends back when it does not take an object.

use serde_json::Value;

/// The parts of a `Status` that say why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    /// HTTP status code, e.g. 422.
    pub status: u16,
    /// `reason`, e.g. `Invalid`; empty where the server gives none (typed errors of server-side apply).
    pub reason: String,
    /// `message`.
    pub message: String,
    /// `details.causes`; empty where there are none.
    pub causes: Vec<Cause>,
}

/// One entry of `details.causes`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cause {
    /// E.g. `FieldValueRequired`.
    pub reason: String,
    /// The server's words about this field.
    pub message: String,
    /// The field in one of the server's notations; may be empty or `<nil>`.
    pub field: String,
}

impl Refusal {
    /// Reads a `Status` object; whatever it lacks stays empty.
    pub fn from_status(http_status: u16, body: &Value) -> Self {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let causes = body
            .pointer("/details/causes")
            .and_then(Value::as_array)
            .map(|causes| {
                causes
                    .iter()
                    .map(|cause| Cause {
                        reason: text(cause, "reason"),
                        message: text(cause, "message"),
                        field: text(cause, "field"),
                    })
                    .collect()
            })
            .unwrap_or_default();
        let status = body
            .get("code")
            .and_then(Value::as_u64)
            .and_then(|code| u16::try_from(code).ok());
        Self {
            status: status.filter(|code| *code != 0).unwrap_or(http_status),
            reason: text(body, "reason"),
            message: text(body, "message"),
            causes,
        }
    }
}
