//! How often strangers may make this server write or fetch.
//!
//! The counts are in the memory of one isolate. They keep one caller from filling the store by accident or with little
//! effort; against many callers a deployment has the rate limiting of its zone.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// New registrations of one address at once: somebody sets up several tools in a row, or an office shares an address.
pub const ADDRESS_BURST: u64 = 20;

/// Then one new registration each this long.
pub const ADDRESS_INTERVAL_MS: u64 = 30_000;

/// New registrations of everybody at once.
pub const TOTAL_BURST: u64 = 300;

/// Then one new registration each this long.
pub const TOTAL_INTERVAL_MS: u64 = 1_000;

/// Fetches of metadata documents at once: who asks for one names a host that is then asked by us.
pub const DOCUMENT_BURST: u64 = 100;

/// Then one fetch each this long.
pub const DOCUMENT_INTERVAL_MS: u64 = 500;

/// Addresses that are counted one by one. Beyond that only the total counts, so that memory stays bounded.
pub const MAX_ADDRESSES: usize = 4_096;

/// A token bucket, kept as the time at which it will be full again.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    full: u64,
}

impl Bucket {
    /// Takes one, or says in how many milliseconds there will be one.
    fn take(&mut self, burst: u64, interval_ms: u64, now: u64) -> Result<(), u64> {
        let full = self.full.max(now) + interval_ms;
        let wait = (full - now).saturating_sub(burst * interval_ms);
        if wait == 0 {
            self.full = full;
            return Ok(());
        }
        Err(wait)
    }
}

/// What has been used up lately.
#[derive(Debug, Default)]
pub struct Rates {
    addresses: BTreeMap<String, Bucket>,
    total: Bucket,
    documents: Bucket,
}

impl Rates {
    /// Counts a new registration.
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub fn registration(&mut self, address: &str, now: u64) -> Result<(), u32> {
        let network = network(address);
        if self.addresses.len() >= MAX_ADDRESSES {
            self.addresses.retain(|_, bucket| bucket.full > now);
        }
        if self.addresses.len() < MAX_ADDRESSES || self.addresses.contains_key(&network) {
            let bucket = self.addresses.entry(network).or_default();
            bucket.take(ADDRESS_BURST, ADDRESS_INTERVAL_MS, now).map_err(seconds)?;
        }
        self.total.take(TOTAL_BURST, TOTAL_INTERVAL_MS, now).map_err(seconds)
    }

    /// Counts the fetch of a metadata document.
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub fn document(&mut self, now: u64) -> Result<(), u32> {
        self.documents.take(DOCUMENT_BURST, DOCUMENT_INTERVAL_MS, now).map_err(seconds)
    }
}

fn seconds(ms: u64) -> u32 {
    u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)
}

/// The address, or the network of an IPv6 address: who has one has the 2^64 of its subnet.
fn network(address: &str) -> String {
    match address.trim().parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).to_string()
        }
        Ok(ip) => ip.to_canonical().to_string(),
        // Where there is no address, everybody counts as one.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn until_refused(rates: &mut Rates, address: &str, now: u64) -> (u64, u32) {
        let mut count = 0;
        loop {
            match rates.registration(address, now) {
                Ok(()) => count += 1,
                Err(wait) => return (count, wait),
            }
        }
    }

    #[test]
    fn an_address_has_a_burst_and_then_one_an_interval() {
        let mut rates = Rates::default();
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW), (ADDRESS_BURST, 30));
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW + 29_000), (0, 1));
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW + 30_000), (1, 30));
        assert_eq!(until_refused(&mut rates, "192.0.2.2", NOW + 30_000).0, ADDRESS_BURST);
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW + 3_600_000).0, ADDRESS_BURST);
    }

    #[test]
    fn a_subnet_counts_as_one_address() {
        let mut rates = Rates::default();
        assert_eq!(until_refused(&mut rates, "2001:db8::1", NOW).0, ADDRESS_BURST);
        assert_eq!(until_refused(&mut rates, "2001:db8::ffff:1", NOW).0, 0);
        assert_eq!(until_refused(&mut rates, "2001:db8:0:1::1", NOW).0, ADDRESS_BURST);
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network("unknown"), network(""));
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let mut rates = Rates::default();
        let taken: usize =
            (0..1000).filter(|n| rates.registration(&format!("10.0.{}.{}", n / 250, n % 250), NOW).is_ok()).count();
        assert_eq!(taken as u64, TOTAL_BURST);
        assert!(rates.registration("10.1.0.0", NOW + 1_000).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_forgets_who_waited() {
        let mut rates = Rates::default();
        for n in 0..MAX_ADDRESSES * 2 {
            let _ = rates.registration(&format!("10.{}.{}.{}", n / 65536, n / 256 % 256, n % 256), NOW);
        }
        assert_eq!(rates.addresses.len(), MAX_ADDRESSES);
        assert!(rates.registration("192.0.2.1", NOW + 3_600_000).is_ok());
        assert_eq!(rates.addresses.len(), 1);
    }

    #[test]
    fn fetches_have_a_limit_of_their_own() {
        let mut rates = Rates::default();
        assert!((0..DOCUMENT_BURST).all(|_| rates.document(NOW).is_ok()));
        assert_eq!(rates.document(NOW), Err(1));
        assert!(rates.registration("192.0.2.1", NOW).is_ok());
        assert!(rates.document(NOW + DOCUMENT_INTERVAL_MS).is_ok());
    }
}
