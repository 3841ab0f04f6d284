//! Tools for who signed in with Cloudflare. Nobody else sees them, or can call them.

use durable_mcp::prelude::*;

#[derive(Deserialize, Serialize, JsonSchema)]
struct Account {
    /// The account's id, as Cloudflare's API takes it
    id: String,
    /// What people call the account
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    id: String,
    name: Option<String>,
    email: Option<String>,
    accounts: Vec<Account>,
}

#[derive(Serialize, JsonSchema)]
struct Accounts {
    /// The accounts that the user is a member of, 50 at most
    accounts: Vec<Account>,
}

pub(super) fn add_to(server: Server) -> Server {
    let user = Tool::new(
        "cloudflare_user",
        "Tell who is signed in with Cloudflare",
        user,
    )
    .title("Cloudflare user");
    let accounts = Tool::new(
        "cloudflare_accounts",
        "List the user's Cloudflare accounts",
        accounts,
    )
    .title("Cloudflare accounts");
    [user, accounts].into_iter().fold(server, |server, tool| {
        server.with(
            tool.read_only()
                .open_world(false)
                .visible_to(has_cloudflare),
        )
    })
}

fn has_cloudflare(caller: &Caller) -> bool {
    caller
        .subject
        .as_deref()
        .is_some_and(|subject| subject.starts_with("cloudflare:"))
}

async fn user(User { props, .. }: User<Profile>) -> String {
    let name = props
        .name
        .unwrap_or_else(|| "Somebody without a name".to_owned());
    let email = props
        .email
        .map(|email| format!(" <{email}>"))
        .unwrap_or_default();
    format!("{name}{email}, user {} of Cloudflare", props.id)
}

async fn accounts(user: User<Profile>) -> Json<Accounts> {
    Json(Accounts {
        accounts: user.props.accounts,
    })
}

#[cfg(test)]
mod tests {
    use durable_mcp::Server;
    use durable_mcp::testing::{TestClient, Value, json};

    const TOOLS: [&str; 2] = ["cloudflare_user", "cloudflare_accounts"];

    fn client(user: &str, name: &Value, accounts: &Value) -> TestClient {
        let upstream = json!({ "access_token": "a secret of Cloudflare", "refresh_token": null, "expires": 1 });
        let props = json!({
            "id": "u1", "name": name, "email": "ann@example.com", "accounts": accounts, "upstream": upstream,
        });
        TestClient::new(super::add_to(Server::new("demo", "1").tool(
            "other",
            "Other",
            async || "",
        )))
        .signed_in(user, props)
    }

    #[test]
    fn a_cloudflare_user_sees_their_profile_and_accounts() {
        let accounts = json!([{ "id": "a1", "name": "Acme" }, { "id": "a2", "name": "Other" }]);
        let client = client("cloudflare:u1", &json!("Ann"), &accounts);
        assert_eq!(client.tool_names(), ["other", TOOLS[0], TOOLS[1]]);
        assert_eq!(
            client.call("cloudflare_user", json!({})).text(),
            "Ann <ann@example.com>, user u1 of Cloudflare"
        );
        let listed = client.call("cloudflare_accounts", json!({}));
        assert_eq!(listed.structured(), json!({ "accounts": accounts }));
        assert!(!listed.json().to_string().contains("a secret"));
    }

    #[test]
    fn a_user_without_a_name_and_accounts_is_shown() {
        let client = client("cloudflare:u1", &Value::Null, &json!([]));
        assert!(
            client
                .call("cloudflare_user", json!({}))
                .text()
                .starts_with("Somebody without a name <ann")
        );
        assert_eq!(
            client.call("cloudflare_accounts", json!({})).structured(),
            json!({ "accounts": [] })
        );
    }

    #[test]
    fn users_of_other_providers_do_not_see_the_cloudflare_tools() {
        for user in ["github:583231", "demo:cloudflare:u1", "Cloudflare:u1"] {
            let client = client(user, &json!("Ann"), &json!([]));
            assert_eq!(client.tool_names(), ["other"], "{user}");
            for name in TOOLS {
                let refused = client.call(name, json!({}));
                assert_eq!(
                    refused.protocol_error().map(|error| error.code.0),
                    Some(-32602),
                    "{user}"
                );
                assert_eq!(
                    refused.text(),
                    format!("There is no tool {name:?}."),
                    "{user}"
                );
            }
        }
    }
}
