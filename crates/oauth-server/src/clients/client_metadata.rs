//! Client metadata as a client writes it (RFC 7591 section 2), in a registration or in its document.
//!
//! Members that are only shown, or not used here at all, refuse no client: parts that cannot be shown are left out.

use std::fmt;

use serde_json::{Map, Value};

use crate::client::{ApplicationType, AuthMethod};
use crate::redirect_policy::RedirectPolicy;
use crate::redirect_uri::{RedirectUri, RedirectUriError};
use crate::scope::{Scope, Scopes};
use crate::uri::{Uri, UriHost};

/// Redirect URIs of one client: an application has one an environment or an editor, and each costs bytes in a record
/// that is read with every request for a token.
pub const MAX_REDIRECT_URIS: usize = 32;

/// Characters of any one URI: what browsers and proxies all let through.
pub const MAX_URI_CHARS: usize = 2048;

/// Characters of a name: a consent page has to show it.
pub const MAX_NAME_CHARS: usize = 200;

/// Items of any other list.
pub const MAX_ITEMS: usize = 20;

/// Characters of an item, or of all scopes together.
pub const MAX_ITEM_CHARS: usize = 1024;

/// Members of a key that tell its private or shared part (RFC 7518 section 6).
const PRIVATE_KEY_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Error of client metadata (RFC 7591 section 3.2.2), with what its author can do. Nothing of the metadata is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataError {
    /// `invalid_redirect_uri`.
    RedirectUri(String),
    /// `invalid_client_metadata`.
    Other(String),
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::RedirectUri(text) | Self::Other(text)) = self;
        f.write_str(text)
    }
}

fn other<T>(text: impl Into<String>) -> Result<T, MetadataError> {
    Err(MetadataError::Other(text.into()))
}

/// Members of a metadata object. A member that is null or an empty text counts as absent.
#[derive(Debug, Clone, Copy)]
pub struct ClientMetadata<'a>(&'a Map<String, Value>);

impl<'a> ClientMetadata<'a> {
    /// The members of an object.
    #[must_use]
    pub const fn new(members: &'a Map<String, Value>) -> Self {
        Self(members)
    }

