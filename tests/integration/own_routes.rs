//! Routes of the user's own, behind those of the library.

use std::rc::Rc;

use durable_core::wire::{Head, Reply, ReplyBody, RuntimeError};
use durable_mcp::{App, Server};
use durable_mcp_worker::http::route::Route;
use durable_mcp_worker::testing::doubles::visit::OwnHandler;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use http::{Method, StatusCode};

use crate::support::browser::Deployment;
use crate::support::front::Front;
use crate::support::object::Answer;

fn app() -> App {
    App::new(Server::new("s", "1").tool("t", "", async || "done"))
}

/// Adds a route whose handler echoes its request.
fn with(app: App, path: &str) -> App {
    let handler = |head: Head, body: String| {
        let text = format!("{} {}?{} {body}", head.method, head.path, head.query);
        ready(Ok(Reply {
            body: ReplyBody::Text(text),
            ..Reply::empty(StatusCode::ACCEPTED)
        }))
        .boxed_local()
    };
    handled(app, path, handler)
}

fn handled(
    app: App,
    path: &str,
    handler: impl Fn(Head, String) -> LocalBoxFuture<'static, Result<Reply, RuntimeError>> + 'static,
) -> App {
    let handler: OwnHandler = Box::new(handler);
    app.with_own_route(path, Rc::new(handler))
}

fn started(app: App) -> App {
    app.with_variables(&|name| (name == "LOG_REQUESTS").then(|| "all".to_owned()))
}

fn sent(app: &App, method: Method, path: &str) -> Answer {
    Front::of(app.clone())
        .send_to(path, method, &[], "body".to_owned())
        .answer()
}

#[test]
fn an_own_route_answers_each_method_with_and_without_a_slash() {
    let app = started(with(app(), "/hooks/one"));
    assert_eq!(app.problems(), [""; 0]);
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        for path in ["/hooks/one", "/hooks/one/"] {
            let answer = sent(&app, method.clone(), &format!("{path}?a=b"));
            assert_eq!(
                (answer.status, answer.text),
                (202, format!("{method} {path}?a=b body"))
            );
        }
    }
    for path in ["/hooks", "/hooks/one/two", "/hooks/One", "/hooks/one//"] {
        assert_eq!(sent(&app, Method::GET, path).status, 404, "{path}");
    }
}

#[test]
fn a_path_of_the_server_and_any_below_it_cannot_be_an_own_route() {
    for path in [
        "/",
        "/style.css",
        "/mcp",
        "/mcp/",
        "/mcp/hook",
        "/sse",
        "/sse/message",
        "/sse/x/y",
        "/style.css/x",
    ] {
        let app = started(with(app(), path));
        let problem = app.problems().concat();
        assert!(
            problem.contains(&format!("{path:?}")) && problem.contains("choose another path"),
            "{path} {problem}"
        );
        assert!(app.route_of(path) != Route::Own, "{path}");
        assert!(
            !sent(&app, Method::POST, path).text.ends_with("body"),
            "{path}"
        );
    }
}

#[test]
fn oauth_paths_are_reserved_only_with_sign_in() {
    let paths = [
        "/authorize",
        "/callback",
        "/account/x",
        "/token",
        "/.well-known/anything",
        "/register",
    ];
    let deployment = Deployment::new();
    for path in paths {
        let with_sign_in = started(with(deployment.app.clone(), path));
        assert!(
            with_sign_in
                .problems()
                .concat()
                .contains("choose another path"),
            "{path}"
        );
        assert!(with_sign_in.route_of(path) != Route::Own, "{path}");
        let public = started(with(app(), path));
        assert_eq!(
            (public.problems().len(), public.route_of(path)),
            (0, Route::Own),
            "{path}"
        );
    }
}

#[test]
fn moved_paths_are_reserved_in_any_order_of_calls() {
    let moved = started(with(app(), "/mcp").paths("/here", "/there"));
    assert_eq!(
        (moved.problems().len(), moved.route_of("/mcp")),
        (0, Route::Own)
    );
    let taken = started(with(app(), "/here/x").paths("/here", "/there"));
    assert!(
        taken.problems()[0].contains("/here and what is below it"),
        "{:?}",
        taken.problems()
    );
}

