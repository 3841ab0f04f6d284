//! The client for tests of a server's tools, tested with tools that do what the demo's do not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use durable_mcp::prelude::*;
use durable_mcp::testing::{Change, Progressed, TestClient, Value, json};
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::log_level::LogLevel;

/// A client of each version.
fn each(server: impl Fn() -> Server) -> Vec<TestClient> {
    ProtocolVersion::ALL
        .map(|version| TestClient::new(server()).speaking(version))
        .into()
}

fn of(name: &str, tool: Tool) -> Server {
    Server::new(name, "1").with(tool)
}

#[test]
fn a_closure_answers_sampling_requests() {
    async fn summary(client: Client) -> Result<String, ToolError> {
        let sampled = client
            .sample("summary", Sampling::new("Sum it up", 100))
            .await?;
        Ok(sampled.text().unwrap_or("nothing").to_owned())
    }
    for client in each(|| of("s", Tool::new("summary", "", summary))) {
        let client = client.on_sample(|asked| format!("{} in short", asked["maxTokens"]));
        assert_eq!(
            client.call("summary", json!({})).text(),
            "100 in short",
            "{client:?}"
        );
    }
}

#[test]
fn the_test_client_has_the_roots_that_the_test_sets() {
    async fn folders(client: Client) -> Result<String, ToolError> {
        Ok(client
            .roots("roots")
            .await?
            .into_iter()
            .map(|root| root.uri)
            .collect())
    }
    for client in each(|| of("s", Tool::new("folders", "", folders))) {
        let told = client.roots(["file:///a"]).call("folders", json!({}));
        assert_eq!(told.text(), "file:///a");
    }
}

#[test]
fn the_test_client_declares_only_what_it_has_answers_for() {
    async fn abilities(client: Client) -> String {
        format!(
            "{} {} {}",
            client.can_elicit(),
            client.can_sample(),
            client.has_roots()
        )
    }
    for client in each(|| of("s", Tool::new("abilities", "", abilities))) {
        assert_eq!(
            client.call("abilities", json!({})).text(),
            "false false false"
        );
    }
    for client in each(|| of("s", Tool::new("abilities", "", abilities))) {
        let client = client.on_elicit(|_| Elicited::Declined);
        assert_eq!(
            client.call("abilities", json!({})).text(),
            "true false false"
        );
    }
}

#[test]
fn consecutive_questions_get_answers_of_their_own() {
    #[derive(Deserialize, JsonSchema)]
    struct Number {
        number: i32,
    }
    async fn sum(client: Client) -> Result<String, ToolError> {
        let mut sum = 0;
        for _ in 0..3 {
            if let Elicited::Accepted(Number { number }) =
                client.elicit("number", "Another number:").await?
            {
                sum += number;
            }
        }
        Ok(sum.to_string())
    }
    for client in each(|| of("s", Tool::new("sum", "", sum))) {
        let mut next = 0;
        let client = client.on_elicit(move |form| {
            assert_eq!(form.schema["properties"]["number"]["type"], "integer");
            next += 1;
            Elicited::Accepted(json!({ "number": next }))
        });
        assert_eq!(client.call("sum", json!({})).text(), "6", "{client:?}");
    }
}

#[test]
fn an_hour_of_sleep_passes_at_once_on_the_test_clock() {
    async fn nap(clock: Clock, progress: Progress) -> String {
        let begun = clock.now_ms();
        for quarter in 1..=4 {
            clock.sleep(Duration::from_mins(15)).await;
            progress.step(quarter);
        }
        (clock.now_ms() - begun).to_string()
    }
    for client in each(|| of("s", Tool::new("nap", "", nap))) {
        assert_eq!(
            client.call("nap", json!({})).text(),
            "3600000",
            "{client:?}"
        );
        let last = Progressed {
            progress: 4.0,
            total: None,
            message: None,
        };
        assert_eq!(client.progress().pop(), Some(last));
        assert_eq!(client.progress(), []);
    }
}

#[test]
#[should_panic(expected = "waits for something that does not come")]
fn a_call_that_waits_for_ever_fails_its_test() {
    TestClient::new(of(
        "s",
        Tool::new("stuck", "", std::future::pending::<String>),
    ))
    .call("stuck", json!({}));
}

/// The texts with which the tests of a tool's author fail: in a session, without one, and of a task.
fn stuck(tool: impl Fn() -> Tool) -> [String; 3] {
    let client = |tool| TestClient::new(of("s", tool)).on_elicit(|_| Elicited::Accepted(json!({})));
    let clients = [
        client(tool()),
        client(tool()).stateless(),
        client(tool().task_required()).stateless(),
    ];
    clients.map(|client| panicked(|| drop(client.call("stuck", json!({})))))
}

