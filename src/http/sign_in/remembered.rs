//! What somebody agreed to before in this browser, so that they need not be asked again.
//!
//! It is sealed into a cookie: hashes of who agreed, of client, redirect URI and resources, and of each scope. Whoever has
//! the same in mind, or less of it, is not asked. A client of the same name is another client; one that wants its answer
//! elsewhere is asked about.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::visit::Visit;
use crate::formats::{Format, is_of_other_version};
use crate::oauth::resource::Resource;
use crate::oauth::sign_in::Authorization;
use crate::wire::Fault;

const COOKIE: &str = "consent";
const PURPOSE: &str = "consent";

/// How long it is remembered, in seconds.
const SECONDS: u32 = 365 * 24 * 60 * 60;

/// How many consents: with one more, the oldest is forgotten.
const MAX_CONSENTS: usize = 50;

/// Characters of all of them, which have to fit into one cookie when they are sealed.
const MAX_CHARS: usize = 2600;

/// Bytes of a hash: 96 bits are not found by trying.
const HASH_BYTES: usize = 12;
const HASH_CHARS: usize = 16;

/// Consents of this browser, the oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Remembered {
    consents: Vec<Consent>,
    /// The browser has consents that only another version can read.
    of_other_version: bool,
}

/// Who agreed to what: hashes one after the other, of the person, of the client, and of each scope.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Consent(String);

impl Consent {
    fn new(subject: &str, asked: &Authorization) -> Self {
        let scopes = asked.scopes.iter().map(|scope| hash(&["scope", scope]));
        Self([hash(&["subject", subject]), matter(asked)].into_iter().chain(scopes).collect())
    }

    /// The person's hash, the matter's, and those of the scopes.
    fn parts(&self) -> (&str, &str, &str) {
        let (subject, rest) = self.0.split_at_checked(HASH_CHARS).unwrap_or_default();
        let (matter, scopes) = rest.split_at_checked(HASH_CHARS).unwrap_or_default();
        (subject, matter, scopes)
    }

    fn covers(&self, asked: &Authorization) -> bool {
        let (_, own, scopes) = self.parts();
        let allowed: Vec<&[u8]> = scopes.as_bytes().chunks(HASH_CHARS).collect();
        own == matter(asked) && asked.scopes.iter().all(|scope| allowed.contains(&hash(&["scope", scope]).as_bytes()))
    }
}

impl Remembered {
    /// What this browser brings along.
    pub(super) async fn read(visit: &Visit<'_>) -> Result<Self, Fault> {
        let Some(sealed) = visit.cookies.get(COOKIE) else {
            return Ok(Self::default());
        };
        let text = match visit.open(Format::ConsentCookie, PURPOSE, &sealed).await {
            // Nothing that is remembered in another version lets anybody in, and it stays: the person is asked.
            Err(fault) if is_of_other_version(&fault) => {
                visit.site.around.warn(&fault.0);
                return Ok(Self { of_other_version: true, ..Self::default() });
            }
            opened => opened?.and_then(|text| String::from_utf8(text).ok()),
        };
        Ok(text.map_or_else(Self::default, |text| Self::from_text(&text)))
    }

    fn from_text(text: &str) -> Self {
        let consents = text.split_whitespace().map(|consent| Consent(consent.to_owned())).collect();
        Self { consents, of_other_version: false }
    }

