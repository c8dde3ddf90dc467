//! Notices to other systems: what webhooks tell, as ADT messages. Ids alone leave: who
//! wants to know more asks.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::flows::{FeedEvent, IdChange, NotTaken, Outward, OutwardMessage};
use crate::foundation::PersonId;
use crate::foundation::limits::WEBHOOK_SECONDS_MAX;
use crate::interfaces::hl7v2::answer::stamp;
use crate::interfaces::hl7v2::client::Hl7Client;
use crate::interfaces::hl7v2::er7::Line;
use crate::interfaces::hl7v2::patient_out::identifiers;
use crate::interfaces::hl7v2::settings::{Settings, SettingsProblem};
use crate::interfaces::tls;
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::security::OutwardPolicy;

/// The authority of person ids in notices.
const OWN: &str = "ACCORD";

/// The scheme of readers over TLS.
const OVER_TLS: &str = "mllps";

/// Sends notices to `mllp://HOST:PORT`, and over TLS to `mllps://HOST:PORT`.
pub struct Hl7Notifier {
    policy: Arc<OutwardPolicy>,
    settings: Settings,
    tls: Option<TlsConnector>,
}

impl Hl7Notifier {
    /// A notifier that keeps to the policy, and names authorities as the settings do.
    ///
    /// # Errors
    /// The settings' TLS cannot be used.
    pub fn new(policy: Arc<OutwardPolicy>, settings: Settings) -> Result<Self, SettingsProblem> {
        let tls = settings.notices.as_ref().map(|notices| {
            let (certificate, key) = (notices.certificate.as_deref(), notices.key.as_deref());
            tls::connector(&notices.authorities, certificate, key)
        });
        let tls = tls.transpose()?;
        Ok(Self {
            policy,
            settings,
            tls,
        })
    }

    /// Whether readers at this address are told by it.
    #[must_use]
    pub fn speaks_to(url: &str) -> bool {
        url.starts_with("mllp://") || url.starts_with("mllps://")
    }

    async fn deliver(&self, message: &OutwardMessage) -> Result<(), NotTaken> {
        let notices = notices(message, &self.settings);
        if notices.is_empty() {
            return Ok(());
        }
        // Judged again each time: what is allowed may have changed since.
        let url = self.policy.judge(&message.url);
        let url = url.map_err(|refusal| NotTaken(refusal.to_string()))?;
        let stream = self.connect(&url).await?;
        if url.scheme() != OVER_TLS {
            return hand_over(stream, notices).await;
        }
        // Never in the clear instead.
        let connector = self.tls.as_ref().ok_or_else(|| {
            NotTaken("TLS is not set up: [notices] authorities in the file of --hl7".to_owned())
        })?;
        let host = url.host_str().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| NotTaken("no certificate can have this name".to_owned()))?;
        let stream = connector.connect(name, stream).await;
        let stream = stream.map_err(|_| NotTaken("TLS was refused".to_owned()))?;
        hand_over(stream, notices).await
    }

    /// A connection to an address that the policy allows.
    async fn connect(&self, url: &Url) -> Result<TcpStream, NotTaken> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or_default();
        let resolved = tokio::task::spawn_blocking(move || (host, port).to_socket_addrs());
        let cannot = |_| NotTaken("cannot be connected".to_owned());
        let resolved = resolved
            .await
            .map_err(|_| NotTaken("cannot be connected".to_owned()))?;
        let allowed: Vec<SocketAddr> = resolved
            .map_err(cannot)?
            .filter(|address| self.policy.may_connect(address.ip()))
            .collect();
        if allowed.is_empty() {
            return Err(NotTaken(
                "no address of this host may be connected with".to_owned(),
            ));
        }
        let stream = TcpStream::connect(allowed.as_slice()).await;
        stream.map_err(cannot)
    }
}

/// Sends notices one after the other, each after the one before was taken.
async fn hand_over(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    notices: Vec<String>,
) -> Result<(), NotTaken> {
    let mut client = Hl7Client::over(stream, Duration::from_secs(WEBHOOK_SECONDS_MAX));
    for notice in notices {
        let answer = client.exchange(notice.as_bytes()).await;
        let answer = answer.map_err(|_| NotTaken("the connection broke".to_owned()))?;
        let accepted = answer
            .split(|byte| *byte == b'\r')
            .any(|line| line.starts_with(b"MSA|AA") || line.starts_with(b"MSA|CA"));
        if !accepted {
            return Err(NotTaken("answered with an error".to_owned()));
        }
    }
    Ok(())
}

impl Outward for Hl7Notifier {
    async fn send(&self, message: &OutwardMessage) -> Result<(), NotTaken> {
        let patience = Duration::from_secs(WEBHOOK_SECONDS_MAX);
        let delivered = tokio::time::timeout(patience, self.deliver(message)).await;
        delivered.unwrap_or_else(|_| Err(NotTaken("timed out".to_owned())))
    }
}

/// The messages that tell the events, in order. A control id is the same each time.
fn notices(message: &OutwardMessage, settings: &Settings) -> Vec<String> {
    let mut notices = Vec::new();
    for event in &message.events {
        let told = tell(event, message.own_record(event), settings);
        for (name, lines) in told {
            let id = format!("{}-{}", message.id, notices.len() + 1);
            let at = stamp(message.at);
            let mut text = String::new();
            Line::new("MSH")
                .er7(2, "^~\\&")
                .er7(3, OWN)
                .er7(7, at)
                .er7(9, name)
                .text(10, &id)
                .er7(11, "P")
                .er7(12, "2.5")
                .write(&mut text);
            Line::new("EVN").er7(2, stamp(event.at)).write(&mut text);
            for line in &lines {
                line.write(&mut text);
            }
            notices.push(text);
        }
    }
    notices
}

/// What one event comes to: type and structure, and the segments after EVN.
fn tell(
    event: &FeedEvent,
    own_record: Option<&(SourceCode, LocalId)>,
    settings: &Settings,
) -> Vec<(&'static str, Vec<Line>)> {
    let own = |person: &PersonId| format!("{person}^^^{OWN}^PI");
    // A name that is not said (table 0200).
    let pid = |ids: String| Line::new("PID").er7(1, "1").er7(3, ids).er7(5, "~^^^^^^S");
    let visit = || Line::new("PV1").er7(1, "1").er7(2, "N");
    let mut told = Vec::new();
    for change in &event.changes {
        told.extend(match change {
            IdChange::Retired {
                person,
                replaced_by: Some(stands),
            } => {
                let merged = Line::new("MRG").er7(1, own(person));
                Some(("ADT^A40^ADT_A39", vec![pid(own(stands)), merged]))
            }
            IdChange::Retired { person, .. } | IdChange::Withdrawn { person } => {
                Some(("ADT^A29^ADT_A21", vec![pid(own(person)), visit()]))
            }
            IdChange::Restored { person } => {
                Some(("ADT^A28^ADT_A05", vec![pid(own(person)), visit()]))
            }
            // Told by the link of the record that has moved.
            IdChange::Moved { .. } => None,
        });
    }
    if let (RegistryEvent::RecordLinked { person, .. }, Some(record)) = (&event.event, own_record) {
        let local = identifiers(settings, std::slice::from_ref(record), None, &None);
        let ids = [vec![own(person)], local].concat().join("~");
        told.push(("ADT^A31^ADT_A05", vec![pid(ids), visit()]));
    }
    told
}
