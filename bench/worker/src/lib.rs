//! The Worker of the benchmarks: `add`, `increment` and the counter, as the TypeScript Workers beside it have them.
//!
//! The variable `SIGN_IN=approve` puts a provider in front that signs in whom `login_hint` names, without asking.

use durable_mcp::oauth::{ApproveAll, OAuth};
use durable_mcp::platform::variable;
use durable_mcp::prelude::*;
use durable_mcp::{App, Server};

durable_mcp::worker!(app);

fn app(env: &worker::Env) -> App {
    let app = App::new(server());
    if variable(env, "SIGN_IN").as_deref() == Some("approve") {
        app.oauth(OAuth::new(ApproveAll))
    } else {
        app
    }
}

fn server() -> Server {
    Server::new("durable-mcp-bench", env!("CARGO_PKG_VERSION"))
        .with(Tool::new("add", "Add two numbers", add).read_only())
        .with(
            Tool::new("increment", "Add one to this session's counter", increment)
                .destructive(false),
        )
        .resource("counter", "mcp://resource/counter", counter)
}

/// Numbers to add.
#[derive(Deserialize, JsonSchema)]
struct Numbers {
    a: f64,
    b: f64,
}

async fn add(Args(Numbers { a, b }): Args<Numbers>) -> String {
    (a + b).to_string()
}

/// The state of a session.
#[derive(Default, Serialize, Deserialize)]
struct Counter {
    total: i64,
}

async fn increment(session: Session<Counter>) -> Result<String, ToolError> {
    let total = session.update(|counter| {
        counter.total = counter.total.saturating_add(1);
        counter.total
    })?;
    Ok(total.to_string())
}

async fn counter(session: Session<Counter>) -> Result<String, ToolError> {
    Ok(session.get()?.total.to_string())
}
