//! A remote MCP server whose users sign in with Cloudflare. A tool is an async function, and a line
//! in `server`.

use durable_mcp::identity;
use durable_mcp::worker::{Fetch, Headers as RequestHeaders, Request, RequestInit};
use durable_mcp::{App, prelude::*};

const ACCOUNTS: &str = "https://api.cloudflare.com/client/v4/accounts/";

#[derive(Deserialize)]
struct Profile {
    accounts: Vec<Account>,
    upstream: Upstream,
}

#[derive(Deserialize)]
struct Upstream {
    access_token: String,
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Account {
    /// The account's id
    id: String,
    /// The account's name
    name: String,
}

#[derive(Serialize, JsonSchema)]
struct Accounts {
    /// The accounts that the user is a member of
    accounts: Vec<Account>,
}

async fn accounts(user: User<Profile>) -> Json<Accounts> {
    Json(Accounts {
        accounts: user.props.accounts,
    })
}

#[derive(Deserialize, JsonSchema)]
struct Chosen {
    /// The account's id, from the tool `accounts`
    account: String,
}

#[derive(Deserialize)]
struct Details {
    result: Created,
}

#[derive(Deserialize)]
struct Created {
    created_on: String,
}

async fn account_age(
    Args(Chosen { account }): Args<Chosen>,
    user: User<Profile>,
) -> Result<String, ToolError> {
    let Profile { accounts, upstream } = user.props;
    let Some(Account { id, name }) = accounts.into_iter().find(|found| found.id == account) else {
        return Err(ToolError::new(
            "The tool `accounts` has the ids of accounts. Take one of those.",
        ));
    };
    let headers = RequestHeaders::new();
    headers.set(
        "authorization",
        &format!("Bearer {}", upstream.access_token),
    )?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let request = Request::new_with_init(&format!("{ACCOUNTS}{id}"), &init)?;
    let mut response = Fetch::Request(request).send().await?;
    if response.status_code() != 200 {
        return Err(ToolError::new("Cloudflare refused. Try again in a minute."));
    }
    let Details { result } = response.json().await?;
    Ok(format!("{name} was created on {}.", result.created_on))
}

fn server() -> Server {
    Server::new("my-cloudflare-mcp-server", env!("CARGO_PKG_VERSION"))
        .tool("accounts", "List the user's Cloudflare accounts", accounts)
        .tool(
            "account_age",
            "Tell when an account was created",
            account_age,
        )
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
    fn a_user_sees_only_their_own_accounts() {
        let (account, token) = (
            json!({ "id": "1", "name": "Acme" }),
            json!({ "access_token": "t" }),
        );
        let profile = json!({ "accounts": [account], "upstream": token });
        let client = TestClient::new(super::server()).signed_in("cloudflare:7", profile);
        let accounts = client.call("accounts", json!({}));
        assert_eq!(accounts.structured()["accounts"][0]["name"], "Acme");
        assert!(
            client
                .call("account_age", json!({ "account": "2" }))
                .is_error()
        );
    }
}
