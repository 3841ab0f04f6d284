//! Tools of the demo, from the very files that people copy.

#[path = "../../src/tools/cloudflare.rs"]
mod cloudflare;
#[path = "../../src/tools/whoami.rs"]
mod whoami;

use durable_mcp::Server;
use durable_mcp::mcp::user::Caller;
use serde_json::{Value, json};

use crate::support::peer::Conversation;

const CLOUDFLARE: [&str; 2] = ["cloudflare_user", "cloudflare_accounts"];

fn talk(subject: Option<&str>, props: Value) -> Conversation {
    let server = Server::new("demo", "1").tool("whoami", "Tell who is signed in", whoami::whoami);
    let mut talk = Conversation::with(cloudflare::add_to(server));
    talk.caller = Caller { subject: subject.map(str::to_owned), props, ..Caller::default() };
    talk
}

/// What Cloudflare leaves, as src/identity/cloudflare.rs has it.
fn of_cloudflare(name: &Value, accounts: &Value) -> Value {
    let upstream = json!({ "access_token": "a secret of Cloudflare", "refresh_token": null, "expires": 1 });
    json!({ "id": "u1", "name": name, "email": "ann@example.com", "accounts": accounts, "upstream": upstream })
}

#[test]
fn who_signed_in_with_cloudflare_sees_themselves_and_their_accounts() {
    let accounts = json!([{ "id": "a1", "name": "Acme" }, { "id": "a2", "name": "Other" }]);
    let talk = talk(Some("cloudflare:u1"), of_cloudflare(&json!("Ann"), &accounts));
    assert_eq!(talk.pages("tools/list", "tools"), [["whoami", CLOUDFLARE[0], CLOUDFLARE[1]]]);
    assert_eq!(talk.text("whoami", &json!({})), "You are Ann.");
    assert_eq!(talk.text("cloudflare_user", &json!({})), "Ann <ann@example.com>, user u1 of Cloudflare");
    let listed = talk.call("cloudflare_accounts", &json!({}));
    assert_eq!(listed["structuredContent"], json!({ "accounts": accounts }));
    assert!(!listed.to_string().contains("a secret"));
}

#[test]
fn an_account_without_names_is_shown_as_it_is() {
    let talk = talk(Some("cloudflare:u1"), of_cloudflare(&Value::Null, &json!([])));
    assert_eq!(talk.text("whoami", &json!({})), "You are cloudflare:u1.");
    assert!(talk.text("cloudflare_user", &json!({})).starts_with("Somebody without a name <ann"));
    assert_eq!(talk.call("cloudflare_accounts", &json!({}))["structuredContent"], json!({ "accounts": [] }));
}

#[test]
fn to_everybody_else_there_are_no_such_tools() {
    for subject in [None, Some("github:583231"), Some("demo:cloudflare:u1"), Some("Cloudflare:u1")] {
        let talk = talk(subject, of_cloudflare(&json!("Ann"), &json!([])));
        assert_eq!(talk.pages("tools/list", "tools"), [["whoami"]], "{subject:?}");
        for name in CLOUDFLARE {
            let refused = talk.refusal("tools/call", &json!({ "name": name }));
            assert_eq!(refused, (-32602, format!("There is no tool {name:?}.")), "{subject:?}");
        }
    }
}

#[test]
fn tools_for_users_of_cloudflare_have_what_directories_ask_for() {
    assert_eq!(cloudflare::add_to(Server::new("demo", "1")).advice(), [""; 0]);
}

/// By the text, for the server itself is made from the bindings of a Worker.
#[test]
fn tools_of_the_demo_have_a_title_and_hints() {
    let text = include_str!("../../src/tools.rs");
    assert!(!text.contains(".tool("), "a tool without either");
    let tools: Vec<_> = text.split("Tool::new(").skip(1).map(|rest| rest.split(".with(").next().unwrap()).collect();
    assert!(tools.len() > 5, "{tools:?}");
    for tool in tools {
        for one_of in [[".title(", ".title("], [".read_only()", ".destructive("], [".closed_world()", ".open_world()"]]
        {
            assert!(one_of.iter().any(|call| tool.contains(call)), "no {one_of:?}: {tool}");
        }
    }
}
