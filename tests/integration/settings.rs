//! A deployment with invalid variables: the requests that are rejected, and the warnings for its operator.

use durable_mcp::App;
use durable_mcp::prelude::*;
use http::Method;
use serde_json::json;

use crate::support::browser::{Browser, Deployment};
use crate::support::front::Front;

fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    let read = |name: &str| {
        variables
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let app = App::new(Server::new("s", "1")).with_variables(&read);
    app.problems().to_vec()
}

#[test]
fn a_guessable_session_key_closes_every_endpoint_and_says_why() {
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
        assert!(
            shown
                .text
                .contains("SESSION_KEY has a key of fewer than 32 characters"),
            "{path}: {shown:?}"
        );
        assert!(!shown.text.contains("changeme"), "{path}: {shown:?}");
    }
    let home = browser.send(Method::GET, "/", "", &[]);
    assert!(
        home.status == 200 && home.text.contains("SESSION_KEY has a key"),
        "{home:?}"
    );
}

#[test]
fn an_empty_session_key_counts_as_absent_and_a_long_one_works() {
    let long = "k".repeat(32);
    for key in ["", " \n", long.as_str()] {
        let deployment = Deployment::with_variables(&[("SESSION_KEY", key)]);
        assert_eq!(
            Browser::new(&deployment)
                .send(Method::POST, "/mcp", "", &[])
                .status,
            401,
            "{key:?}"
        );
    }
}

#[test]
fn every_variable_with_an_invalid_value_is_a_problem() {
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
        ("PLAYGROUND_APPS_ORIGIN", "apps.example.com"),
        ("PLAYGROUND_ORIGIN", "play.example.com"),
        ("PLAYGROUND_ORIGIN", "https://play.example.com"),
        ("PLAYGROUND_SERVER_ORIGIN", "mcp.example.com"),
        ("PLAYGROUND_SERVER_ORIGIN", "https://mcp.example.com"),
    ] {
        let told = problems(&[(name, value)]);
        assert!(
            told.len() == 1 && told[0].contains(name),
            "{name}: {told:?}"
        );
        for empty in ["", " ", "\n"] {
            assert_eq!(problems(&[(name, empty)]), [""; 0], "{name}");
        }
    }
}

#[test]
fn a_missing_sign_in_is_a_problem_with_the_line_to_add() {
    let told = |app: App| {
        app.with_variables(&|name| (name == "IDENTITY_PROVIDER").then(|| "github".into()))
            .problems()
            .concat()
    };
    let own = told(App::new(Server::new("s", "1")));
    assert!(
        own.contains("identity::from_variables(env)") && own.contains("app.oauth(sign_in.oauth())"),
        "{own}"
    );
    assert!(!own.contains("build again"), "{own}");
    let demo = told(App::new(Server::new("s", "1")).built_without_sign_in());
    assert!(
        demo.contains("build again") && !demo.contains("app.oauth"),
        "{demo}"
    );
}

#[test]
fn variables_with_valid_values_are_no_problem() {
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
        ("PLAYGROUND_APPS_ORIGIN", "https://apps.example.com/"),
        ("PLAYGROUND_APPS_ORIGIN", "http://127.0.0.1:8787"),
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
    all.lines()
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !named(line))
        .collect()
}

#[test]
fn the_shipped_configuration_has_strict_fetches_and_logs_no_urls() {
    assert!(shipped("").contains(&"compatibility_flags = [\"global_fetch_strictly_public\"]"));
    assert!(shipped("[observability.logs]").contains(&"invocation_logs = false"));
}

/// The problem of a deployment that has those bindings alone.
fn lacking(app: App, bindings: &[&str]) -> (App, String) {
    let app = app.with_bindings(&|name| bindings.contains(&name));
    let problems = app.problems().to_vec();
    assert!(problems.len() <= 1, "all in one: {problems:?}");
    (app, problems.concat())
}

#[test]
fn all_missing_bindings_are_reported_at_once_with_their_lines() {
    let (_, told) = lacking(App::new(Server::new("s", "1")), &[]);
    assert!(
        told.starts_with("Bindings are missing: MCP_OBJECT, KEY_RING. Add to wrangler.toml:\n"),
        "{told}"
    );
    for lines in [
        "[[durable_objects.bindings]]\nname = \"MCP_OBJECT\"\nclass_name = \"McpObject\"\n",
        "[[durable_objects.bindings]]\nname = \"KEY_RING\"\nclass_name = \"KeyRing\"\n",
        "new_sqlite_classes = [\"McpObject\", \"KeyRing\"]\n",
    ] {
        assert!(told.contains(lines), "{told}");
    }
    let (_, told) = lacking(Deployment::new().app, &["MCP_OBJECT", "KEY_RING"]);
    assert!(
        told.starts_with("Bindings are missing: GRANT_AUTHORITY, OAUTH_KV."),
        "{told}"
    );
    assert!(
        told.contains("[[kv_namespaces]]\nbinding = \"OAUTH_KV\"\n"),
        "{told}"
    );
}

#[test]
fn a_binding_is_required_only_if_it_is_used() {
    let notifies = Server::new("s", "1").tool("t", "", async |_: Notify| "");
    let runs_tasks = Server::new("s", "1").with(Tool::new("t", "", async || "").task_optional());
    let usual = ["MCP_OBJECT", "KEY_RING"];
    assert_eq!(lacking(App::new(Server::new("s", "1")), &usual).1, "");
    assert_eq!(
        lacking(
            App::new(Server::new("s", "1")),
            &["MCP_OBJECT", "SESSION_KEY"]
        )
        .1,
        ""
    );
    assert!(
        lacking(App::new(notifies), &usual)
            .1
            .starts_with("Bindings are missing: MCP_HUB.")
    );
    assert!(
        lacking(App::new(runs_tasks), &usual)
            .1
            .starts_with("Bindings are missing: MCP_TASK.")
    );
}

#[test]
fn a_missing_vital_binding_fails_each_request_with_details_on_localhost() {
    let (app, _) = lacking(App::new(Server::new("s", "1")), &["KEY_RING"]);
    let send = |host: &str, path: &str| {
        Front::of(app.clone())
            .at(host)
            .send_to(path, Method::POST, &[], "{}".to_owned())
            .answer()
    };
    let (near, far) = (
        send("localhost:8787", "/mcp"),
        send("mcp.example.com", "/mcp"),
    );
    assert_eq!((near.status, far.status), (500, 500));
    assert!(
        near.text.contains("[[durable_objects.bindings]]"),
        "{near:?}"
    );
    assert!(
        far.text.contains("lacks bindings") && !far.text.contains("durable_objects"),
        "{far:?}"
    );
    let page = |host: &str| {
        Front::of(app.clone())
            .at(host)
            .send_to("/", Method::GET, &[], String::new())
            .answer()
    };
    assert!(
        page("localhost").text.contains("MCP_OBJECT")
            && !page("mcp.example.com").text.contains("MCP_OBJECT")
    );
}

#[test]
fn a_missing_optional_binding_leaves_the_rest_working() {
    let notifies = Server::new("s", "1").tool("t", "", async |_: Notify| "");
    let (app, _) = lacking(App::new(notifies), &["MCP_OBJECT", "KEY_RING"]);
    let front = Front::of(app);
    assert_eq!(front.text("t", &json!({})), "");
}
