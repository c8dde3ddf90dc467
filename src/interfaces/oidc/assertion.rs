//! A client that proves itself by a signed statement in place of a secret
//! (`private_key_jwt`, OpenID Connect Core 1.0 §9, RFC 7523): NHS CIS2 asks for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use serde_json::json;

use crate::foundation::Instant;

/// What the provider is told that a statement is (RFC 7523 §2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A statement is used at once.
const SECONDS: i64 = 60;

/// Signatures by a key of RSA, which is what CIS2 takes.
const ALGORITHMS: [(&str, SignatureScheme); 6] = [
    ("RS256", SignatureScheme::RSA_PKCS1_SHA256),
    ("RS384", SignatureScheme::RSA_PKCS1_SHA384),
    ("RS512", SignatureScheme::RSA_PKCS1_SHA512),
    ("PS256", SignatureScheme::RSA_PSS_SHA256),
    ("PS384", SignatureScheme::RSA_PSS_SHA384),
    ("PS512", SignatureScheme::RSA_PSS_SHA512),
];

/// Whether it is one of them.
pub(super) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

/// A private key of ours, whose public half the provider has.
#[derive(Clone)]
pub struct ClientKey {
    key: Arc<dyn SigningKey>,
    algorithm: (&'static str, SignatureScheme),
    id: Option<String>,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("ClientKey");
        shown
            .field("algorithm", &self.algorithm.0)
            .field("id", &self.id);
        shown.finish_non_exhaustive()
    }
}

/// Why a key cannot be used; nothing of the key is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The file is none.
    #[error("it holds no private key in PEM form")]
    Unread,
    /// The key cannot sign so.
    #[error("it holds no RSA key that can sign by client_key_algorithm")]
    Unfit,
}

/// What a statement is about.
pub(super) struct Statement<'s> {
    pub(super) client_id: &'s str,
    pub(super) audience: &'s str,
    /// Never the same twice.
    pub(super) id: &'s str,
    pub(super) now: Instant,
}

impl ClientKey {
    /// Reads a key (PKCS#8 or PKCS#1, in PEM form); `id` is what the provider calls it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(pem: &str, algorithm: &str, id: Option<String>) -> Result<Self, NoKey> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoKey::Unread)?;
        let key = any_supported_type(&der).map_err(|_| NoKey::Unread)?;
        let mut known = ALGORITHMS.iter();
        let algorithm = known.find(|(name, _)| *name == algorithm);
        let algorithm = *algorithm.ok_or(NoKey::Unfit)?;
        let fits = key.choose_scheme(&[algorithm.1]).is_some();
        fits.then_some(Self { key, algorithm, id })
            .ok_or(NoKey::Unfit)
    }

    /// The statement, signed; `None` when the key refuses.
    pub(super) fn sign(&self, said: &Statement<'_>) -> Option<String> {
        let now = said.now.microseconds() / 1_000_000;
        let mut header = json!({"alg": self.algorithm.0, "typ": "JWT"});
        if let (Some(id), Some(header)) = (&self.id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(id));
        }
        let claims = json!({
            "iss": said.client_id, "sub": said.client_id, "aud": said.audience,
            "jti": said.id, "iat": now, "exp": now + SECONDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let signer = self.key.choose_scheme(&[self.algorithm.1])?;
        let signature = signer.sign(text.as_bytes()).ok()?;
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientKey, NoKey, is_algorithm};

    #[test]
    fn what_is_no_key_is_refused_and_nothing_of_it_is_said() {
        for text in [
            "",
            "a secret",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let refused = ClientKey::parse(text, "RS512", None);
            assert_eq!(refused.err(), Some(NoKey::Unread), "{text}");
        }
        assert!(is_algorithm("PS256") && !is_algorithm("none") && !is_algorithm("HS256"));
    }
}
