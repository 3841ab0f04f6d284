//! The caller, if the server asks people to sign in.

use durable_mcp::prelude::*;

#[derive(Deserialize)]
pub(super) struct Profile {
    name: Option<String>,
}

pub(super) async fn whoami(user: Option<User<Profile>>) -> String {
    match user {
        Some(user) => format!("You are {}.", user.props.name.unwrap_or(user.id)),
        None => "Nobody is signed in: this server is public.".to_owned(),
    }
}
