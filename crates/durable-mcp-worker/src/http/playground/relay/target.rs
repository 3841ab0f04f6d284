//! Addresses that the relay sends to: servers of the public web, and none of this deployment's own.

use oauth_server::document_url::{is_below, is_public_name};
use oauth_server::uri::{Uri, UriHost};

use crate::http::policy::HostList;

/// The port of `https`.
const HTTPS_PORT: u16 = 443;

/// Ports below are of services that are no web servers.
const FIRST_FREE_PORT: u16 = 1024;

/// Names below which strangers have names of their own (publicsuffix.org), among those that Workers are reached by.
const SHARED_NAMES: [&str; 4] = [
    "workers.dev",
    "pages.dev",
    "trycloudflare.com",
    "cfargotunnel.com",
];

/// Second labels below which names are registered in the top-level domains of many countries.
const SECOND_LABELS: [&str; 12] = [
    "ac", "co", "com", "edu", "gob", "gov", "ltd", "ne", "net", "nom", "or", "org",
];

/// An address that may be sent to, as far as it can be told without its IP addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) host: String,
}

impl Target {
    /// Reads an address. `own` are the hosts of this deployment, `hosts` those that may be sent to; none is any.
    ///
    /// # Errors
    /// The reason for which nothing is sent there.
    pub(super) fn parse(
        url: &str,
        own: &[&str],
        hosts: Option<&HostList>,
    ) -> Result<Self, &'static str> {
        let Some(Uri {
            scheme: "https",
            authority: Some(authority),
            fragment: None,
            ..
        }) = Uri::parse(url)
        else {
            return Err("The address must be an https URL.");
        };
        if authority.contains('@') {
            return Err("The address must have no user or password.");
        }
        let public = "The host must be a name of the public web, in lower case.";
        let UriHost { name, port } = UriHost::parse(authority).ok_or(public)?;
        if !is_public_name(name) {
            return Err(public);
        }
        if port.is_some_and(|port| port != HTTPS_PORT && port < FIRST_FREE_PORT) {
            return Err("The port must be 443, or 1024 and above.");
        }
        if own.iter().any(|own| is_of_one_domain(own, name)) {
            return Err("The relay does not lead back to this deployment or its domain.");
        }
        if hosts
            .is_some_and(|hosts| !hosts.admits(&format!("{name}:{}", port.unwrap_or(HTTPS_PORT))))
        {
            return Err("The operator of this deployment does not relay to this host.");
        }
        Ok(Self {
            url: url.to_owned(),
            host: authority.to_owned(),
        })
    }

    /// The host without its port.
    pub(super) fn name(&self) -> &str {
        self.host.split(':').next().unwrap_or_default()
    }
}

/// Whether a name is in the domain that was registered for a host of this deployment.
fn is_of_one_domain(own: &str, name: &str) -> bool {
    let own = own
        .rsplit_once(':')
        .map_or(own, |(name, _)| name)
        .trim_end_matches('.')
        .to_ascii_lowercase();
    is_public_name(&own) && is_below(name, registered(&own))
}

/// The domain of a name that somebody registered. Where it is not known how many labels that has, it is the shorter one, so that more
/// names are refused.
fn registered(name: &str) -> &str {
    let two = last_labels(name, 2);
    let is_of_country = two
        .split_once('.')
        .is_some_and(|(second, top)| top.len() == 2 && SECOND_LABELS.contains(&second));
    if is_of_country || SHARED_NAMES.contains(&two) {
        last_labels(name, 3)
    } else {
        two
    }
}

fn last_labels(name: &str, count: usize) -> &str {
    let start = name
        .rmatch_indices('.')
        .nth(count - 1)
        .map_or(0, |(dot, _)| dot + 1);
    name.get(start..).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_domain_of_a_name_is_the_shorter_one_in_doubt() {
        for (name, domain) in [
            ("mcp.example.com", "example.com"),
            ("a.b.c.example.com", "example.com"),
            ("example.com", "example.com"),
            ("mcp.example.co.uk", "example.co.uk"),
            ("mcp.abc.de", "abc.de"),
            ("notes.ann.workers.dev", "ann.workers.dev"),
            ("a.notes.ann.workers.dev", "ann.workers.dev"),
            ("workers.dev", "workers.dev"),
        ] {
            assert_eq!(registered(name), domain, "{name}");
        }
    }
}
