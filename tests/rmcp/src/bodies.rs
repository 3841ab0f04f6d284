//! Tests that are the same for clients with a session and without one.

use rmcp::model::{ClientRequest, GetPromptRequestParams, ProtocolVersion, Request};
use rmcp::service::PeerRequestOptions;
use serde_json::json;

use crate::{Connected, call, read, text, within};

pub(crate) async fn list_and_call(client: Connected, version: ProtocolVersion) {
    let server = client.peer_info().expect("the server introduced itself");
    assert_eq!(server.protocol_version, version);
    assert!(server.capabilities.tools.is_some() && server.capabilities.resources.is_some());

    let tools = within(client.list_all_tools()).await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    for name in [
        "add",
        "calculate",
        "increment",
        "whoami",
        "countdown",
        "book_table",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let add = tools.iter().find(|tool| tool.name == "add").unwrap();
    assert_eq!(add.input_schema["properties"]["a"]["type"], "number");
    assert_eq!(
        add.annotations
            .as_ref()
            .and_then(|hints| hints.read_only_hint),
        Some(true)
    );
    assert_eq!(
        text(&client, "add", json!({ "a": 2, "b": 3.5 })).await,
        "5.5"
    );

    let wrong = within(client.call_tool(call("add", &json!({ "a": "two", "b": 3 }))))
        .await
        .unwrap();
    assert_eq!(wrong.is_error, Some(true));
    assert!(
        wrong.content[0].as_text().unwrap().text.contains("`a`"),
        "{wrong:?}"
    );
    assert!(
        within(client.call_tool(call("no_such_tool", &json!({}))))
            .await
            .is_err()
    );
    client.cancel().await.unwrap();
}

pub(crate) async fn get_progress_before_the_result(client: Connected) {
    let request = ClientRequest::CallToolRequest(Request::new(call(
        "countdown",
        &json!({ "steps": 3, "delay_ms": 30 }),
    )));
    let handle = within(client.send_cancellable_request(request, PeerRequestOptions::no_options()))
        .await
        .unwrap();
    let answer = within(handle.await_response()).await.unwrap();
    assert!(
        serde_json::to_string(&answer)
            .unwrap()
            .contains("Lift-off!"),
        "{answer:?}"
    );
    assert_eq!(*client.service().progress.lock().unwrap(), [1.0, 2.0, 3.0]);
    client.cancel().await.unwrap();
}

pub(crate) async fn answer_what_a_tool_asks(client: Connected) {
    let booked = text(&client, "book_table", json!({ "restaurant": "Luigi's" })).await;
    assert_eq!(booked, "Booked a table outside for 3 at Luigi's.");
    client.cancel().await.unwrap();
}

pub(crate) async fn read_complete_and_prompt(client: Connected) {
    assert_eq!(
        read(&client, "greeting://french/Ren%C3%A9").await,
        "Bonjour, René!"
    );
    let templates = within(client.list_all_resource_templates()).await.unwrap();
    assert_eq!(templates[0].uri_template, "greeting://{language}/{name}");
    let arguments = json!({ "name": "Ann", "language": "german" })
        .as_object()
        .unwrap()
        .clone();
    let prompt =
        within(client.get_prompt(GetPromptRequestParams::new("greet").with_arguments(arguments)))
            .await
            .unwrap();
    assert!(
        serde_json::to_string(&prompt.messages)
            .unwrap()
            .contains("Hallo"),
        "{prompt:?}"
    );
    let values = within(client.complete_prompt_simple("greet", "language", "fr"))
        .await
        .unwrap();
    assert_eq!(values, ["french"]);
    client.cancel().await.unwrap();
}
