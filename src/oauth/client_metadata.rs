//! Client metadata as a client writes it (RFC 7591 section 2), in a registration or in its document.

use std::fmt;

use serde_json::{Map, Value};

use super::client::{ApplicationType, AuthMethod};
use super::redirect_policy::RedirectPolicy;
use super::redirect_uri::RedirectUri;
use super::scope::Scopes;
use super::uri::{Host, Uri};

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

/// Why metadata is refused (RFC 7591 section 3.2.2), with what its author can do. Nothing of the metadata is repeated.
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

/// The members of a metadata object. One that is null or an empty text is as one that is not there.
#[derive(Debug, Clone, Copy)]
pub struct ClientMetadata<'a>(&'a Map<String, Value>);

impl<'a> ClientMetadata<'a> {
    /// The members of an object.
    #[must_use]
    pub const fn new(members: &'a Map<String, Value>) -> Self {
        Self(members)
    }

    /// Whether it has that member, whatever it holds.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text.
    ///
    /// # Errors
    /// When it is none, is longer than `limit` characters, or has characters that change how the rest is shown.
    pub fn text(self, name: &str, limit: usize) -> Result<Option<&'a str>, MetadataError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str() {
            None => other(format!("{name} must be a string.")),
            Some(text) if text.chars().count() > limit => other(format!("{name} is longer than {limit} characters.")),
            Some(text) if text.chars().any(is_unseen) => other(format!("{name} has control characters.")),
            Some(text) => Ok(Some(text)),
        }
    }

    /// What the client calls itself.
    ///
    /// # Errors
    /// As of [`text`](Self::text).
    pub fn name(self) -> Result<Option<String>, MetadataError> {
        let name = self.text("client_name", MAX_NAME_CHARS)?.map(str::trim);
        Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
    }

    /// The URL of a page or picture.
    ///
    /// # Errors
    /// When a browser sent there could do anything but load a page from the host it names.
    pub fn uri(self, name: &str) -> Result<Option<String>, MetadataError> {
        match self.text(name, MAX_URI_CHARS)? {
            Some(uri) if !is_web_url(uri) => other(format!("{name} must be an https or http URL.")),
            uri => Ok(uri.map(str::to_owned)),
        }
    }

    /// A list of texts; none if there is no such member.
    ///
    /// # Errors
    /// When it is no list of texts, or too long a one.
    pub fn list(self, name: &str) -> Result<Option<Vec<&'a str>>, MetadataError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let Some(texts) = texts else {
            return other(format!("{name} must be a list of strings."));
        };
        if texts.len() > MAX_ITEMS || texts.iter().any(|text| text.chars().count() > MAX_ITEM_CHARS) {
            return other(format!(
                "{name} may have up to {MAX_ITEMS} entries of up to {MAX_ITEM_CHARS} characters each."
            ));
        }
        Ok(Some(texts))
    }

    /// The redirect URIs, none twice, each with why `policy` refuses it if it does.
    ///
    /// # Errors
    /// When there are too many, or it is no list of texts.
    pub fn redirect_uris(
        self,
        policy: &RedirectPolicy,
    ) -> Result<Vec<Result<RedirectUri, MetadataError>>, MetadataError> {
        let refuse = MetadataError::RedirectUri;
        let Some(value) = self.get("redirect_uris") else {
            return Ok(Vec::new());
        };
        let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let Some(texts) = texts else {
            return Err(refuse("redirect_uris must be a list of strings.".to_owned()));
        };
        if texts.len() > MAX_REDIRECT_URIS {
            return Err(refuse(format!("There may be up to {MAX_REDIRECT_URIS} redirect_uris.")));
        }
        let once = |(at, text): &(usize, &str)| !texts.iter().take(*at).any(|earlier| earlier == text);
        let read = |(at, text): (usize, &str)| {
            if text.len() > MAX_URI_CHARS {
                return Err(refuse(format!("redirect_uris[{at}] is longer than {MAX_URI_CHARS} characters.")));
            }
            let checked = RedirectUri::parse(text).and_then(|uri| policy.check(&uri).map(|()| uri));
            checked.map_err(|bad| refuse(format!("redirect_uris[{at}] is refused: {bad}")))
        };
        Ok(texts.iter().copied().enumerate().filter(once).map(read).collect())
    }

    /// What kind of program the client is.
    ///
    /// # Errors
    /// When it is neither of the two.
    pub fn application_type(self) -> Result<Option<ApplicationType>, MetadataError> {
        match self.text("application_type", MAX_ITEM_CHARS)? {
            None => Ok(None),
            Some("web") => Ok(Some(ApplicationType::Web)),
            Some("native") => Ok(Some(ApplicationType::Native)),
            Some(_) => other("application_type must be web or native."),
        }
    }

    /// The scopes.
    ///
    /// # Errors
    /// When it is no list of scope-tokens of RFC 6749 section 3.3.
    pub fn scope(self) -> Result<Option<Scopes>, MetadataError> {
        let scope = self.text("scope", MAX_ITEM_CHARS)?;
        scope.map(Scopes::parse).transpose().map_err(|bad| MetadataError::Other(format!("scope is refused: {bad}")))
    }

    /// How the client proves itself: the way it prefers if `accepted` has that, else one that it supports besides (`OpenID`
    /// Connect Relying Party Metadata Choices 1.0). None if it names neither.
    ///
    /// # Errors
    /// When it names none that is accepted, or contradicts itself.
    pub fn auth_method(self, accepted: &[AuthMethod]) -> Result<Option<AuthMethod>, MetadataError> {
        let preferred = self.text("token_endpoint_auth_method", MAX_ITEM_CHARS)?;
        let supported = self.list("token_endpoint_auth_methods_supported")?;
        if let (Some(preferred), Some(supported)) = (preferred, &supported)
            && !supported.contains(&preferred)
        {
            return other("token_endpoint_auth_method must be one of token_endpoint_auth_methods_supported.");
        }
        if preferred.is_none() && supported.is_none() {
            return Ok(None);
        }
        let named = preferred.into_iter().chain(supported.into_iter().flatten());
        if let Some(method) = named.filter_map(AuthMethod::parse).find(|method| accepted.contains(method)) {
            return Ok(Some(method));
        }
        let list: Vec<_> = accepted.iter().map(|method| method.as_str()).collect();
        other(format!("token_endpoint_auth_method must be {}.", list.join(" or ")))
    }

    /// Checks the client's keys, which nothing here uses: a private one among them is known to everybody by now.
    ///
    /// # Errors
    /// When they are no public keys, or stand there in two ways (RFC 7591 section 2).
    pub fn check_keys(self) -> Result<(), MetadataError> {
        self.uri("jwks_uri")?;
        let Some(keys) = self.get("jwks") else {
            return Ok(());
        };
        if self.get("jwks_uri").is_some() {
            return other("Send jwks or jwks_uri, not both.");
        }
        let keys = keys.get("keys").and_then(Value::as_array);
        let Some(keys) = keys.and_then(|keys| keys.iter().map(Value::as_object).collect::<Option<Vec<_>>>()) else {
            return other("jwks must be an object with a list of keys.");
        };
        if keys.iter().any(|key| PRIVATE_KEY_MEMBERS.iter().any(|member| key.contains_key(*member))) {
            return other("jwks has a private key. Replace that key: it is no secret any more.");
        }
        Ok(())
    }
}

