//! The door outward: messages to readers in the form of Standard Webhooks, over
//! connections that go only where the operator allows (threat T14). The name is
//! resolved here and the connection made to the address that was judged.

mod message;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::flows::{NotTaken, Outward, OutwardMessage};
use crate::foundation::limits::WEBHOOK_SECONDS_MAX;
use crate::interfaces::fhir;
use crate::security::{MessageForm, OutwardPolicy, without_form};

pub use message::signature;

/// Sends messages.
pub struct WebhookSender {
    client: reqwest::Client,
    policy: Arc<OutwardPolicy>,
}

impl WebhookSender {
    /// A sender that keeps to the policy.
    ///
    /// # Errors
    /// No TLS can be set up.
    pub fn new(policy: Arc<OutwardPolicy>) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Judged(Arc::clone(&policy))))
            // A proxy or a redirect would lead past the judgement.
            .no_proxy()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(WEBHOOK_SECONDS_MAX))
            .user_agent(concat!("accord/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, policy })
    }
}

impl Outward for WebhookSender {
    async fn send(&self, message: &OutwardMessage) -> Result<(), NotTaken> {
        // Judged again each time: what is allowed may have changed since.
        let url = self.policy.judge(&message.url);
        let url = url.map_err(|refusal| NotTaken(refusal.to_string()))?;
        let form = without_form(&message.url).0;
        let (media, body) = match form {
            MessageForm::Events => ("application/json", message::body(message)),
            MessageForm::PatientFeed => ("application/fhir+json", fhir::feed_message(message)),
            MessageForm::Knock => ("application/fhir+json", String::new()),
        };
        let seconds = message.at.microseconds() / 1_000_000;
        let signed = signature(message.secret.reveal(), &message.id, seconds, &body);
        let signed = signed.ok_or_else(|| NotTaken("the secret cannot be read".to_owned()))?;
        let answered = self
            .client
            .post(url)
            .header("content-type", media)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signed)
            .body(body)
            .send()
            .await;
        match answered {
            Ok(answer) if answer.status().is_success() => Ok(()),
            // What the receiver says beside it is not read: it is not ours to keep.
            Ok(answer) => Err(NotTaken(format!("answered {}", answer.status().as_u16()))),
            Err(error) if error.is_timeout() => Err(NotTaken("timed out".to_owned())),
            Err(error) if error.is_connect() => Err(NotTaken("cannot be connected".to_owned())),
            Err(_) => Err(NotTaken("the connection broke".to_owned())),
        }
    }
}

/// Gives only the addresses that may be connected with, and so pins them: the
/// client connects to what it is given here.
struct Judged(Arc<OutwardPolicy>);

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let resolved = tokio::task::spawn_blocking(move || (host, 0).to_socket_addrs());
            let addresses = resolved.await??;
            let allowed: Vec<SocketAddr> = addresses
                .filter(|address| policy.may_connect(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err("no address of this host may be connected with".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
