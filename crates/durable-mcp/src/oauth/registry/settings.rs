//! Which clients are taken.

use crate::oauth::document_url::DocumentPolicy;
use crate::oauth::registration::Offer;
use crate::oauth::uri::Host;

/// A client's record is known for this long, unless [`RegistrySettings`] say otherwise: the steps of a sign-in follow each
/// other within seconds.
pub const KNOWN_MS: u64 = 10_000;

/// Which clients are taken.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// What clients may register for.
    pub offer: Offer,
    /// Which metadata documents are taken.
    pub documents: DocumentPolicy,
    /// How long an isolate knows a client's record that it read or wrote, in milliseconds. What another isolate changes or
    /// deletes is seen that much later, which is little beside the minute that Workers KV may take; and a client's grants
    /// are ended where they are, not by its record.
    pub known_ms: u64,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        let (offer, documents) = (Offer::default(), DocumentPolicy::default());
        Self { offer, documents, known_ms: KNOWN_MS }
    }
}

impl RegistrySettings {
    /// The same for a server at `origin`. It must not ask itself for a document: it would wait for its own answer, and
    /// one URL inside another would make it do so many times over. Nor does it send answers to itself.
    #[must_use]
    pub fn at(&self, origin: &str) -> Self {
        let mut settings = self.clone();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        settings.documents.own_hosts.extend(Host::parse(host).map(|host| host.name.to_owned()));
        settings.offer.redirects.own_origins.push(origin.to_owned());
        settings
    }
}
