//! The authorization server, with the pages for people.

use oauth_server::metadata_document::FetchResponse;
use serde_json::json;

use crate::meter::{Bounds, Linear, bounded};
use crate::requests::{Carried, Request};
use crate::support::browser::{Browser, Deployment, Shown};

const BOUNDS: Bounds = Bounds {
    peak: Linear(96 << 10, 48),
    bytes: Linear(256 << 10, 96),
    allocations: Linear(2000, 1),
    steps: Linear(200_000, 100),
};

/// Requests of one browser and of clients at every endpoint, with cookies as they were set.
pub fn requests(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else {
        return;
    };
    let deployment = Deployment::new();
    let mut browser = Browser::new(&deployment);
    let mut carried = Carried::default();
    let mut length = 0;
    carried.set("client_id", deployment.register(&json!({})));
    for text in Carried::texts(input) {
        let request = carried.fill(text);
        let cookies: usize = browser
            .cookies
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        length += request.length() + cookies;
        let Request {
            method,
            target,
            headers,
            body,
        } = request;
        let shown = bounded(&BOUNDS, length, || {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            browser.send(method, &target, &body, &headers)
        });
        carried.note(&written(&shown));
    }
}

/// The query of an authorization request, of a client that registered.
pub fn authorize(input: &[u8]) {
    let Ok(query) = std::str::from_utf8(input) else {
        return;
    };
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let url = format!("/authorize?{}", query.replacen("{client_id}", &client, 1));
    bounded(&BOUNDS, url.len(), || Browser::new(&deployment).get(&url));
}

/// The document of a client that asks to be let in, served under its id, and what a cache may do with it.
pub fn client_document(input: &[u8]) {
    const ID: &str = "https://app.example/client.json";
    let deployment = Deployment::new();
    let (cache_control, body) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (
            String::from_utf8_lossy(&input[..end]).into_owned(),
            input[end..].to_vec(),
        ),
        None => (String::new(), input.to_vec()),
    };
    deployment.web.set(
        ID,
        FetchResponse {
            status: 200,
            content_type: Some("application/json".to_owned()),
            cache_control: Some(cache_control),
            body,
        },
    );
    let url = "/authorize?response_type=code&state=s&scope=read&code_challenge_method=S256\
               &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
               &client_id=https%3A%2F%2Fapp.example%2Fclient.json\
               &redirect_uri=https%3A%2F%2Fapp.example%2Fcallback";
    bounded(&BOUNDS, input.len(), || Browser::new(&deployment).get(url));
}

/// An answer's headers and body.
fn written(shown: &Shown) -> String {
    let headers = shown
        .headers
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{value}\"\n"));
    headers.chain([shown.text.clone()]).collect()
}
