//! One connection to one API server, and what one request to it brings back.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gitops_model::{Gvk, ObjectKey};
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;

use crate::answer::{Cause, Refusal};
use crate::kinds::{Kinds, ServedKind};
use crate::sent_object::SentObject;

/// How long one request may take. The API server itself gives up on a request after 60 s.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What the server said to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Taken. `object` is what the server now holds (or would hold, for a dry run).
    Accepted {
        /// The body, not parsed: a dry run's is seldom looked at.
        body: Vec<u8>,
        /// Texts of `Warning` headers.
        warnings: Vec<String>,
    },
    /// Refused.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Texts of `Warning` headers.
        warnings: Vec<String>,
    },
}

/// The server could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the API server does not answer: {reason}")]
pub struct Unreachable {
    /// What the transport said.
    pub reason: String,
}

/// A connection to an API server: one pool of kept-alive connections, one snapshot of the kinds that it serves.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    kinds: Arc<RwLock<Arc<Kinds>>>,
    /// Held while discovery is asked, so that many who miss a kind ask once.
    looking: Arc<tokio::sync::Mutex<()>>,
    field_manager: Arc<str>,
    /// Whether a dry run takes fields over, as the manager that it is done for would.
    forces_dry_runs: bool,
    default_namespace: Arc<str>,
}

/// The whole answer.
const JSON: &str = "application/json";

/// Of an object only its metadata (`PartialObjectMetadata` of meta.k8s.io), where nobody looks at the rest: a CRD can be a
/// megabyte. Whoever does not do that, and an error always, answers with the second.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// How an apply is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Ask only: `dryRun=All`.
    DryRun,
    /// The same, and the answer has the whole object as it would be.
    ShownDryRun,
    /// Write.
    Apply,
    /// Write, and take over fields that others manage.
    ApplyForced,
}

impl Cluster {
    /// Connects: discovery is asked for at once, so a server that does not answer is known here.
    ///
    /// `field_manager` is what `managedFields` will name (1–128 printable characters).
    pub async fn connect(client: Client, field_manager: &str) -> Result<Self, Unreachable> {
        let kinds = limited(Kinds::fetch(&client)).await?;
        let default_namespace = Arc::from(client.default_namespace());
        Ok(Self {
            client,
            kinds: Arc::new(RwLock::new(Arc::new(kinds))),
            looking: Arc::default(),
            field_manager: Arc::from(field_manager),
            forces_dry_runs: false,
            default_namespace,
        })
    }

    /// The same connection, on which dry runs are done as another manager would apply, which takes over what others have.
    #[must_use]
    pub fn judging_as(&self, field_manager: &str) -> Self {
        Self {
            field_manager: Arc::from(field_manager),
            forces_dry_runs: true,
            ..self.clone()
        }
    }

    /// The client, for what has no method here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The field manager of this connection.
    pub fn field_manager(&self) -> &str {
        &self.field_manager
    }

