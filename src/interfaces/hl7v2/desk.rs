//! One message from its bytes to its answers: read it, know the sender, do what it
//! says, acknowledge. Whatever it does is committed before its acknowledgement exists.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::flows::{self, Context, audit_refusal};
use crate::interfaces::hl7v2::answer::{Answer, Frame};
use crate::interfaces::hl7v2::character_set::{Declared, decode, decode_anyhow};
use crate::interfaces::hl7v2::er7::Message;
use crate::interfaces::hl7v2::fault::{Code, Fault, Place, Verdict};
use crate::interfaces::hl7v2::header::Header;
use crate::interfaces::hl7v2::settings::{ListenerSettings, Sender, Settings};
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role};

/// Processing id of messages about patients (table 0103).
const PRODUCTION: &str = "P";

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: SocketAddr,
    /// SHA-256 of its certificate, where it has shown one.
    pub(super) certificate: Option<String>,
}

impl Peer {
    /// The same, for the audit.
    fn origin(&self) -> Origin {
        Origin {
            address: Some(self.address.ip().to_canonical()),
            door: Some("HL7 v2".to_owned()),
        }
    }
}

/// Where messages of one listener are answered.
pub(super) struct Desk {
    pub(super) context: Context,
    pub(super) settings: Arc<Settings>,
    pub(super) listener: ListenerSettings,
}

/// A message whose sender is known.
pub(super) struct Letter<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) header: &'m Header,
    pub(super) sender: &'m Sender,
    pub(super) actor: Actor,
}

impl Letter<'_> {
    /// Leave to do this for the sender's source.
    pub(super) fn may(&self, action: Action) -> Result<Access, Fault> {
        let source = self.sender.source.as_str();
        let access = Access::to_source(action, self.actor.clone(), source);
        access.map_err(|denied| Fault::forbidden(Place::field("MSH", 3), denied.to_string()))
    }
}

impl Desk {
    /// The same with the model that is active now, for one message.
    pub(super) fn at_present(&self) -> Self {
        Self {
            context: self.context.at_present(),
            settings: Arc::clone(&self.settings),
            listener: self.listener.clone(),
        }
    }

    /// Answers a message; what a sender wants no answer to gets none.
    pub(super) async fn answer(&self, bytes: &[u8], peer: &Peer) -> Vec<Vec<u8>> {
        let request_id = self.context.new_request_id();
        let (text, declared, unread) = match decode(bytes) {
            Ok((text, declared)) => (text, declared, None),
            Err(fault) => {
                let place = Place::field("MSH", 18);
                let fault = Fault::reject(Code::TableValue, place, fault.to_string());
                (decode_anyhow(bytes), Declared::default(), Some(fault))
            }
        };
        let parsed = Message::parse(&text);
        let first_line = text
            .trim_start()
            .split(['\r', '\n'])
            .next()
            .unwrap_or_default();
        let header = match &parsed {
            Ok(message) => Header::read(message),
            // What can be said of it is said to its sender.
            Err(_) => Message::parse(first_line)
                .map_or_else(|_| Header::default(), |it| Header::read(&it)),
        };
        let answer = match (unread, &parsed) {
            (Some(fault), _) => Answer::from(fault),
            (None, Ok(message)) => self.take(message, &header, peer, &request_id).await,
            (None, Err(fault)) => {
                let place = Place {
                    segment: "MSH",
                    ..Place::default()
                };
                Answer::from(Fault::reject(
                    Code::SegmentSequence,
                    place,
                    fault.to_string(),
                ))
            }
        };
        let outcome = match &answer.fault {
            None => "accepted",
            Some(fault) if fault.verdict == Verdict::Reject => "rejected",
            Some(_) => "error",
        };
        metrics::counter!("accord_hl7_messages_total", "outcome" => outcome).increment(1);
        tracing::info!(request_id, outcome, peer = %peer.address, "hl7 message");
        let frame = Frame {
            header: &header,
            declared: &declared,
            now: self.context.clock.now(),
            places: self.listener.error_places,
        };
        frame.render(&answer, || self.context.new_request_id())
    }

