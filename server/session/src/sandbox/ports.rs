//! Ports on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port that nobody has right now. Somebody may be faster to take it, so what uses it must be ready to try again.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether a line of a log says that a port is taken, in the words of Unix or of Windows.
pub(crate) fn is_taken(line: &str) -> bool {
    line.contains("address already in use") || line.contains("Only one usage of each socket address")
}
