//! Scopes, which a client is granted (RFC 6749 section 3.3).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A scope-token of RFC 6749 section 3.3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Scope(String);

/// The text is no scope by RFC 6749 section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeError;

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "A scope is one or more printable ASCII characters other than space, \" and \\.",
        )
    }
}

impl std::error::Error for ScopeError {}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        if !text.is_empty()
            && text
                .bytes()
                .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        {
            Ok(Self(text))
        } else {
            Err(ScopeError)
        }
    }
}

impl Scope {
    /// The scope as its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Distinct scopes, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>")]
pub struct Scopes(Vec<Scope>);

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(distinct(scopes))
    }
}

/// The distinct items, in their order.
fn distinct<T: Ord + Clone>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items
        .into_iter()
        .filter(|item| seen.insert(item.clone()))
        .collect()
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&scope.0)?;
        }
        Ok(())
    }
}

impl Scopes {
    /// Reads scopes separated by spaces.
    ///
    /// # Errors
    /// When one of them is no scope-token.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| Scope::try_from(word.to_owned()))
            .collect()
    }

    /// The scopes' texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Scope::as_str)
    }

    /// Checks whether `scope` is one of the scopes.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// Checks whether all of the scopes are in `of`.
    #[must_use]
    pub fn is_subset(&self, of: &Self) -> bool {
        self.iter().all(|scope| of.contains(scope))
    }

    /// Intersection with `other`, in the order of `self`.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|scope| other.contains(scope.as_str()))
                .cloned()
                .collect(),
        )
    }

    /// All of the scopes but one.
    #[must_use]
    pub fn without(&self, scope: &str) -> Self {
        Self(
            self.0
                .iter()
                .filter(|held| held.as_str() != scope)
                .cloned()
                .collect(),
        )
    }

    /// True if there are no scopes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes' texts.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    thread_local! {
        static COMPARISONS: Cell<usize> = const { Cell::new(0) };
    }

    /// An item that counts its comparisons.
    #[derive(Clone, Eq)]
    struct Counting(usize);

    impl Ord for Counting {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counting {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl PartialEq for Counting {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    #[test]
    fn twice_as_many_scopes_take_little_more_than_twice_the_comparisons() {
        let comparisons = |count: usize| {
            COMPARISONS.set(0);
            assert_eq!(
                distinct((0..2 * count).map(|at| Counting(at % count))).len(),
                count
            );
            COMPARISONS.get()
        };
        // A list would take the square of the number; a tree takes a logarithm besides.
        assert!(comparisons(2000) < 3 * comparisons(1000));
    }

    #[test]
    fn scopes_keep_their_order_without_repetition() {
        assert_eq!(scopes(" b a  b ").to_vec(), ["b", "a"]);
        assert_eq!(scopes("b a").to_string(), "b a");
        assert!(scopes("").is_empty() && scopes(" ").is_empty() && !scopes("a").is_empty());
    }

    #[test]
    fn a_scope_is_made_of_the_characters_of_the_rfc() {
        assert_eq!(
            scopes("!#[]~ https://a/b:c").to_vec(),
            ["!#[]~", "https://a/b:c"]
        );
        for text in ["\"", "a\\b", "a\tb", "\n", "\u{7f}", "\u{e9}", "a \u{0}"] {
            assert_eq!(Scopes::parse(text), Err(ScopeError), "{text:?}");
        }
    }

    #[test]
    fn scopes_follow_the_operations_of_sets() {
        let (few, many) = (scopes("b a"), scopes("a b c"));
        assert!(few.is_subset(&many) && !many.is_subset(&few) && Scopes::default().is_subset(&few));
        assert_eq!(few.both(&scopes("c a b")), few);
        assert_eq!(many.both(&scopes("c x a")).to_vec(), ["a", "c"]);
        assert_eq!(many.without("b").to_vec(), ["a", "c"]);
        assert!(many.contains("c") && !few.contains("c"));
    }

    #[test]
    fn scopes_in_json_are_checked() {
        assert_eq!(
            serde_json::to_string(&scopes("b a")).unwrap(),
            r#"["b","a"]"#
        );
        assert_eq!(
            serde_json::from_str::<Scopes>(r#"["b","a","b"]"#).unwrap(),
            scopes("b a")
        );
        for json in [r#"["a b"]"#, r#"[""]"#, r#"["\""]"#, r#""a""#] {
            assert!(serde_json::from_str::<Scopes>(json).is_err(), "{json}");
        }
    }
}
