//! Rate limits for what strangers can make this server write or fetch.
//!
//! Besides every quota that strangers share, each network has a smaller one: a stranger who uses that up holds back nobody
//! else. The counts are in the memory of one isolate. They keep a few callers from filling the store or flooding other hosts;
//! against a great many networks a deployment has the rate limiting of its zone.

use std::collections::BTreeMap;

use durable_core::wire::Networks;

/// Addresses, networks and hosts that are counted one by one, of each kind. Beyond that only the total counts, so that
/// memory stays bounded.
pub const MAX_COUNTED: usize = 4_096;

/// New registrations of one address: somebody sets up several tools in a row, or an office shares an address.
pub const REGISTRATIONS: RateQuota = RateQuota {
    burst: 20,
    interval_ms: 30_000,
};

/// New registrations of everybody.
pub const ALL_REGISTRATIONS: RateQuota = RateQuota {
    burst: 300,
    interval_ms: 1_000,
};

/// Fetches of metadata documents for one address. A document is fetched once for everybody, and then kept.
pub const FETCHES: RateQuota = RateQuota {
    burst: 20,
    interval_ms: 10_000,
};

/// Fetches of metadata documents from one host, which others cause. Larger than the quota of an address, so that one
/// stranger does not use it up.
pub const HOST_FETCHES: RateQuota = RateQuota {
    burst: 60,
    interval_ms: 1_000,
};

/// Fetches of metadata documents for everybody.
pub const ALL_FETCHES: RateQuota = RateQuota {
    burst: 300,
    interval_ms: 200,
};

/// Fetches that a failed one counts for, at the address that caused it: documents of applications exist, made-up ones do
/// not.
pub const FAILED_FETCH_COST: u64 = 4;

/// Quota of a site, in multiples of that of an address. A site is an IPv6 network of 48 bits, which one customer of a
/// provider can have, with the 65,536 subnets in it.
pub const SITE_FACTOR: u64 = 4;

/// Tokens of an address that look like those of workers-oauth-provider and are none: each costs reads of Workers KV, and
/// anybody can make them up. A client has one or two that have ended.
pub const LEGACY_MISSES: RateQuota = RateQuota {
    burst: 20,
    interval_ms: 10_000,
};

/// Wrong tokens of operators from one address. A person mistypes a few times; guessing is hopeless anyway, and refused
/// before a token is looked at from then on.
pub const OPERATOR_MISSES: RateQuota = RateQuota {
    burst: 10,
    interval_ms: 10_000,
};

/// Rate limit, by the parameters of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateQuota {
    /// Times at once: the size of the bucket.
    pub burst: u64,
    /// Milliseconds until one more is allowed.
    pub interval_ms: u64,
}

impl RateQuota {
    /// The quota of a site whose addresses have this one each.
    #[must_use]
    pub const fn of_site(self) -> Self {
        Self {
            burst: self.burst * SITE_FACTOR,
            interval_ms: self.interval_ms / SITE_FACTOR,
        }
    }
}

/// A token bucket, stored as the time at which it will be full again.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    full: u64,
}

impl Bucket {
    /// Milliseconds until the bucket holds a token; 0 if it holds one.
    fn wait(self, quota: RateQuota, now: u64) -> u64 {
        let full = self.full.max(now) + quota.interval_ms;
        (full - now).saturating_sub(quota.burst * quota.interval_ms)
    }

    fn take(&mut self, count: u64, quota: RateQuota, now: u64) {
        self.full = self.full.max(now) + count * quota.interval_ms;
    }
}

/// Token buckets by network, or by host.
#[derive(Debug, Default)]
struct Buckets(BTreeMap<String, Bucket>);

impl Buckets {
    fn wait(&self, key: &str, quota: RateQuota, now: u64) -> u64 {
        self.0.get(key).map_or(0, |bucket| bucket.wait(quota, now))
    }

    fn take(&mut self, key: &str, count: u64, quota: RateQuota, now: u64) {
        if self.0.len() >= MAX_COUNTED {
            self.0.retain(|_, bucket| bucket.full > now);
        }
        if self.0.len() < MAX_COUNTED || self.0.contains_key(key) {
            self.0
                .entry(key.to_owned())
                .or_default()
                .take(count, quota, now);
        }
    }
}

