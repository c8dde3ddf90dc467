//! TLS of the doors: of their listeners, and towards those whom they tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::foundation::hex;

/// Files of TLS, in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsSettings {
    /// The certificate and those above it.
    pub(super) certificate: PathBuf,
    /// Its key.
    pub(super) key: PathBuf,
    /// Authorities of client certificates; with it every client has to show one.
    pub(super) clients: Option<PathBuf>,
}

/// What is said of TLS cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS: {0}")]
pub struct TlsFault(String);

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
    pub(super) fn of(settings: Option<&TlsSettings>) -> Result<Self, TlsFault> {
        let Some(settings) = settings else {
            return Ok(Self::Plain);
        };
        let key = key_of(&settings.key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| TlsFault(error.to_string()))?;
        let builder = match &settings.clients {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(roots_of(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = verifier.build().map_err(|error| fault(path, &error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let own = certificates(&settings.certificate)?;
        let config = builder.with_single_cert(own, key);
        let config = config.map_err(|error| fault(&settings.certificate, &error))?;
        Ok(Self::Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Whether it is TLS.
    pub(super) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// What those outside are told with: whose certificates are believed, and our own with
/// its key.
///
/// # Errors
/// A file cannot be read, or certificate and key do not fit.
pub(super) fn connector(
    authorities: &Path,
    certificate: Option<&Path>,
    key: Option<&Path>,
) -> Result<TlsConnector, TlsFault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsFault(error.to_string()))?
        .with_root_certificates(roots_of(authorities)?);
    let config = match (certificate, key) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate)?, key_of(key)?)
            .map_err(|error| fault(certificate, &error))?,
        (None, None) => builder.with_no_client_auth(),
        _ => {
            let said = "notices have a certificate and its key, or neither";
            return Err(TlsFault(said.to_owned()));
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn fault(path: &Path, error: &dyn std::fmt::Display) -> TlsFault {
    TlsFault(format!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| fault(path, &error))?;
    let read = read.collect::<Result<Vec<_>, _>>();
    read.map_err(|error| fault(path, &error))
}

fn key_of(path: &Path) -> Result<PrivateKeyDer<'static>, TlsFault> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| fault(path, &error))
}

fn roots_of(path: &Path) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| fault(path, &error))?;
    }
    Ok(roots)
}

/// SHA-256 of the certificate that the client has shown and that was verified.
pub(super) fn fingerprint(stream: &TlsStream<TcpStream>) -> Option<String> {
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates()?.first()?;
    Some(hex(&Sha256::digest(shown.as_ref())))
}