    /// Checks whether the metadata has a member of that name, whatever its value.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.0
            .get(name)
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// Value of a member that is a text.
    ///
    /// # Errors
    /// When the value is no text, is longer than `limit` characters, or has characters that change how the rest is
    /// shown.
    pub fn text(self, name: &str, limit: usize) -> Result<Option<&'a str>, MetadataError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str() {
            None => other(format!("{name} must be a string.")),
            Some(text) if text.chars().count() > limit => {
                other(format!("{name} is longer than {limit} characters."))
            }
            Some(text) if text.chars().any(is_unseen) => {
                other(format!("{name} has control characters."))
            }
            Some(text) => Ok(Some(text)),
        }
    }

    /// Name of the client as far as it can be shown: without characters that change how the rest is shown,
    /// and cut where it is too long.
    #[must_use]
    pub fn name(self) -> Option<String> {
        let seen = self
            .get("client_name")?
            .as_str()?
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c });
        let name: String = seen
            .filter(|c| !is_unseen(*c))
            .skip_while(|c| c.is_whitespace())
            .take(MAX_NAME_CHARS)
            .collect();
        let name = name.trim_end();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The URL of a page or picture; `None` if a browser sent there could do anything but load a page from the host that it
    /// names.
    #[must_use]
    pub fn uri(self, name: &str) -> Option<String> {
        let uri = self
            .get(name)?
            .as_str()
            .filter(|uri| uri.len() <= MAX_URI_CHARS && is_web_url(uri))?;
        Some(uri.to_owned())
    }

    /// A list of texts; `None` if there is no such member. Entries that are no texts, or too long, are left out.
    ///
    /// # Errors
    /// When the value is no list.
    pub fn list(self, name: &str) -> Result<Option<Vec<&'a str>>, MetadataError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let Some(items) = value.as_array() else {
            return other(format!("{name} must be a list of strings."));
        };
        let texts = items
            .iter()
            .filter_map(Value::as_str)
            .filter(|text| text.len() <= MAX_ITEM_CHARS);
        Ok(Some(texts.take(MAX_ITEMS).collect()))
    }

    /// Contacts for questions about the client.
    #[must_use]
    pub fn contacts(self) -> Vec<String> {
        let contacts = self.list("contacts").ok().flatten().unwrap_or_default();
        contacts
            .into_iter()
            .filter(|text| !text.chars().any(is_unseen))
            .map(str::to_owned)
            .collect()
    }

    /// The redirect URIs without duplicates, each with the error if it is refused, as `policy` may do.
    ///
    /// # Errors
    /// When there are too many, or the value is no list of texts.
    pub fn redirect_uris(
        self,
        policy: &RedirectPolicy,
    ) -> Result<Vec<Result<RedirectUri, MetadataError>>, MetadataError> {
        let refuse = MetadataError::RedirectUri;
        let Some(value) = self.get("redirect_uris") else {
            return Ok(Vec::new());
        };
        let texts = value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let Some(texts) = texts else {
            return Err(refuse(
                "redirect_uris must be a list of strings.".to_owned(),
            ));
        };
        if texts.len() > MAX_REDIRECT_URIS {
            return Err(refuse(format!(
                "There may be up to {MAX_REDIRECT_URIS} redirect_uris."
            )));
        }
        Ok(texts
            .iter()
            .copied()
            .enumerate()
            .filter(|(at, text)| !texts.iter().take(*at).any(|earlier| earlier == text))
            .map(|(at, text)| redirect_uri(at, text, policy))
            .collect())
    }

    /// Kind of program that the client is, if it is one of the two that there are.
    #[must_use]
    pub fn application_type(self) -> Option<ApplicationType> {
        match self.get("application_type")?.as_str()? {
            "web" => Some(ApplicationType::Web),
            "native" => Some(ApplicationType::Native),
            _ => None,
        }
    }

    /// The scopes. Words that are no scope-tokens of RFC 6749 section 3.3, or too many, are left out: a client names its
    /// scopes with every authorization request.
    #[must_use]
    pub fn scope(self) -> Option<Scopes> {
        let mut left = MAX_ITEM_CHARS;
        let mut fits = |word: &str| {
            let fits = word.len() < left;
            left = if fits { left - word.len() - 1 } else { 0 };
            fits
        };
        let words = self
            .get("scope")?
            .as_str()?
            .split(' ')
            .filter_map(|word| Scope::try_from(word.to_owned()).ok());
        Some(words.take_while(|word| fits(word.as_str())).collect())
    }

    /// Authentication method of the client: the preferred one if `accepted` has it, else another one that the client
    /// supports (`OpenID` Connect Relying Party Metadata Choices 1.0). None if the metadata names neither.
    ///
    /// # Errors
    /// When the metadata names no accepted method, or contradicts itself.
    pub fn auth_method(self, accepted: &[AuthMethod]) -> Result<Option<AuthMethod>, MetadataError> {
        let preferred = self.text("token_endpoint_auth_method", MAX_ITEM_CHARS)?;
        let supported = self.list("token_endpoint_auth_methods_supported")?;
        if let (Some(preferred), Some(supported)) = (preferred, &supported)
            && !supported.contains(&preferred)
        {
            return other(
                "token_endpoint_auth_method must be one of token_endpoint_auth_methods_supported.",
            );
        }
        if preferred.is_none() && supported.is_none() {
            return Ok(None);
        }
        let named = preferred.into_iter().chain(supported.into_iter().flatten());
        if let Some(method) = named
            .filter_map(AuthMethod::parse)
            .find(|method| accepted.contains(method))
        {
            return Ok(Some(method));
        }
        let list: Vec<_> = accepted.iter().map(|method| method.as_str()).collect();
        other(format!(
            "token_endpoint_auth_method must be {}.",
            list.join(" or ")
        ))
    }

    /// Checks that there is no private key among the client's keys, which are not used here: a published one is no secret.
    ///
    /// # Errors
    /// When there is one.
    pub fn check_keys(self) -> Result<(), MetadataError> {
        let keys = self
            .get("jwks")
            .and_then(|jwks| jwks.get("keys"))
            .and_then(Value::as_array);
        let mut members = keys
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(Map::keys);
        if members.any(|member| PRIVATE_KEY_MEMBERS.contains(&member.as_str())) {
            return other("jwks has a private key. Replace that key: it is no secret any more.");
        }
        Ok(())
    }
}

/// Redirect URI at that place of the list.
fn redirect_uri(
    at: usize,
    text: &str,
    policy: &RedirectPolicy,
) -> Result<RedirectUri, MetadataError> {
    if text.len() > MAX_URI_CHARS {
        return Err(MetadataError::RedirectUri(format!(
            "redirect_uris[{at}] is longer than {MAX_URI_CHARS} characters."
        )));
    }
    let checked = if text.contains(char::REPLACEMENT_CHARACTER) {
        Err(RedirectUriError(
            "it has half of a surrogate pair (such as \\ud83d), which is no character.",
        ))
    } else {
        RedirectUri::parse(text).and_then(|uri| policy.check(&uri).map(|()| uri))
    };
    checked.map_err(|error| {
        MetadataError::RedirectUri(format!("redirect_uris[{at}] is refused: {error}"))
    })
}

