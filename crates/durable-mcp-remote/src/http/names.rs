//! Look-ups of names for connections.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::address::{Reach, is_private, reach};

/// Names whose addresses are remembered. A process meets few.
const MAX_NAMES: usize = 256;

/// Look-ups of the system, and the addresses that they found: the last ones, until those of a name are public.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

/// Look-ups that leave out the private addresses of some names. They are made for the connection itself, so a name cannot have other
/// addresses by then.
#[derive(Clone, Default)]
pub(super) struct PublicNames(Arc<Mutex<HashSet<String>>>);

/// Name that has private addresses alone, and must have others.
#[derive(Debug)]
pub(super) struct PrivateName;

impl fmt::Display for PrivateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name has addresses of a private network")
    }
}

impl Error for PrivateName {}

impl Names {
    /// Public addresses of a name that were found for a connection once, else those of the last look-up.
    pub(super) fn known(&self, name: &str) -> Option<Vec<IpAddr>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    /// Notes the addresses of a name. One that was public once stays public: its owner may change it to an address of this machine
    /// while an earlier connection is open.
    fn note(&self, name: String, found: &[SocketAddr]) {
        let found: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may_note = match known.get(&name) {
            Some(before) => before.is_empty() || reach(before) == Reach::Private,
            None => known.len() < MAX_NAMES,
        };
        if may_note {
            known.insert(name, found);
        }
    }
}

impl PublicNames {
    /// Leaves out the private addresses of a name from now on. Others, as those of proxies, keep theirs.
    pub(super) fn guard(&self, name: &str) {
        let mut guarded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !guarded.contains(name) {
            guarded.insert(name.to_owned());
        }
    }

    fn is_guarded(&self, name: &str) -> bool {
        let guarded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guarded.contains(name)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            names.note(name.as_str().to_owned(), &found);
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let is_guarded = self.is_guarded(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let connected = without_private(found, is_guarded)?;
            Ok(Box::new(connected.into_iter()) as Addrs)
        })
    }
}

fn without_private(
    found: Vec<SocketAddr>,
    is_guarded: bool,
) -> Result<Vec<SocketAddr>, PrivateName> {
    if !is_guarded || found.is_empty() {
        return Ok(found);
    }
    let public = found
        .into_iter()
        .filter(|address| !is_private(&address.ip()));
    Some(public.collect::<Vec<_>>())
        .filter(|public| !public.is_empty())
        .ok_or(PrivateName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_of_guarded_names_are_left_out() {
        let [public, private]: [SocketAddr; 2] =
            ["1.1.1.1:0", "[::1]:0"].map(|address| address.parse().unwrap());
        let both = || vec![private, public];
        assert_eq!(without_private(both(), true).unwrap(), [public]);
        assert_eq!(without_private(both(), false).unwrap(), both());
        assert!(without_private(vec![private], true).is_err());
        assert!(without_private(Vec::new(), true).unwrap().is_empty());
    }

    #[test]
    fn a_name_that_was_public_once_stays_public() {
        let names = Names::default();
        let [public, private]: [SocketAddr; 2] =
            ["1.1.1.1:0", "127.0.0.1:0"].map(|address| address.parse().unwrap());
        for (found, known) in [
            (vec![], vec![]),
            (vec![private], vec![private.ip()]),
            (vec![public], vec![public.ip()]),
            (vec![private], vec![public.ip()]),
            (vec![], vec![public.ip()]),
        ] {
            names.note("x.example".to_owned(), &found);
            assert_eq!(names.known("x.example"), Some(known), "{found:?}");
        }
    }

    #[test]
    fn names_are_guarded_one_by_one() {
        let names = PublicNames::default();
        names.guard("a.example");
        assert!(names.is_guarded("a.example") && !names.is_guarded("proxy.example"));
    }
}
