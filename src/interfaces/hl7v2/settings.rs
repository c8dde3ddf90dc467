//! Who may send, whose ids are whose, and how each listener behaves: the file of
//! `accord serve --hl7`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::interfaces::hl7v2::er7::Part;
use crate::interfaces::tls::{TlsFault, TlsSettings};
use crate::registry::SourceCode;

/// Everything that the door is told by its operator.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Authorities that issue identifiers.
    #[serde(default, rename = "authority")]
    pub(super) authorities: Vec<Authority>,
    /// Applications that may speak.
    #[serde(default, rename = "sender")]
    pub(super) senders: Vec<Sender>,
    /// Where they speak; one without an address takes that of `--mllp`.
    #[serde(default, rename = "listener")]
    pub(super) listeners: Vec<ListenerSettings>,
    /// How other systems are told over TLS.
    pub(super) notices: Option<NoticeSettings>,
}

/// TLS towards readers of notices with `mllps://` addresses, files in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeSettings {
    /// Authorities of their certificates: no others are believed.
    pub(super) authorities: PathBuf,
    /// Our own certificate and those above it, where they ask for one.
    pub(super) certificate: Option<PathBuf>,
    /// Its key.
    pub(super) key: Option<PathBuf>,
}

/// One address, and what is done there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListenerSettings {
    /// Address and port.
    pub(super) listen: Option<SocketAddr>,
    /// Whoever reaches the address may speak as any sender that needs neither a
    /// certificate nor a token. Without it such a sender is refused.
    pub(super) trusts_network: bool,
    /// What a question by an id is answered that its source has merged into another.
    pub(super) retired_ids: RetiredIds,
    /// What a question by demographics has to hold.
    pub(super) search_minimum: Minimum,
    /// How ERR-2 names a place.
    pub(super) error_places: ErrorPlaces,
    /// TLS; without it the line is plain.
    pub(super) tls: Option<TlsSettings>,
}

/// Answers to a retired id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RetiredIds {
    /// It resolves for ever, as everywhere in this service.
    #[default]
    Resolve,
    /// It is unknown (OHIE-CR-16-50).
    Unknown,
}

/// How little a question by demographics may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Minimum {
    /// That of the national service (R120).
    #[default]
    National,
    /// Any one of name, birth date and mother.
    Any,
}

/// Readings of ERR-2 for an unknown domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorPlaces {
    /// Segment, sequence, field, repetition, component, as the standard has it.
    #[default]
    Standard,
    /// The component stands before the repetition (OHIE-CR-09-20).
    Ohie,
}

/// An authority that issues identifiers, by all the names that senders have for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    /// HD.1.
    pub(super) namespace: Option<String>,
    /// HD.2 with HD.3 `ISO`.
    pub(super) oid: Option<String>,
    /// HD.2 with HD.3 `URI` or `URL`.
    pub(super) uri: Option<String>,
    /// The source whose local ids these are; none for ids that are only quoted.
    pub(super) source: Option<SourceCode>,
    /// Other sources quote these ids, so that equal ones are evidence.
    #[serde(default)]
    pub(super) quoted: bool,
}

/// An application that speaks for a source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sender {
    /// MSH-3.1.
    pub(super) application: String,
    /// MSH-4.1; without it, any.
    pub(super) facility: Option<String>,
    /// The source for which it speaks: it may assign ids of no other.
    pub(super) source: SourceCode,
    /// SHA-256 of its client certificate, hexadecimal; nobody else may use its name.
    pub(super) certificate: Option<String>,
    /// It brings a token in MSH-8.
    #[serde(default)]
    pub(super) token: bool,
    /// It may ask by ids of all sources, not only of its own.
    #[serde(default)]
    pub(super) asks_for_all: bool,
    /// People read its answers: it is shown lists, as they would be.
    #[serde(default)]
    pub(super) shows_to_people: bool,
}

