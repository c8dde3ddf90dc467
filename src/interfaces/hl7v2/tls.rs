//! TLS of a listener, and the certificate that a client has shown.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::foundation::hex;
use crate::interfaces::hl7v2::settings::{SettingsProblem, TlsSettings};

/// How bytes travel.
#[derive(Clone)]
pub(super) enum Line {
    /// As they are.
    Plain,
    /// By TLS 1.2 or 1.3.
    Tls(TlsAcceptor),
}

impl Line {
    /// The line that the settings want.
    ///
    /// # Errors
    /// A file cannot be read, or certificate and key do not fit.
    pub(super) fn of(settings: Option<&TlsSettings>) -> Result<Self, SettingsProblem> {
        let Some(settings) = settings else {
            return Ok(Self::Plain);
        };
        let fault = |what: String| {
            move |error: &dyn std::fmt::Display| SettingsProblem::Tls(format!("{what}: {error}"))
        };
        let certificates = |path: &std::path::Path| {
            let fault = fault(path.display().to_string());
            let read = CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))?;
            read.collect::<Result<Vec<_>, _>>()
                .map_err(|error| fault(&error))
        };
        let key = PrivateKeyDer::from_pem_file(&settings.key);
        let key = key.map_err(|error| fault(settings.key.display().to_string())(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| fault("versions".to_owned())(&error))?;
        let builder = match &settings.clients {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots
                        .add(certificate)
                        .map_err(|error| fault(path.display().to_string())(&error))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = verifier
                    .build()
                    .map_err(|error| fault(path.display().to_string())(&error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let own = certificates(&settings.certificate)?;
        let config = builder.with_single_cert(own, key);
        let config =
            config.map_err(|error| fault(settings.certificate.display().to_string())(&error))?;
        Ok(Self::Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Whether it is TLS.
    pub(super) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// SHA-256 of the certificate that the client has shown and that was verified.
pub(super) fn fingerprint(stream: &TlsStream<TcpStream>) -> Option<String> {
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates()?.first()?;
    Some(hex(&Sha256::digest(shown.as_ref())))
}