#[test]
fn a_malformed_or_repeated_path_is_a_problem() {
    for path in ["hook", "", "/a?b", "/a#b", "/a b", "/files/*", "/{name}"] {
        let problems = started(with(app(), path)).problems().to_vec();
        assert!(
            problems.len() == 1 && problems[0].contains("it is no path"),
            "{path} {problems:?}"
        );
    }
    let first = handled(app(), "/a", |_, _| {
        ready(Ok(Reply::empty(StatusCode::NO_CONTENT))).boxed_local()
    });
    let twice = started(with(first, "/a"));
    assert!(
        twice.problems()[0].contains("twice"),
        "{:?}",
        twice.problems()
    );
    assert_eq!(
        sent(&twice, Method::GET, "/a").status,
        204,
        "the first one stays"
    );
}

#[test]
fn an_unnormalised_path_is_a_problem_with_its_normal_form() {
    for (path, form) in [
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/x\\y", "/x/y"),
        ("/x/../y", "/y"),
        ("/h<i>\"", "/h%3Ci%3E%22"),
    ] {
        let app = started(with(app(), path));
        let problem = app.problems().concat();
        assert!(
            problem.starts_with(&format!("route {path:?} is left out: ")),
            "{problem}"
        );
        assert!(
            problem.ends_with(&format!("come with the path {form:?}; write it so")),
            "{problem}"
        );
        assert_eq!(app.route_of(path), Route::Unknown);
        let right = started(with(self::app(), form));
        assert_eq!(
            (right.problems(), right.route_of(form)),
            (&[][..], Route::Own)
        );
    }
    let moved = started(app().paths("/caf\u{e9}", "/sse"));
    assert!(
        moved.problems().concat().contains("write it so"),
        "{:?}",
        moved.problems()
    );
}

#[test]
fn playground_paths_are_reserved_if_its_assets_are_bound() {
    for path in [
        "/playground",
        "/playground/",
        "/playground/x",
        "/playground/config.json",
    ] {
        let bound = |name: &str| (name == "PLAYGROUND").then(|| "assets".to_owned());
        let served = with(app(), path).with_variables(&bound);
        assert!(
            served.problems().concat().contains("choose another path"),
            "{path}: {:?}",
            served.problems()
        );
        assert!(served.route_of(path) != Route::Own, "{path}");
    }
    let unbound = started(with(app(), "/playground"));
    assert_eq!(
        (unbound.problems(), unbound.route_of("/playground")),
        (&[][..], Route::Own)
    );
}

#[test]
fn a_failing_or_panicking_route_fails_only_its_own_request() {
    let fails = handled(app(), "/fails", |_, _| {
        ready(Err(RuntimeError("the cause".to_owned()))).boxed_local()
    });
    let app = started(handled(fails, "/panics", |_, _| {
        async { panic!("as the test wants it") }.boxed_local()
    }));
    for (path, cause) in [("/fails", "the cause"), ("/panics", "a panic")] {
        let front = Front::of(app.clone());
        let answer = front
            .send_to(path, Method::GET, &[], String::new())
            .answer();
        assert!(
            answer.status == 500
                && answer.text.contains("log says why")
                && !answer.text.contains("cause")
        );
        let warnings = front.host.warnings.take().concat();
        assert!(
            warnings.contains(path) && warnings.contains(cause),
            "{warnings}"
        );
        assert_eq!(
            front
                .send_to("/", Method::GET, &[], String::new())
                .answer()
                .status,
            200
        );
    }
}

#[test]
fn a_foreign_origin_is_refused_before_the_handler_runs() {
    let app = started(with(app(), "/hook"));
    let send = |origin: &str| {
        let headers = [("origin", origin.to_owned())];
        Front::of(app.clone())
            .send_to("/hook", Method::POST, &headers, String::new())
            .answer()
            .status
    };
    assert_eq!(
        (
            send("https://evil.example"),
            send("https://mcp.example.com")
        ),
        (403, 202)
    );
}

#[test]
fn a_misconfigured_server_closes_its_own_routes_too() {
    let app = with(app(), "/hook")
        .with_variables(&|name| (name == "SESSION_KEY").then(|| "short".to_owned()));
    assert_eq!(sent(&app, Method::POST, "/hook").status, 503);
}

#[test]
fn a_failed_request_to_an_own_route_is_logged_with_its_path() {
    let fails = handled(app(), "/hook", |_, _| {
        ready(Ok(Reply::empty(StatusCode::CONFLICT))).boxed_local()
    });
    let front = Front::of(started(fails));
    front
        .send_to("/hook", Method::POST, &[], String::new())
        .answer();
    let line = front.log().remove(0);
    assert_eq!(
        (&line["method"], &line["outcome"], &line["code"]),
        (&"POST /hook".into(), &"refused".into(), &409.into())
    );
}
