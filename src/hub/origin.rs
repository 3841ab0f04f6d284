//! Networks that clients without a user come from. Each has a quota, since a stranger has nothing else to be told apart by.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::Keys;

/// Header with the address of a client. Cloudflare sets it, over any that came from outside.
pub const ADDRESS_HEADER: &str = "cf-connecting-ip";

/// Bits of the network of an IPv6 address: one subnet, of which a machine has every address.
const SUBNET_BITS: u32 = 64;

/// Bits of the site of an IPv6 address: one customer of a provider can have all subnets of it.
const SITE_BITS: u32 = 48;

/// Bytes of the name of a network: enough that two do not share one.
const NAME_BYTES: usize = 12;

/// Network of a client, by names that tell nothing of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the IPv4 address, or of the IPv6 subnet.
    pub network: String,
    /// Name of the IPv6 site; none for IPv4.
    pub site: Option<String>,
}

impl Origin {
    /// The origin of an address; none if it is not one. Cloudflare tells every address, so there is none only on a machine
    /// of one's own, where there is nobody to be held back.
    #[must_use]
    pub fn of(keys: &Keys, address: &str) -> Option<Self> {
        let name = |of: IpAddr, bits: u32| {
            let mac = keys.anchor_mac("listener's network", format!("{of}/{bits}").as_bytes());
            URL_SAFE_NO_PAD.encode(mac.get(..NAME_BYTES).unwrap_or_default())
        };
        match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(v4) => Some(Self { network: name(v4.into(), u32::BITS), site: None }),
            IpAddr::V6(v6) => Some(Self {
                network: name(begin(v6, SUBNET_BITS), SUBNET_BITS),
                site: Some(name(begin(v6, SITE_BITS), SITE_BITS)),
            }),
        }
    }

    /// The origin as text: both names, with a space between.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{} {}", self.network, self.site.as_deref().unwrap_or_default())
    }

    /// Reads an origin from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (network, site) = text.split_once(' ')?;
        let site = (!site.is_empty()).then(|| site.to_owned());
        (!network.is_empty()).then(|| Self { network: network.to_owned(), site })
    }
}

/// The first address of the network with so many bits.
fn begin(address: Ipv6Addr, bits: u32) -> IpAddr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - bits))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<Origin> {
        Origin::of(&Keys::from_secret("k"), address)
    }

    #[test]
    fn addresses_of_one_subnet_or_site_share_its_name() {
        let one = of("2001:db8:1:2::1").unwrap();
        assert_eq!(of("2001:db8:1:2:ffff::1").as_ref(), Some(&one));
        let beside = of("2001:db8:1:3::1").unwrap();
        assert!(beside.network != one.network && beside.site == one.site);
        let elsewhere = of("2001:db8:2:2::1").unwrap();
        assert!(elsewhere.network != one.network && elsewhere.site != one.site);
    }

    #[test]
    fn an_ipv4_address_is_a_network_however_it_is_written() {
        let one = of("192.0.2.1").unwrap();
        assert_eq!(one.site, None);
        assert_eq!(of(" ::ffff:192.0.2.1 ").as_ref(), Some(&one));
        assert_ne!(of("192.0.2.2").as_ref(), Some(&one));
        assert!(!one.network.contains("192"));
    }

    #[test]
    fn what_is_no_address_has_no_origin() {
        for text in ["", "unknown", "192.0.2.1, 192.0.2.2", "192.0.2"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        for address in ["192.0.2.1", "2001:db8::1"] {
            let origin = of(address).unwrap();
            assert_eq!(Origin::parse(&origin.to_text()), Some(origin));
        }
        assert_eq!((Origin::parse(""), Origin::parse(" ")), (None, None));
    }
}
