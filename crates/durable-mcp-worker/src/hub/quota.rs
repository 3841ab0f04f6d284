//! Quotas of the hub for users, networks and sites, so that none of them uses all of it.

use durable_core::wire::Reply;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{RequestId, error_json};
use http::StatusCode;

use super::client_network::ClientNetwork;

/// The most listeners, which are streams and notified sessions, of all clients. An object holds 32,768 sockets, and what is
/// published to this many goes out within a fraction of a second.
pub const MAX_LISTENERS: usize = 10_000;

/// The most listeners of one signed-in user: a hundred windows.
pub const MAX_LISTENERS_A_USER: usize = 100;

/// The most listeners of one IPv4 address or IPv6 subnet without a user: an office of a hundred.
pub const MAX_LISTENERS_A_NETWORK: usize = 100;

/// The most listeners of one IPv6 site without a user: of its 65,536 subnets, honest sites use few.
pub const MAX_LISTENERS_A_SITE: usize = 400;

/// The most listeners of all clients without a user: the rest is left to users that sign in.
pub const MAX_STRANGERS: usize = 8_000;

/// Tag of everybody who is not signed in. No name of a user or a network is as short.
pub const STRANGER: &str = "-";

/// Value of `Retry-After` for a client beyond a quota, in seconds.
const RETRY_AFTER: &str = "60";

/// The user or network whose quota counts a stream, or a session that is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaSubject {
    /// The signed-in user, as [`user_tag`](super::user_tag) names users.
    pub user: Option<String>,
    /// The network of a client without a user.
    pub origin: Option<ClientNetwork>,
}

/// Quota that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaExceeded {
    /// The user, the network or the site has as many as it may.
    Own,
    /// All clients together have as many as there may be.
    All,
}

impl QuotaSubject {
    /// The tags to count by, each with the most that it may have.
    #[must_use]
    pub fn quotas(&self) -> Vec<(&str, usize, QuotaExceeded)> {
        if let Some(user) = &self.user {
            return vec![(user, MAX_LISTENERS_A_USER, QuotaExceeded::Own)];
        }
        let mut quotas = vec![(STRANGER, MAX_STRANGERS, QuotaExceeded::All)];
        if let Some(origin) = &self.origin {
            quotas.push((&origin.network, MAX_LISTENERS_A_NETWORK, QuotaExceeded::Own));
            quotas.extend(
                origin
                    .site
                    .as_deref()
                    .map(|site| (site, MAX_LISTENERS_A_SITE, QuotaExceeded::Own)),
            );
        }
        quotas
    }

    /// Formats user, network and site as text, with spaces between.
    #[must_use]
    pub fn to_text(&self) -> String {
        let origin = self
            .origin
            .as_ref()
            .map(ClientNetwork::to_text)
            .unwrap_or_default();
        format!("{} {origin}", self.user.as_deref().unwrap_or(STRANGER))
    }

    /// Reads the user or network from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (user, origin) = text.split_once(' ')?;
        let origin = if origin.is_empty() {
            None
        } else {
            Some(ClientNetwork::parse(origin)?)
        };
        if user.is_empty() {
            None
        } else {
            Some(Self {
                user: (user != STRANGER).then(|| user.to_owned()),
                origin,
            })
        }
    }

    /// The tags to count by.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        self.quotas().into_iter().map(|(tag, ..)| tag).collect()
    }

    /// The quota that one more would exceed, if any. `count` gives how many have a tag, or how many there are.
    ///
    /// # Errors
    /// When counting fails.
    pub fn excess<E>(
        &self,
        count: impl Fn(Option<&str>) -> Result<usize, E>,
    ) -> Result<Option<QuotaExceeded>, E> {
        for (tag, most, excess) in self.quotas().into_iter().rev() {
            if count(Some(tag))? >= most {
                return Ok(Some(excess));
            }
        }
        Ok((count(None)? >= MAX_LISTENERS).then_some(QuotaExceeded::All))
    }
}

impl QuotaExceeded {
    /// Status of the answer: 429 where its client can do something about it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Own => StatusCode::TOO_MANY_REQUESTS,
            Self::All => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The excess of which that is the status.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        [Self::Own, Self::All]
            .into_iter()
            .find(|excess| excess.status().as_u16() == status)
    }

    /// The answer to a client that wants to listen.
    #[must_use]
    pub fn reply(self, id: Option<&RequestId>) -> Reply {
        let error = match self {
            Self::Own => Error::new(
                ErrorCode::REFUSED,
                "Too many streams of yours, or of your network, listen at this server. Close one, or try again later.",
            ),
            Self::All => Error::internal(
                "Too many streams listen at this server. End one, or try again later.",
            ),
        };
        Reply::json(self.status(), error_json(id, &error)).header("retry-after", RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_user_or_network_survives_being_stored() {
        let origin = |site: Option<&str>| {
            Some(ClientNetwork {
                network: "n".into(),
                site: site.map(str::to_owned),
            })
        };
        for counted in [
            QuotaSubject::default(),
            QuotaSubject {
                user: Some("u".into()),
                origin: None,
            },
            QuotaSubject {
                user: None,
                origin: origin(None),
            },
            QuotaSubject {
                user: None,
                origin: origin(Some("s")),
            },
        ] {
            assert_eq!(QuotaSubject::parse(&counted.to_text()), Some(counted));
        }
    }
}
