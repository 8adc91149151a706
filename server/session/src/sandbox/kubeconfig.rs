//! The kubeconfig files of a sandbox.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::certificates::Pair;

/// The text of a kubeconfig with everything inside, so that the file can be copied anywhere.
///
/// JSON is YAML; kubectl and client libraries read it as they read any kubeconfig.
pub(crate) fn text(context: &str, server: &str, authority: &str, client: &Pair) -> String {
    let value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": context,
            "cluster": {
                "server": server,
                "certificate-authority-data": STANDARD.encode(authority),
            },
        }],
        "users": [{
            "name": context,
            "user": {
                "client-certificate-data": STANDARD.encode(&client.certificate),
                "client-key-data": STANDARD.encode(&client.key),
            },
        }],
        "contexts": [{
            "name": context,
            "context": { "cluster": context, "user": context, "namespace": "default" },
        }],
        "current-context": context,
    });
    yaml_serde::to_string(&value).unwrap_or_else(|_| value.to_string())
}
