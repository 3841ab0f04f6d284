//! Earlier consents of this browser, so that people are not asked for them again.
//!
//! Each consent is sealed into a cookie as hashes: of the person, of client, redirect URI and resources, and of each scope.
//! A request for the same or fewer scopes needs no question. A client of the same name is another client, and another
//! redirect URI needs a consent of its own.
//!
//! Each consent carries its time. A person who disconnects a client has all consents to it from before void, in every
//! browser: the person's object, which makes the code, compares the times.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::formats::{Format, is_of_other_version};
use durable_core::wire::RuntimeError;
use oauth_server::authority::REMEMBERED_CONSENT_SECONDS;
use oauth_server::resource::Resource;
use oauth_server::sign_in::Authorization;
use sha2::{Digest, Sha256};

use super::visit::Visit;

const COOKIE: &str = "consent";
const PURPOSE: &str = "consent";

/// `Max-Age` of the cookie, in seconds, renewed by each sign-in. Each consent in it is valid for as long from its own time.
const SECONDS: u32 = 365 * 24 * 60 * 60;

/// Stands between the time of a consent, in milliseconds since 1970, and its hashes.
const AT: char = '.';

/// Limit of consents: one more displaces the oldest.
const MAX_CONSENTS: usize = 50;

/// Characters of all consents together, which must fit into one cookie when they are sealed.
const MAX_CHARS: usize = 2600;

/// Bytes of a hash: 96 bits are not found by trying.
const HASH_BYTES: usize = 12;
const HASH_CHARS: usize = 16;

/// Consents of this browser, the oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RememberedConsents {
    consents: Vec<RememberedConsent>,
    /// The browser has consents that only another version can read.
    of_other_version: bool,
}

/// Consent of a person at a time: hashes one after the other, of the person, of the client, and of each scope.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RememberedConsent {
    /// In milliseconds since 1970.
    at: u64,
    hashes: String,
}

impl RememberedConsent {
    fn new(subject: &str, authorization: &Authorization, at: u64) -> Self {
        let scopes = authorization
            .scopes
            .iter()
            .map(|scope| hash(&["scope", scope]));
        Self {
            at,
            hashes: [hash(&["subject", subject]), matter(authorization)]
                .into_iter()
                .chain(scopes)
                .collect(),
        }
    }

    /// Reads a consent. One without a time, as version 1 stored it, is void.
    fn parse(text: &str) -> Option<Self> {
        let (at, hashes) = text.split_once(AT)?;
        Some(Self {
            at: at.parse().ok()?,
            hashes: hashes.to_owned(),
        })
    }

    fn is_old(&self, now: u64) -> bool {
        now.saturating_sub(self.at) >= REMEMBERED_CONSENT_SECONDS * 1000
    }

    /// The person's hash, the matter's, and those of the scopes.
    fn parts(&self) -> (&str, &str, &str) {
        let (subject, rest) = self.hashes.split_at_checked(HASH_CHARS).unwrap_or_default();
        let (matter, scopes) = rest.split_at_checked(HASH_CHARS).unwrap_or_default();
        (subject, matter, scopes)
    }

    fn covers(&self, authorization: &Authorization) -> bool {
        let (_, own, scopes) = self.parts();
        let allowed: Vec<&[u8]> = scopes.as_bytes().chunks(HASH_CHARS).collect();
        own == matter(authorization)
            && authorization
                .scopes
                .iter()
                .all(|scope| allowed.contains(&hash(&["scope", scope]).as_bytes()))
    }
}

impl RememberedConsents {
    /// The consents in this browser's cookie.
    pub(super) async fn load(visit: &Visit<'_>) -> Result<Self, RuntimeError> {
        let Some(sealed) = visit.cookies.get(COOKIE) else {
            return Ok(Self::default());
        };
        let text = match visit.open(Format::ConsentCookie, PURPOSE, &sealed).await {
            // A consent of another version lets nobody in, and stays: the person is asked.
            Err(fault) if is_of_other_version(&fault) => {
                visit.auth_server.runtime.warn(&fault.0);
                return Ok(Self {
                    of_other_version: true,
                    ..Self::default()
                });
            }
            opened => opened?.and_then(|text| String::from_utf8(text).ok()),
        };
        let now = visit.auth_server.runtime.now();
        Ok(text.map_or_else(Self::default, |text| Self::from_text(&text, now)))
    }

