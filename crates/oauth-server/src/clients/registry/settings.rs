//! Settings of the registry.

use std::time::Duration;

use crate::document_url::DocumentPolicy;
use crate::registration::RegistrationOffer;
use crate::uri::UriHost;

/// Default of [`RegistrySettings::client_cache_ttl`]: the steps of a sign-in follow each other within seconds.
const CLIENT_CACHE_TTL: Duration = Duration::from_secs(10);

/// Policy for clients outside the configuration.
#[derive(Debug, Clone)]
pub struct RegistrySettings {
    /// Metadata that clients may register with.
    pub offer: RegistrationOffer,
    /// Policy for metadata documents.
    pub documents: DocumentPolicy,
    /// Time for which an isolate caches a client's record that it read or wrote. What another isolate changes
    /// or deletes is seen that much later, which is little beside the minute that Workers KV may take; and a client's
    /// grants are ended where they are, not by its record.
    pub client_cache_ttl: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        let (offer, documents) = (RegistrationOffer::default(), DocumentPolicy::default());
        Self {
            offer,
            documents,
            client_cache_ttl: CLIENT_CACHE_TTL,
        }
    }
}

impl RegistrySettings {
    /// Settings for a server at `origin`, which must not fetch a document from itself: it would wait for its own
    /// answer, and one URL inside another would make it do so many times over. Redirect URIs that lead to it are
    /// refused, too.
    #[must_use]
    pub fn at(&self, origin: &str) -> Self {
        let mut settings = self.clone();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        settings
            .documents
            .own_hosts
            .extend(UriHost::parse(host).map(|host| host.name.to_owned()));
        settings.offer.redirects.own_origins.push(origin.to_owned());
        settings
    }
}
