//! TLS by the operating system's certificate authorities and those that are named besides.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    crypto::{verify_tls12_signature, verify_tls13_signature},
};
use rustls_platform_verifier::Verifier as SystemVerifier;

use super::issuer::issuer;
use crate::arguments::NetworkArguments;

/// Variables that name files with further certificate authorities.
const VARIABLES: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// Certificate authorities of `--ca` and of the environment, with warnings about the latter's files: Node.js goes on without them, too.
///
/// # Errors
///
/// One sentence about a file of `--ca` that cannot be read or holds no certificate.
pub(super) fn extra_authorities(
    network: &NetworkArguments,
    environment: &dyn Fn(&str) -> Option<String>,
    warnings: &mut Vec<String>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut authorities = Vec::new();
    for path in &network.certificate_authorities {
        authorities.extend(certificates(path).map_err(|reason| format!("--ca: {reason}"))?);
    }
    for name in VARIABLES {
        let Some(path) = environment(name).filter(|path| !path.is_empty()) else {
            continue;
        };
        match certificates(Path::new(&path)) {
            Ok(certificates) => authorities.extend(certificates),
            Err(reason) => warnings.push(format!("{name} is ignored: {reason}")),
        }
    }
    Ok(authorities)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let place = path.display();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| {
            format!("{place} cannot be read as PEM ({error}); give the path of a PEM file")
        })?;
    if certificates.is_empty() {
        return Err(format!(
            "{place} has no certificate; give a PEM file with BEGIN CERTIFICATE"
        ));
    }
    Ok(certificates)
}

/// Configuration of all TLS connections.
///
/// # Errors
///
/// If the cryptography knows none of the protocol's versions.
pub(super) fn configuration(
    authorities: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        provider: Arc::clone(&provider),
        authorities,
        system: OnceLock::new(),
    };
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

/// The operating system's verifier, loaded at the first handshake: servers on this machine often need none, and
/// reading all authorities takes as long as the rest of the start.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    authorities: Vec<CertificateDer<'static>>,
    system: OnceLock<Result<SystemVerifier, Error>>,
}

impl Verifier {
    fn system(&self) -> Result<&SystemVerifier, Error> {
        let load = || {
            SystemVerifier::new_with_extra_roots(
                self.authorities.iter().cloned(),
                Arc::clone(&self.provider),
            )
        };
        self.system.get_or_init(load).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.system()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        verified.map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                // The last of the chain names the root, which servers leave out.
                let top = intermediates.last().unwrap_or(end_entity);
                let unknown = UnknownIssuer { name: issuer(top) };
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(unknown))))
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Refusal of a certificate whose issuer this machine does not know.
#[derive(Debug)]
pub(super) struct UnknownIssuer {
    name: Option<String>,
}

impl fmt::Display for UnknownIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(
                formatter,
                "its certificate is issued by {name:?}, which this machine does not trust"
            ),
            None => formatter.write_str(
                "its certificate is issued by somebody whom this machine does not trust",
            ),
        }?;
        formatter.write_str(
            "; if that is your company, install its root, or name the file by --ca FILE or NODE_EXTRA_CA_CERTS",
        )
    }
}

impl std::error::Error for UnknownIssuer {}
