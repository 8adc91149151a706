//! The session's repository over smart HTTP on loopback.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::access_token::AccessToken;
use super::backend::{AnswerBody, Exchange, LONGEST_REQUEST, Served, exchange};
use super::error::SourceError;
use super::repository::SourceRepository;
use super::store::REPOSITORY;

/// How long a client may take to say what it wants.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may live: one whose client does not read is not held for ever.
const CONNECTION_LIFE: Duration = Duration::from_mins(10);

/// A connection that cannot be taken is often one of too many files at once; that passes.
const ACCEPT_ATTEMPTS: u32 = 50;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much is served at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerBounds {
    /// Connections that are open; more wait to be taken.
    pub connections: usize,
    /// Requests that `git` works on; more wait.
    pub side_by_side: usize,
    /// How long one of those waits before it is told to come again.
    pub wait: Duration,
    /// How long one request may take.
    pub exchange: Duration,
}

impl Default for ServerBounds {
    fn default() -> Self {
        Self {
            connections: 64,
            side_by_side: 8,
            wait: Duration::from_secs(10),
            // Also what source-controller gives a fetch.
            exchange: Duration::from_mins(1),
        }
    }
}

/// A server of one session's repository: for reading, on loopback, for whoever has the token. It ends when it is
/// dropped.
#[derive(Debug)]
pub struct SourceServer {
    address: SocketAddr,
    task: JoinHandle<std::io::Error>,
    has_told_its_end: bool,
}

impl Drop for SourceServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct State {
    token: AccessToken,
    served: Served,
    permits: Arc<Semaphore>,
    wait: Duration,
}

impl SourceServer {
    /// Serves `repository` at a port of the kernel's choice, or at `port`: a server that was cut off is put in its old
    /// place by that, and the objects that name it need not change.
    pub async fn start(
        repository: &SourceRepository,
        token: AccessToken,
        port: Option<u16>,
        bounds: ServerBounds,
    ) -> Result<Self, SourceError> {
        let directory = repository.directory();
        let failed = |error| SourceError::io(directory, error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let state = State {
            token,
            served: Served {
                parent: directory.parent().unwrap_or(directory).to_owned(),
                user_objects: repository.user_objects(),
                limit: bounds.exchange,
            },
            permits: Arc::new(Semaphore::new(bounds.side_by_side.max(1))),
            wait: bounds.wait,
        };
        let task = tokio::spawn(accept(listener, Arc::new(state), bounds.connections.max(1)));
        Ok(Self {
            address,
            task,
            has_told_its_end: false,
        })
    }

    /// The URL of the repository.
    pub fn url(&self) -> String {
        format!("http://{}/{REPOSITORY}", self.address)
    }

    /// The port that it listens at.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until the server ends by itself, which it does only when it is cut off from its port. That is told once.
    ///
    /// The future may be dropped at any time; nothing is lost.
    pub async fn ended(&mut self) -> SourceError {
        if self.has_told_its_end {
            return std::future::pending().await;
        }
        let error = match (&mut self.task).await {
            Ok(error) => error,
            Err(error) => std::io::Error::other(error),
        };
        self.has_told_its_end = true;
        SourceError::CutOff {
            port: self.address.port(),
            error,
        }
    }

    /// Ends it, and returns when nothing listens any more.
    pub async fn stop(mut self) {
        self.task.abort();
        if !self.has_told_its_end {
            let _ = (&mut self.task).await;
        }
    }
}

/// Takes connections until that fails for good. Dropping it drops them all.
async fn accept(listener: TcpListener, state: Arc<State>, most: usize) -> std::io::Error {
    let mut connections = JoinSet::new();
    let mut failures = 0;
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept(), if connections.len() < most => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                failures = 0;
                connections.spawn(converse(stream, Arc::clone(&state)));
            }
            Err(error) => {
                failures += 1;
                if failures == ACCEPT_ATTEMPTS {
                    return error;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = tokio::time::timeout(CONNECTION_LIFE, served).await {
        tracing::debug!(%error, "a connection to the session's source ended");
    }
}

async fn answer(request: Request<Incoming>, state: &State) -> Response<AnswerBody> {
    let headers = request.headers();
    let is_let_in = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| state.token.opens(value.as_bytes()));
    if !is_let_in {
        let mut refused = say(
            StatusCode::UNAUTHORIZED,
            "this is the source of a gitops-lsp session, which is for its own sandbox",
        );
        // Clients that have a name and a password send them only when they are asked.
        refused.headers_mut().insert(
            WWW_AUTHENTICATE,
            http::HeaderValue::from_static("Basic realm=\"gitops-lsp session\""),
        );
        return refused;
    }
    let uri = request.uri();
    let Some(wanted) = Exchange::of(request.method(), uri.path(), uri.query()) else {
        return if uri.path().ends_with("/git-receive-pack") || uri.query() == Some("service=git-receive-pack") {
            say(
                StatusCode::FORBIDDEN,
                "the session's source is what is saved in the workspace; nothing can be pushed to it",
            )
        } else {
            say(StatusCode::NOT_FOUND, "there is nothing here but the session's source")
        };
    };
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LONGEST_REQUEST) {
        return say(StatusCode::PAYLOAD_TOO_LARGE, "no fetch has that much to ask");
    }
    let waiting = tokio::time::timeout(state.wait, Arc::clone(&state.permits).acquire_owned()).await;
    let Ok(Ok(permit)) = waiting else {
        let mut busy = say(StatusCode::SERVICE_UNAVAILABLE, "too many fetches are under way");
        busy.headers_mut()
            .insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
        return busy;
    };
    let (parts, body) = request.into_parts();
    match exchange(&state.served, wanted, &parts.headers, body, permit).await {
        Ok(response) => response,
        Err(why) => {
            tracing::warn!(why, "a fetch of the session's source failed");
            say(StatusCode::INTERNAL_SERVER_ERROR, &why)
        }
    }
}

fn say(status: StatusCode, text: &str) -> Response<AnswerBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(format!("{text}\n")))));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
