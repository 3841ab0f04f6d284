//! Resources that a token is valid for (RFC 8707).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::uri::{Uri, UriHost};

/// A resource, normalised: scheme and host in lower case, no default port, no slash for an empty path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Resource(String);

/// Reason for which a resource is refused: `invalid_target` of RFC 8707 section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceError(pub &'static str);

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl TryFrom<String> for Resource {
    type Error = ResourceError;

    fn try_from(text: String) -> Result<Self, ResourceError> {
        Self::parse(&text)
    }
}

impl Resource {
    /// Reads an absolute `https` or `http` URI without fragment (RFC 8707 section 2).
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        normalised(text).map(Self).ok_or(ResourceError(
            "A resource is an https URI without fragment and user.",
        ))
    }

    /// The resource as it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn normalised(text: &str) -> Option<String> {
    let uri = Uri::parse(text)?;
    let host = UriHost::parse(uri.authority?)?;
    let scheme = uri.scheme.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    if uri.fragment.is_some() {
        return None;
    }
    let port = host
        .port
        .filter(|port| *port != default)
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let name = host.name.to_ascii_lowercase();
    let (path, mark, query) = match (uri.path, uri.query) {
        ("" | "/", None) => ("", "", ""),
        ("", Some(query)) => ("/", "?", query),
        (path, query) => (
            path,
            if query.is_some() { "?" } else { "" },
            query.unwrap_or_default(),
        ),
    };
    Some([&scheme, "://", &name, &port, path, mark, query].concat())
}

/// The resources that this server protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    root: Resource,
    others: Vec<Resource>,
}

impl Resources {
    /// The origin `root` with the paths under it that are resources of their own.
    #[must_use]
    pub fn new(root: &str, paths: &[&str]) -> Self {
        let root = Resource::parse(root).unwrap_or_else(|_| Resource(root.to_owned()));
        let mut others = Vec::new();
        for path in paths {
            let other = Resource(format!("{}{path}", root.0));
            if !matches!(*path, "" | "/") && !others.contains(&other) {
                others.push(other);
            }
        }
        Self { root, others }
    }

    /// The resource that covers all of this server.
    #[must_use]
    pub fn root(&self) -> &Resource {
        &self.root
    }

    /// The root, then the others.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        [&self.root].into_iter().chain(&self.others)
    }

    /// The resources of a request's `resource` parameters, each once; the root if there is none. A query and a slash at the
    /// end make no difference: a client that connects to `/mcp/?mode=direct` means the resource at `/mcp`.
    ///
    /// # Errors
    /// When one is not a resource of this server.
    pub fn resolve<'a>(
        &self,
        asked: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Resource>, ResourceError> {
        let mut resolved = Vec::new();
        for text in asked {
            let path = text.split('?').next().unwrap_or_default();
            let resource = Resource::parse(path.strip_suffix('/').unwrap_or(path))?;
            if !self.iter().any(|known| *known == resource) {
                return Err(ResourceError(
                    "This server does not protect that resource. Use the URL that your client connects to, or the resource of \
                     /.well-known/oauth-protected-resource.",
                ));
            }
            if !resolved.contains(&resource) {
                resolved.push(resource);
            }
        }
        if resolved.is_empty() {
            resolved.push(self.root.clone());
        }
        Ok(resolved)
    }

    /// Checks whether a grant of some resources covers `wanted`: it names that resource, or the root.
    #[must_use]
    pub fn covers(granted: &[Resource], wanted: &Resource, root: &Resource) -> bool {
        granted.iter().any(|held| held == wanted || held == root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_compared_normalised() {
        for (text, normalised) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example/", "https://a.example"),
            ("HTTPS://A.Example:443/", "https://a.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:443/mcp", "http://localhost:443/mcp"),
            ("http://[::1]:8787/mcp", "http://[::1]:8787/mcp"),
            ("https://a.example/MCP", "https://a.example/MCP"),
            ("https://a.example/mcp/", "https://a.example/mcp/"),
            ("https://a.example?x=Y", "https://a.example/?x=Y"),
            ("https://a.example/mcp?x", "https://a.example/mcp?x"),
        ] {
            assert_eq!(
                Resource::parse(text).unwrap().as_str(),
                normalised,
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_that_is_no_absolute_web_uri_is_no_resource() {
        for text in [
            "",
            "a",
            "/mcp",
            "//a/mcp",
            "https:",
            "https://",
            "https:///mcp",
            "ftp://a",
            "urn:a",
            "https://a/#",
            "https://a#f",
            "https://u@a",
            "https://a:x",
            "https://a/ b",
            "https://\u{e9}",
            "https://a\\b",
        ] {
            assert!(Resource::parse(text).is_err(), "{text}");
            assert!(
                serde_json::from_value::<Resource>(text.into()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn requested_resources_must_be_the_servers_and_default_to_the_root() {
        let server = Resources::new("https://a.example/", &["/mcp", "/sse", "/mcp", "/", ""]);
        let all: Vec<_> = server.iter().map(Resource::as_str).collect();
        assert_eq!(
            all,
            [
                "https://a.example",
                "https://a.example/mcp",
                "https://a.example/sse"
            ]
        );
        let resolve = |asked: &[&str]| {
            let resolved = server.resolve(asked.iter().copied())?;
            Ok::<_, ResourceError>(
                resolved
                    .into_iter()
                    .map(|resource| resource.0)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(resolve(&[]).unwrap(), ["https://a.example"]);
        assert_eq!(
            resolve(&["https://A.example/", "https://a.example"]).unwrap(),
            ["https://a.example"]
        );
        let both = ["https://a.example/sse", "https://a.example/mcp"];
        assert_eq!(resolve(&both).unwrap(), both);
        assert_eq!(
            resolve(&["https://a.example/mcp?mode=direct"]).unwrap(),
            ["https://a.example/mcp"]
        );
        for same in [
            "https://a.example/mcp/",
            "https://a.example/mcp/?mode=direct",
        ] {
            assert_eq!(
                resolve(&[same, "https://a.example/mcp"]).unwrap(),
                ["https://a.example/mcp"],
                "{same}"
            );
        }
        for other in [
            "https://a.example/mcpx",
            "https://a.example/mcp//",
            "https://b.example",
            "https://a.example:1",
            "http://a.example",
            "https://a.example/mcp#x",
            "mcp",
        ] {
            assert!(
                resolve(&[other]).is_err() && resolve(&["https://a.example", other]).is_err(),
                "{other}"
            );
        }
    }

    #[test]
    fn the_root_covers_every_resource_and_a_path_only_itself() {
        let [root, mcp, sse] = ["https://a", "https://a/mcp", "https://a/sse"]
            .map(|text| Resource::parse(text).unwrap());
        let covers = |granted: &[&Resource], wanted| {
            Resources::covers(
                &granted.iter().copied().cloned().collect::<Vec<_>>(),
                wanted,
                &root,
            )
        };
        assert!(covers(&[&root], &mcp) && covers(&[&root], &root) && covers(&[&sse, &mcp], &mcp));
        assert!(
            !covers(&[&mcp], &root)
                && !covers(&[&mcp], &sse)
                && !covers(&[], &mcp)
                && !covers(&[], &root)
        );
    }
}
