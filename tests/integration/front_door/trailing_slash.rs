//! Paths and resources with a slash at their end: the same as without.

use http::Method;
use serde_json::{Value, json};

use super::{begins, front, initialize, post};
use crate::support::browser::{Browser, CHALLENGE, Deployment, REDIRECT};

#[test]
fn a_trailing_slash_is_the_same_endpoint() {
    let front = front();
    assert!(begins(&post(&front, "/mcp/", &[], &initialize())));
    for path in ["/mcp//", "/mcp/x"] {
        assert_eq!(post(&front, path, &[], &initialize()).status, 404, "{path}");
    }
}

#[test]
fn a_resource_with_a_trailing_slash_is_the_same_for_sign_in() {
    let deployment = Deployment::new();
    let mut browser = Browser::new(&deployment);
    let challenged = browser.send(Method::POST, "/mcp/", "", &[]);
    let challenge = challenged.header("www-authenticate").unwrap().to_owned();
    let metadata = "/.well-known/oauth-protected-resource/mcp/";
    assert!(
        challenge.contains(&format!("https://mcp.example{metadata}\"")),
        "{challenge}"
    );
    let document: Value =
        serde_json::from_str(&browser.send(Method::GET, metadata, "", &[]).text).unwrap();
    assert_eq!(document["resource"], "https://mcp.example/mcp/");
    assert_eq!(
        browser
            .send(
                Method::GET,
                "/.well-known/oauth-protected-resource/mcp//",
                "",
                &[]
            )
            .status,
        404
    );
    let client = deployment.register(&json!({}));
    let authorize = |path: &str, resource: &str| {
        let query = format!(
            "response_type=code&client_id={client}&redirect_uri={REDIRECT}&code_challenge={CHALLENGE}&code_challenge_method=S256\
             &resource={resource}"
        );
        Browser::new(&deployment).send(Method::GET, &format!("{path}?{query}"), "", &[])
    };
    assert_eq!(
        authorize("/authorize", "https://mcp.example/mcp/").status,
        200
    );
    assert_eq!(authorize("/authorize/", "https://mcp.example/").status, 200);
    let refused = authorize("/authorize", "https://mcp.example/other/");
    assert!(
        refused.text.contains("invalid_target")
            && refused.text.contains("oauth-protected-resource"),
        "{refused:?}"
    );
}

#[test]
fn server_metadata_are_served_with_a_trailing_slash() {
    let deployment = Deployment::new();
    let get = |path: &str| Browser::new(&deployment).send(Method::GET, path, "", &[]);
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        let (without, with) = (get(path), get(&format!("{path}/")));
        assert_eq!((with.status, &with.text), (200, &without.text), "{path}");
        for other in ["//", "/mcp/"] {
            assert_eq!(get(&format!("{path}{other}")).status, 404, "{path}{other}");
        }
    }
}
