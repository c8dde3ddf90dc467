//! The other end: sends messages one after the other and gives what comes back.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::foundation::load_limits::HL7_MESSAGE_BYTES_MAX;
use crate::interfaces::hl7v2::frame::{Frames, framed};

/// Why an exchange broke off. Holds nothing of a message.
#[derive(Debug, thiserror::Error)]
pub enum SendFault {
    /// The line is bad.
    #[error("the connection cannot be used")]
    Line(#[from] std::io::Error),
    /// Nothing came in time.
    #[error("no acknowledgement came in time")]
    Silent,
    /// The other side has closed, or does not speak MLLP.
    #[error("the other side has closed the connection, or does not speak MLLP")]
    Closed,
}

/// A connection to a listener.
pub struct Hl7Client<S = TcpStream> {
    stream: S,
    frames: Frames,
    patience: Duration,
}

impl Hl7Client {
    /// Connects to `HOST:PORT`; each answer may take so long.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(address: &str, patience: Duration) -> Result<Self, SendFault> {
        Ok(Self::over(TcpStream::connect(address).await?, patience))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Hl7Client<S> {
    /// Speaks over a connection that is there.
    pub(super) const fn over(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            frames: Frames::new(HL7_MESSAGE_BYTES_MAX),
            patience,
        }
    }

    /// Sends one message and gives its first answer.
    ///
    /// # Errors
    /// The connection broke off, or nothing came.
    pub async fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, SendFault> {
        self.stream.write_all(&framed(message)).await?;
        // TLS may hold back what is written.
        self.stream.flush().await?;
        let patience = self.patience;
        let answer = tokio::time::timeout(patience, self.receive()).await;
        answer.map_err(|_| SendFault::Silent)?
    }

    async fn receive(&mut self) -> Result<Vec<u8>, SendFault> {
        let mut buffer = [0; 4_096];
        loop {
            if let Some(answer) = self.frames.next().map_err(|_| SendFault::Closed)? {
                return Ok(answer);
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Err(SendFault::Closed),
                bytes => self.frames.take(&buffer[..bytes]),
            }
        }
    }
}

/// The messages of a file: framed by MLLP, or each beginning with a line that begins
/// with `MSH`. Comments before the first are passed over.
#[must_use]
pub fn messages_of(file: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let plain = file.split(|byte| matches!(byte, b'\r' | b'\n' | 0x0B | 0x1C));
    for line in plain.filter(|line| !line.trim_ascii().is_empty()) {
        if line.trim_ascii_start().starts_with(b"MSH") {
            messages.push(Vec::new());
        }
        if let Some(message) = messages.last_mut() {
            message.extend_from_slice(line);
            message.push(b'\r');
        }
    }
    messages
}
