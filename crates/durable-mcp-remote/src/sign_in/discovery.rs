//! Discovery: protected resource metadata (RFC 9728), then authorization server metadata (RFC 8414, OIDC Discovery).

use reqwest::Url;
use serde_json::{Map, Value};

use super::challenge::Challenge;
use super::error::{SignInError, printable};
use super::http::{Answer, Failure, OAuthHttp, shown};

/// Settings of discovery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether the metadata's `resource` has to cover the URL of the server. Not if `--resource` says which it is.
    pub(crate) check_resource: bool,
    /// Whether a server that lists no PKCE methods is assumed to support S256.
    pub(crate) allow_missing_pkce: bool,
}

/// Metadata of the protected resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ResourceMetadata {
    /// Identifier of the resource, as it is written.
    pub(crate) resource: String,
    /// Authorization servers, the first of which is used.
    pub(crate) authorization_servers: Vec<String>,
    /// Scopes of the resource; an empty list says that there are none.
    pub(crate) scopes: Option<Vec<String>>,
    /// Whole document.
    pub(crate) document: Map<String, Value>,
}

/// Metadata of an authorization server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServerMetadata {
    /// Issuer identifier, as it is written.
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) registration_endpoint: Option<Url>,
    pub(crate) device_authorization_endpoint: Option<Url>,
    /// Scopes that the server knows.
    pub(crate) scopes: Option<Vec<String>>,
    /// Ways in which a client may prove itself at the token endpoint.
    pub(crate) token_auth_methods: Vec<String>,
    /// Whether a client may name itself by the URL of a document.
    pub(crate) takes_client_documents: bool,
    /// Whether every answer of the authorization endpoint has `iss` (RFC 9207).
    pub(crate) always_sends_iss: bool,
    /// Whole document.
    pub(crate) document: Map<String, Value>,
}

/// Result of discovery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Discovered {
    pub(crate) resource: Option<ResourceMetadata>,
    pub(crate) server: ServerMetadata,
}

/// Asks the server, then its authorization server, for their metadata.
///
/// # Errors
/// If an answer must not be used, with both values that should be equal, or there is none.
pub(crate) async fn discover(
    http: &OAuthHttp,
    server: &Url,
    challenge: &Challenge,
    rules: Rules,
) -> Result<Discovered, SignInError> {
    let resource = resource_metadata(http, server, challenge, rules).await?;
    let named = resource
        .as_ref()
        .and_then(|resource| resource.authorization_servers.first().cloned());
    let metadata = match &named {
        Some(issuer) => of_issuer(http, issuer).await?,
        None => of_origin(http, server).await?,
    };
    check_endpoints(http, &metadata)?;
    Ok(Discovered {
        resource,
        server: metadata,
    })
}

async fn resource_metadata(
    http: &OAuthHttp,
    server: &Url,
    challenge: &Challenge,
    rules: Rules,
) -> Result<Option<ResourceMetadata>, SignInError> {
    for url in resource_urls(server, challenge)? {
        let Some(document) = document(http.get(&url).await)? else {
            continue;
        };
        let Some(metadata) = ResourceMetadata::parse(document) else {
            continue;
        };
        if rules.check_resource && !covers(&metadata.resource, server) {
            return Err(SignInError::impossible(format!(
                "{} describes the resource {}, which does not cover {}; --resource names another",
                shown(&url),
                printable(&metadata.resource),
                shown(server)
            )));
        }
        return Ok(Some(metadata));
    }
    Ok(None)
}