    /// The kinds that were served at the last look.
    pub fn kinds(&self) -> Arc<Kinds> {
        Arc::clone(&self.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks again which kinds are served: after a CRD came or went.
    pub async fn refresh_kinds(&self) -> Result<(), Unreachable> {
        let kinds = Arc::new(limited(Kinds::fetch(&self.client)).await?);
        *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = kinds;
        Ok(())
    }

    /// The kinds that are served by now, for who did not find one in `seen`: somebody else may have brought it.
    pub async fn kinds_after(&self, seen: &Arc<Kinds>) -> Result<Arc<Kinds>, Unreachable> {
        let _one_at_a_time = self.looking.lock().await;
        if Arc::ptr_eq(seen, &self.kinds()) {
            self.refresh_kinds().await?;
        }
        Ok(self.kinds())
    }

    /// The namespace that an object really goes to; `None` for cluster-wide kinds.
    ///
    /// A namespaced object that names none goes to the connection's default, as with kubectl.
    pub fn namespace_of(&self, key: &ObjectKey, served: &ServedKind) -> Option<String> {
        served.namespaced.then(|| {
            key.namespace
                .clone()
                .unwrap_or_else(|| self.default_namespace.to_string())
        })
    }

    /// Server-side apply (KEP-555) with strict field validation (KEP-2885).
    pub async fn apply(
        &self,
        key: &ObjectKey,
        served: &ServedKind,
        object: &SentObject,
        mode: Mode,
    ) -> Result<Reply, Unreachable> {
        let mut url = self.url(key, served);
        url.push_str("?fieldValidation=Strict&fieldManager=");
        url.push_str(&encoded(&self.field_manager));
        match mode {
            Mode::DryRun | Mode::ShownDryRun if self.forces_dry_runs => url.push_str("&dryRun=All&force=true"),
            Mode::DryRun | Mode::ShownDryRun => url.push_str("&dryRun=All&force=false"),
            Mode::Apply => url.push_str("&force=false"),
            Mode::ApplyForced => url.push_str("&force=true"),
        }
        let accept = if mode == Mode::ShownDryRun { JSON } else { METADATA };
        // JSON is YAML, and this is the only content type of server-side apply that every served version takes.
        let content = Some(("application/apply-patch+yaml", object.json().to_vec()));
        self.send_for(accept, Method::PATCH, &url, content).await
    }

    /// The object as the server holds it; `None` when there is none.
    pub async fn get(&self, key: &ObjectKey, served: &ServedKind) -> Result<Option<Value>, Unreachable> {
        match self.send(Method::GET, &self.url(key, served), None).await? {
            Reply::Accepted { body, .. } => Ok(serde_json::from_slice(&body).ok()),
            Reply::Refused { .. } => Ok(None),
        }
    }

    /// Deletes an object, and what it owns in the background. Something that is not there is deleted.
    pub async fn delete(&self, key: &ObjectKey, served: &ServedKind) -> Result<Reply, Unreachable> {
        let body = br#"{"propagationPolicy":"Background"}"#.to_vec();
        match self
            .send(Method::DELETE, &self.url(key, served), Some(("application/json", body)))
            .await?
        {
            Reply::Refused { refusal, warnings } if refusal.status == 404 => Ok(Reply::Accepted {
                body: Vec::new(),
                warnings,
            }),
            reply => Ok(reply),
        }
    }

    /// A document of the server by its path, e.g. `/openapi/v3/apis/apps/v1`; `None` when it has none there.
    pub async fn document(&self, path: &str) -> Result<Option<Vec<u8>>, Unreachable> {
        match self.send(Method::GET, path, None).await? {
            Reply::Accepted { body, .. } => Ok(Some(body)),
            Reply::Refused { .. } => Ok(None),
        }
    }

    /// The OpenAPI v3 document of a kind's group and version.
    pub async fn open_api(&self, gvk: &Gvk) -> Result<Option<Vec<u8>>, Unreachable> {
        let path = if gvk.group.is_empty() {
            format!("/openapi/v3/api/{}", gvk.version)
        } else {
            format!("/openapi/v3/apis/{}/{}", gvk.group, gvk.version)
        };
        self.document(&path).await
    }

    fn url(&self, key: &ObjectKey, served: &ServedKind) -> String {
        let mut url = if key.gvk.group.is_empty() {
            format!("/api/{}", key.gvk.version)
        } else {
            format!("/apis/{}/{}", key.gvk.group, key.gvk.version)
        };
        if let Some(namespace) = self.namespace_of(key, served) {
            url.push_str("/namespaces/");
            url.push_str(&encoded(&namespace));
        }
        url.push('/');
        url.push_str(&served.plural);
        url.push('/');
        url.push_str(&encoded(&key.name));
        url
    }

    async fn send(&self, method: Method, url: &str, content: Option<(&str, Vec<u8>)>) -> Result<Reply, Unreachable> {
        self.send_for(JSON, method, url, content).await
    }

    async fn send_for(
        &self,
        accept: &str,
        method: Method,
        url: &str,
        content: Option<(&str, Vec<u8>)>,
    ) -> Result<Reply, Unreachable> {
        let mut builder = Request::builder()
            .method(method)
            .uri(url)
            .header(http::header::ACCEPT, accept);
        let body = match content {
            Some((content_type, body)) => {
                builder = builder.header(http::header::CONTENT_TYPE, content_type);
                Body::from(body)
            }
            None => Body::empty(),
        };
        let request = builder.body(body).map_err(|error| Unreachable {
            reason: format!("{url} is no address: {error}"),
        })?;
        limited(async {
            let response = self.client.send(request).await?;
            let status = response.status();
            let warnings = response
                .headers()
                .get_all(http::header::WARNING)
                .iter()
                .filter_map(|value| warning_text(value.to_str().ok()?))
                .collect();
            let body = response.into_body().collect_bytes().await?.to_vec();
            Ok(if status.is_success() {
                Reply::Accepted { body, warnings }
            } else {
                Reply::Refused {
                    refusal: refusal(status.as_u16(), &body),
                    warnings,
                }
            })
        })
        .await
    }
}

async fn limited<T>(work: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Unreachable> {
    match tokio::time::timeout(REQUEST_LIMIT, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Unreachable {
            reason: innermost(&error),
        }),
        Err(_) => Err(Unreachable {
            reason: format!("no answer within {} s", REQUEST_LIMIT.as_secs()),
        }),
    }
}

/// The last cause of an error: `connection refused` says more than `client error (Connect)`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    for _ in 0..16 {
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    cause.to_string()
}

fn refusal(status: u16, body: &[u8]) -> Refusal {
    match serde_json::from_slice::<Status>(body) {
        Ok(answer) => Refusal {
            status,
            reason: answer.reason,
            message: answer.message,
            causes: answer
                .details
                .map(|details| details.causes)
                .unwrap_or_default()
                .into_iter()
                .map(|cause| Cause {
                    reason: cause.reason,
                    message: cause.message,
                    field: cause.field,
                })
                .collect(),
        },
        Err(_) => Refusal {
            status,
            reason: String::new(),
            message: String::from_utf8_lossy(body.get(..body.len().min(2048)).unwrap_or_default())
                .trim()
                .to_owned(),
            causes: Vec::new(),
        },
    }
}

/// The text of a `Warning` header: `299 - "text"`, quotes escaped with a backslash (RFC 9110 section 5.6.4).
fn warning_text(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            '"' => break,
            other => text.push(other),
        }
    }
    Some(text)
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                encoded.push(
                    char::from_digit(u32::from(half), 16)
                        .unwrap_or('0')
                        .to_ascii_uppercase(),
                );
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{encoded, warning_text};

    #[test]
    fn a_warning_is_unquoted() {
        assert_eq!(
            warning_text(r#"299 - "unknown field \"spec.x\"""#).as_deref(),
            Some(r#"unknown field "spec.x""#)
        );
        assert_eq!(warning_text("299 -"), None);
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_url() {
        assert_eq!(encoded("a/b?c=1"), "a%2Fb%3Fc%3D1");
        assert_eq!(encoded("web-1.example_x~"), "web-1.example_x~");
    }
}
