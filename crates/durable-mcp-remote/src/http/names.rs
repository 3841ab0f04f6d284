//! Look-ups of names for connections.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::address::is_private;

/// Names whose last addresses are remembered. A process meets few.
const MAX_NAMES: usize = 256;

/// Look-ups of the system, and the addresses that they found last.
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
    /// Addresses of the last look-up of a name for a connection.
    pub(super) fn last(&self, name: &str) -> Option<Vec<IpAddr>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(name).cloned()
    }

    fn note(&self, name: String, found: &[SocketAddr]) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() < MAX_NAMES || last.contains_key(&name) {
            last.insert(name, found.iter().map(SocketAddr::ip).collect());
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
    fn names_are_guarded_one_by_one() {
        let names = PublicNames::default();
        names.guard("a.example");
        assert!(names.is_guarded("a.example") && !names.is_guarded("proxy.example"));
    }
}
