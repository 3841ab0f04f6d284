//! A remote MCP server whose users sign in with OpenID Connect. A tool is an async function, and a
//! line in `server`.

use durable_mcp::identity;
use durable_mcp::{App, prelude::*};

/// A group of the identity provider, as the claim `groups` of its tokens has it.
const ADMINS: &str = "admins";

#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
    email: Option<String>,
}

async fn whoami(User { id, props, .. }: User<Profile>) -> String {
    format!("You are {}.", props.name.or(props.email).unwrap_or(id))
}

async fn maintain() -> &'static str {
    "Only admins see this tool."
}

fn is_admin(caller: &Caller) -> bool {
    let groups = caller.props["groups"].as_array();
    groups.is_some_and(|groups| groups.iter().any(|group| group == ADMINS))
}

fn server() -> Server {
    Server::new("my-company-mcp-server", env!("CARGO_PKG_VERSION"))
        .tool("whoami", "Tell who is signed in", whoami)
        .with(Tool::new("maintain", "Do what only admins may", maintain).visible_to(is_admin))
}

fn app(env: &worker::Env) -> App {
    let app = App::new(server());
    match identity::from_variables(env) {
        Some(sign_in) => app.oauth(sign_in.oauth()),
        None => app,
    }
}

worker!(app);

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    #[test]
    fn only_admins_see_the_admin_tools() {
        for (groups, tools) in [(json!(["staff"]), 1), (json!(["staff", "admins"]), 2)] {
            let client = TestClient::new(super::server());
            let client = client.signed_in("ann", json!({ "name": "Ann", "groups": groups }));
            assert_eq!(client.tool_names().len(), tools);
        }
    }
}