/// The URL of the challenge, then the well-known ones of the path and of the root.
pub(super) fn resource_urls(server: &Url, challenge: &Challenge) -> Result<Vec<Url>, SignInError> {
    let mut urls = Vec::new();
    if let Some(named) = &challenge.resource_metadata {
        let named = server.join(named).map_err(|_| {
            SignInError::impossible(format!(
                "the server names its metadata by no URL: {}",
                printable(named)
            ))
        })?;
        urls.push(named);
    }
    let path = server.path().trim_end_matches('/');
    for path in [path, ""] {
        let url = at(
            server,
            &format!("/.well-known/oauth-protected-resource{path}"),
        );
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    Ok(urls)
}

async fn of_issuer(http: &OAuthHttp, issuer: &str) -> Result<ServerMetadata, SignInError> {
    let parsed = Url::parse(issuer).map_err(|_| {
        SignInError::impossible(format!(
            "the server names its authorization server by no URL: {}",
            printable(issuer)
        ))
    })?;
    http.check_scheme(&parsed)?;
    let urls = server_urls(&parsed);
    for url in &urls {
        let Some(document) = document(http.get(url).await)? else {
            continue;
        };
        // Some servers answer each path with some JSON.
        if !document.get("issuer").is_some_and(Value::is_string) {
            continue;
        }
        let metadata = ServerMetadata::parse(document, issuer);
        if !is_same_issuer(&metadata.issuer, issuer) {
            return Err(SignInError::impossible(format!(
                "{} is of the issuer {}, not of {}: it is not used",
                shown(url),
                printable(&metadata.issuer),
                printable(issuer)
            )));
        }
        return Ok(metadata);
    }
    let tried: Vec<String> = urls.iter().map(shown).collect();
    Err(SignInError::impossible(format!(
        "the authorization server has no metadata; asked: {}",
        tried.join(", ")
    )))
}

/// Servers of 2025-03-26 are their own authorization server, with or without metadata at their origin.
async fn of_origin(http: &OAuthHttp, server: &Url) -> Result<ServerMetadata, SignInError> {
    let origin = server.origin().ascii_serialization();
    for url in server_urls(&at(server, "/")) {
        let document = document(http.get(&url).await)?
            .filter(|document| document.contains_key("token_endpoint"));
        let Some(document) = document else { continue };
        // A server must not name its own endpoints as those of another issuer: that one is asked itself.
        return match foreign_issuer(&document, server) {
            Some(issuer) => of_issuer(http, issuer).await,
            None => Ok(ServerMetadata::parse(document, &origin)),
        };
    }
    let endpoint = |path| Some(at(server, path));
    Ok(ServerMetadata {
        authorization_endpoint: endpoint("/authorize"),
        token_endpoint: endpoint("/token"),
        registration_endpoint: endpoint("/register"),
        ..ServerMetadata::parse(Map::new(), &origin)
    })
}

/// Issuer of metadata if it is of another origin than the server.
fn foreign_issuer<'a>(document: &'a Map<String, Value>, server: &Url) -> Option<&'a str> {
    let issuer = document.get("issuer").and_then(Value::as_str)?;
    let is_own = Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == server.origin());
    (!is_own).then_some(issuer)
}

/// RFC 8414 inserted, OIDC inserted, the same appended, and RFC 8414 at the root.
pub(super) fn server_urls(issuer: &Url) -> Vec<Url> {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";
    let path = issuer.path().trim_end_matches('/');
    if path.is_empty() {
        return vec![at(issuer, OAUTH), at(issuer, OPENID)];
    }
    let paths = [
        format!("{OAUTH}{path}"),
        format!("{OPENID}{path}"),
        format!("{path}{OPENID}"),
        OAUTH.to_owned(),
    ];
    paths.iter().map(|path| at(issuer, path)).collect()
}

/// JSON object with status 200; `None` is for the next URL.
fn document(answer: Result<Answer, Failure>) -> Result<Option<Map<String, Value>>, SignInError> {
    let answer = answer?;
    Ok(answer.object().filter(|_| answer.status.is_success()))
}

fn check_endpoints(http: &OAuthHttp, metadata: &ServerMetadata) -> Result<(), SignInError> {
    let endpoints = [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.registration_endpoint,
    ];
    endpoints
        .into_iter()
        .flatten()
        .try_for_each(|endpoint| http.check_scheme(endpoint))
}

/// Refuses authorization servers without PKCE. A refresh needs none.
///
/// # Errors
/// If the metadata does not list S256.
pub(crate) fn check_pkce(metadata: &ServerMetadata, rules: Rules) -> Result<(), SignInError> {
    // Servers of 2025-03-26 without metadata have it by the specification.
    if metadata.is_guessed() {
        return Ok(());
    }
    let Some(methods) = metadata.document.get("code_challenge_methods_supported") else {
        if rules.allow_missing_pkce {
            return Ok(());
        }
        return Err(SignInError::impossible(format!(
            "{} does not say that it knows PKCE; --allow-missing-pkce goes on without that",
            printable(&metadata.issuer)
        )));
    };
    if texts(methods).iter().any(|method| method == "S256") {
        return Ok(());
    }
    Err(SignInError::impossible(format!(
        "{} does not know PKCE with S256, which is needed",
        printable(&metadata.issuer)
    )))
}

impl ResourceMetadata {
    fn parse(document: Map<String, Value>) -> Option<Self> {
        Some(Self {
            resource: document.get("resource")?.as_str()?.to_owned(),
            authorization_servers: document
                .get("authorization_servers")
                .map(texts)
                .unwrap_or_default(),
            scopes: document
                .get("scopes_supported")
                .filter(|scopes| scopes.is_array())
                .map(texts),
            document,
        })
    }
}

