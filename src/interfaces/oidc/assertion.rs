//! A client that proves itself by a signed statement in place of a secret
//! (`private_key_jwt`, OpenID Connect Core 1.0 §9, RFC 7523): NHS CIS2 asks for it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
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

/// How a key signs.
#[derive(Clone, Copy)]
enum Way {
    /// By RSA, which is what CIS2 takes; keys of either form are read by TLS's own code.
    Rsa(SignatureScheme),
    /// By an elliptic curve.
    Curve(Algorithm),
}

const ALGORITHMS: [(&str, Way); 9] = [
    ("RS256", Way::Rsa(SignatureScheme::RSA_PKCS1_SHA256)),
    ("RS384", Way::Rsa(SignatureScheme::RSA_PKCS1_SHA384)),
    ("RS512", Way::Rsa(SignatureScheme::RSA_PKCS1_SHA512)),
    ("PS256", Way::Rsa(SignatureScheme::RSA_PSS_SHA256)),
    ("PS384", Way::Rsa(SignatureScheme::RSA_PSS_SHA384)),
    ("PS512", Way::Rsa(SignatureScheme::RSA_PSS_SHA512)),
    ("ES256", Way::Curve(Algorithm::ES256)),
    ("ES384", Way::Curve(Algorithm::ES384)),
    ("EdDSA", Way::Curve(Algorithm::EdDSA)),
];

/// Whether it is one of them.
pub(super) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

/// A key that signs in its one way.
#[derive(Clone)]
enum Signer {
    Rsa(Arc<dyn SigningKey>, SignatureScheme),
    Curve(EncodingKey, Algorithm),
}

impl Signer {
    fn new(der: &PrivateKeyDer<'_>, way: Way) -> Result<Self, NoKey> {
        let rsa = any_supported_type(der).map_err(|_| NoKey::Unread)?;
        let signer = match (way, der) {
            (Way::Rsa(scheme), _) => Self::Rsa(rsa, scheme),
            (Way::Curve(Algorithm::EdDSA), PrivateKeyDer::Pkcs8(key)) => Self::Curve(
                EncodingKey::from_ed_der(key.secret_pkcs8_der()),
                Algorithm::EdDSA,
            ),
            (Way::Curve(algorithm), PrivateKeyDer::Pkcs8(key)) => {
                Self::Curve(EncodingKey::from_ec_der(key.secret_pkcs8_der()), algorithm)
            }
            (Way::Curve(_), _) => return Err(NoKey::Unfit),
        };
        // Only a signature tells whether the key is of this kind.
        signer.sign(b"").map(|_| signer).ok_or(NoKey::Unfit)
    }

    /// The signature as a token has it; `None` when the key refuses.
    fn sign(&self, text: &[u8]) -> Option<String> {
        match self {
            Self::Rsa(key, scheme) => {
                let signature = key.choose_scheme(&[*scheme])?.sign(text).ok()?;
                Some(URL_SAFE_NO_PAD.encode(signature))
            }
            Self::Curve(key, algorithm) => sign(text, key, *algorithm).ok(),
        }
    }
}

/// A private key of ours, whose public half the provider has.
#[derive(Clone)]
pub struct ClientKey {
    signer: Signer,
    algorithm: &'static str,
    id: Option<String>,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("ClientKey");
        shown
            .field("algorithm", &self.algorithm)
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
    #[error("it holds no key that can sign by client_key_algorithm (EC and Ed25519: as PKCS#8)")]
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
    /// Reads a key (PKCS#8, or PKCS#1 of RSA, in PEM form); `id` is what the provider
    /// calls it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(pem: &str, algorithm: &str, id: Option<String>) -> Result<Self, NoKey> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoKey::Unread)?;
        let mut known = ALGORITHMS.iter();
        let known = known.find(|(name, _)| *name == algorithm);
        let (algorithm, way) = *known.ok_or(NoKey::Unfit)?;
        Ok(Self {
            signer: Signer::new(&der, way)?,
            algorithm,
            id,
        })
    }

    /// The statement, signed; `None` when the key refuses.
    pub(super) fn sign(&self, said: &Statement<'_>) -> Option<String> {
        let now = said.now.microseconds() / 1_000_000;
        let mut header = json!({"alg": self.algorithm, "typ": "JWT"});
        if let (Some(id), Some(header)) = (&self.id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(id));
        }
        let claims = json!({
            "iss": said.client_id, "sub": said.client_id, "aud": said.audience,
            "jti": said.id, "iat": now, "exp": now + SECONDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let signature = self.signer.sign(text.as_bytes())?;
        Some(format!("{text}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::verify;
    use jsonwebtoken::{Algorithm, DecodingKey};

    use super::{ClientKey, NoKey, Statement, is_algorithm};
    use crate::foundation::Instant;

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

    /// Made for this test alone.
    const P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSV4+7Dd7Rv8Zxspj
bZCPrNAF7UwBpA6PATVmMWNJOSWhRANCAATVWGFqjAebrh/6ilPYEgr44Scsnsuh
Fc/ypfu0pbMlb/w2z0C+xevKXmpxNpcVf4z3DeKUc6/sIpgS6uDnUWhc
-----END PRIVATE KEY-----
";

    #[test]
    fn a_key_signs_by_its_own_algorithm_and_by_no_other() {
        let key = ClientKey::parse(P256, "ES256", None).expect("a key of P-256");
        let said = Statement {
            client_id: "accord",
            audience: "https://provider.example.org",
            id: "1",
            now: Instant::from_microseconds(0),
        };
        let signed = key.sign(&said).expect("it signs");
        let (text, signature) = signed.rsplit_once('.').expect("three parts");
        let public = DecodingKey::from_ec_components(
            "1VhhaowHm64f-opT2BIK-OEnLJ7LoRXP8qX7tKWzJW8",
            "_DbPQL7F68peanE2lxV_jPcN4pRzr-wimBLq4OdRaFw",
        );
        let public = public.expect("its public half");
        let right = verify(signature, text.as_bytes(), &public, Algorithm::ES256);
        assert!(right.expect("a verdict"));
        for algorithm in ["ES384", "EdDSA", "RS512", "PS256"] {
            let refused = ClientKey::parse(P256, algorithm, None);
            assert_eq!(refused.err(), Some(NoKey::Unfit), "{algorithm}");
        }
    }
}
