//! Changes of a server's lists and resources, and the clients that are notified of them.

use crate::jsonrpc::to_json;

/// A change that clients may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The list of resources.
    Resources,
    /// The resource at that URI.
    Resource(String),
}

/// The clients that a change concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The clients that share the changed state: those of a session, or of a user.
    Own,
    /// All clients.
    Everyone,
}

impl Change {
    /// The notification's method.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
            Self::Resource(_) => "notifications/resources/updated",
        }
    }

    /// The notification's parameters, as JSON; `meta` is their `_meta`.
    #[must_use]
    pub fn params(&self, meta: Option<&str>) -> String {
        let uri = match self {
            Self::Resource(uri) => Some(format!(r#""uri":{}"#, to_json(uri))),
            _ => None,
        };
        let meta = meta.map(|meta| format!(r#""_meta":{meta}"#));
        let members: Vec<_> = uri.into_iter().chain(meta).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The change as one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Tools => "tools".to_owned(),
            Self::Prompts => "prompts".to_owned(),
            Self::Resources => "resources".to_owned(),
            Self::Resource(uri) => format!("resource {uri}"),
        }
    }

    /// Reads a change from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "tools" => Some(Self::Tools),
            "prompts" => Some(Self::Prompts),
            "resources" => Some(Self::Resources),
            _ => text
                .strip_prefix("resource ")
                .map(|uri| Self::Resource(uri.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_survives_being_stored() {
        for change in [
            Change::Tools,
            Change::Prompts,
            Change::Resources,
            Change::Resource("a:b c".into()),
        ] {
            assert_eq!(Change::parse(&change.to_text()), Some(change));
        }
        assert_eq!(Change::parse("everything"), None);
    }

    #[test]
    fn a_notification_names_its_resource() {
        assert_eq!(Change::Tools.params(None), "{}");
        assert_eq!(Change::Tools.params(Some("{}")), r#"{"_meta":{}}"#);
        let change = Change::Resource("a:\"".into());
        assert_eq!(
            change.params(Some(r#"{"x":1}"#)),
            r#"{"uri":"a:\"","_meta":{"x":1}}"#
        );
    }
}
