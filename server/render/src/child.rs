//! The renderer as a process of ours, asked over its standard input and output.

mod keeper;
mod message;
mod process;

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::{Built, Gone, Helm, Kustomize, Renderer};
use keeper::{Keeper, Request};

/// How long one request may take when nothing else is said.
const LIMIT: Duration = Duration::from_secs(10);
/// How many requests may wait for the keeper.
const QUEUE: usize = 64;

/// Files of a tree.
type Files = BTreeMap<String, Option<String>>;

/// The program `gitops-render`, started for the first request and again when it has died, is stuck, or was ended for taking
/// too long. It ends with us: its standard input is ours.
///
/// The request that brought it down fails; what else was asked is asked again.
pub struct Child {
    requests: mpsc::Sender<Request>,
}

impl Child {
    /// A renderer whose program is at a path. Must be called on a tokio runtime.
    pub fn new(program: Utf8PathBuf) -> Self {
        Self::with_limit(program, LIMIT)
    }

    /// The same, with another limit for the time that a request may take once it is worked on.
    pub fn with_limit(program: Utf8PathBuf, limit: Duration) -> Self {
        let (requests, received) = mpsc::channel(QUEUE);
        tokio::spawn(Keeper::new(program, limit).run(received));
        Self { requests }
    }

    async fn ask(
        &self,
        op: &'static str,
        body: impl Serialize,
        change: Option<(String, Files)>,
    ) -> Result<Built, Gone> {
        let mut body = serde_json::to_value(body).map_err(|error| gone(&format!("cannot be asked: {error}")))?;
        if let Some(entries) = body.as_object_mut() {
            entries.insert("op".to_owned(), op.into());
        }
        let (answer, answered) = oneshot::channel();
        let request = Request { body, change, answer };
        let ended = || gone("has ended with the server");
        self.requests.send(request).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Renderer for Child {
    fn change<'a>(&'a self, tree: &'a str, files: Files) -> BoxFuture<'a, Result<(), Gone>> {
        Box::pin(async move {
            let body = serde_json::json!({ "tree": tree, "files": files });
            self.ask("change", body, Some((tree.to_owned(), files))).await.map(drop)
        })
    }

    fn kustomize<'a>(&'a self, request: &'a Kustomize) -> BoxFuture<'a, Result<Built, Gone>> {
        Box::pin(self.ask("kustomize", request, None))
    }

    fn helm<'a>(&'a self, request: &'a Helm) -> BoxFuture<'a, Result<Built, Gone>> {
        Box::pin(self.ask("helm", request, None))
    }
}

fn gone(reason: &str) -> Gone {
    Gone {
        reason: reason.to_owned(),
    }
}
