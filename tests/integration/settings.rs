//! A deployment whose variables cannot be taken as they are: what is refused, and what its operator is told.

use durable_mcp::{App, Server};
use http::Method;

use crate::support::browser::{Browser, Deployment};

fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    let read = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    let app = App::new(Server::new("s", "1")).with_variables(&read);
    app.problems().to_vec()
}

#[test]
fn a_key_that_could_be_guessed_closes_every_endpoint_and_says_why() {
    let deployment = Deployment::with_variables(&[("SESSION_KEY", "changeme")]);
    let mut browser = Browser::new(&deployment);
    for (method, path) in [
        (Method::POST, "/mcp"),
        (Method::GET, "/mcp"),
        (Method::GET, "/sse"),
        (Method::POST, "/sse/message"),
        (Method::GET, "/authorize"),
        (Method::POST, "/authorize"),
        (Method::GET, "/callback"),
        (Method::GET, "/account"),
        (Method::POST, "/token"),
        (Method::POST, "/register"),
        (Method::POST, "/revoke"),
        (Method::POST, "/introspect"),
        (Method::GET, "/.well-known/oauth-authorization-server"),
    ] {
        let shown = browser.send(method.clone(), path, "", &[]);
        assert_eq!(shown.status, 503, "{method} {path}: {shown:?}");
        assert!(shown.text.contains("SESSION_KEY has a key of fewer than 32 characters"), "{path}: {shown:?}");
        assert!(!shown.text.contains("changeme"), "{path}: {shown:?}");
    }
    let home = browser.send(Method::GET, "/", "", &[]);
    assert!(home.status == 200 && home.text.contains("SESSION_KEY has a key"), "{home:?}");
}

#[test]
fn an_empty_key_is_none_and_a_long_one_serves() {
    let long = "k".repeat(32);
    for key in ["", " \n", long.as_str()] {
        let deployment = Deployment::with_variables(&[("SESSION_KEY", key)]);
        assert_eq!(Browser::new(&deployment).send(Method::POST, "/mcp", "", &[]).status, 401, "{key:?}");
    }
}

#[test]
fn every_variable_that_does_nothing_as_it_is_set_is_told() {
    for (name, value) in [
        ("ALLOWED_ORIGINS", "example.org"),
        ("ALLOWED_HOSTS", "https://example.org"),
        ("SESSION_KEY", "changeme"),
        ("SESSION_IDLE_SECONDS", "1h"),
        ("SESSION_MAX_AGE_SECONDS", "-1"),
        ("SESSION_RESUME_SECONDS", "1.5"),
        ("SESSION_JURISDICTION", "EU"),
        ("SESSION_LOCATION_HINT", "europe"),
        ("CLIENT_DOCUMENT_PORTS", "https"),
        ("ANSWERS", "json"),
        ("LOG_REQUESTS", "false"),
        ("IDENTITY_PROVIDER", "github"),
        ("GITHUB_ALLOWED", "octocat"),
        ("OPERATOR_TOKEN", "0123456789abcdef0123456789abcdef"),
    ] {
        let told = problems(&[(name, value)]);
        assert!(told.len() == 1 && told[0].contains(name), "{name}: {told:?}");
        for empty in ["", " ", "\n"] {
            assert_eq!(problems(&[(name, empty)]), [""; 0], "{name}");
        }
    }
}

#[test]
fn variables_that_can_be_read_are_not_told() {
    for (name, value) in [
        ("ALLOWED_ORIGINS", "https://a.example, *.trycloudflare.com"),
        ("ALLOWED_HOSTS", "box.lan, *.trycloudflare.com"),
        ("SESSION_LOCATION_HINT", "weur"),
        ("SESSION_LOCATION_HINT", "apac-ne"),
        ("CLIENT_DOCUMENT_PORTS", "8443, 9443"),
        ("IDENTITY_PROVIDER", "none"),
        ("LOG_REQUESTS", "all"),
        ("LOG_REQUESTS", "errors"),
        ("LOG_REQUESTS", "none"),
    ] {
        assert_eq!(problems(&[(name, value)]), [""; 0], "{name}");
    }
}

/// The lines of a section of the shipped configuration; those before the first one where none is named.
fn shipped(section: &str) -> Vec<&'static str> {
    let all = include_str!("../../wrangler.toml");
    let named = |line: &&str| line.starts_with('[');
    if section.is_empty() {
        return all.lines().take_while(|line| !named(line)).collect();
    }
    all.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !named(line)).collect()
}

#[test]
fn the_shipped_configuration_has_fetches_go_through_the_front_door_and_no_urls_in_the_log() {
    assert!(shipped("").contains(&"compatibility_flags = [\"global_fetch_strictly_public\"]"));
    assert!(shipped("[observability.logs]").contains(&"invocation_logs = false"));
}