/// True for a character that is seen only by its effect on others: a control, or a mark that turns the direction of
/// writing (Unicode Standard Annex 9 section 2) or takes no room, by which one name can be made to look like another.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// True for an absolute `http` or `https` URL that leads to a page: no user, nothing that ends a quote.
fn is_web_url(text: &str) -> bool {
    Uri::parse(text).is_some_and(|uri| {
        matches!(uri.scheme, "https" | "http")
            && uri
                .authority
                .is_some_and(|authority| UriHost::parse(authority).is_some())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(value: Value, read: impl Fn(&ClientMetadata<'_>) -> T) -> T {
        let Value::Object(members) = value else {
            panic!("no object")
        };
        read(&ClientMetadata::new(&members))
    }

    fn text_of<T: fmt::Debug>(result: Result<T, MetadataError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn null_and_empty_members_count_as_absent() {
        with(
            json!({ "client_name": null, "logo_uri": "", "contacts": null, "scope": "" }),
            |metadata| {
                assert_eq!(
                    (metadata.name(), metadata.uri("logo_uri"), metadata.scope()),
                    (None, None, None)
                );
                assert_eq!(metadata.list("contacts"), Ok(None));
            },
        );
    }

    #[test]
    fn a_client_name_is_cleaned_and_cut() {
        let name = |name: Value| with(json!({ "client_name": name }), |metadata| metadata.name());
        let long = "ü".repeat(MAX_NAME_CHARS);
        for (given, shown) in [
            (json!(" <b>Tom & Jerry</b> "), Some("<b>Tom & Jerry</b>")),
            (json!("  "), None),
            (json!(long), Some(long.as_str())),
            (json!(format!("{long}ü")), Some(&long)),
            (json!(format!("\u{202e} {long}ü")), Some(&long)),
            (json!("a\u{1b}[2J"), Some("a [2J")),
            (json!("Bank\nof"), Some("Bank of")),
            (json!("\u{202e}Bank\u{202c}"), Some("Bank")),
            (json!("Ba\u{200b}nk\u{feff}"), Some("Bank")),
            (json!("\u{2066}\u{200e}\u{0}"), None),
            (
                json!("\u{1f468}\u{200d}\u{1f469} 编辑器"),
                Some("\u{1f468}\u{200d}\u{1f469} 编辑器"),
            ),
            (json!(5), None),
            (json!(["me"]), None),
        ] {
            assert_eq!(name(given.clone()).as_deref(), shown, "{given}");
        }
    }

    #[test]
    fn only_web_urls_are_kept_as_pages_of_a_client() {
        let uri = |uri: Value| {
            with(json!({ "logo_uri": uri }), |metadata| {
                metadata.uri("logo_uri")
            })
        };
        for good in [
            "https://a.example/logo.png?x=1#y",
            "http://localhost:3000/",
            "https://a.example",
        ] {
            assert_eq!(uri(json!(good)).as_deref(), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "HTTPS://a.example",
            "//a.example",
            "https://",
            "https:///x",
            "https://user@a.example/",
            "https://a.example/\" onload=\"x",
            "https://a.example/<script>",
            "https://a.example/ü.png",
            "https://a.example\\@b.example",
            "https://a.example/ x",
            "https://:80/",
        ] {
            assert_eq!(uri(json!(bad)), None, "{bad}");
        }
        assert_eq!(
            uri(json!(format!(
                "https://a.example/{}",
                "x".repeat(MAX_URI_CHARS)
            ))),
            None
        );
        assert_eq!(
            (uri(json!(5)), uri(json!(["https://a.example"]))),
            (None, None)
        );
    }

    #[test]
    fn a_list_keeps_only_texts_of_valid_length() {
        let list = |value: Value| {
            with(json!({ "contacts": value }), |metadata| {
                metadata.list("contacts").map(|texts| {
                    texts
                        .unwrap_or_default()
                        .into_iter()
                        .map(str::to_owned)
                        .collect()
                })
            })
        };
        let texts = |texts: &[&str]| {
            Ok(texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>())
        };
        assert_eq!(list(json!(["a", 1, null, "b", ["c"]])), texts(&["a", "b"]));
        assert_eq!(
            list(json!(vec!["a"; MAX_ITEMS + 1])),
            texts(&["a"; MAX_ITEMS])
        );
        assert_eq!(
            list(json!(["a".repeat(MAX_ITEM_CHARS + 1), "b"])),
            texts(&["b"])
        );
        assert_eq!(
            text_of(list(json!("a"))),
            "contacts must be a list of strings."
        );
        let contacts =
            |value: Value| with(json!({ "contacts": value }), |metadata| metadata.contacts());
        assert_eq!(
            contacts(json!(["a@a.example", "b\u{202e}", 5])),
            ["a@a.example"]
        );
        assert!(contacts(json!("a")).is_empty() && contacts(json!({})).is_empty());
    }

    #[test]
    fn invalid_scope_tokens_are_dropped() {
        let scope = |scope: Value| {
            with(json!({ "scope": scope }), |metadata| {
                metadata.scope().map(|scopes| scopes.to_string())
            })
        };
        for (given, kept) in [("a b", "a b"), ("a\"b c", "c"), ("é a", "a"), ("\\", "")] {
            assert_eq!(scope(json!(given)).as_deref(), Some(kept), "{given}");
        }
        assert_eq!(
            scope(json!(format!("a {}", "x".repeat(2 * MAX_ITEM_CHARS)))).as_deref(),
            Some("a")
        );
        assert_eq!((scope(json!(5)), scope(json!(["a"]))), (None, None));
    }

    #[test]
    fn an_unknown_application_type_is_ignored() {
        for (given, kind) in [
            (json!("web"), Some(ApplicationType::Web)),
            (json!("native"), Some(ApplicationType::Native)),
            (json!("robot"), None),
            (json!(5), None),
        ] {
            assert_eq!(
                with(json!({ "application_type": given }), |metadata| metadata
                    .application_type()),
                kind
            );
        }
    }

    #[test]
    fn a_supported_auth_method_replaces_an_unsupported_preferred_one() {
        let accepted = [AuthMethod::None];
        let read = |value: Value| with(value, |metadata| metadata.auth_method(&accepted));
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(
            read(json!({ "token_endpoint_auth_method": "none" })),
            Ok(Some(AuthMethod::None))
        );
        let both = json!(["none", "private_key_jwt"]);
        assert_eq!(
            read(json!({ "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": both })),
            Ok(Some(AuthMethod::None))
        );
        assert_eq!(
            text_of(read(
                json!({ "token_endpoint_auth_method": "private_key_jwt" })
            )),
            "token_endpoint_auth_method must be none."
        );
        assert!(
            read(json!({ "token_endpoint_auth_method": "client_secret_post",
            "token_endpoint_auth_methods_supported": both }))
            .is_err()
        );
        let all = with(
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            |metadata| metadata.auth_method(&AuthMethod::ALL),
        );
        assert_eq!(all, Ok(Some(AuthMethod::Post)));
    }

    #[test]
    fn a_private_key_is_refused_and_other_keys_are_not_checked() {
        let keys = |value: Value| with(value, |metadata| metadata.check_keys());
        let public = json!({ "keys": [{ "kty": "EC", "x": "1", "y": "2" }] });
        for jwks in [
            public.clone(),
            json!("x"),
            json!({}),
            json!({ "keys": {} }),
            json!({ "keys": [1] }),
        ] {
            assert_eq!(
                keys(json!({ "jwks": jwks, "jwks_uri": "javascript:x" })),
                Ok(())
            );
        }
        for member in PRIVATE_KEY_MEMBERS {
            let private = json!({ "keys": [{ "kty": "EC" }, { member: "1" }] });
            assert!(
                text_of(keys(json!({ "jwks": private }))).contains("private key"),
                "{member}"
            );
        }
    }

    #[test]
    fn number_and_length_of_redirect_uris_are_limited() {
        let read = |value: Value| {
            with(json!({ "redirect_uris": value }), |metadata| {
                metadata.redirect_uris(&RedirectPolicy::default())
            })
        };
        let uri = "https://a.example/cb";
        assert_eq!(
            read(json!([uri, uri])).unwrap(),
            [RedirectUri::parse(uri).map_err(|_| unreachable!())]
        );
        assert_eq!(read(Value::Null), Ok(Vec::new()));
        for bad in [
            json!(uri),
            json!([1]),
            json!(vec![uri; MAX_REDIRECT_URIS + 1]),
        ] {
            assert!(matches!(read(bad), Err(MetadataError::RedirectUri(_))));
        }
        let long = format!("{uri}?{}", "x".repeat(MAX_URI_CHARS));
        assert_eq!(
            read(json!([uri, long])).unwrap().pop().unwrap(),
            Err(MetadataError::RedirectUri(
                "redirect_uris[1] is longer than 2048 characters.".to_owned()
            ))
        );
    }
}
