//! How each HTTP listener behaves, and whose certificates are whose: the file of
//! `accord serve --http`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use crate::interfaces::tls::TlsSettings;
use crate::registry::SourceCode;

/// Everything that the HTTP doors are told by their operator beside the command line.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Where requests come in; one without an address takes that of `--listen`.
    #[serde(default, rename = "listener")]
    pub(super) listeners: Vec<HttpListenerSettings>,
    /// Certificates that speak for a source.
    #[serde(default, rename = "client")]
    pub(super) clients: Vec<ClientCertificate>,
}

/// One address, and how it is answered there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpListenerSettings {
    /// Address and port.
    pub(super) listen: Option<SocketAddr>,
    /// How FHIR is read there.
    pub(super) fhir: FhirReadings,
    /// TLS; without it the line is plain.
    pub(super) tls: Option<TlsSettings>,
    /// Proxies in front of it whose `X-Forwarded-For` is believed: from where somebody
    /// came stands in the audit.
    pub(super) proxies: Vec<IpAddr>,
}

/// Readings of FHIR where a public suite contradicts what is promised everywhere else
/// (docs/conformance.md).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FhirReadings {
    /// What is answered of an id that has been merged into another.
    pub(in crate::interfaces) retired_ids: RetiredIds,
    /// What a search has to hold.
    pub(in crate::interfaces) search_minimum: Minimum,
    /// Whether `$ihe-pix` tells the identifier that it was asked with among the others.
    pub(in crate::interfaces) pix_tells_asked: bool,
}

/// Answers to a retired id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::interfaces) enum RetiredIds {
    /// It resolves for ever, as everywhere in this service.
    #[default]
    Resolve,
    /// It is unknown.
    Unknown,
}

/// How little a search may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::interfaces) enum Minimum {
    /// That of the national service (R120).
    #[default]
    National,
    /// Any one of name, birth date and mother.
    Any,
}

/// A certificate that speaks for one source: what comes with it writes and asks for no
/// other, whatever a token allows beside.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientCertificate {
    /// SHA-256 of the certificate, hexadecimal.
    pub(super) certificate: String,
    /// The account that it is where no token comes with it.
    pub(super) account: String,
    /// The source.
    pub(super) source: SourceCode,
}

/// Why a file of settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpSettingsProblem {
    /// It is no TOML, or has a member that there is not.
    #[error("{0}")]
    Unreadable(#[from] toml::de::Error),
    /// A certificate speaks for one source.
    #[error("two clients have the same certificate")]
    Twice,
    /// It is none.
    #[error("a certificate is named by its SHA-256: 64 hexadecimal digits")]
    NoFingerprint,
    /// Whose it is must be told by a name that can stand in the audit.
    #[error("an account is named by 1 to 256 plain characters")]
    NoAccount,
    /// No certificate would ever be shown.
    #[error("clients have certificates, and no listener asks for one ([listener.tls] clients)")]
    NobodyAsks,
    /// More than one listener is without an address.
    #[error("only one listener may be without `listen`: it takes the address of --listen")]
    TwoPlain,
}

impl HttpSettings {
    /// Reads a file.
    ///
    /// # Errors
    /// [`HttpSettingsProblem`].
    pub fn parse(text: &str) -> Result<Self, HttpSettingsProblem> {
        let mut settings: Self = toml::from_str(text)?;
        let mut seen = BTreeSet::new();
        for client in &mut settings.clients {
            // As `openssl x509 -fingerprint` writes it, too.
            client.certificate = client.certificate.replace(':', "").to_lowercase();
            let digits = client.certificate.bytes();
            if digits.len() != 64 || !digits.into_iter().all(|it| it.is_ascii_hexdigit()) {
                return Err(HttpSettingsProblem::NoFingerprint);
            }
            if !seen.insert(client.certificate.clone()) {
                return Err(HttpSettingsProblem::Twice);
            }
            let account = client.account.trim();
            let plain = !account.chars().any(char::is_control);
            if !plain || account != client.account || !(1..=256).contains(&account.len()) {
                return Err(HttpSettingsProblem::NoAccount);
            }
        }
        let mut lines = settings.listeners.iter().filter_map(|it| it.tls.as_ref());
        if !seen.is_empty() && !lines.any(|tls| tls.clients.is_some()) {
            return Err(HttpSettingsProblem::NobodyAsks);
        }
        let plain = settings.listeners.iter().filter(|it| it.listen.is_none());
        if plain.count() > 1 {
            return Err(HttpSettingsProblem::TwoPlain);
        }
        Ok(settings)
    }

