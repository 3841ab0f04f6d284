//! Addresses that a public server must not lead this program to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Network of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The Internet, or not known.
    Public,
    /// Loopback, a private network or the metadata service of a cloud.
    Private,
}

/// Network of a host with these addresses. Private ones beside public ones are not connected to, so they do not count.
pub(crate) fn reach(addresses: &[IpAddr]) -> Reach {
    if !addresses.is_empty() && addresses.iter().all(is_private) {
        Reach::Private
    } else {
        Reach::Public
    }
}

pub(super) fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(*address),
        IpAddr::V6(address) => match embedded_v4(*address) {
            Some(inner) => is_private_v4(inner),
            None => is_private_v6(*address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    // 100.64.0.0/10 is shared by the customers of a provider. 198.18.0.0/15 is not looked at: proxies on many people's machines give
    // public names addresses of it.
    let is_shared = first == 100 && second & 0xc0 == 64;
    // Protocols between networks, RFC 6890.
    let is_of_protocols = [first, second, third] == [192, 0, 0];
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || first == 0
        || first >= 224
        || is_shared
        || is_of_protocols
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || matches!(
            address.segments(),
            // NAT64 of a network of its own, RFC 8215; addresses of a site, RFC 3879.
            [0x64, 0xff9b, 1, ..] | [0xfec0..=0xfeff, ..]
        )
}

/// IPv4 address that a mapped, NAT64 or 6to4 address stands for.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = address.octets();
    let at = |from: usize| -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = octets.get(from..from + 4)?.try_into().ok()?;
        Some(bytes.into())
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => at(12),
        [0x2002, ..] => at(2),
        _ => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_public_addresses_are_distinguished() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "192.0.0.8",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "64:ff9b:1::808:808",
            "fec0::1",
            "feff::1",
        ];
        for address in private {
            assert_eq!(
                reach(&[address.parse().unwrap()]),
                Reach::Private,
                "{address}"
            );
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:2::1",
            "192.0.1.1",
        ] {
            assert_eq!(
                reach(&[address.parse().unwrap()]),
                Reach::Public,
                "{address}"
            );
        }
    }

    #[test]
    fn a_private_address_among_public_ones_makes_no_private_host() {
        assert_eq!(
            reach(&["1.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap()]),
            Reach::Public
        );
        assert_eq!(reach(&[]), Reach::Public);
    }
}
