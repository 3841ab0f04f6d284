//! Layers: code around each run of a handler.

use std::cell::RefCell;
use std::rc::Rc;

use durable_mcp::mcp::CallOutcome;
use durable_mcp::testing::{TestClient, json};

use super::*;

/// Lines that layers and handlers wrote.
#[derive(Default)]
struct Lines(RefCell<Vec<String>>);

impl Lines {
    fn add(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// The lines of a server, kept by the test too.
type Kept = Rc<Lines>;

async fn audit(next: Next, lines: Shared<Kept>) -> Outcome {
    let name = format!("{} {}", next.method(), next.name().unwrap_or("-"));
    lines.add(format!("before {name}"));
    let outcome = next.run().await;
    lines.add(format!("after {name}: {}", outcome.kind().as_str()));
    outcome
}

async fn inner(next: Next, lines: Shared<Kept>) -> Outcome {
    lines.add("inner");
    next.run().await
}

async fn work(lines: Shared<Kept>) -> &'static str {
    lines.add("work");
    "done"
}

fn audited(server: Server) -> (Server, Kept) {
    let lines = Kept::default();
    (server.with_state(Rc::clone(&lines)).layer(audit), lines)
}

fn both(server: impl Fn() -> (Server, Kept)) -> [(TestClient, Kept); 2] {
    let (session, first) = server();
    let (stateless, second) = server();
    [
        (TestClient::new(session), first),
        (TestClient::new(stateless).stateless(), second),
    ]
}

#[test]
fn layers_run_around_a_tool_with_the_first_one_outermost() {
    let server = || {
        let (server, lines) = audited(empty().tool("work", "", work));
        (server.layer(inner), lines)
    };
    for (client, lines) in both(server) {
        assert_eq!(client.call("work", json!({})).text(), "done");
        let expected = [
            "before tools/call work",
            "inner",
            "work",
            "after tools/call work: ok",
        ];
        assert_eq!(lines.take(), expected);
    }
}

#[test]
fn layers_run_around_resources_prompts_and_completions() {
    let server = || {
        audited(
            empty()
                .resource("r", "test://r", work)
                .with(Prompt::new("p", "", echo).complete("word", nothing)),
        )
    };
    for (client, lines) in both(server) {
        assert_eq!(client.read("test://r").text(), "done");
        assert_eq!(client.get_prompt("p", json!({ "word": "hi" })).text(), "hi");
        assert_eq!(client.complete_prompt("p", "word", "h"), [""; 0]);
        let told = lines.take();
        let after: Vec<&String> = told
            .iter()
            .filter(|line| line.starts_with("after"))
            .collect();
        let expected = [
            "after resources/read test://r: ok",
            "after prompts/get p: ok",
            "after completion/complete p: ok",
        ];
        assert_eq!(after, expected);
    }
}

async fn closed(_: Next) -> Result<Outcome, ToolError> {
    Err(ToolError::new("Closed."))
}

async fn refused(_: Next) -> Result<Outcome, Error> {
    Err(Error::invalid_request("No."))
}

#[test]
fn a_layer_refuses_before_the_handler_runs() {
    let server = |lines: &Kept| {
        empty()
            .with_state(Rc::clone(lines))
            .layer(audit)
            .tool("work", "", work)
            .resource("work", "test://work", work)
    };
    let lines = Kept::default();
    let talk = Conversation::with(server(&lines).layer(closed));
    let result = talk.call("work", &json!({}));
    assert_eq!(
        (&result["isError"], &result["content"][0]["text"]),
        (&json!(true), &json!("Closed."))
    );
    assert_eq!(
        lines.take(),
        [
            "before tools/call work",
            "after tools/call work: tool_error"
        ]
    );
    let read = json!({ "uri": "test://work" });
    assert_eq!(
        talk.refusal("resources/read", &read),
        (-32603, "Closed.".to_owned())
    );

    let talk = Conversation::with(server(&lines).layer(refused));
    let call = json!({ "name": "work" });
    assert_eq!(
        talk.refusal("tools/call", &call),
        (-32600, "No.".to_owned())
    );
    assert!(!lines.take().contains(&"work".to_owned()));
}

async fn fail() -> Result<String, ToolError> {
    Err(ToolError::new("failed"))
}

async fn panicking() -> String {
    panic!("a test's panic")
}

#[test]
fn a_layer_sees_failures_and_panics() {
    let (server, lines) = audited(
        empty()
            .tool("fail", "", fail)
            .tool("panicking", "", panicking),
    );
    let client = TestClient::new(server);
    assert_eq!(client.call("fail", json!({})).text(), "failed");
    assert!(
        client
            .call("panicking", json!({}))
            .text()
            .contains("failed unexpectedly")
    );
    let told = lines.take();
    assert_eq!(told[1], "after tools/call fail: tool_error");
    assert_eq!(told[3], "after tools/call panicking: panic");
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

async fn ask(client: Client) -> Result<String, ToolError> {
    match client.elicit::<Name>("name", "Your name?").await? {
        Elicited::Accepted(Name { name }) => Ok(name),
        _ => Ok("nobody".to_owned()),
    }
}

#[test]
fn a_layer_runs_again_with_each_run_of_a_suspended_handler() {
    let server = || audited(empty().tool("ask", "", ask));
    let answer = |_: &durable_mcp::testing::Form| Elicited::Accepted(json!({ "name": "Ann" }));
    let [(session, of_session), (stateless, of_stateless)] = both(server);
    assert_eq!(
        session.on_elicit(answer).call("ask", json!({})).text(),
        "Ann"
    );
    let once = ["before tools/call ask", "after tools/call ask: ok"];
    assert_eq!(of_session.take(), once);
    assert_eq!(
        stateless.on_elicit(answer).call("ask", json!({})).text(),
        "Ann"
    );
    assert_eq!(of_stateless.take(), [once[0], once[0], once[1]]);
}

#[test]
fn a_layer_runs_around_a_task() {
    let (server, lines) = audited(empty().with(Tool::new("work", "", work).task_optional()));
    let client = TestClient::new(server).stateless();
    assert_eq!(client.call("work", json!({})).text(), "done");
    let expected = [
        "before tools/call work",
        "work",
        "after tools/call work: ok",
    ];
    assert_eq!(lines.take(), expected);
}

async fn in_time(next: Next, clock: Clock) -> Result<Outcome, ToolError> {
    let run = std::pin::pin!(next.run());
    let limit = std::pin::pin!(clock.sleep(Duration::from_secs(1)));
    match futures_util::future::select(run, limit).await {
        futures_util::future::Either::Left((outcome, _)) => Ok(outcome),
        futures_util::future::Either::Right(_) => Err(ToolError::new("too late")),
    }
}

async fn slow(clock: Clock) {
    clock.sleep(Duration::from_secs(5)).await;
}

async fn timed(next: Next) -> Result<Outcome, ToolError> {
    let outcome = next.run().await;
    match outcome.kind() {
        CallOutcome::Ok if outcome.elapsed() >= Duration::from_secs(5) => {
            Err(ToolError::new("five seconds"))
        }
        _ => Ok(outcome),
    }
}

#[test]
fn a_layer_limits_and_measures_the_time_of_a_handler() {
    let client = TestClient::new(empty().tool("slow", "", slow).layer(in_time));
    assert_eq!(client.call("slow", json!({})).text(), "too late");
    let client = TestClient::new(empty().tool("slow", "", slow).layer(timed));
    assert_eq!(client.call("slow", json!({})).text(), "five seconds");
}

#[test]
fn a_layer_reads_the_arguments_and_not_by_args() {
    async fn told(next: Next, lines: Shared<Kept>) -> Outcome {
        lines.add(next.arguments().map_or("", |json| json.get()));
        next.run().await
    }
    let lines = Kept::default();
    let server = empty()
        .tool("echo", "", echo)
        .with_state(Rc::clone(&lines))
        .layer(told);
    let client = TestClient::new(server);
    assert_eq!(client.call("echo", json!({ "word": "hi" })).text(), "hi");
    assert_eq!(lines.take(), [r#"{"word":"hi"}"#]);

    let typed = async |next: Next, _: Args<Word>| next.run().await;
    let problems = empty().layer(typed).problems();
    assert!(
        problems[0].contains("layer `1`") && problems[0].contains("next.arguments()"),
        "{problems:?}"
    );
}