impl ServerMetadata {
    fn parse(document: Map<String, Value>, issuer: &str) -> Self {
        let url = |name| {
            document
                .get(name)
                .and_then(Value::as_str)
                .and_then(|text| Url::parse(text).ok())
        };
        let flag = |name| document.get(name) == Some(&Value::Bool(true));
        Self {
            issuer: document
                .get("issuer")
                .and_then(Value::as_str)
                .unwrap_or(issuer)
                .to_owned(),
            authorization_endpoint: url("authorization_endpoint"),
            token_endpoint: url("token_endpoint"),
            registration_endpoint: url("registration_endpoint"),
            device_authorization_endpoint: url("device_authorization_endpoint"),
            scopes: document
                .get("scopes_supported")
                .filter(|scopes| scopes.is_array())
                .map(texts),
            token_auth_methods: document
                .get("token_endpoint_auth_methods_supported")
                .map(texts)
                .unwrap_or_default(),
            takes_client_documents: flag("client_id_metadata_document_supported"),
            always_sends_iss: flag("authorization_response_iss_parameter_supported"),
            document,
        }
    }

    /// Whether there is no metadata, so that the endpoints are those of 2025-03-26.
    pub(crate) fn is_guessed(&self) -> bool {
        self.document.is_empty()
    }

    /// Metadata of a token endpoint that `--token-endpoint` names.
    pub(crate) fn of_token_endpoint(endpoint: &Url) -> Self {
        let issuer = endpoint.origin().ascii_serialization();
        Self {
            token_endpoint: Some(endpoint.clone()),
            ..Self::parse(Map::new(), &issuer)
        }
    }
}

/// Whether two identifiers name one issuer. They have to be equal but for a slash at the end, which many servers list in one place and
/// not in the other; the reference accepts that, too.
pub(crate) fn is_same_issuer(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}

/// Whether a resource covers a URL: of the same origin, and its path is the URL's or above it.
fn covers(resource: &str, server: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else {
        return false;
    };
    let above = resource.path().trim_end_matches('/');
    let below = server.path().trim_end_matches('/');
    let rest = below.strip_prefix(above);
    resource.origin() == server.origin()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path at the origin of a URL.
fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn strings(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn resource_metadata_is_requested_at_challenge_path_and_root() {
        let challenge = Challenge {
            resource_metadata: Some("https://x.example/meta?a=b".to_owned()),
            ..Challenge::default()
        };
        let urls = resource_urls(&url("https://x.example/a/mcp?q=1"), &challenge).unwrap();
        let expected = [
            "https://x.example/meta?a=b",
            "https://x.example/.well-known/oauth-protected-resource/a/mcp",
            "https://x.example/.well-known/oauth-protected-resource",
        ];
        assert_eq!(strings(&urls), expected);
        let root = resource_urls(&url("https://x.example/"), &Challenge::default()).unwrap();
        assert_eq!(
            strings(&root),
            ["https://x.example/.well-known/oauth-protected-resource"]
        );
    }

    #[test]
    fn server_metadata_is_requested_in_the_order_of_the_specification() {
        let expected = [
            "https://as.example/.well-known/oauth-authorization-server/t/1",
            "https://as.example/.well-known/openid-configuration/t/1",
            "https://as.example/t/1/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server",
        ];
        assert_eq!(
            strings(&server_urls(&url("https://as.example/t/1/"))),
            expected
        );
    }

    #[test]
    fn metadata_of_another_origin_has_a_foreign_issuer() {
        let server = url("https://x.example/mcp");
        let of = |issuer: Value| Map::from_iter([("issuer".to_owned(), issuer)]);
        for own in [
            Map::new(),
            of("https://x.example".into()),
            of("https://x.example:443/t/".into()),
            of(1.into()),
        ] {
            assert_eq!(foreign_issuer(&own, &server), None, "{own:?}");
        }
        for other in [
            "https://as.example",
            "http://x.example",
            "https://x.example:8443",
            "x.example",
            "",
        ] {
            assert_eq!(foreign_issuer(&of(other.into()), &server), Some(other));
        }
    }

    #[test]
    fn a_resource_covers_its_own_paths_only() {
        let server = url("https://x.example/a/mcp");
        for resource in [
            "https://x.example",
            "https://x.example/",
            "https://x.example/a",
            "https://x.example/a/mcp/",
        ] {
            assert!(covers(resource, &server), "{resource}");
        }
        for resource in [
            "https://x.example/a/m",
            "https://y.example/a/mcp",
            "http://x.example/a/mcp",
            "https://x.example:8443/a/mcp",
            "x",
        ] {
            assert!(!covers(resource, &server), "{resource}");
        }
    }

    #[test]
    fn issuers_are_compared_without_a_trailing_slash() {
        assert!(is_same_issuer("https://as.example/", "https://as.example"));
        assert!(is_same_issuer(
            "https://as.example/t",
            "https://as.example/t/"
        ));
        for other in [
            "https://as.example/t//",
            "https://AS.example/t",
            "http://as.example/t",
            "https://as.example/T",
        ] {
            assert!(!is_same_issuer("https://as.example/t", other), "{other}");
        }
    }
}
