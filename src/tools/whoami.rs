//! Who calls, if the server asks people to sign in.

use crate::prelude::*;

#[derive(Deserialize)]
pub(super) struct Profile {
    name: Option<String>,
}

/// What sign-in with Cloudflare tells besides: docs/identity/cloudflare.md.
#[derive(Deserialize)]
pub(super) struct Cloudflare {
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
    name: String,
}

pub(super) async fn whoami(user: Option<User<Profile>>) -> String {
    match user {
        Some(user) => format!("You are {}.", user.props.name.unwrap_or(user.id)),
        None => "Nobody is signed in: this server is public.".to_owned(),
    }
}

/// Whether somebody's accounts are known.
pub(super) fn has_accounts(caller: &Caller) -> bool {
    caller.props.get("accounts").is_some()
}

pub(super) async fn accounts(user: User<Cloudflare>) -> String {
    let lines: Vec<_> = user.props.accounts.iter().map(|Account { id, name }| format!("{name} ({id})")).collect();
    if lines.is_empty() { "None that you let this server see.".to_owned() } else { lines.join("\n") }
}
