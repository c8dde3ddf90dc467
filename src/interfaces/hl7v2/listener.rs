//! Connections: bounded in number, in silence and in bytes; one message after the
//! other, each acknowledged before the next is begun.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::flows::Context;
use crate::foundation::load_limits::{
    HL7_CONNECTIONS_MAX, HL7_IDLE_SECONDS_MAX, HL7_MESSAGE_BYTES_MAX, HL7_STALL_SECONDS_MAX,
    STOP_SECONDS_MAX, WRITE_STALL_SECONDS_MAX,
};
use crate::interfaces::hl7v2::desk::{Desk, Peer};
use crate::interfaces::hl7v2::frame::{Frames, framed};
use crate::interfaces::hl7v2::settings::{Settings, SettingsProblem};
use crate::interfaces::tls::{self, Line};

/// Pause after the kernel could not give a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1_024;

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// What the settings say cannot be.
    #[error(transparent)]
    Settings(#[from] SettingsProblem),
    /// The address cannot be had.
    #[error("cannot listen on {0}")]
    Address(SocketAddr, #[source] std::io::Error),
}

/// The listeners of HL7 v2, bound.
pub struct Hl7Listeners {
    listeners: Vec<Listener>,
}

struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    line: Line,
    desk: Arc<Desk>,
}

impl Hl7Listeners {
    /// Binds all, one of them at `address` where it is given.
    ///
    /// # Errors
    /// [`ListenFault`].
    pub async fn bind(
        context: &Context,
        settings: Settings,
        address: Option<SocketAddr>,
    ) -> Result<Self, ListenFault> {
        let settings = Arc::new(settings);
        let mut listeners = Vec::new();
        for (address, listener) in settings.listeners_at(address)? {
            let line = Line::of(listener.tls.as_ref()).map_err(SettingsProblem::from)?;
            let fault = |error| ListenFault::Address(address, error);
            let tcp = TcpListener::bind(address).await.map_err(fault)?;
            let desk = Desk {
                context: context.clone(),
                settings: Arc::clone(&settings),
                listener,
            };
            listeners.push(Listener {
                address: tcp.local_addr().map_err(fault)?,
                tcp,
                line,
                desk: Arc::new(desk),
            });
        }
        Ok(Self { listeners })
    }

    /// Where they listen, and whether by TLS.
    pub fn addresses(&self) -> impl Iterator<Item = (SocketAddr, bool)> + '_ {
        let listeners = self.listeners.iter();
        listeners.map(|listener| (listener.address, listener.line.is_tls()))
    }

    /// Serves until `stop`; then each connection finishes the message that it is in.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let (stopping, stopped) = watch::channel(());
        let mut open = JoinSet::new();
        for listener in self.listeners {
            open.spawn(listener.run(stopped.clone()));
        }
        drop(stopped);
        stop.await;
        let _ = stopping.send(());
        let finish = async { while open.join_next().await.is_some() {} };
        let patience = Duration::from_secs(STOP_SECONDS_MAX);
        if tokio::time::timeout(patience, finish).await.is_err() {
            tracing::warn!("hl7 connections were cut that had not finished in time");
        }
    }
}

impl Listener {
    async fn run(self, mut stopped: watch::Receiver<()>) {
        let room = Arc::new(Semaphore::new(HL7_CONNECTIONS_MAX));
        let mut open = JoinSet::new();
        let end = stopped.clone();
        let mut stop = pin!(stopped.changed());
        loop {
            let accepted = tokio::select! {
                biased;
                _ = &mut stop => break,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
                accepted = self.tcp.accept() => accepted,
            };
            let Ok((stream, address)) = accepted else {
                metrics::counter!("accord_accept_errors_total").increment(1);
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            // Closed at once where there is no room: its sender tries again, or elsewhere.
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                metrics::counter!("accord_connections_refused_total").increment(1);
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (line, desk) = (self.line.clone(), Arc::clone(&self.desk));
            open.spawn(converse(line, desk, (stream, address), place, end.clone()));
        }
        drop(self.tcp);
        while open.join_next().await.is_some() {}
    }
}

async fn converse(
    line: Line,
    desk: Arc<Desk>,
    (stream, address): (TcpStream, SocketAddr),
    _place: OwnedSemaphorePermit,
    stopped: watch::Receiver<()>,
) {
    let peer = Peer {
        address,
        certificate: None,
    };
    let ended = match line {
        Line::Plain => talk(stream, desk, peer, stopped).await,
        Line::Tls(acceptor) => {
            let shaking = acceptor.accept(stream);
            let shaking = tokio::time::timeout(Duration::from_secs(HL7_STALL_SECONDS_MAX), shaking);
            match shaking.await {
                Ok(Ok(stream)) => {
                    let certificate = tls::fingerprint(&stream);
                    talk(
                        stream,
                        desk,
                        Peer {
                            certificate,
                            ..peer
                        },
                        stopped,
                    )
                    .await
                }
                // Its own words could hold what was sent.
                _ => Err("the TLS handshake failed"),
            }
        }
    };
    if let Err(why) = ended {
        tracing::info!(peer = %address, why, "an hl7 connection broke off");
    }
}

/// Reads, answers and writes until the other side has no more to say.
async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    desk: Arc<Desk>,
    peer: Peer,
    mut stopped: watch::Receiver<()>,
) -> Result<(), &'static str> {
    let mut frames = Frames::new(HL7_MESSAGE_BYTES_MAX);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        while let Some(message) = frames.next().map_err(|_| "it sent too much, or no MLLP")? {
            for reply in desk.at_present().answer(&message, &peer).await {
                write(&mut stream, &framed(&reply)).await?;
            }
            if stopped.has_changed().unwrap_or(true) {
                return Ok(());
            }
        }
        let patience = if frames.is_inside() {
            HL7_STALL_SECONDS_MAX
        } else {
            HL7_IDLE_SECONDS_MAX
        };
        let reading = tokio::time::timeout(Duration::from_secs(patience), stream.read(&mut buffer));
        let read = tokio::select! {
            biased;
            // Nothing is in work: what comes now was not acknowledged and is sent again.
            _ = stopped.changed() => return Ok(()),
            read = reading => read,
        };
        match read {
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(bytes)) => frames.take(&buffer[..bytes]),
            Ok(Err(_)) => return Err("it cannot be read any more"),
            Err(_) => return Err("it was silent for too long"),
        }
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), &'static str> {
    let writing = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    let patience = Duration::from_secs(WRITE_STALL_SECONDS_MAX);
    match tokio::time::timeout(patience, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err("an acknowledgement could not be written"),
        Err(_) => Err("it does not read its acknowledgements"),
    }
}
