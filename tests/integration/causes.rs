//! Errors that handlers pass on by `?`: their texts are in the log, and the client is told the id that they have there.

use std::io;

use durable_mcp::App;
use durable_mcp::prelude::*;
use durable_mcp::testing::TestClient;
use durable_mcp_protocol::ProtocolVersion;
use serde_json::{Value, json};

use crate::support::front::Front;
use crate::support::json::{call, request, value};
use crate::support::object::Rig;
use crate::support::peer::{CAUSE_ID, Conversation};

const SECRET: &str = "password=hunter2 at db.internal";

fn broken() -> Result<String, io::Error> {
    Err(io::Error::other(SECRET))
}

async fn by_io() -> Result<String, ToolError> {
    Ok(broken()?)
}

async fn by_serde() -> Result<String, ToolError> {
    let secret = format!("{SECRET:?}");
    Ok(serde_json::from_str::<bool>(&secret)?.to_string())
}

async fn by_worker() -> Result<String, ToolError> {
    Err(durable_mcp::worker::Error::RustError(SECRET.to_owned()).into())
}

async fn returned() -> Result<String, io::Error> {
    broken()
}

async fn once(client: Client) -> Result<String, ToolError> {
    Ok(client.once("key", async { broken() }).await?)
}

async fn read() -> Result<String, Error> {
    Ok(broken()?)
}

