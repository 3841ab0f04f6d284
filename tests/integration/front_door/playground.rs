//! The playground of a server: its documents, and itself as a client.

use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN};

#[test]
fn the_playground_has_documents_only_where_its_assets_are_bound() {
    for (bound, status) in [(Some("bound"), 200), (None, 404)] {
        let variables: Vec<_> = bound
            .map(|value| ("PLAYGROUND", value))
            .into_iter()
            .collect();
        let deployment = Deployment::with_variables(&variables);
        let mut browser = Browser::new(&deployment);
        for path in [
            "/playground/client.json",
            "/playground/config.json",
            "/playground",
            "/playground/shell-x.js",
        ] {
            assert_eq!(browser.get(path).status, status, "{path}");
        }
        assert_eq!(
            browser.get("/").text.contains("href=\"/playground\""),
            bound.is_some()
        );
    }
}

#[test]
fn the_playground_is_a_client_whose_id_is_the_url_of_its_document() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    let shown = Browser::new(&deployment).get("/playground/client.json");
    let client: Value = serde_json::from_str(&shown.text).unwrap();
    assert_eq!(
        client["client_id"],
        format!("{ORIGIN}/playground/client.json")
    );
    assert_eq!(
        client["redirect_uris"],
        json!([format!("{ORIGIN}/playground/callback")])
    );
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(shown.header("cache-control"), Some("public, max-age=3600"));
    let config: Value = serde_json::from_str(
        &Browser::new(&deployment)
            .get("/playground/config.json")
            .text,
    )
    .unwrap();
    assert_eq!(
        (&config["mcp"], &config["sse"]),
        (
            &json!(format!("{ORIGIN}/mcp")),
            &json!(format!("{ORIGIN}/sse"))
        )
    );
}

#[test]
fn the_playground_registers_with_its_own_server() {
    for (bound, status) in [(Some("bound"), 201), (None, 400)] {
        let variables: Vec<_> = bound
            .map(|value| ("PLAYGROUND", value))
            .into_iter()
            .collect();
        let deployment = Deployment::with_variables(&variables);
        let body = json!({ "redirect_uris": [format!("{ORIGIN}/playground/callback")], "token_endpoint_auth_method": "none" });
        let shown =
            Browser::new(&deployment).send(Method::POST, "/register", &body.to_string(), &[]);
        assert_eq!(shown.status, status, "{shown:?}");
    }
}