/// Whether a character is seen only by what it does to others: a control, or a mark that turns the direction of writing
/// (Unicode Standard Annex 9 section 2), by which one name can be made to look like another.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text is an absolute URL that leads to a page: no other scheme, no user, nothing that ends a quote.
fn is_web_url(text: &str) -> bool {
    Uri::parse(text).is_some_and(|uri| {
        matches!(uri.scheme, "https" | "http")
            && uri.authority.is_some_and(|authority| Host::parse(authority).is_some())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(value: Value, read: impl Fn(&ClientMetadata<'_>) -> T) -> T {
        let Value::Object(members) = value else { panic!("no object") };
        read(&ClientMetadata::new(&members))
    }

    fn text_of<T: fmt::Debug>(result: Result<T, MetadataError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn null_and_empty_are_as_absent() {
        with(json!({ "client_name": null, "logo_uri": "", "contacts": null, "scope": "" }), |metadata| {
            assert_eq!(metadata.name(), Ok(None));
            assert_eq!(metadata.uri("logo_uri"), Ok(None));
            assert_eq!(metadata.list("contacts"), Ok(None));
            assert_eq!(metadata.scope(), Ok(None));
        });
    }

    #[test]
    fn a_name_may_hold_markup_but_no_control_characters_and_no_novel() {
        let name = |name: &str| with(json!({ "client_name": name }), |metadata| metadata.name());
        assert_eq!(name(" <b>Tom & Jerry</b> "), Ok(Some("<b>Tom & Jerry</b>".to_owned())));
        assert_eq!(name("  "), Ok(None));
        assert!(name(&"ü".repeat(MAX_NAME_CHARS)).is_ok());
        assert_eq!(text_of(name(&"ü".repeat(MAX_NAME_CHARS + 1))), "client_name is longer than 200 characters.");
        assert_eq!(text_of(name("a\u{1b}[2J")), "client_name has control characters.");
        assert_eq!(text_of(name("a\u{202e}b")), "client_name has control characters.");
        let number = with(json!({ "client_name": 5 }), |metadata| metadata.name());
        assert_eq!(text_of(number), "client_name must be a string.");
    }

    #[test]
    fn a_page_is_a_web_url_and_nothing_else() {
        let uri = |uri: &str| with(json!({ "logo_uri": uri }), |metadata| metadata.uri("logo_uri"));
        for good in ["https://a.example/logo.png?x=1#y", "http://localhost:3000/", "https://a.example"] {
            assert_eq!(uri(good), Ok(Some(good.to_owned())));
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
            "https://a.example\\@b.example",
            "https://a.example/ x",
            "https://:80/",
        ] {
            assert_eq!(text_of(uri(bad)), "logo_uri must be an https or http URL.", "{bad}");
        }
        assert!(uri(&format!("https://a.example/{}", "x".repeat(MAX_URI_CHARS))).is_err());
    }

    #[test]
    fn lists_are_of_texts_and_short() {
        let list = |value: Value| with(json!({ "contacts": value }), |metadata| metadata.list("contacts").map(|_| ()));
        assert_eq!(list(json!(["a@a.example"])), Ok(()));
        for bad in [json!("a"), json!([1]), json!(vec!["a"; MAX_ITEMS + 1]), json!(["a".repeat(MAX_ITEM_CHARS + 1)])] {
            assert!(list(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_are_scope_tokens() {
        let scope = |scope: &str| with(json!({ "scope": scope }), |metadata| metadata.scope());
        assert_eq!(scope("a b").unwrap().unwrap().to_vec(), ["a", "b"]);
        assert!(scope("a\"b").is_err());
    }

    #[test]
    fn the_preferred_method_wins_and_another_that_is_accepted_will_do() {
        let accepted = [AuthMethod::None];
        let read = |value: Value| with(value, |metadata| metadata.auth_method(&accepted));
        assert_eq!(read(json!({})), Ok(None));
        assert_eq!(read(json!({ "token_endpoint_auth_method": "none" })), Ok(Some(AuthMethod::None)));
        let both = json!(["none", "private_key_jwt"]);
        assert_eq!(
            read(json!({ "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": both })),
            Ok(Some(AuthMethod::None))
        );
        assert_eq!(
            text_of(read(json!({ "token_endpoint_auth_method": "private_key_jwt" }))),
            "token_endpoint_auth_method must be none."
        );
        assert!(
            read(json!({ "token_endpoint_auth_method": "client_secret_post",
            "token_endpoint_auth_methods_supported": both }))
            .is_err()
        );
        let all = with(json!({ "token_endpoint_auth_method": "client_secret_post" }), |metadata| {
            metadata.auth_method(&AuthMethod::ALL)
        });
        assert_eq!(all, Ok(Some(AuthMethod::Post)));
    }

    #[test]
    fn keys_are_public_ones_or_refused() {
        let keys = |value: Value| with(value, |metadata| metadata.check_keys());
        let public = json!({ "keys": [{ "kty": "EC", "x": "1", "y": "2" }] });
        assert_eq!(keys(json!({ "jwks": public })), Ok(()));
        assert_eq!(keys(json!({ "jwks_uri": "https://a.example/jwks" })), Ok(()));
        assert!(keys(json!({ "jwks": public, "jwks_uri": "https://a.example/jwks" })).is_err());
        assert!(keys(json!({ "jwks_uri": "javascript:x" })).is_err());
        for bad in [json!("x"), json!({}), json!({ "keys": {} }), json!({ "keys": [1] })] {
            assert!(keys(json!({ "jwks": bad })).is_err());
        }
        for member in PRIVATE_KEY_MEMBERS {
            let private = json!({ "keys": [{ "kty": "EC" }, { member: "1" }] });
            assert!(text_of(keys(json!({ "jwks": private }))).contains("private key"), "{member}");
        }
    }

    #[test]
    fn redirect_uris_are_counted_and_measured() {
        let read = |value: Value| {
            with(json!({ "redirect_uris": value }), |metadata| metadata.redirect_uris(&RedirectPolicy::default()))
        };
        let uri = "https://a.example/cb";
        assert_eq!(read(json!([uri, uri])).unwrap(), [RedirectUri::parse(uri).map_err(|_| unreachable!())]);
        assert_eq!(read(Value::Null), Ok(Vec::new()));
        for bad in [json!(uri), json!([1]), json!(vec![uri; MAX_REDIRECT_URIS + 1])] {
            assert!(matches!(read(bad), Err(MetadataError::RedirectUri(_))));
        }
        let long = format!("{uri}?{}", "x".repeat(MAX_URI_CHARS));
        assert_eq!(
            read(json!([uri, long])).unwrap().pop().unwrap(),
            Err(MetadataError::RedirectUri("redirect_uris[1] is longer than 2048 characters.".to_owned()))
        );
    }
}