fn panicked(call: impl FnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(call)).expect_err("it ends");
    failed.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn a_call_that_sleeps_in_an_endless_loop_fails_its_test() {
    async fn for_no_time(clock: Clock) -> String {
        loop {
            clock.sleep(Duration::ZERO).await;
        }
    }
    async fn for_a_millisecond(clock: Clock) -> String {
        loop {
            clock.sleep(Duration::from_millis(1)).await;
        }
    }
    let [in_a_session, stateless, task] = stuck(|| Tool::new("stuck", "", for_a_millisecond));
    let client = TestClient::new(of("s", Tool::new("stuck", "", for_no_time)));
    let for_no_time = panicked(|| drop(client.call("stuck", json!({}))));
    for told in [in_a_session, stateless, task, for_no_time] {
        assert!(
            told.contains("has waited 20000 times") && told.contains("Give the loop an end"),
            "{told}"
        );
    }
}

#[test]
fn a_call_that_polls_for_ever_fails_its_test() {
    async fn yields() -> String {
        loop {
            yield_once().await;
        }
    }
    for told in stuck(|| Tool::new("stuck", "", yields)) {
        assert!(
            told.contains("while no time passed") && told.contains("Give the loop an end"),
            "{told}"
        );
    }
}

/// Lets others run.
async fn yield_once() {
    let mut has_yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_call_that_asks_for_ever_fails_its_test() {
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}
    async fn asks(client: Client) -> Result<String, ToolError> {
        loop {
            client.elicit::<Nothing>("again", "Again?").await?;
        }
    }
    for told in stuck(|| Tool::new("stuck", "", asks)) {
        assert!(
            told.contains("has asked 100") && told.contains("Give the handler a way out"),
            "{told}"
        );
    }
}

#[test]
fn a_call_in_a_session_may_ask_hundreds_of_questions() {
    async fn sums(client: Client) -> Result<String, ToolError> {
        for _ in 0..300 {
            client
                .sample("sum", Sampling::new("Sum it up", 100))
                .await?;
        }
        Ok("done".to_owned())
    }
    let client =
        TestClient::new(of("s", Tool::new("sums", "", sums))).on_sample(|_| "short".to_owned());
    assert_eq!(client.call("sums", json!({})).text(), "done");
}

#[test]
fn params_that_are_no_object_fail_their_test() {
    for client in each(|| of("s", Tool::new("t", "", async || ""))) {
        for params in [json!([]), json!("x"), json!(7)] {
            let told = panicked(|| drop(client.request("tools/list", params)));
            assert!(
                told.contains("The params of tools/list are no object")
                    && told.contains("json!({})"),
                "{told}"
            );
        }
        assert!(client.request("tools/list", Value::Null).is_ok());
    }
}

#[test]
fn the_test_client_sees_log_messages_of_every_level() {
    async fn chatty(log: Log) -> String {
        log.debug(json!({ "a": 1 }));
        log.error("b");
        String::new()
    }
    for client in each(|| of("s", Tool::new("chatty", "", chatty))) {
        client.call("chatty", json!({}));
        let logs: Vec<_> = client
            .logs()
            .into_iter()
            .map(|logged| (logged.level, logged.data))
            .collect();
        assert_eq!(
            logs,
            [
                (LogLevel::Debug, json!({ "a": 1 })),
                (LogLevel::Error, json!("b"))
            ],
            "{client:?}"
        );
    }
}

#[test]
fn the_test_client_sees_list_changes_and_subscribed_resources() {
    async fn change(notify: Notify) -> String {
        notify.tools_changed();
        notify.resource_updated("test://a");
        notify.resource_updated("test://b");
        String::new()
    }
    let server =
        || of("s", Tool::new("change", "", change)).resource("a", "test://a", async || "a");
    for client in each(server) {
        client.subscribe("test://a");
        client.call("change", json!({}));
        assert_eq!(
            client.changes(),
            [Change::Tools, Change::Resource("test://a".to_owned())],
            "{client:?}"
        );
    }
}

#[test]
fn a_panicking_tool_fails_only_its_own_call() {
    let server = || {
        of(
            "s",
            Tool::new("panics", "", async || -> String {
                panic!("as the test wants it")
            }),
        )
        .tool("works", "", async || "works")
    };
    for client in each(server) {
        let failed = client.call("panics", json!({}));
        assert!(
            failed.is_error() && failed.text().contains("failed unexpectedly"),
            "{failed:?}"
        );
        assert_eq!(client.call("works", json!({})).text(), "works");
    }
}

#[test]
fn structured_content_can_be_read_as_its_type() {
    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    struct Weather {
        temperature: f64,
    }
    let client = TestClient::new(of(
        "s",
        Tool::new("w", "", async || Json(Weather { temperature: 21.5 })),
    ));
    let told = client.call("w", json!({}));
    assert_eq!(
        told.structured_as::<Weather>(),
        Weather { temperature: 21.5 }
    );
    assert_eq!(told.structured(), json!({ "temperature": 21.5 }));
}

