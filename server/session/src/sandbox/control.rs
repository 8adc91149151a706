//! How a keeper is told what is wanted of it: over a loopback port, by whoever can read the secret beside the port's number.
//!
//! One who connects sends one line of JSON and gets one back.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::certificates;
use super::error::StartError;
use super::state_directory::write_private_file;

const CONTROL_FILE: &str = "control.json";

/// How long one who connects gets to say what is wanted, and in how many bytes.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);
const REQUEST_BYTES: u64 = 4096;

/// How many bytes of an answer are read. The longest is an error with the last lines of a log.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// What a keeper can be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Wish {
    /// That it ends the sandbox.
    End,
    /// That it adds Flux to the sandbox.
    AddFlux,
}

/// What it answers when that is done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    Done,
    Failed(StartError),
}

/// How a keeper is reached, for those who can read its directory.
#[derive(Serialize, Deserialize)]
pub(crate) struct Control {
    port: u16,
    secret: String,
}

#[derive(Serialize, Deserialize)]
struct Request {
    secret: String,
    wish: Wish,
}

/// Whether the sandbox of this directory has a keeper.
pub(crate) fn is_kept(directory: &Utf8Path) -> bool {
    directory.join(CONTROL_FILE).is_file()
}

/// How the keeper of the sandbox of this directory is reached, if it has one.
pub(crate) fn read(directory: &Utf8Path) -> Option<Control> {
    let text = std::fs::read_to_string(directory.join(CONTROL_FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Asks a keeper for something and waits until it is done. The connection stays, for [`wait_for_the_end`].
pub(crate) async fn ask(control: &Control, wish: Wish) -> io::Result<(Answer, TcpStream)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, control.port)).await?;
    let request = Request {
        secret: control.secret.clone(),
        wish,
    };
    write_line(&mut stream, &request).await?;
    let mut line = String::new();
    let mut reader = BufReader::new(stream.take(ANSWER_BYTES));
    reader.read_line(&mut line).await?;
    // A keeper that ends in the middle of it has said nothing.
    let answer = serde_json::from_str(&line).map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))?;
    Ok((answer, reader.into_inner().into_inner()))
}

/// Waits until the process at the other end, which holds the connection, is no more.
pub(crate) async fn wait_for_the_end(mut stream: TcpStream) {
    let mut byte = [0];
    // Nothing is sent any more. However the connection ends, the process has ended.
    while let Ok(1..) = stream.read(&mut byte).await {}
}

/// Keeps the connection until this process ends, by which the other side sees that it has.
pub(crate) fn hold_until_the_end(stream: TcpStream) {
    // The operating system closes what a process leaves open, and nothing before does.
    Box::leak(Box::new(stream));
}

/// Listens for wishes, and writes down how that is reached.
pub(crate) async fn listen(directory: &Utf8Path) -> io::Result<(TcpListener, Control)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let control = Control {
        port: listener.local_addr()?.port(),
        secret: certificates::secret().map_err(io::Error::other)?,
    };
    let text = serde_json::to_string(&control).map_err(io::Error::other)?;
    write_private_file(&directory.join(CONTROL_FILE), &text)?;
    Ok((listener, control))
}

/// Waits until somebody who knows the secret wishes something. Everybody else is hung up on.
pub(crate) async fn wish(listener: &TcpListener, control: &Control) -> (Wish, TcpStream) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let request = tokio::time::timeout(REQUEST_DEADLINE, read_request(&mut stream)).await;
        if let Ok(Some(request)) = request
            && request.secret == control.secret
        {
            return (request.wish, stream);
        }
    }
}

/// Answers one who has wished something. Whether that one still listens does not matter.
pub(crate) async fn answer(stream: &mut TcpStream, answer: &Answer) {
    if let Err(error) = write_line(stream, answer).await {
        tracing::debug!(%error, "nobody waits for the answer any more");
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_BYTES))
        .read_line(&mut line)
        .await
        .ok()?;
    serde_json::from_str(&line).ok()
}

async fn write_line(stream: &mut TcpStream, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line).await
}
