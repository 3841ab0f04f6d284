//! Clients that are known by the URL of a document.

use http::Method;
use serde_json::{Value, json};

use super::is_page;
use crate::support::browser::{Browser, CHALLENGE, Deployment, REDIRECT, Shown};

const URL: &str = "https://client.example/oauth/client.json";

fn document(url: &str) -> Value {
    json!({ "client_id": url, "client_name": "C", "redirect_uris": [REDIRECT] })
}

fn authorize(deployment: &Deployment, url: &str) -> Shown {
    let query = format!(
        "response_type=code&client_id={url}&redirect_uri={REDIRECT}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    Browser::new(deployment).send(Method::GET, &format!("/authorize?{query}"), "", &[])
}

fn metadata(deployment: &Deployment) -> Value {
    let path = "/.well-known/oauth-authorization-server";
    serde_json::from_str(
        &Browser::new(deployment)
            .send(Method::GET, path, "", &[])
            .text,
    )
    .unwrap()
}

/// The last line of the log.
fn logged(deployment: &Deployment) -> Value {
    serde_json::from_str(deployment.log.borrow().last().unwrap()).unwrap()
}

#[test]
fn documents_are_off_where_a_fetch_could_reach_private_services() {
    let deployment = Deployment::new();
    deployment.web.set_json(URL, 200, &document(URL));
    assert_eq!(
        metadata(&deployment)["client_id_metadata_document_supported"],
        true
    );
    deployment.is_inside.set(true);
    assert_eq!(
        metadata(&deployment).get("client_id_metadata_document_supported"),
        None
    );
    assert!(is_page(&authorize(&deployment, URL), 400));
    let form = format!("grant_type=refresh_token&refresh_token=x&client_id={URL}");
    Browser::new(&deployment).send(Method::POST, "/token", &form, &[]);
    assert!(deployment.web.asked().is_empty());
    deployment.is_inside.set(false);
    assert_eq!(authorize(&deployment, URL).status, 200);
}

#[test]
fn every_failed_fetch_has_the_same_answer_and_its_cause_in_the_log() {
    let deployment = Deployment::new();
    let mut shown = Vec::new();
    for (answer, cause) in [
        (None, "Unreachable"),
        (Some((301, document(URL))), "Status(301)"),
        (Some((403, document(URL))), "Status(403)"),
        (Some((404, document(URL))), "Status(404)"),
        (Some((500, document(URL))), "Status(500)"),
        (Some((200, json!([]))), "NotObject"),
        (
            Some((200, document("https://client.example/other"))),
            "OtherClient",
        ),
    ] {
        match answer {
            Some((status, document)) => deployment.web.set_json(URL, status, &document),
            None => deployment.web.take_down(URL),
        }
        let page = authorize(&deployment, URL);
        let line = logged(&deployment);
        assert!(
            line["cause"].as_str().unwrap().contains(cause),
            "{cause}: {line}"
        );
        shown.push((
            page.status,
            page.text.replace(line["id"].as_str().unwrap(), "id"),
        ));
    }
    assert!(shown.iter().all(|one| *one == shown[0]), "{shown:?}");
    assert!(
        shown[0].1.contains("Content-Type application/json"),
        "{}",
        shown[0].1
    );
}

#[test]
fn documents_are_fetched_at_other_ports_only_if_a_variable_names_them() {
    let url = "https://client.example:8443/client.json";
    for (ports, status) in [
        ("", 400),
        ("443", 400),
        ("8443", 200),
        (" 9000, 8443 ", 200),
        ("8443, x", 400),
        ("0", 400),
    ] {
        let deployment = Deployment::with_variables(&[("CLIENT_DOCUMENT_PORTS", ports)]);
        deployment.web.set_json(url, 200, &document(url));
        assert_eq!(authorize(&deployment, url).status, status, "{ports:?}");
        assert_eq!(
            deployment.web.asked().len(),
            usize::from(status == 200),
            "{ports:?}"
        );
    }
}