    async fn take(
        &self,
        message: &Message<'_>,
        header: &Header,
        peer: &Peer,
        request_id: &str,
    ) -> Answer {
        let known = match header.check().and_then(|()| self.check_processing(header)) {
            Ok(()) => self.know(header, peer, request_id).await,
            Err(fault) => Err((fault, None)),
        };
        let (answer, actor) = match known {
            Ok((sender, actor)) => {
                let letter = Letter {
                    message,
                    header,
                    sender,
                    actor,
                };
                let answer = match header.kind.as_str() {
                    "ADT" => Box::pin(self.take_event(&letter)).await,
                    "QBP" => Box::pin(self.take_question(&letter)).await,
                    _ => Answer::from(Fault::reject(
                        Code::MessageType,
                        Place::field("MSH", 9),
                        "only ADT and QBP messages are understood",
                    )),
                };
                (answer, Some(letter.actor))
            }
            Err((fault, actor)) => (Answer::from(fault), actor),
        };
        match &answer.fault {
            Some(fault) if fault.forbidden => self
                .audit(fault, header, actor, (peer, request_id))
                .await
                .map_or(answer, Answer::from),
            _ => answer,
        }
    }

    /// A refusal is written down before it is told; where that fails, so does all.
    async fn audit(
        &self,
        fault: &Fault,
        header: &Header,
        actor: Option<Actor>,
        (peer, request_id): (&Peer, &str),
    ) -> Option<Fault> {
        let mut actor = actor.unwrap_or_else(|| nobody(request_id, peer));
        actor.reason = Some(format!("{}: {}", header.known_name(), fault.text));
        let written = audit_refusal(&self.context, &actor).await;
        written
            .err()
            .map(|error| Fault::of(&error, Place::default()))
    }

    fn check_processing(&self, header: &Header) -> Result<(), Fault> {
        if self.context.store.is_live() && header.processing != PRODUCTION {
            let text = "this is a live ledger: only messages of processing id P are taken";
            return Err(Fault::reject(
                Code::Processing,
                Place::field("MSH", 11),
                text,
            ));
        }
        Ok(())
    }

    /// Who speaks: MSH-3 and MSH-4 by the settings, and what they have to show for it.
    async fn know(
        &self,
        header: &Header,
        peer: &Peer,
        request_id: &str,
    ) -> Result<(&Sender, Actor), (Fault, Option<Actor>)> {
        let refuse = |field, text: &'static str| Fault {
            forbidden: true,
            ..Fault::reject(Code::TableValue, Place::field("MSH", field), text)
        };
        let sender = self.settings.sender(&header.application, &header.facility);
        let sender = sender.ok_or_else(|| {
            (
                refuse(
                    3,
                    "no sender is configured with this application and facility",
                ),
                None,
            )
        })?;
        let name = [Some(&sender.application), sender.facility.as_ref()];
        let name: Vec<&str> = name.into_iter().flatten().map(String::as_str).collect();
        let mut actor = Actor {
            name: format!("hl7:{}", name.join("|")),
            kind: ActorKind::System,
            roles: vec![Role::Integration],
            sources: vec![sender.source.to_string()],
            on_behalf_of: None,
            reason: Some(format!("HL7 {}", header.known_name())),
            request_id: request_id.to_owned(),
            origin: peer.origin(),
        };
        if let Some(wanted) = &sender.certificate {
            let wanted = wanted.replace(':', "");
            let shown = peer.certificate.as_ref();
            if !shown.is_some_and(|shown| shown.eq_ignore_ascii_case(&wanted)) {
                let text = "this connection may not use the name of this sender";
                return Err((refuse(3, text), Some(actor)));
            }
        } else if !sender.token && !self.listener.trusts_network {
            let text = "this sender has to show a certificate or a token";
            return Err((refuse(3, text), Some(actor)));
        }
        if sender.token {
            let shown = header.security.as_deref().unwrap_or_default();
            let account = flows::authenticate(&self.context, shown).await;
            let account =
                account.map_err(|error| (Fault::of(&error, Place::field("MSH", 8)), None))?;
            let account = account.filter(|it| it.may_use_source(sender.source.as_str()));
            let account = account.ok_or_else(|| {
                (
                    refuse(
                        8,
                        "MSH-8 holds no token of an account that may speak for this source",
                    ),
                    Some(actor.clone()),
                )
            })?;
            actor.name = account.name;
            actor.roles = account.roles;
        }
        Ok((sender, actor))
    }
}

fn nobody(request_id: &str, peer: &Peer) -> Actor {
    Actor {
        name: "hl7:unknown".to_owned(),
        kind: ActorKind::System,
        roles: Vec::new(),
        sources: Vec::new(),
        on_behalf_of: None,
        reason: None,
        request_id: request_id.to_owned(),
        origin: peer.origin(),
    }
}
