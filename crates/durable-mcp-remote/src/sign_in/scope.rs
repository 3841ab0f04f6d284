//! Scope that is asked for.

/// Scope that asks for a refresh token (OIDC Core, section 11).
const OFFLINE_ACCESS: &str = "offline_access";

/// Sources of a scope, best first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ScopeSources<'a> {
    /// `--scope`, or the scope of `--static-oauth-client-metadata`.
    pub(crate) configured: Option<&'a str>,
    /// Challenge of the server.
    pub(crate) challenge: Option<&'a str>,
    /// `scopes_supported` of the resource; an empty list says that there are none.
    pub(crate) resource: Option<&'a [String]>,
    /// `scopes_supported` of the authorization server, looked at for `offline_access` alone.
    pub(crate) server: Option<&'a [String]>,
    /// Scope that is granted already, asked for again with the new one.
    pub(crate) granted: Option<&'a str>,
}

impl ScopeSources<'_> {
    /// Scope of the first source that has one: what the reference compares stored tokens with.
    pub(crate) fn base(&self) -> Option<String> {
        let listed = self.resource.map(|scopes| scopes.join(" "));
        let first = self.configured.or(self.challenge).map(str::to_owned);
        first.or(listed).filter(|scope| !scope.trim().is_empty())
    }

    /// Scope of the authorization request; none if no source has one, for made-up scopes are refused.
    pub(crate) fn asked(&self) -> Option<String> {
        let base = self.base()?;
        if self.configured.is_some() {
            return Some(base);
        }
        let offline = self
            .server
            .is_some_and(|scopes| scopes.iter().any(|scope| scope == OFFLINE_ACCESS));
        let offline = if offline { OFFLINE_ACCESS } else { "" };
        Some(union(&[self.granted.unwrap_or_default(), &base, offline]))
    }
}

/// Whether the refresh token that a scope asks for needs the person's consent each time.
pub(crate) fn asks_for_offline_access(scope: &str) -> bool {
    scope.split(' ').any(|one| one == OFFLINE_ACCESS)
}

/// All scopes of the lists, each once, in their order.
pub(crate) fn union(lists: &[&str]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for scope in lists.iter().flat_map(|list| list.split_ascii_whitespace()) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    all.join(" ")
}

/// Whether a scope has all that is needed.
pub(crate) fn covers(scope: &str, needed: &str) -> bool {
    needed
        .split_ascii_whitespace()
        .all(|needed| scope.split_ascii_whitespace().any(|one| one == needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(of: &[&str]) -> Vec<String> {
        of.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn the_first_source_of_scopes_counts() {
        let resource = scopes(&["a", "b"]);
        let all = ScopeSources {
            configured: Some("x"),
            challenge: Some("y"),
            resource: Some(&resource),
            ..ScopeSources::default()
        };
        assert_eq!(all.asked().as_deref(), Some("x"));
        assert_eq!(
            ScopeSources {
                configured: None,
                ..all
            }
            .asked()
            .as_deref(),
            Some("y")
        );
        assert_eq!(
            ScopeSources {
                configured: None,
                challenge: None,
                ..all
            }
            .asked()
            .as_deref(),
            Some("a b")
        );
        assert_eq!(
            ScopeSources {
                resource: Some(&[]),
                ..ScopeSources::default()
            }
            .asked(),
            None
        );
        assert_eq!(ScopeSources::default().asked(), None);
    }

    #[test]
    fn offline_access_is_added_if_supported_and_no_scope_is_configured() {
        let server = scopes(&["a", "offline_access"]);
        let sources = ScopeSources {
            challenge: Some("a"),
            server: Some(&server),
            ..ScopeSources::default()
        };
        assert_eq!(sources.asked().as_deref(), Some("a offline_access"));
        assert_eq!(sources.base().as_deref(), Some("a"));
        assert_eq!(
            ScopeSources {
                configured: Some("a"),
                ..sources
            }
            .asked()
            .as_deref(),
            Some("a")
        );
        assert_eq!(
            ScopeSources {
                server: None,
                ..sources
            }
            .asked()
            .as_deref(),
            Some("a")
        );
    }

    #[test]
    fn a_step_up_keeps_the_granted_scopes() {
        let sources = ScopeSources {
            challenge: Some("write read"),
            granted: Some("read  admin"),
            ..ScopeSources::default()
        };
        assert_eq!(sources.asked().as_deref(), Some("read admin write"));
    }
}
