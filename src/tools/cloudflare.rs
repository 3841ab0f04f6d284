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
    let user = Tool::new("cloudflare_user", "Tell who is signed in with Cloudflare", user).title("Cloudflare user");
    let accounts =
        Tool::new("cloudflare_accounts", "List the user's Cloudflare accounts", accounts).title("Cloudflare accounts");
    [user, accounts]
        .into_iter()
        .fold(server, |server, tool| server.with(tool.read_only().closed_world().visible_to(has_cloudflare)))
}

fn has_cloudflare(caller: &Caller) -> bool {
    caller.subject.as_deref().is_some_and(|subject| subject.starts_with("cloudflare:"))
}

async fn user(User { props, .. }: User<Profile>) -> String {
    let name = props.name.unwrap_or_else(|| "Somebody without a name".to_owned());
    let email = props.email.map(|email| format!(" <{email}>")).unwrap_or_default();
    format!("{name}{email}, user {} of Cloudflare", props.id)
}

async fn accounts(user: User<Profile>) -> Json<Accounts> {
    Json(Accounts { accounts: user.props.accounts })
}