    fn from_text(text: &str, now: u64) -> Self {
        let consents = text.split_whitespace().filter_map(RememberedConsent::parse);
        Self {
            consents: consents.filter(|consent| !consent.is_old(now)).collect(),
            of_other_version: false,
        }
    }

    fn to_text(&self) -> String {
        self.consents
            .iter()
            .map(|RememberedConsent { at, hashes }| format!("{at}{AT}{hashes}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// True if any user of this browser consented to what the request asks.
    pub(super) fn covers(&self, authorization: &Authorization) -> bool {
        may_be_remembered(authorization)
            && self
                .consents
                .iter()
                .any(|consent| consent.covers(authorization))
    }

    /// Latest time at which this user consented to it, in milliseconds since 1970.
    pub(super) fn agreed_at(&self, subject: &str, authorization: &Authorization) -> Option<u64> {
        let subject = hash(&["subject", subject]);
        let own = self
            .consents
            .iter()
            .filter(|consent| may_be_remembered(authorization) && consent.parts().0 == subject);
        own.filter(|consent| consent.covers(authorization))
            .map(|consent| consent.at)
            .max()
    }

    /// Adds a consent of this user at the time `at`, in milliseconds since 1970. It replaces an older one with the same
    /// hashes.
    pub(super) fn add(&mut self, subject: &str, authorization: &Authorization, at: u64) {
        if !may_be_remembered(authorization) {
            return;
        }
        let added = RememberedConsent::new(subject, authorization, at);
        self.consents.retain(|known| known.hashes != added.hashes);
        self.consents.push(added);
        while self.consents.len() > MAX_CONSENTS
            || (self.to_text().len() > MAX_CHARS && !self.consents.is_empty())
        {
            self.consents.remove(0);
        }
    }

    /// Number of remembered consents.
    pub(super) fn count(&self) -> usize {
        self.consents.len()
    }

    /// Seals the consents into the cookie.
    pub(super) async fn store(&self, visit: &mut Visit<'_>) -> Result<(), RuntimeError> {
        if self.of_other_version {
            return Ok(());
        }
        if self.consents.is_empty() {
            visit.cookies.delete(COOKIE);
            return Ok(());
        }
        let sealed = visit.seal(PURPOSE, self.to_text().as_bytes()).await?;
        // The cookie fits, by the limits above.
        let _ = visit.cookies.set(COOKIE, &sealed, SECONDS);
        Ok(())
    }

    /// Deletes the cookie, and with it all consents.
    pub(super) fn forget(visit: &mut Visit<'_>) {
        visit.cookies.delete(COOKIE);
    }
}

/// Only a client behind `https` is known to be the same one again. On a person's own machine any program can take the
/// answer, so they are asked each time (RFC 8252 section 8.6).
pub(super) fn may_be_remembered(authorization: &Authorization) -> bool {
    authorization.redirect_uri.scheme() == "https" && !authorization.redirect_uri.is_loopback()
}

/// The text of a consent's client, redirect URI and resources.
fn matter(authorization: &Authorization) -> String {
    let mut resources: Vec<&str> = authorization
        .audience
        .iter()
        .map(Resource::as_str)
        .collect();
    resources.sort_unstable();
    let mut parts = vec![
        "matter",
        &authorization.client_id,
        authorization.redirect_uri.as_str(),
    ];
    parts.extend(resources);
    hash(&parts)
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..HASH_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(client: &str, redirect: &str, scopes: &[&str], audience: &[&str]) -> Authorization {
        serde_json::from_value(json!({
            "client_id": client, "client_name": "The same name", "client_uri": null, "logo_uri": null,
            "client_is_public": true, "refreshable": true, "redirect_uri": redirect, "state": null, "challenge": null,
            "scopes": scopes, "audience": audience, "login_hint": null, "prompt": null,
        }))
        .unwrap()
    }

    const HOME: &str = "https://client.example/cb";
    const MCP: &str = "https://mcp.example/mcp";
    const NOW: u64 = 1_700_000_000_000;

    fn agreed() -> RememberedConsents {
        let mut remembered = RememberedConsents::default();
        remembered.add("ann", &asked("a", HOME, &["read", "write"], &[MCP]), NOW);
        remembered
    }

    #[test]
    fn the_same_or_a_smaller_request_needs_no_new_consent() {
        for scopes in [&["read", "write"][..], &["write", "read"], &["read"], &[]] {
            let asked = asked("a", HOME, scopes, &[MCP]);
            assert!(
                agreed().covers(&asked) && agreed().agreed_at("ann", &asked) == Some(NOW),
                "{scopes:?}"
            );
        }
        let read = RememberedConsents::from_text(&agreed().to_text(), NOW);
        assert_eq!(read, agreed());
    }

    #[test]
    fn any_other_client_redirect_scope_resource_or_person_needs_consent() {
        for (what, asked) in [
            (
                "a client of the same name",
                asked("b", HOME, &["read"], &[MCP]),
            ),
            (
                "another redirect",
                asked("a", "https://client.example/cb2", &["read"], &[MCP]),
            ),
            (
                "another host",
                asked("a", "https://client.example.evil/cb", &["read"], &[MCP]),
            ),
            (
                "one more scope",
                asked("a", HOME, &["read", "write", "admin"], &[MCP]),
            ),
            ("another scope", asked("a", HOME, &["admin"], &[MCP])),
            (
                "another resource",
                asked("a", HOME, &["read"], &["https://mcp.example/sse"]),
            ),
            (
                "a wider resource",
                asked("a", HOME, &["read"], &["https://mcp.example/"]),
            ),
            (
                "one more resource",
                asked("a", HOME, &["read"], &[MCP, "https://mcp.example/sse"]),
            ),
        ] {
            assert!(!agreed().covers(&asked), "{what}");
        }
        assert!(
            agreed()
                .agreed_at("bob", &asked("a", HOME, &["read"], &[MCP]))
                .is_none(),
            "another person"
        );
    }

    #[test]
    fn a_redirect_that_any_local_program_can_take_needs_consent_each_time() {
        for redirect in [
            "http://localhost:1/cb",
            "http://127.0.0.1/cb",
            "https://localhost/cb",
            "cursor://a/cb",
        ] {
            let mut remembered = RememberedConsents::default();
            let asked = asked("a", redirect, &[], &[MCP]);
            remembered.add("ann", &asked, NOW);
            assert_eq!(
                (remembered.count(), remembered.covers(&asked)),
                (0, false),
                "{redirect}"
            );
        }
    }

    #[test]
    fn the_oldest_consent_is_forgotten_first() {
        let mut remembered = RememberedConsents::default();
        let nth = |n: usize| asked(&n.to_string(), HOME, &["read"], &[MCP]);
        for n in 0..MAX_CONSENTS + 5 {
            remembered.add("ann", &nth(n), NOW);
            remembered.add("ann", &nth(n), NOW);
        }
        assert!(remembered.count() <= MAX_CONSENTS && remembered.count() > 40);
        assert!(!remembered.covers(&nth(0)) && remembered.covers(&nth(MAX_CONSENTS + 4)));
        assert!(remembered.to_text().len() <= MAX_CHARS);
    }

    #[test]
    fn many_scopes_of_one_client_do_not_overflow() {
        let scopes: Vec<String> = (0..1000).map(|n| format!("scope{n}")).collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let mut remembered = agreed();
        remembered.add("ann", &asked("b", HOME, &scopes, &[MCP]), NOW);
        assert!(remembered.to_text().len() <= MAX_CHARS);
    }

    #[test]
    fn a_consent_without_a_time_or_older_than_a_year_is_void() {
        let asked = asked("a", HOME, &["read"], &[MCP]);
        let text = agreed().to_text();
        let (_, hashes) = text.split_once(AT).unwrap();
        assert!(!RememberedConsents::from_text(hashes, NOW).covers(&asked));
        let year = REMEMBERED_CONSENT_SECONDS * 1000;
        assert!(RememberedConsents::from_text(&text, NOW + year - 1).covers(&asked));
        assert!(!RememberedConsents::from_text(&text, NOW + year).covers(&asked));
    }

    #[test]
    fn a_renewed_consent_has_the_later_time() {
        let (mut remembered, asked) = (agreed(), asked("a", HOME, &["read", "write"], &[MCP]));
        remembered.add("ann", &asked, NOW + 5);
        assert_eq!(
            (remembered.count(), remembered.agreed_at("ann", &asked)),
            (1, Some(NOW + 5))
        );
    }

    #[test]
    fn a_hash_depends_on_where_its_parts_are_divided() {
        assert_ne!(hash(&["a", "bc"]), hash(&["ab", "c"]));
        assert_eq!(hash(&["a"]).len(), HASH_CHARS);
    }
}
