//! One exchange with `git http-backend`: the two requests of a fetch, and nothing else that it could do.

use std::process::Stdio;
use std::task::Poll;
use std::time::Duration;

use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full, Limited, StreamBody};
use hyper::body::{Body, Bytes, Frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use super::git::{command, last_lines, read_complaint, without_user_configuration};
use super::store::REPOSITORY;

/// A fetch names what it has and wants, at 50 bytes a line: 80,000 lines.
pub(crate) const LONGEST_REQUEST: usize = 4 * 1024 * 1024;

const LONGEST_HEAD: usize = 8 * 1024;
const CHUNK: usize = 64 * 1024;
/// Chunks that wait for a client that is slower than the disk.
const CHUNKS_AHEAD: usize = 4;

/// What an answer consists of.
pub(crate) type AnswerBody = Either<Full<Bytes>, FrameStream>;

/// What comes from the program, while it comes.
pub(crate) type FrameStream = StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>>;

/// The two requests of a fetch over smart HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exchange {
    /// Which references there are, or, in version 2 of the protocol, what the server can do.
    Advertise,
    /// A question of a fetch, with the pack in the answer.
    UploadPack,
}

impl Exchange {
    /// What a request asks for, if it is one of the two. All other paths lead nowhere, however they are written.
    pub(crate) fn of(method: &http::Method, path: &str, query: Option<&str>) -> Option<Self> {
        let below = path.strip_prefix('/')?.strip_prefix(REPOSITORY)?;
        match (method, below, query) {
            (&http::Method::GET, "/info/refs", Some("service=git-upload-pack")) => Some(Self::Advertise),
            (&http::Method::POST, "/git-upload-pack", None) => Some(Self::UploadPack),
            _ => None,
        }
    }

    /// Method, path below the repository, and query, as CGI hands them on; none of it comes from the request.
    fn request(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Advertise => ("GET", "info/refs", "service=git-upload-pack"),
            Self::UploadPack => ("POST", "git-upload-pack", ""),
        }
    }
}

/// What is served, and to which bounds.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    /// The directory that [`REPOSITORY`] is in.
    pub(crate) parent: camino::Utf8PathBuf,
    pub(crate) user_objects: Option<std::ffi::OsString>,
    pub(crate) limit: Duration,
}

/// Starts the program and returns the beginning of its answer; the rest follows, and `permit` is held until then.
pub(crate) async fn exchange<B>(
    served: &Served,
    exchange: Exchange,
    headers: &HeaderMap,
    body: B,
    permit: OwnedSemaphorePermit,
) -> Result<Response<AnswerBody>, String>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let deadline = tokio::time::Instant::now() + served.limit;
    let mut child = start(served, exchange, headers).map_err(|error| format!("git could not be started: {error}"))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = Feeding(tokio::spawn(feed(body, stdin)));
    let complaint = tokio::spawn(read_complaint(stderr));
    let Some(mut stdout) = stdout else {
        return Err("git has no output".to_owned());
    };
    let begun = tokio::time::timeout_at(deadline, read_head(&mut stdout)).await;
    let Ok(Some((head, begin))) = begun else {
        // Dropping the child ends it, and so the complaint is whole.
        drop(child);
        let said = last_lines(&complaint.await.unwrap_or_default());
        return Err(if begun.is_err() {
            format!("git http-backend did not answer within {} s", served.limit.as_secs())
        } else {
            format!("git http-backend failed: {said}")
        });
    };
    let (sender, mut receiver) = mpsc::channel(CHUNKS_AHEAD);
    let pump = Pump {
        child,
        stdout,
        sender: sender.clone(),
        _feeding: feeding,
        _permit: permit,
    };
    tokio::spawn(async move {
        let outcome = tokio::select! {
            outcome = tokio::time::timeout_at(deadline, pump.run(begin)) => outcome.unwrap_or(Err("it took too long".to_owned())),
            // Nobody reads any more.
            () = sender.closed() => Ok(()),
        };
        // The program has ended, and what it had to say is whole.
        if let Err(why) = outcome {
            let said = last_lines(&complaint.await.unwrap_or_default());
            tracing::warn!(why, said, "a fetch of the session's source was cut off");
        }
    });
    let mut has_ended = false;
    let frames = stream::poll_fn(move |context| {
        if has_ended {
            return Poll::Ready(None);
        }
        receiver.poll_recv(context).map(|part| match part {
            Some(Part::Chunk(chunk)) => Some(Ok(Frame::data(chunk))),
            Some(Part::End) => None,
            None => {
                has_ended = true;
                Some(Err(std::io::Error::other("the answer was cut off")))
            }
        })
    });
    let body = StreamBody::new(Box::pin(frames) as stream::BoxStream<'static, _>);
    head.body(Either::Right(body)).map_err(|error| error.to_string())
}

/// A part of an answer. One that ends without [`Part::End`] ends the connection, so that it does not look like a whole
/// one.
enum Part {
    Chunk(Bytes),
    End,
}

