//! The variables of the playground's relay.

use std::rc::Rc;

use super::lookup::KnownNames;
use crate::http::policy::HostList;
use crate::http::variables::Variables;

/// The variable that switches the relay on.
const SWITCH: &str = "PLAYGROUND_RELAY";

/// The variable with the hosts that are relayed to.
const HOSTS: &str = "PLAYGROUND_RELAY_HOSTS";

/// The relay of a deployment.
#[derive(Debug, Clone)]
pub(in crate::http) struct RelaySettings {
    /// The hosts that are relayed to; none is any.
    pub(super) hosts: Option<HostList>,
    pub(super) known: Rc<KnownNames>,
}

impl RelaySettings {
    /// Reads the variables; none where the relay is off.
    pub(in crate::http) fn from_variables(variables: &mut Variables<'_>) -> Option<Self> {
        let switch = variables.word(SWITCH, &["off", "on"]).ok()??;
        if switch == "off" {
            return None;
        }
        // A list of which no entry can be read leaves no host, and not any.
        let hosts = variables
            .text(HOSTS)
            .map(|list| HostList::parse(HOSTS, &list, &mut variables.problems));
        Some(Self {
            hosts,
            known: Rc::default(),
        })
    }
}