/// Why a file of settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsProblem {
    /// It is no TOML, or has a member that there is not.
    #[error("{0}")]
    Unreadable(#[from] toml::de::Error),
    /// Two of something that there may be one of.
    #[error("two {0} have the name {1}")]
    Twice(&'static str, String),
    /// An authority that nothing could name.
    #[error("an authority needs a namespace, an oid or a uri")]
    Nameless,
    /// A listener has no address.
    #[error("a listener has no address: give it `listen`, or serve with --mllp HOST:PORT")]
    NoAddress,
    /// More than one listener is without an address.
    #[error("only one listener may be without `listen`: it takes the address of --mllp")]
    TwoPlain,
    /// What it says of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SettingsProblem`].
    pub fn parse(text: &str) -> Result<Self, SettingsProblem> {
        let settings: Self = toml::from_str(text)?;
        settings.refuse_ambiguous()?;
        Ok(settings)
    }

    fn refuse_ambiguous(&self) -> Result<(), SettingsProblem> {
        let mut seen = BTreeSet::new();
        for authority in &self.authorities {
            let names = [&authority.namespace, &authority.oid, &authority.uri];
            let names: Vec<&String> = names.into_iter().flatten().collect();
            if names.is_empty() {
                return Err(SettingsProblem::Nameless);
            }
            if let Some(name) = names
                .into_iter()
                .find(|name| !seen.insert(name.to_lowercase()))
            {
                return Err(SettingsProblem::Twice("authorities", name.clone()));
            }
        }
        let mut seen = BTreeSet::new();
        for sender in &self.senders {
            if !seen.insert((&sender.application, &sender.facility)) {
                let name = sender.application.clone();
                return Err(SettingsProblem::Twice("senders", name));
            }
        }
        let plain = self.listeners.iter().filter(|it| it.listen.is_none());
        if plain.count() > 1 {
            return Err(SettingsProblem::TwoPlain);
        }
        Ok(())
    }

    /// The listeners, one of them at this address where it is given.
    ///
    /// # Errors
    /// A listener has no address.
    pub(super) fn listeners_at(
        &self,
        address: Option<SocketAddr>,
    ) -> Result<Vec<(SocketAddr, ListenerSettings)>, SettingsProblem> {
        let mut listeners = self.listeners.clone();
        if address.is_some() && listeners.iter().all(|it| it.listen.is_some()) {
            listeners.push(ListenerSettings::default());
        }
        let with_address = listeners.into_iter().map(|listener| {
            let listen = listener.listen.or(address);
            Ok((listen.ok_or(SettingsProblem::NoAddress)?, listener))
        });
        with_address.collect()
    }

    /// Sources that it names.
    pub fn sources(&self) -> impl Iterator<Item = &SourceCode> {
        let of_authorities = self.authorities.iter().filter_map(|it| it.source.as_ref());
        of_authorities.chain(self.senders.iter().map(|sender| &sender.source))
    }

    /// Who speaks, by MSH-3 and MSH-4: one that names its facility before one that
    /// does not.
    pub(super) fn sender(&self, application: &str, facility: &str) -> Option<&Sender> {
        let of_name = |sender: &&Sender| sender.application == application;
        let mut here = self.senders.iter().filter(of_name);
        let exact = here
            .clone()
            .find(|it| it.facility.as_deref() == Some(facility));
        exact.or_else(|| here.find(|it| it.facility.is_none()))
    }

    /// The authority that a hierarchic designator names (HD: namespace, universal id,
    /// its type). All that is said has to fit.
    pub(super) fn authority(&self, designator: Part<'_>) -> NamedAuthority<'_> {
        let namespace = designator.subcomponent(1).text();
        let universal = designator.subcomponent(2).text();
        let universal = universal.map(|it| it.trim_start_matches("urn:oid:").to_owned());
        if namespace.is_none() && universal.is_none() {
            return NamedAuthority::Unsaid;
        }
        let is = |own: &Option<String>, said: &str| {
            own.as_deref()
                .is_some_and(|own| own.eq_ignore_ascii_case(said))
        };
        let fits = |authority: &&Authority| {
            let by_namespace = namespace
                .as_deref()
                .map(|said| is(&authority.namespace, said));
            let by_universal = universal
                .as_deref()
                .map(|said| is(&authority.oid, said) || is(&authority.uri, said));
            // A namespace that nobody gave the authority may be a sender's own word.
            let unnamed = authority.namespace.is_none();
            match (by_namespace, by_universal) {
                (Some(by_namespace), Some(true)) => by_namespace || unnamed,
                (_, Some(false)) => false,
                (by_namespace, None) => by_namespace == Some(true),
                (None, Some(true)) => true,
            }
        };
        match self.authorities.iter().find(fits) {
            Some(authority) => NamedAuthority::Known(authority),
            None => NamedAuthority::Unknown,
        }
    }

    /// The authority of a source's local ids.
    pub(super) fn of_source(&self, source: &SourceCode) -> Option<&Authority> {
        let of = |it: &&Authority| it.source.as_ref() == Some(source);
        self.authorities.iter().find(of)
    }
}

/// What a designator names.
pub(super) enum NamedAuthority<'s> {
    /// Nothing was said.
    Unsaid,
    /// One that the settings do not know, or that contradicts itself.
    Unknown,
    /// This one.
    Known(&'s Authority),
}

impl Authority {
    /// Its name among the identifiers of a record.
    pub(super) fn system(&self) -> String {
        let oid = self.oid.as_ref().map(|oid| format!("urn:oid:{oid}"));
        let named = self.uri.clone().or(oid).or_else(|| self.namespace.clone());
        named.unwrap_or_default()
    }

    /// Its designator: namespace, universal id and type, as subcomponents.
    pub(super) fn designator(&self) -> [&str; 3] {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        match (&self.oid, &self.uri) {
            (Some(oid), _) => [namespace, oid, "ISO"],
            (None, Some(uri)) => [namespace, uri, "URI"],
            (None, None) => [namespace, "", ""],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NamedAuthority, Settings, SettingsProblem};
    use crate::interfaces::hl7v2::er7::Segment;

    const SETTINGS: &str = r#"
        [[authority]]
        namespace = "RVV"
        oid = "1.2.3"
        source = "pas"
        [[authority]]
        uri = "https://id.example.org/nid"
        [[sender]]
        application = "PAS"
        source = "pas"
        [[sender]]
        application = "PAS"
        facility = "RWF"
        source = "gp"
    "#;

    fn settings() -> Settings {
        Settings::parse(SETTINGS).expect("settings")
    }

    #[test]
    fn an_authority_is_known_by_any_of_its_names_and_by_none_that_contradict() {
        let settings = settings();
        let named = |designator: &str| {
            let text = format!("ZCX|{designator}");
            match settings.authority(Segment::usual(&text).field(1)) {
                NamedAuthority::Known(authority) => authority.system(),
                NamedAuthority::Unknown => "unknown".to_owned(),
                NamedAuthority::Unsaid => "unsaid".to_owned(),
            }
        };
        for known in [
            "RVV",
            "rvv",
            "&1.2.3&ISO",
            "RVV&1.2.3&ISO",
            "&urn:oid:1.2.3",
        ] {
            assert_eq!(named(known), "urn:oid:1.2.3", "{known}");
        }
        assert_eq!(
            named("OWN&https://id.example.org/nid&URI"),
            "https://id.example.org/nid"
        );
        for unknown in ["RWF", "RVV&9.9.9&ISO", "RWF&1.2.3&ISO", "&9.9.9"] {
            assert_eq!(named(unknown), "unknown", "{unknown}");
        }
        for unsaid in ["", "&&ISO", "\"\""] {
            assert_eq!(named(unsaid), "unsaid", "{unsaid}");
        }
    }

    #[test]
    fn a_sender_that_names_its_facility_comes_before_one_that_does_not() {
        let settings = settings();
        let source = |application: &str, facility: &str| {
            let sender = settings.sender(application, facility);
            sender.map(|sender| sender.source.to_string())
        };
        assert_eq!(source("PAS", "RWF").as_deref(), Some("gp"));
        assert_eq!(source("PAS", "RVV").as_deref(), Some("pas"));
        assert_eq!(source("pas", "RVV"), None);
    }

    #[test]
    fn what_is_ambiguous_or_unknown_is_refused() {
        let refused = |text: &str| Settings::parse(text).expect_err("cannot be used");
        let twice = format!("{SETTINGS}\n[[authority]]\nnamespace = \"rvv\"");
        assert!(matches!(
            refused(&twice),
            SettingsProblem::Twice("authorities", _)
        ));
        let twice = format!("{SETTINGS}\n[[sender]]\napplication = \"PAS\"\nsource = \"gp\"");
        assert!(matches!(
            refused(&twice),
            SettingsProblem::Twice("senders", _)
        ));
        assert!(matches!(
            refused("[[authority]]"),
            SettingsProblem::Nameless
        ));
        assert!(matches!(
            refused("[[listener]]\n[[listener]]"),
            SettingsProblem::TwoPlain
        ));
        assert!(matches!(
            refused("surprise = 1"),
            SettingsProblem::Unreadable(_)
        ));
        let nowhere = settings()
            .listeners_at(None)
            .map(|listeners| listeners.len());
        assert!(matches!(nowhere, Ok(0)));
        let plain = Settings::parse("[[listener]]").expect("settings");
        assert!(matches!(
            plain.listeners_at(None),
            Err(SettingsProblem::NoAddress)
        ));
    }
}
