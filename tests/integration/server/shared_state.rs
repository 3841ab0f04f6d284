//! Values that all handlers of a server share.

use std::cell::Cell;

use durable_mcp::testing::{TestClient, json};

use super::*;

/// Tickets that were sold.
#[derive(Default)]
struct Sold(Cell<u32>);

struct Place(&'static str);

fn sold_at(sold: &Sold, place: &str) -> String {
    sold.0.set(sold.0.get() + 1);
    format!("{} at {place}", sold.0.get())
}

async fn sell(sold: Shared<Sold>, place: Shared<Place>) -> String {
    sold_at(&sold, place.0)
}

async fn sell_to(sold: Shared<Sold>, Args(Word { word }): Args<Word>) -> String {
    sold_at(&sold, &word)
}

async fn places(place: Shared<Place>, input: CompletionInput) -> Vec<String> {
    input.matching([place.0])
}

async fn maybe(place: Option<Shared<Place>>) -> &'static str {
    place.map_or("nowhere", |place| place.0)
}

/// Sell a ticket
#[tool]
async fn by_attribute(shared: Shared<Sold>, place: String) -> String {
    sold_at(&shared, &place)
}

fn everything() -> Server {
    empty()
        .tool("sell", "", sell)
        .resource("sold", "test://sold", sell)
        .with(ResourceTemplate::new("at", "test://at/{word}", sell_to).complete("word", places))
        .with(Prompt::new("ask", "", sell_to).complete("word", places))
        .with(by_attribute)
        .tool("maybe", "", maybe)
}

#[test]
fn all_handlers_of_a_server_share_one_value_of_a_type() {
    let shared = || {
        everything()
            .with_state(Sold::default())
            .with_state(Place("Lisbon"))
    };
    for client in [
        TestClient::new(shared()),
        TestClient::new(shared()).stateless(),
    ] {
        assert_eq!(client.call("sell", json!({})).text(), "1 at Lisbon");
        assert_eq!(client.read("test://sold").text(), "2 at Lisbon");
        assert_eq!(client.read("test://at/Bern").text(), "3 at Bern");
        let prompt = client.get_prompt("ask", json!({ "word": "Rome" }));
        assert_eq!(prompt.text(), "4 at Rome");
        let sold = client.call("by_attribute", json!({ "place": "Oslo" }));
        assert_eq!(sold.text(), "5 at Oslo");
        assert_eq!(client.complete_prompt("ask", "word", "L"), ["Lisbon"]);
        let completed = client.complete_template("test://at/{word}", "word", "L");
        assert_eq!(completed, ["Lisbon"]);
        assert_eq!(client.call("maybe", json!({})).text(), "Lisbon");
    }
}

#[test]
fn each_handler_without_its_shared_value_is_a_problem_that_says_what_to_add() {
    let problems = everything().with_state(Sold::default()).problems();
    let named: Vec<&str> = problems
        .iter()
        .map(|problem| problem.split(':').next().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "tool `sell`",
            "resource `sold`",
            "completer `at.word`",
            "completer `ask.word`"
        ]
    );
    for problem in &problems {
        assert!(
            problem.contains("Place>`, which the server was not given"),
            "{problem}"
        );
        assert!(problem.contains("add `.with_state(..)`"), "{problem}");
    }
    let hook = async |_: Shared<Place>| ();
    let problems = empty().on_state_update(hook).problems();
    assert!(
        problems[0].starts_with("hook `on_state_update`"),
        "{problems:?}"
    );
}

#[test]
fn a_second_value_of_a_type_is_a_problem_and_the_first_one_stays() {
    let server = empty()
        .with_state(Place("first"))
        .with_state(Place("second"));
    let problems = server.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("Place`; the first one stays"),
        "{problems:?}"
    );
}

#[test]
fn a_call_without_its_shared_value_is_an_internal_error() {
    let talk =
        Conversation::despite_problems(empty().tool("sell", "", sell).tool("maybe", "", maybe));
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "sell" }));
    assert_eq!(code, -32603);
    assert!(
        message.contains("add `.with_state(..)` with a value of that type"),
        "{message}"
    );
    assert_eq!(talk.text("maybe", &json!({})), "nowhere");
}
