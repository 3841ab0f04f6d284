//! Addresses of clients, and their networks, by which anonymous clients are told apart.

use std::net::{IpAddr, Ipv6Addr};

/// Header with the address of a client. Cloudflare sets it, over any that came from outside.
pub const ADDRESS_HEADER: &str = "cf-connecting-ip";

/// Bits of the network of an IPv6 address: one subnet, of which a machine has every address.
const SUBNET_BITS: u32 = 64;

/// Bits of the site of an IPv6 address: one customer of a provider can have all 65,536 subnets of it.
const SITE_BITS: u32 = 48;

/// Networks of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    /// The IPv4 address, or the subnet of an IPv6 address.
    pub own: String,
    /// The site of an IPv6 address.
    pub site: Option<String>,
}

impl Networks {
    /// The networks of an address; `None` if the text is not an address.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(v4) => Some(Self {
                own: v4.to_string(),
                site: None,
            }),
            IpAddr::V6(v6) => Some(Self {
                own: prefix(v6, SUBNET_BITS),
                site: Some(prefix(v6, SITE_BITS)),
            }),
        }
    }
}

fn prefix(address: Ipv6Addr, bits: u32) -> String {
    let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - bits)));
    format!("{network}/{bits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<(String, Option<String>)> {
        Networks::of(address).map(|networks| (networks.own, networks.site))
    }

    #[test]
    fn an_ipv6_address_belongs_to_a_subnet_and_a_site() {
        let expected = Some((
            "2001:db8:1:2::/64".to_owned(),
            Some("2001:db8:1::/48".to_owned()),
        ));
        assert_eq!(of("2001:db8:1:2::1"), expected);
        assert_eq!(of("2001:db8:1:2:ffff::1"), expected);
    }

    #[test]
    fn an_ipv4_address_is_one_network_even_in_ipv6_notation() {
        assert_eq!(of("192.0.2.1"), Some(("192.0.2.1".to_owned(), None)));
        assert_eq!(of(" ::ffff:192.0.2.1 "), of("192.0.2.1"));
    }

    #[test]
    fn a_text_that_is_no_address_has_no_network() {
        for text in ["", "unknown", "192.0.2.1, 192.0.2.2", "192.0.2"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
