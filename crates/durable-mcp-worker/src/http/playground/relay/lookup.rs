//! Addresses of a name, looked up by DNS over HTTPS (the JSON form of
//! <https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/>).
//!
//! The runtime connects to no private address on Cloudflare either. The look-up refuses them also where a Worker runs elsewhere, and
//! tells the reason.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::http::request_runtime::RequestRuntime;

/// The resolver.
const RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// Records with addresses (RFC 1035, RFC 3596).
const TYPES: [(&str, u64); 2] = [("A", 1), ("AAAA", 28)];

/// Milliseconds for which a name counts as public without another lookup.
const KNOWN_MS: u64 = 60_000;

/// Limit of names that are known to be public.
const MAX_KNOWN: usize = 256;

/// Reason for which a name is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupError {
    /// The name does not exist, or has no address.
    Unknown,
    /// One of its addresses is not of the public internet.
    Private,
    /// The resolver does not answer as it should.
    Resolver,
}

/// Names whose addresses were public a moment ago, in one isolate.
#[derive(Debug, Default)]
pub(super) struct KnownNames(RefCell<BTreeMap<String, u64>>);

impl KnownNames {
    /// Checks that a name has addresses, and that all of them are of the public internet.
    pub(super) async fn check(
        &self,
        name: &str,
        runtime: &dyn RequestRuntime,
    ) -> Result<(), LookupError> {
        let now = runtime.now();
        if self.0.borrow().get(name).is_some_and(|until| now < *until) {
            return Ok(());
        }
        let mut has_address = false;
        for (record, kind) in TYPES {
            let url = format!("{RESOLVER}?name={name}&type={record}");
            let answer = runtime.look_up(&url).await.map_err(|fault| {
                runtime.warn(&format!("the relay's resolver: {}", fault.0));
                LookupError::Resolver
            })?;
            for address in addresses(&answer, kind)? {
                if !is_public(address) {
                    return Err(LookupError::Private);
                }
                has_address = true;
            }
        }
        if !has_address {
            return Err(LookupError::Unknown);
        }
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(name.to_owned(), now + KNOWN_MS);
        Ok(())
    }
}

/// The addresses in an answer, records of other types left out.
fn addresses(answer: &str, kind: u64) -> Result<Vec<IpAddr>, LookupError> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| LookupError::Resolver)?;
    match answer.get("Status").and_then(Value::as_u64) {
        Some(0) => {}
        // NXDOMAIN (RFC 1035 section 4.1.1).
        Some(3) => return Ok(Vec::new()),
        _ => return Err(LookupError::Resolver),
    }
    let records = answer
        .get("Answer")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let of_kind = records
        .iter()
        .filter(|record| record.get("type").and_then(Value::as_u64) == Some(kind));
    of_kind
        .map(|record| {
            record
                .get("data")
                .and_then(Value::as_str)
                .and_then(|data| data.parse().ok())
        })
        .collect::<Option<_>>()
        .ok_or(LookupError::Resolver)
}

/// Whether an address is of the public internet (IANA special-purpose address registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

/// Global unicast addresses (`2000::/3`), without those that have an IPv4 address in them or are for documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = match first {
        // Protocol assignments, among them Teredo, and documentation.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4.
        0x2002 => true,
        // Documentation.
        0x3fff => second < 0x1000,
        _ => false,
    };
    (0x2000..0x4000).contains(&first) && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:1.1.1.1",
            "::1.1.1.1",
            "64:ff9b::1.1.1.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_unreadable_dns_answer_is_an_error() {
        assert_eq!(addresses(r#"{"Status":3}"#, 1), Ok(Vec::new()));
        let aliased =
            r#"{"Status":0,"Answer":[{"type":5,"data":"b.example."},{"type":1,"data":"1.1.1.1"}]}"#;
        assert_eq!(addresses(aliased, 1), Ok(vec!["1.1.1.1".parse().unwrap()]));
        for answer in [
            "",
            "[]",
            "{}",
            r#"{"Status":2}"#,
            r#"{"Status":0,"Answer":[{"type":1,"data":"1.1.1"}]}"#,
            r#"{"Status":0,"Answer":[{"type":1}]}"#,
        ] {
            assert_eq!(addresses(answer, 1), Err(LookupError::Resolver), "{answer}");
        }
    }
}