async fn complete(_: CompletionInput) -> Result<Vec<String>, Error> {
    Ok(vec![broken()?])
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its name matters")]
struct Word {
    word: String,
}

async fn say(Args(_): Args<Word>) -> Result<String, Error> {
    Ok(by_io().await?)
}

const TOOLS: [&str; 5] = ["by_io", "by_serde", "by_worker", "returned", "once"];

fn server() -> Server {
    Server::new("s", "1")
        .tool("by_io", "", by_io)
        .tool("by_serde", "", by_serde)
        .tool("by_worker", "", by_worker)
        .tool("returned", "", returned)
        .tool("once", "", once)
        .tool("other", "", async || {
            Err::<(), _>(io::Error::other("another"))
        })
        .with(Tool::new("task", "", by_io).task_required())
        .resource("read", "test://read", read)
        .prompt("read", "", read)
        .with(Prompt::new("say", "", say).complete("word", complete))
}

/// Every request that fails by a hidden cause.
fn requests() -> Vec<(&'static str, Value)> {
    let reference = json!({ "type": "ref/prompt", "name": "say" });
    let mut requests = vec![
        ("resources/read", json!({ "uri": "test://read" })),
        ("prompts/get", json!({ "name": "read" })),
        (
            "prompts/get",
            json!({ "name": "say", "arguments": { "word": "w" } }),
        ),
        (
            "completion/complete",
            json!({ "ref": reference, "argument": { "name": "word", "value": "w" } }),
        ),
    ];
    requests.extend(TOOLS.map(|name| ("tools/call", json!({ "name": name, "arguments": {} }))));
    requests
}

/// Checks that the client was told an id alone, and that the log has the cause once under that id.
fn assert_hidden(told: &str, log: &[Value]) {
    assert!(!told.contains("hunter2"), "{told}");
    let (_, rest) = told
        .split_once("The server failed. Its log has the cause under ")
        .unwrap_or_else(|| panic!("{told}"));
    let (id, _) = rest.split_once('.').unwrap();
    assert!(
        id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let lines: Vec<_> = log
        .iter()
        .filter(|line| line.to_string().contains("hunter2"))
        .collect();
    assert_eq!(lines.len(), 1, "{log:?}");
    assert_eq!(lines[0]["cause_id"], id);
    assert!(
        lines[0]["cause"].as_str().unwrap().contains(SECRET),
        "{lines:?}"
    );
}

#[test]
fn the_text_of_an_error_stays_inside_in_a_session() {
    let rig = Rig::new(server());
    for (method, params) in requests() {
        let answer = rig.post(request(1, method, &params)).answer();
        let log: Vec<_> = rig
            .host
            .logs
            .take()
            .iter()
            .map(|line| value(line))
            .collect();
        assert_hidden(&answer.text, &log);
        assert_eq!(log.len(), 1, "{log:?}");
    }
}

#[test]
fn the_text_of_an_error_stays_inside_without_a_session() {
    let front = Front::new(server());
    for (method, params) in requests() {
        let answer = front.ask(method, &params).answer();
        assert_hidden(&answer.text, &front.log());
    }
}

#[test]
fn the_text_of_an_error_stays_inside_a_task() {
    let front = Front::new(server()).knowing_tasks();
    let begun = front.call("task", &json!({})).answer().json();
    front.host.run();
    let id = json!({ "taskId": begun["result"]["taskId"] });
    let task = front.result("tasks/get", &id);
    assert_eq!(task["status"], "completed", "{task}");
    let log = front.log();
    assert_hidden(&task.to_string(), &log);
    assert!(log.iter().any(|line| line["event"] == "task"), "{log:?}");
    assert!(!front.task_records().concat().contains("hunter2"));
}

#[test]
fn a_log_without_requests_has_the_cause_of_a_failure() {
    for setting in ["errors", "none"] {
        let app = App::new(server())
            .with_variables(&|name| (name == "LOG_REQUESTS").then(|| setting.to_owned()));
        let front = Front::of(app);
        let answer = front.call("by_io", &json!({})).answer();
        assert_hidden(&answer.text, &front.log());
    }
}

#[test]
fn each_failure_has_an_id_of_its_own() {
    let rig = Rig::new(server());
    let told = || {
        let answer = rig.post(call(1, "by_io", &json!({}))).answer();
        answer.json()["result"]["content"][0]["text"].to_string()
    };
    assert_ne!(told(), told());
}

#[test]
fn texts_that_are_meant_for_the_client_reach_it() {
    struct Refused;
    impl From<Refused> for ToolError {
        fn from(_: Refused) -> Self {
            Self::new("There is no table left.")
        }
    }
    let tools = [
        Tool::new("new", "", async || Err::<(), _>(ToolError::new("Try b."))),
        Tool::new("own", "", async || Err::<(), _>(Refused)),
        Tool::new("passed", "", async || -> Result<(), ToolError> {
            Err(Refused)?
        }),
        Tool::new("words", "", async || {
            "x".parse::<u8>()
                .map(|number| number.to_string())
                .map_err(ToolError::new)
        }),
        Tool::new("protocol", "", async || {
            Err::<(), _>(Error::internal("The shop is closed."))
        }),
        Tool::new(
            "state",
            "",
            async |client: Client| -> Result<(), ToolError> {
                client.roots("roots").await?;
                Ok(())
            },
        ),
    ];
    let server = tools
        .into_iter()
        .fold(Server::new("s", "1"), Server::with)
        .resource(
            "words",
            "test://words",
            async || -> Result<String, Error> {
                broken().map_err(|_| Error::invalid_params("Not today."))
            },
        );
    let client = TestClient::new(server);
    let text = |name: &str| client.call(name, json!({})).text();
    assert_eq!(text("new"), "Try b.");
    assert_eq!(text("own"), "There is no table left.");
    assert_eq!(text("passed"), "There is no table left.");
    assert_eq!(text("words"), "invalid digit found in string");
    assert_eq!(text("protocol"), "The shop is closed.");
    assert!(text("state").contains("roots"));
    assert_eq!(client.read("test://words").text(), "Not today.");
}

#[test]
fn a_hidden_cause_counts_before_a_missing_capability() {
    async fn goes_on(client: Client) -> Result<String, ToolError> {
        let _ = client.roots("roots").await;
        Ok(broken()?)
    }
    async fn gives_up(client: Client) -> Result<String, ToolError> {
        let roots = client.roots("roots").await?;
        Ok(roots.len().to_string())
    }
    let server = Server::new("s", "1")
        .tool("goes_on", "", goes_on)
        .tool("gives_up", "", gives_up);
    let front = Front::new(server).declaring(json!({}));
    assert_hidden(
        &front.call("goes_on", &json!({})).answer().text,
        &front.log(),
    );
    let refused = front.call("gives_up", &json!({})).answer();
    assert_eq!(refused.json()["error"]["code"], -32021, "{refused:?}");
}

#[test]
fn the_test_client_shows_the_cause_in_each_lifecycle() {
    let clients = [
        TestClient::new(server()),
        TestClient::new(server()).stateless(),
        TestClient::new(server()).speaking(ProtocolVersion::V2024_11_05),
    ];
    for client in clients {
        for name in TOOLS {
            let answer = client.call(name, json!({}));
            assert!(answer.is_error(), "{answer:?}");
            assert!(!answer.text().contains("hunter2"), "{answer:?}");
            let cause = answer.cause().unwrap_or_else(|| panic!("{answer:?}"));
            assert!(cause.contains(SECRET), "{cause}");
        }
        assert_eq!(client.read("test://read").cause(), Some(SECRET));
        assert_eq!(client.call("other", json!({})).cause(), Some("another"));
        assert_eq!(client.read("test://none").cause(), None);
    }
    let task = TestClient::new(server())
        .stateless()
        .call("task", json!({}));
    assert_eq!(task.cause(), Some(SECRET), "{task:?}");
}

#[test]
fn a_refusal_by_protocol_error_hides_its_cause() {
    let refuse = async || ToolResult::refuse(io::Error::other(SECRET).into());
    let talk = Conversation::with(Server::new("s", "1").tool("refuse", "", refuse));
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "refuse", "arguments": {} }));
    assert_eq!(code, -32603);
    assert_eq!(
        message,
        format!("The server failed. Its log has the cause under {CAUSE_ID}.")
    );
}
