//! Lists of people who may sign in, or use a tool, from a variable.
//!
//! ```text
//! octocat            a user of GitHub, by login
//! id:583231          the same by id, which stays when the login changes
//! org:acme           the members of an organisation
//! acme/core          the members of a team
//! ann@example.com    an e-mail address that the provider has verified
//! @example.com       every such address of a domain
//! ```

use serde_json::Value;

/// The member of the props with a person's names: the entries of lists that match the person.
pub const KNOWN_AS: &str = "known_as";

/// Memberships that are looked up in one sign-in: each is a request, of which a free Worker may make 50.
pub const MAX_GROUPS: usize = 20;

/// A list of people, organisations and teams. An empty list matches no person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowList(Vec<String>);

impl AllowList {
    /// Reads a list: entries separated by spaces, commas or line ends.
    ///
    /// # Errors
    /// With the entry that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text
            .split([' ', ',', '\n', '\r', '\t'])
            .filter(|entry| !entry.is_empty());
        let entries: Vec<_> = entries.map(str::to_lowercase).collect();
        match entries.iter().find(|entry| !is_entry(entry)) {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Self(entries)),
        }
    }

    /// The same list, if each of its entries is good.
    ///
    /// # Errors
    /// With the first that is not.
    pub(super) fn checked(self, is_good: fn(&str) -> bool) -> Result<Self, String> {
        match self.0.iter().find(|entry| !is_good(entry)) {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(self),
        }
    }

    /// True if the list has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks whether the list has the person with these props.
    ///
    /// ```
    /// use serde_json::json;
    /// use sign_in::allowed::AllowList;
    ///
    /// let admins = AllowList::parse("octocat acme/core").unwrap_or_default();
    /// assert!(!admins.has(&json!({ "login": "hubot" })));
    /// ```
    #[must_use]
    pub fn has(&self, props: &Value) -> bool {
        let known = props.get(KNOWN_AS).and_then(Value::as_array);
        known.is_some_and(|known| {
            known
                .iter()
                .filter_map(Value::as_str)
                .any(|name| self.names(name))
        })
    }

    /// Checks whether a name is an entry.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|entry| entry == name)
    }

    /// The organisations on it.
    pub fn organisations(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|entry| entry.strip_prefix("org:"))
    }

    /// The teams on it, each with its organisation.
    pub fn teams(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|entry| entry.split_once('/'))
    }

    /// True if an entry is an organisation or a team, so that a person's memberships have to be fetched.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.organisations().next().is_some() || self.teams().next().is_some()
    }

    /// The entries of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for entry in &other.0 {
            if !self.names(entry) {
                self.0.push(entry.clone());
            }
        }
        self
    }
}

/// The list entries that match a person's address, if the provider has verified it.
#[must_use]
pub fn known_by_email(email: &str, is_verified: bool) -> Vec<String> {
    let email = email.to_lowercase();
    match email.rsplit_once('@') {
        Some((_, domain)) if is_verified => vec![format!("@{domain}"), email],
        _ => Vec::new(),
    }
}

fn is_entry(entry: &str) -> bool {
    // Characters that can stand in a path of GitHub's API as they are.
    if let Some((name, domain)) = entry.rsplit_once('@') {
        return is_name(domain) && !name.contains(['/', '@']);
    }
    match (entry.split_once(':'), entry.split_once('/')) {
        (Some(("id", id)), None) => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
        (Some(("org", name)), None) => is_name(name),
        (None, Some((organisation, team))) => is_name(organisation) && is_name(team),
        (None, None) => is_name(entry),
        _ => false,
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && name.chars().any(|c| c != '.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(text: &str) -> AllowList {
        AllowList::parse(text).unwrap()
    }

    #[test]
    fn an_allow_list_names_users_organisations_teams_and_addresses() {
        let list =
            list("Octocat, id:583231\n org:Acme\tacme/core,, ann+x@example.com @example.org");
        for name in [
            "octocat",
            "id:583231",
            "org:acme",
            "acme/core",
            "ann+x@example.com",
            "@example.org",
        ] {
            assert!(list.names(name), "{name}");
            assert!(list.has(&json!({ "known_as": ["other", name] })), "{name}");
        }
        assert_eq!(list.organisations().collect::<Vec<_>>(), ["acme"]);
        assert_eq!(list.teams().collect::<Vec<_>>(), [("acme", "core")]);
    }

    #[test]
    fn a_user_who_is_not_on_the_list_is_not_allowed() {
        let list = list("octocat acme/core");
        for known in [
            json!([]),
            json!(["octo"]),
            json!(["acme"]),
            json!(["core"]),
            json!("octocat"),
            json!([null]),
        ] {
            assert!(!list.has(&json!({ "known_as": known })), "{known}");
        }
        for props in [
            json!({}),
            json!({ "login": "octocat" }),
            json!(["octocat"]),
            json!(null),
        ] {
            assert!(!list.has(&props), "{props}");
        }
        assert!(
            !AllowList::default().has(&json!({ "known_as": ["octocat"] }))
                && AllowList::default().is_empty()
        );
    }

    #[test]
    fn a_malformed_entry_is_named() {
        for wrong in [
            "a/b/c",
            "org:",
            "org:a/b",
            "id:octocat",
            "id:",
            "/",
            "a/",
            "a b/../c",
            "a@",
            "@",
            "a@b@c",
            "team:x",
            "..",
        ] {
            assert!(
                AllowList::parse(&format!("octocat {wrong}")).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(
            AllowList::parse("Octocat org:A?b"),
            Err("org:a?b".to_owned())
        );
        assert!(list(" , ").is_empty());
    }

    #[test]
    fn only_a_verified_address_counts() {
        assert_eq!(
            known_by_email("Ann@Example.com", true),
            ["@example.com", "ann@example.com"]
        );
        assert!(
            known_by_email("ann@example.com", false).is_empty()
                && known_by_email("ann", true).is_empty()
        );
    }

    #[test]
    fn two_lists_can_be_joined() {
        let both = list("a org:b").and(&list("a c/d"));
        assert_eq!(both, list("a org:b c/d"));
        assert!(both.has_groups() && !list("a").has_groups());
    }
}
