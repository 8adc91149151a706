//! Messages: a length of four bytes, the most significant first, and as many bytes of JSON.

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::Built;

/// How large an answer may be, in bytes.
const LARGEST_ANSWER: u32 = 128 << 20;

/// What the program says of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Message {
    /// The request's; 0 is the first telling of a tree, whose answer nobody waits for.
    pub(super) id: u64,
    /// It waits no longer.
    pub(super) started: bool,
    /// It was not understood.
    pub(super) error: String,
    /// What came out; empty for a change.
    pub(super) answer: Built,
}

pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Message> {
    let mut length = [0; 4];
    input.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length > LARGEST_ANSWER {
        return Err(std::io::Error::other(format!(
            "an answer of {length} bytes is too large"
        )));
    }
    let mut body = Vec::new();
    // The length is what a program says; memory is taken for what really comes.
    input.take(length.into()).read_to_end(&mut body).await?;
    serde_json::from_slice(&body).map_err(std::io::Error::other)
}

pub(super) async fn write(output: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| std::io::Error::other("the request is too large"))?;
    output.write_all(&length.to_be_bytes()).await?;
    output.write_all(body).await?;
    output.flush().await
}