/// Use of every quota, in the memory of one isolate.
#[derive(Debug, Default)]
pub struct Rates {
    registrations: Buckets,
    all_registrations: Bucket,
    fetches: Buckets,
    hosts: Buckets,
    all_fetches: Bucket,
    legacy_misses: Buckets,
    operator_misses: Buckets,
}

impl Rates {
    /// Checks whether a token in the shape of workers-oauth-provider's may be looked up: not if its address has sent too many
    /// made-up ones.
    ///
    /// # Errors
    /// With the seconds to wait.
    pub fn legacy(&self, address: &str, now: u64) -> Result<(), u32> {
        let networks = networks(address, LEGACY_MISSES);
        allow(
            networks
                .iter()
                .map(|(key, quota)| self.legacy_misses.wait(key, *quota, now)),
        )
    }

    /// Counts a token that was looked up and does not exist.
    pub fn legacy_missed(&mut self, address: &str, now: u64) {
        for (key, quota) in networks(address, LEGACY_MISSES) {
            self.legacy_misses.take(&key, 1, quota, now);
        }
    }

    /// Checks whether a token of an operator may be tried: not if its address has sent too many wrong ones.
    ///
    /// # Errors
    /// With the seconds to wait.
    pub fn operator(&self, address: &str, now: u64) -> Result<(), u32> {
        let networks = networks(address, OPERATOR_MISSES);
        allow(
            networks
                .iter()
                .map(|(key, quota)| self.operator_misses.wait(key, *quota, now)),
        )
    }

    /// Counts a wrong token of an operator.
    pub fn operator_missed(&mut self, address: &str, now: u64) {
        for (key, quota) in networks(address, OPERATOR_MISSES) {
            self.operator_misses.take(&key, 1, quota, now);
        }
    }

    /// Counts a new registration.
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub fn registration(&mut self, address: &str, now: u64) -> Result<(), u32> {
        let networks = networks(address, REGISTRATIONS);
        let own = networks
            .iter()
            .map(|(key, quota)| self.registrations.wait(key, *quota, now));
        allow(own.chain([self.all_registrations.wait(ALL_REGISTRATIONS, now)]))?;
        for (key, quota) in networks {
            self.registrations.take(&key, 1, quota, now);
        }
        self.all_registrations.take(1, ALL_REGISTRATIONS, now);
        Ok(())
    }

    /// Counts the fetch of a metadata document from `host` for a client at `address`.
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub fn fetch(&mut self, address: &str, host: &str, now: u64) -> Result<(), u32> {
        let networks = known_networks(address);
        let own = networks
            .iter()
            .map(|(key, quota)| self.fetches.wait(key, *quota, now));
        let shared = [
            self.hosts.wait(host, HOST_FETCHES, now),
            self.all_fetches.wait(ALL_FETCHES, now),
        ];
        allow(own.chain(shared))?;
        self.take_fetches(networks, 1, now);
        self.hosts.take(host, 1, HOST_FETCHES, now);
        self.all_fetches.take(1, ALL_FETCHES, now);
        Ok(())
    }

    /// Counts the failure of a fetch that was counted before.
    pub fn fetch_failed(&mut self, address: &str, now: u64) {
        self.take_fetches(known_networks(address), FAILED_FETCH_COST - 1, now);
    }

    fn take_fetches(&mut self, networks: Vec<(String, RateQuota)>, count: u64, now: u64) {
        for (key, quota) in networks {
            self.fetches.take(&key, count, quota, now);
        }
    }
}

/// Refuses if one of the waits, in milliseconds, is not 0.
fn allow(waits: impl Iterator<Item = u64>) -> Result<(), u32> {
    match waits.max() {
        Some(ms) if ms > 0 => Err(u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)),
        _ => Ok(()),
    }
}

/// The networks that an address is counted with for fetches. Cloudflare sends every client's address; in local development
/// there is none, and no quota is needed.
fn known_networks(address: &str) -> Vec<(String, RateQuota)> {
    if address.is_empty() {
        Vec::new()
    } else {
        networks(address, FETCHES)
    }
}

