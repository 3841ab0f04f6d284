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

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    #[test]
    fn the_user_is_shown_by_name_or_else_by_id() {
        let client = || TestClient::new(without_bindings());
        let (ann, nameless) = (
            client().signed_in("u1", json!({ "name": "Ann" })),
            client().signed_in("u1", json!({})),
        );
        assert_eq!(ann.call("whoami", json!({})).text(), "You are Ann.");
        assert_eq!(nameless.call("whoami", json!({})).text(), "You are u1.");
    }

    #[test]
    fn nobody_is_signed_in_to_a_public_server() {
        let told = TestClient::new(without_bindings()).call("whoami", json!({}));
        assert_eq!(told.text(), "Nobody is signed in: this server is public.");
    }
}