    /// Sources that it names.
    pub fn sources(&self) -> impl Iterator<Item = &SourceCode> {
        self.clients.iter().map(|client| &client.source)
    }

    /// The listeners with their addresses, that of `--listen` first.
    pub(super) fn listeners_at(&self, main: SocketAddr) -> Vec<(SocketAddr, HttpListenerSettings)> {
        let own = self.listeners.iter().find(|it| it.listen.is_none());
        let others = self
            .listeners
            .iter()
            .filter_map(|it| Some((it.listen?, it.clone())));
        std::iter::once((main, own.cloned().unwrap_or_default()))
            .chain(others)
            .collect()
    }

    /// What a certificate speaks for.
    pub(super) fn client(&self, fingerprint: &str) -> Option<&ClientCertificate> {
        let mut clients = self.clients.iter();
        clients.find(|client| client.certificate == fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpSettings, HttpSettingsProblem, Minimum, RetiredIds};

    const TLS: &str =
        "[listener.tls]\ncertificate = \"s.pem\"\nkey = \"s.key\"\nclients = \"c.pem\"\n";
    const PRINT: &str = "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:\
        AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89";

    #[test]
    fn a_listener_has_readings_of_its_own_and_a_certificate_one_source() {
        let text = format!(
            "[[listener]]\nlisten = \"127.0.0.1:0\"\nfhir.retired_ids = \"unknown\"\n\
             fhir.search_minimum = \"any\"\n{TLS}[[client]]\ncertificate = \"{PRINT}\"\n\
             account = \"gp-engine\"\nsource = \"gp\"\n"
        );
        let settings = HttpSettings::parse(&text).expect("settings");
        let main = "127.0.0.1:8080".parse().expect("an address");
        let listeners = settings.listeners_at(main);
        let readings: Vec<_> = listeners.iter().map(|it| it.1.fhir.retired_ids).collect();
        assert_eq!(readings, [RetiredIds::Resolve, RetiredIds::Unknown]);
        assert_eq!(listeners[1].1.fhir.search_minimum, Minimum::Any);
        let print = PRINT.replace(':', "").to_lowercase();
        let client = settings.client(&print).expect("the client");
        assert_eq!(client.source.as_str(), "gp");
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let client =
            format!("[[client]]\ncertificate = \"{PRINT}\"\naccount = \"a\"\nsource = \"gp\"\n");
        let alone = HttpSettings::parse(&client);
        assert!(matches!(alone, Err(HttpSettingsProblem::NobodyAsks)));
        let twice = HttpSettings::parse(&format!("{client}{client}"));
        assert!(matches!(twice, Err(HttpSettingsProblem::Twice)));
        let short = HttpSettings::parse(&client.replace("AB:CD", "AB"));
        assert!(matches!(short, Err(HttpSettingsProblem::NoFingerprint)));
        let nobody = HttpSettings::parse(&client.replace("\"a\"", "\" \""));
        assert!(matches!(nobody, Err(HttpSettingsProblem::NoAccount)));
        let plain = HttpSettings::parse("[[listener]]\n[[listener]]\n");
        assert!(matches!(plain, Err(HttpSettingsProblem::TwoPlain)));
        assert!(HttpSettings::parse("strict = true").is_err());
    }
}