    fn to_text(&self) -> String {
        self.consents.iter().map(|consent| consent.0.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether somebody agreed to this, whoever it was.
    pub(super) fn covers(&self, asked: &Authorization) -> bool {
        may_be_remembered(asked) && self.consents.iter().any(|consent| consent.covers(asked))
    }

    /// Whether this person did.
    pub(super) fn covers_for(&self, subject: &str, asked: &Authorization) -> bool {
        let subject = hash(&["subject", subject]);
        let own = self.consents.iter().filter(|consent| consent.parts().0 == subject);
        may_be_remembered(asked) && own.into_iter().any(|consent| consent.covers(asked))
    }

    /// Adds that this person agreed.
    pub(super) fn add(&mut self, subject: &str, asked: &Authorization) {
        if !may_be_remembered(asked) || self.covers_for(subject, asked) {
            return;
        }
        self.consents.push(Consent::new(subject, asked));
        while self.consents.len() > MAX_CONSENTS || (self.to_text().len() > MAX_CHARS && !self.consents.is_empty()) {
            self.consents.remove(0);
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.consents.len()
    }

    /// Keeps them in the browser.
    pub(super) async fn keep(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        if self.of_other_version {
            return Ok(());
        }
        if self.consents.is_empty() {
            visit.cookies.delete(COOKIE);
            return Ok(());
        }
        let sealed = visit.seal(PURPOSE, self.to_text().as_bytes()).await?;
        // It fits: that is what the limits above are for.
        let _ = visit.cookies.set(COOKIE, &sealed, SECONDS);
        Ok(())
    }

    /// Has the browser forget all of them.
    pub(super) fn forget(visit: &mut Visit<'_>) {
        visit.cookies.delete(COOKIE);
    }
}

/// Only a client behind `https` is known to be the same one again. On a person's own machine any program can take the
/// answer, so they are asked each time (RFC 8252 section 8.6).
pub(super) fn may_be_remembered(asked: &Authorization) -> bool {
    asked.redirect_uri.scheme() == "https" && !asked.redirect_uri.is_loopback()
}

/// What is agreed to, but for the scopes.
fn matter(asked: &Authorization) -> String {
    let mut resources: Vec<&str> = asked.audience.iter().map(Resource::as_str).collect();
    resources.sort_unstable();
    let mut parts = vec!["matter", &asked.client_id, asked.redirect_uri.as_str()];
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

    fn agreed() -> Remembered {
        let mut remembered = Remembered::default();
        remembered.add("ann", &asked("a", HOME, &["read", "write"], &[MCP]));
        remembered
    }

    #[test]
    fn the_same_or_less_of_it_is_not_asked_again() {
        for scopes in [&["read", "write"][..], &["write", "read"], &["read"], &[]] {
            let asked = asked("a", HOME, scopes, &[MCP]);
            assert!(agreed().covers(&asked) && agreed().covers_for("ann", &asked), "{scopes:?}");
        }
        let read = Remembered::from_text(&agreed().to_text());
        assert_eq!(read, agreed());
    }

    #[test]
    fn anything_else_is_asked() {
        for (what, asked) in [
            ("a client of the same name", asked("b", HOME, &["read"], &[MCP])),
            ("another redirect", asked("a", "https://client.example/cb2", &["read"], &[MCP])),
            ("another host", asked("a", "https://client.example.evil/cb", &["read"], &[MCP])),
            ("one more scope", asked("a", HOME, &["read", "write", "admin"], &[MCP])),
            ("another scope", asked("a", HOME, &["admin"], &[MCP])),
            ("another resource", asked("a", HOME, &["read"], &["https://mcp.example/sse"])),
            ("a wider resource", asked("a", HOME, &["read"], &["https://mcp.example/"])),
            ("one more resource", asked("a", HOME, &["read"], &[MCP, "https://mcp.example/sse"])),
        ] {
            assert!(!agreed().covers(&asked), "{what}");
        }
        assert!(!agreed().covers_for("bob", &asked("a", HOME, &["read"], &[MCP])), "another person");
    }

    #[test]
    fn what_any_program_on_the_machine_can_take_is_asked_each_time() {
        for redirect in ["http://localhost:1/cb", "http://127.0.0.1/cb", "https://localhost/cb", "cursor://a/cb"] {
            let mut remembered = Remembered::default();
            let asked = asked("a", redirect, &[], &[MCP]);
            remembered.add("ann", &asked);
            assert_eq!((remembered.count(), remembered.covers(&asked)), (0, false), "{redirect}");
        }
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut remembered = Remembered::default();
        let nth = |n: usize| asked(&n.to_string(), HOME, &["read"], &[MCP]);
        for n in 0..MAX_CONSENTS + 5 {
            remembered.add("ann", &nth(n));
            remembered.add("ann", &nth(n));
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
        remembered.add("ann", &asked("b", HOME, &scopes, &[MCP]));
        assert!(remembered.to_text().len() <= MAX_CHARS);
    }

    #[test]
    fn hashes_tell_parts_apart() {
        assert_ne!(hash(&["a", "bc"]), hash(&["ab", "c"]));
        assert_eq!(hash(&["a"]).len(), HASH_CHARS);
    }
}