#[test]
fn a_tool_is_refused_to_a_caller_without_its_scopes() {
    let server = || {
        of(
            "s",
            Tool::new("write", "", async || "written").scopes(["notes:write"]),
        )
    };
    for client in each(server) {
        let refused = client.call("write", json!({}));
        assert!(
            refused.protocol_error().is_some() && refused.text().contains("notes:write"),
            "{refused:?}"
        );
        let scopes = vec!["notes:write".to_owned()];
        let caller = Caller {
            subject: Some("ann".to_owned()),
            scopes,
            ..Caller::default()
        };
        assert_eq!(
            TestClient::new(server())
                .calling_as(caller)
                .call("write", json!({}))
                .text(),
            "written"
        );
    }
}

#[test]
fn the_test_client_repeats_marked_arguments_in_headers() {
    let server = || Server::new("s", "1").with(crate::support::mirrored::query_tool());
    for client in each(server) {
        let told = client.call(
            "query",
            json!({ "region": "Köln ", "shard": 7, "place": { "dry": true } }),
        );
        assert_eq!(told.text(), r#"Some("Köln ") Some(7) Some(true)"#);
    }
}

#[test]
fn request_headers_are_those_that_the_test_sets() {
    async fn language(headers: Headers) -> String {
        headers.get("accept-language").unwrap_or_default()
    }
    for client in each(|| of("s", Tool::new("language", "", language))) {
        assert_eq!(
            client
                .header("Accept-Language", "de")
                .call("language", json!({}))
                .text(),
            "de"
        );
    }
}

#[test]
fn bindings_and_sql_are_refused_outside_a_worker_with_a_reason() {
    async fn bound(env: Env) -> String {
        drop(env);
        String::new()
    }
    async fn rows(session: Session) -> Result<String, ToolError> {
        session.sql()?;
        Ok(String::new())
    }
    let server = || of("s", Tool::new("bound", "", bound)).tool("rows", "", rows);
    for client in each(server) {
        for (tool, what) in [("bound", "bindings"), ("rows", "SQL")] {
            let refused = client.call(tool, json!({}));
            assert!(
                refused.is_error() && refused.text().contains(what),
                "{refused:?}"
            );
            assert!(refused.text().contains("in a test"), "{refused:?}");
        }
    }
}

#[test]
fn a_task_runs_to_its_end_when_it_asks_or_fails() {
    #[derive(Deserialize, JsonSchema)]
    struct Sure {
        sure: bool,
    }
    async fn wipe(client: Client, clock: Clock) -> Result<String, ToolError> {
        clock.sleep(Duration::from_secs(1)).await;
        match client.elicit::<Sure>("sure", "Sure?").await? {
            Elicited::Accepted(Sure { sure: true }) => Ok("wiped".to_owned()),
            _ => Err(ToolError::new("not sure")),
        }
    }
    async fn later(client: Client, task: Task, clock: Clock) -> Result<String, ToolError> {
        let answer = client.elicit::<Sure>("sure", "Sure?").await?;
        task.begin().await?;
        clock.sleep(Duration::from_mins(1)).await;
        Ok(matches!(answer, Elicited::Accepted(Sure { sure: true })).to_string())
    }
    let server = || of("s", Tool::new("wipe", "", wipe).task_required()).tool("later", "", later);
    let client = |sure: bool| {
        TestClient::new(server())
            .stateless()
            .on_elicit(move |_| Elicited::Accepted(json!({ "sure": sure })))
    };
    assert_eq!(client(true).call("wipe", json!({})).text(), "wiped");
    let failed = client(false).call("wipe", json!({}));
    assert!(
        failed.is_error() && failed.text() == "not sure",
        "{failed:?}"
    );
    assert_eq!(client(true).call("later", json!({})).text(), "true");
    let refused = client(true).without_tasks().call("wipe", json!({}));
    assert_eq!(
        refused.protocol_error().map(|error| error.code.0),
        Some(-32021)
    );
}

#[test]
fn the_test_client_reads_lists_to_their_last_page() {
    let server = || {
        let one = |server: Server, n| server.tool(format!("t{n}"), "", async || "");
        (0..5).fold(Server::new("s", "1").page_size(2), one)
    };
    for client in each(server) {
        assert_eq!(client.tool_names(), ["t0", "t1", "t2", "t3", "t4"]);
    }
}

#[test]
#[should_panic(expected = "tool \"no name\"")]
fn a_server_with_problems_fails_its_test() {
    let _ = TestClient::new(of("s", Tool::new("no name", "", async || "")));
}
