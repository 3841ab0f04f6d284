//! Methods of extensions of one's own.

use durable_mcp::testing::{TestClient, json};

use super::*;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ping {
    #[schemars(length(max = 5))]
    text: String,
}

#[derive(Serialize)]
struct Pong {
    text: String,
}

async fn ping(Args(Ping { text }): Args<Ping>) -> Json<Pong> {
    Json(Pong { text })
}

async fn lab() -> Result<(), Error> {
    Err(Error::invalid_request("Closed."))
}

async fn bare() -> Json<u32> {
    Json(1)
}

fn acme() -> Server {
    empty()
        .method("acme.example/ping", ping)
        .method("acme.example/lab/run", lab)
        .method("acme.example/lab/bare", bare)
        .with(OwnMethod::new("acme.example/write", ping).scopes(["write"]))
}

#[test]
fn own_methods_have_typed_parameters_and_a_result_with_and_without_sessions() {
    for client in [TestClient::new(acme()), TestClient::new(acme()).stateless()] {
        let pong = client
            .request("acme.example/ping", json!({ "text": "hi" }))
            .unwrap();
        assert_eq!(pong["text"], "hi");
        for (params, told) in [
            (json!({}), "text"),
            (json!({ "text": 1 }), "text"),
            (json!({ "text": "longer" }), "text"),
            (json!({ "text": "hi", "more": 1 }), "more"),
        ] {
            let error = client.request("acme.example/ping", params).unwrap_err();
            assert_eq!(error.code.0, -32602);
            assert!(error.message.contains(told), "{error:?}");
        }
        let closed = client
            .request("acme.example/lab/run", json!({}))
            .unwrap_err();
        assert_eq!((closed.code.0, &*closed.message), (-32600, "Closed."));
        let bare = client
            .request("acme.example/lab/bare", json!({}))
            .unwrap_err();
        assert_eq!(bare.code.0, -32603);
        let unknown = client.request("acme.example/pong", json!({})).unwrap_err();
        assert_eq!(unknown.code.0, -32601);
    }
}

#[test]
fn own_methods_are_declared_as_extensions_and_before_2025_11_25_as_experimental() {
    let names =
        json!({ "acme.example/ping": {}, "acme.example/lab": {}, "acme.example/write": {} });
    let talk = Conversation::with(acme());
    assert_eq!(talk.capabilities(), json!({ "extensions": names }));
    let (_, older) = talk
        .initialize(&json!({ "protocolVersion": "2025-06-18" }))
        .unwrap();
    assert_eq!(older["capabilities"], json!({ "experimental": names }));
}

#[test]
fn an_own_method_with_scopes_refuses_a_caller_without_them() {
    let mut talk = Conversation::with(acme());
    let params = json!({ "text": "hi" });
    let (code, message) = talk.refusal("acme.example/write", &params);
    assert_eq!(code, -32000);
    assert!(message.contains("write"), "{message}");
    talk.caller.scopes.push("write".to_owned());
    assert_eq!(
        talk.ask("acme.example/write", &params).unwrap()["text"],
        "hi"
    );
    assert_eq!(acme().scopes(), ["write"]);
}

#[test]
fn own_methods_with_names_of_the_specification_are_problems() {
    for name in [
        "tools/call",
        "initialize",
        "ping",
        "tools/run",
        "io.modelcontextprotocol/x",
    ] {
        let problems = empty().method(name, lab).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("method `{name}`: ")),
            "{problems:?}"
        );
    }
    let twice = empty()
        .method("acme.example/x", lab)
        .method("acme.example/x", lab);
    assert!(twice.problems()[0].contains("registered twice"));
}

async fn closed(next: Next) -> Result<Outcome, Error> {
    Err(Error::invalid_request(next.method()))
}

#[test]
fn layers_run_around_own_methods() {
    let talk = Conversation::with(acme().layer(closed));
    let refusal = talk.refusal("acme.example/ping", &json!({ "text": "hi" }));
    assert_eq!(refusal, (-32600, "acme.example/ping".to_owned()));
}

async fn ask(client: Client) -> Result<Json<Pong>, Error> {
    match client.elicit::<Word>("word", "Which?").await? {
        Elicited::Accepted(Word { word }) => Ok(Json(Pong { text: word })),
        _ => Err(Error::invalid_request("declined")),
    }
}

#[test]
fn an_own_method_asks_the_client_of_a_session_and_no_stateless_one() {
    let client = || {
        TestClient::new(empty().method("acme.example/ask", ask))
            .on_elicit(|_| Elicited::Accepted(json!({ "word": "this" })))
    };
    let answer = client().request("acme.example/ask", json!({})).unwrap();
    assert_eq!(answer["text"], "this");
    let refused = client()
        .stateless()
        .request("acme.example/ask", json!({}))
        .unwrap_err();
    assert_eq!(refused.code.0, -32603);
    assert!(refused.message.contains("cannot ask"), "{refused:?}");
}