fn start(served: &Served, exchange: Exchange, headers: &HeaderMap) -> std::io::Result<Child> {
    let mut command = command(&served.parent);
    without_user_configuration(&mut command);
    let (method, path, query) = exchange.request();
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &served.parent)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", format!("/{REPOSITORY}/{path}"))
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(objects) = &served.user_objects {
        command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects);
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Of what the client says, only what is known goes on.
    if header(CONTENT_TYPE.as_str()) == Some("application/x-git-upload-pack-request") {
        command.env("CONTENT_TYPE", "application/x-git-upload-pack-request");
    }
    if header(CONTENT_ENCODING.as_str()).is_some_and(|encoding| ["gzip", "x-gzip"].contains(&encoding)) {
        command.env("HTTP_CONTENT_ENCODING", "gzip");
    }
    if let Some(length) = header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<u64>().ok()) {
        command.env("CONTENT_LENGTH", length.to_string());
    }
    if header("git-protocol").is_some_and(|protocol| protocol.split(':').any(|part| part == "version=2")) {
        command
            .env("GIT_PROTOCOL", "version=2")
            .env("HTTP_GIT_PROTOCOL", "version=2");
    }
    command.spawn()
}

/// Hands the request on, to its bound. Whatever goes wrong ends the input, and the program says what it misses.
async fn feed<B>(body: B, stdin: Option<ChildStdin>)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let Some(mut stdin) = stdin else { return };
    let mut body = Limited::new(body, LONGEST_REQUEST);
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data()
            && stdin.write_all(&data).await.is_err()
        {
            return;
        }
    }
    let _ = stdin.shutdown().await;
}

/// Ends with what it feeds.
struct Feeding(JoinHandle<()>);

impl Drop for Feeding {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads the headers that CGI begins with, and what came with them of the rest.
async fn read_head(stdout: &mut ChildStdout) -> Option<(http::response::Builder, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some((head, rest)) = split_head(&read) {
            return Some((parse_head(head)?, rest.to_vec()));
        }
        let mut chunk = [0; 1024];
        let count = stdout.read(&mut chunk).await.ok()?;
        read.extend_from_slice(chunk.get(..count)?);
        if count == 0 || read.len() > LONGEST_HEAD {
            return None;
        }
    }
}

fn split_head(read: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    Some((read.get(..end)?, read.get(end + 4..)?))
}

fn parse_head(head: &[u8]) -> Option<http::response::Builder> {
    let mut response = Response::builder().status(StatusCode::OK);
    for line in std::str::from_utf8(head).ok()?.lines() {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "status" => response = response.status(value.split(' ').next()?),
            "content-type" => response = response.header(CONTENT_TYPE, value),
            "cache-control" => response = response.header(CACHE_CONTROL, value),
            _ => {}
        }
    }
    Some(response)
}

/// Brings the answer from the program to the client. Dropping it ends the program.
struct Pump {
    child: Child,
    stdout: ChildStdout,
    sender: mpsc::Sender<Part>,
    _feeding: Feeding,
    _permit: OwnedSemaphorePermit,
}

impl Pump {
    async fn run(mut self, begin: Vec<u8>) -> Result<(), String> {
        let mut chunk = begin;
        loop {
            if !chunk.is_empty() && self.sender.send(Part::Chunk(Bytes::from(chunk))).await.is_err() {
                return Ok(());
            }
            chunk = Vec::with_capacity(CHUNK);
            let count = self
                .stdout
                .read_buf(&mut chunk)
                .await
                .map_err(|error| error.to_string())?;
            if count == 0 {
                break;
            }
        }
        match self.child.wait().await {
            Ok(status) if status.success() => {
                let _ = self.sender.send(Part::End).await;
                Ok(())
            }
            Ok(status) => Err(format!("git http-backend ended with {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn nothing_but_a_fetch_of_the_one_repository_is_an_exchange() {
        let advertise = Some("service=git-upload-pack");
        assert_eq!(
            Exchange::of(&Method::GET, "/session.git/info/refs", advertise),
            Some(Exchange::Advertise)
        );
        assert_eq!(
            Exchange::of(&Method::POST, "/session.git/git-upload-pack", None),
            Some(Exchange::UploadPack)
        );
        for (method, path, query) in [
            (Method::GET, "/session.git/info/refs", None),
            (Method::GET, "/session.git/info/refs", Some("service=git-receive-pack")),
            (Method::POST, "/session.git/info/refs", advertise),
            (Method::GET, "/session.git/git-upload-pack", None),
            (Method::POST, "/session.git/git-upload-pack", Some("a=b")),
            (Method::POST, "/session.git/git-receive-pack", None),
            (Method::GET, "/session.git/HEAD", None),
            (Method::GET, "/session.git/objects/info/packs", None),
            (Method::GET, "/session.git/../session.git/info/refs", advertise),
            (Method::GET, "/session.git/%2e%2e/info/refs", advertise),
            (Method::GET, "//session.git/info/refs", advertise),
            (Method::GET, "/session.git//info/refs", advertise),
            (Method::GET, "/other.git/info/refs", advertise),
            (Method::GET, "/session.gitx/info/refs", advertise),
            (Method::GET, "/", None),
            (Method::OPTIONS, "*", None),
        ] {
            assert_eq!(Exchange::of(&method, path, query), None, "{method} {path} {query:?}");
        }
    }
}