/// The networks that an address is counted with, and the quota of each: an IPv4 address; of an IPv6 address the subnet and
/// the site.
fn networks(address: &str, quota: RateQuota) -> Vec<(String, RateQuota)> {
    match Networks::of(address) {
        Some(Networks { own, site }) => [(own, quota)]
            .into_iter()
            .chain(site.map(|site| (site, quota.of_site())))
            .collect(),
        // Requests without an address count together.
        None => vec![(String::new(), quota)],
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

    /// Failed fetches that one address can cause at one host until it is refused.
    fn failed_until_refused(rates: &mut Rates, address: &str, now: u64) -> u64 {
        let mut count = 0;
        while rates.fetch(address, "made-up.example", now).is_ok() {
            rates.fetch_failed(address, now);
            count += 1;
        }
        count
    }

    #[test]
    fn an_address_may_use_its_burst_and_then_one_per_interval() {
        let (mut rates, burst) = (Rates::default(), REGISTRATIONS.burst);
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW), (burst, 30));
        assert_eq!(until_refused(&mut rates, "192.0.2.1", NOW + 29_000), (0, 1));
        assert_eq!(
            until_refused(&mut rates, "192.0.2.1", NOW + 30_000),
            (1, 30)
        );
        assert_eq!(
            until_refused(&mut rates, "192.0.2.2", NOW + 30_000).0,
            burst
        );
        assert_eq!(
            until_refused(&mut rates, "192.0.2.1", NOW + 3_600_000).0,
            burst
        );
    }

    #[test]
    fn a_subnet_counts_as_one_address_and_a_site_has_four() {
        let (mut rates, burst) = (Rates::default(), REGISTRATIONS.burst);
        assert_eq!(until_refused(&mut rates, "2001:db8::1", NOW).0, burst);
        assert_eq!(until_refused(&mut rates, "2001:db8::ffff:1", NOW).0, 0);
        assert_eq!(until_refused(&mut rates, "2001:db8:0:1::1", NOW).0, burst);
        let site: u64 = (2..100)
            .map(|n| until_refused(&mut rates, &format!("2001:db8:0:{n:x}::1"), NOW).0)
            .sum();
        assert_eq!(site, (SITE_FACTOR - 2) * burst);
        assert_eq!(
            until_refused(&mut rates, "2001:db8:1::1", NOW).0,
            burst,
            "another site has its own"
        );
        assert_eq!(
            networks("::ffff:192.0.2.1", REGISTRATIONS),
            networks("192.0.2.1", REGISTRATIONS)
        );
        assert_eq!(
            networks("unknown", REGISTRATIONS),
            networks("", REGISTRATIONS)
        );
    }

    #[test]
    fn all_addresses_together_have_a_limit() {
        let mut rates = Rates::default();
        let taken: usize = (0..1000)
            .filter(|n| {
                rates
                    .registration(&format!("10.0.{}.{}", n / 250, n % 250), NOW)
                    .is_ok()
            })
            .count();
        assert_eq!(taken as u64, ALL_REGISTRATIONS.burst);
        assert!(rates.registration("10.1.0.0", NOW + 1_000).is_ok());
    }

    #[test]
    fn the_number_of_counted_addresses_is_bounded() {
        let mut rates = Rates::default();
        for n in 0..MAX_COUNTED * 2 {
            let address = format!("10.{}.{}.{}", n / 65536, n / 256 % 256, n % 256);
            // One after the other, so that the total lets them.
            let now = NOW + n as u64;
            rates.all_registrations = Bucket::default();
            assert!(rates.registration(&address, now).is_ok());
        }
        assert_eq!(rates.registrations.0.len(), MAX_COUNTED);
        assert!(rates.registration("192.0.2.1", NOW + 3_600_000).is_ok());
        assert_eq!(rates.registrations.0.len(), 1);
    }

    #[test]
    fn a_refused_attempt_uses_up_nothing() {
        let mut rates = Rates::default();
        assert_eq!(
            until_refused(&mut rates, "192.0.2.1", NOW).0,
            REGISTRATIONS.burst
        );
        for _ in 0..1000 {
            assert!(rates.registration("192.0.2.1", NOW).is_err());
        }
        assert_eq!(
            until_refused(&mut rates, "192.0.2.1", NOW + REGISTRATIONS.interval_ms).0,
            1
        );
        assert_eq!(
            until_refused(&mut rates, "192.0.2.2", NOW).0,
            REGISTRATIONS.burst
        );
    }

    #[test]
    fn made_up_documents_of_one_network_delay_no_other_client() {
        for strangers in [
            &["198.51.100.1"][..],
            &["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"],
        ] {
            let (mut rates, mut refused) = (Rates::default(), 0);
            for second in 0..60 {
                let now = NOW + second * 1000;
                for n in 0..5 {
                    let address = strangers[n % strangers.len()];
                    // Half of them of the host that honest people's clients are at.
                    let host = if n % 2 == 0 {
                        "client.example"
                    } else {
                        "made-up.example"
                    };
                    match rates.fetch(address, host, now) {
                        Ok(()) => rates.fetch_failed(address, now),
                        Err(_) => refused += 1,
                    }
                }
                if second % 5 == 4 {
                    let honest = format!("192.0.2.{second}");
                    assert_eq!(
                        rates.fetch(&honest, "client.example", now),
                        Ok(()),
                        "{strangers:?} {second}"
                    );
                }
            }
            assert!(refused > 200, "{refused}");
        }
    }

    #[test]
    fn a_failed_fetch_costs_more_than_a_successful_one() {
        let mut rates = Rates::default();
        let worked = (0..1000)
            .filter(|_| rates.fetch("192.0.2.1", "a.example", NOW).is_ok())
            .count();
        assert_eq!(worked as u64, FETCHES.burst);
        assert_eq!(
            failed_until_refused(&mut rates, "192.0.2.2", NOW),
            FETCHES.burst / FAILED_FETCH_COST
        );
        let after = |fetches: u64| NOW + fetches * FETCHES.interval_ms;
        assert_eq!(failed_until_refused(&mut rates, "192.0.2.2", after(1)), 1);
        assert_eq!(
            failed_until_refused(&mut rates, "192.0.2.2", after(FAILED_FETCH_COST)),
            0
        );
        assert_eq!(
            failed_until_refused(&mut rates, "192.0.2.2", after(FAILED_FETCH_COST + 1)),
            1
        );
    }

    #[test]
    fn lookups_of_unknown_legacy_tokens_are_limited() {
        let mut rates = Rates::default();
        for _ in 0..LEGACY_MISSES.burst {
            assert_eq!(rates.legacy("192.0.2.1", NOW), Ok(()));
            rates.legacy_missed("192.0.2.1", NOW);
        }
        assert_eq!(rates.legacy("192.0.2.1", NOW), Err(10));
        assert_eq!(rates.legacy("192.0.2.2", NOW), Ok(()));
        assert_eq!(
            rates.legacy("192.0.2.1", NOW + LEGACY_MISSES.interval_ms),
            Ok(())
        );
    }

    #[test]
    fn fetches_from_one_host_are_limited_over_all_addresses() {
        let mut rates = Rates::default();
        let asked = |rates: &mut Rates, host: &str| {
            (0..200)
                .filter(|n| rates.fetch(&format!("10.0.0.{n}"), host, NOW).is_ok())
                .count() as u64
        };
        assert_eq!(asked(&mut rates, "a.example"), HOST_FETCHES.burst);
        assert_eq!(asked(&mut rates, "b.example"), HOST_FETCHES.burst);
        assert!(rates.registration("192.0.2.1", NOW).is_ok());
        let all: u64 = (0..50)
            .map(|n| asked(&mut rates, &format!("{n}.example")))
            .sum();
        assert_eq!(all, ALL_FETCHES.burst - 2 * HOST_FETCHES.burst);
    }

    #[test]
    fn a_fetch_without_an_address_counts_for_host_and_total_alone() {
        let mut rates = Rates::default();
        let worked = (0..1000)
            .filter(|_| rates.fetch("", "a.example", NOW).is_ok())
            .count();
        rates.fetch_failed("", NOW);
        assert_eq!(worked as u64, HOST_FETCHES.burst);
    }
}
