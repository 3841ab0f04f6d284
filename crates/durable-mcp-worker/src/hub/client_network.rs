//! Networks of clients without a user. Each has a quota, since nothing else tells strangers apart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::keys::Keys;
use durable_core::wire::Networks;

/// Bytes of the name of a network: enough that two do not share one.
const NAME_BYTES: usize = 12;

/// Network of a client, by names that tell nothing of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientNetwork {
    /// Name of the IPv4 address, or of the IPv6 subnet.
    pub network: String,
    /// Name of the IPv6 site; none for IPv4.
    pub site: Option<String>,
}

impl ClientNetwork {
    /// The origin of an address; `None` if the text is not one. Cloudflare sends every client's address, so that happens in
    /// local development alone, where no quota is needed.
    #[must_use]
    pub fn of(keys: &Keys, address: &str) -> Option<Self> {
        let Networks { own, site } = Networks::of(address)?;
        Some(Self {
            network: name(keys, &own),
            site: site.map(|site| name(keys, &site)),
        })
    }

    /// The origin as text: both names, with a space between.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{} {}",
            self.network,
            self.site.as_deref().unwrap_or_default()
        )
    }

    /// Reads an origin from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (network, site) = text.split_once(' ')?;
        let site = (!site.is_empty()).then(|| site.to_owned());
        (!network.is_empty()).then(|| Self {
            network: network.to_owned(),
            site,
        })
    }
}

fn name(keys: &Keys, network: &str) -> String {
    let mac = keys.anchor_mac("listener's network", network.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.get(..NAME_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<ClientNetwork> {
        ClientNetwork::of(&Keys::from_secret("k"), address)
    }

    #[test]
    fn addresses_of_one_subnet_or_site_share_a_network_name() {
        let one = of("2001:db8:1:2::1").unwrap();
        assert_eq!(of("2001:db8:1:2:ffff::1").as_ref(), Some(&one));
        let beside = of("2001:db8:1:3::1").unwrap();
        assert!(beside.network != one.network && beside.site == one.site);
        let elsewhere = of("2001:db8:2:2::1").unwrap();
        assert!(elsewhere.network != one.network && elsewhere.site != one.site);
    }

    #[test]
    fn a_network_name_reveals_nothing_of_the_address() {
        let one = of("192.0.2.1").unwrap();
        assert!(one.site.is_none() && one.network.len() == 16 && !one.network.contains("192"));
        assert_ne!(of("192.0.2.2"), Some(one));
        assert_eq!(of("unknown"), None);
    }

    #[test]
    fn an_origin_survives_being_stored() {
        for address in ["192.0.2.1", "2001:db8::1"] {
            let origin = of(address).unwrap();
            assert_eq!(ClientNetwork::parse(&origin.to_text()), Some(origin));
        }
        assert_eq!(
            (ClientNetwork::parse(""), ClientNetwork::parse(" ")),
            (None, None)
        );
    }
}
