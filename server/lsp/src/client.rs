//! The way to the client: everything that leaves the server leaves here.

use std::fs::File;
use std::io::{self, Write as _};

use crossbeam_channel::{Receiver, Sender};
use ls_types::notification::Notification;
use ls_types::request::Request;
use lsp_server::{ErrorCode, Message, RequestId, Response};
use serde::Serialize;
use serde_json::Value;

/// How many messages may wait for a client that reads slowly. One that reads none of them is gone.
const OUTBOX: usize = 16_384;
/// How many more messages are written in one go with the first that waits.
const TOGETHER: usize = 64;

/// Sends messages to the client, in order, without waiting for it to read them.
#[derive(Clone)]
pub(crate) struct Client {
    outbox: Sender<Message>,
}

/// A notification of ours, beyond the protocol (docs/protocol.md).
pub(crate) trait OwnNotification: Serialize {
    /// Its method.
    const METHOD: &'static str;
}

impl Client {
    /// A queue in front of the pipe: its own thread takes the waiting, so that the loop never does.
    pub(crate) fn new(pipe: File) -> (Self, std::thread::JoinHandle<()>) {
        let (outbox, inbox) = crossbeam_channel::bounded::<Message>(OUTBOX);
        let thread = std::thread::spawn(move || write_all(&inbox, pipe));
        (Self { outbox }, thread)
    }

    /// Sends a notification of the protocol.
    pub(crate) fn notify<N: Notification>(&self, params: N::Params)
    where
        N::Params: Serialize,
    {
        self.send(lsp_server::Notification::new(N::METHOD.to_owned(), params).into());
    }

    /// Sends a notification of our own.
    pub(crate) fn notify_own<N: OwnNotification>(&self, params: &N) {
        self.send(lsp_server::Notification::new(N::METHOD.to_owned(), params).into());
    }

    /// Sends a request; its answer comes back as a message with the same id.
    pub(crate) fn request<R: Request>(&self, id: RequestId, params: R::Params)
    where
        R::Params: Serialize,
    {
        self.send(lsp_server::Request::new(id, R::METHOD.to_owned(), params).into());
    }

    /// Answers a request.
    pub(crate) fn respond(&self, id: RequestId, result: Result<Value, Failure>) {
        let response = match result {
            Ok(value) => Response::new_ok(id, value),
            Err(failure) => Response::new_err(id, failure.code as i32, failure.message),
        };
        self.send(response.into());
    }

    fn send(&self, message: Message) {
        // A full outbox is a client that stopped reading; dropping is then all that is left to do.
        if self.outbox.try_send(message).is_err() {
            tracing::error!("the client does not read its messages; one was dropped");
        }
    }
}

/// Standard output, past the line buffer of `std::io::stdout`, which would send the header of a message on its own.
pub(crate) fn standard_output() -> io::Result<File> {
    #[cfg(unix)]
    let output = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let output = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(output.into())
}

/// Writes messages until there are no more, or nobody reads: those that wait together go together.
fn write_all(messages: &Receiver<Message>, mut pipe: File) {
    let mut bytes = Vec::new();
    while let Ok(first) = messages.recv() {
        bytes.clear();
        for message in std::iter::once(first).chain(messages.try_iter().take(TOGETHER)) {
            if let Err(error) = message.write(&mut bytes) {
                tracing::error!("a message cannot be written as JSON: {error}");
            }
        }
        if pipe.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Why a request failed, in words for the person who asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ErrorCode,
    message: String,
}

impl Failure {
    /// The arguments are not what the command takes.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::InvalidParams,
            message: message.into(),
        }
    }

    /// Nothing is taken any more, as LSP wants it after `shutdown`.
    pub(crate) fn shutting_down() -> Self {
        Self {
            code: ErrorCode::InvalidRequest,
            message: "the server is shutting down".to_owned(),
        }
    }

    /// It could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::RequestFailed,
            message: message.into(),
        }
    }

    /// The client took the request back.
    pub(crate) fn cancelled() -> Self {
        Self {
            code: ErrorCode::RequestCanceled,
            message: "cancelled".to_owned(),
        }
    }

    /// There is no such method.
    pub(crate) fn unknown_method(method: &str) -> Self {
        Self {
            code: ErrorCode::MethodNotFound,
            message: format!("gitops-lsp does not know {method}"),
        }
    }

    /// Something of ours broke; the server goes on.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::InternalError,
            message: message.into(),
        }
    }
}
