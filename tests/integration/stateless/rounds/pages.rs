//! Calls that send their user to a page first.

use durable_mcp_protocol::outcome::IntoToolResult;

use super::*;

/// A server that refuses `times` calls until its user has been to a page, and the number of calls.
fn refusing(times: u32) -> (Server, Rc<Cell<u32>>) {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let connect = move || {
        counted.set(counted.get() + 1);
        let refuses = counted.get() <= times;
        async move {
            if refuses {
                return Err(Error::url_elicitation_required(
                    "connect",
                    "Connect first",
                    "https://a.example/connect",
                ));
            }
            Ok("connected".to_owned())
        }
    };
    let (of_prompt, of_resource) = (connect.clone(), connect.clone());
    let tool = move || {
        let outcome = connect();
        async move {
            outcome
                .await
                .map_or_else(ToolResult::refuse, IntoToolResult::into_tool_result)
        }
    };
    let server = Server::new("s", "1")
        .tool("connect", "", tool)
        .prompt("connect", "", of_prompt)
        .resource("connect", "test://connect", of_resource);
    (server, calls)
}

fn connecting() -> [(&'static str, Value); 3] {
    [
        ("tools/call", calling("connect", &none())),
        ("prompts/get", json!({ "name": "connect" })),
        ("resources/read", json!({ "uri": "test://connect" })),
    ]
}

#[test]
fn a_refused_call_sends_the_user_to_a_page_until_it_succeeds() {
    for (method, call) in connecting() {
        let (server, calls) = refusing(2);
        let front = Front::new(server);
        let first = front.result(method, &call);
        let key = asked(&first)[0].to_owned();
        assert_eq!(
            first["inputRequests"][&key],
            json!({ "method": "elicitation/create", "params": { "mode": "url", "message": "Connect first", "url": "https://a.example/connect" } }),
            "{method}"
        );
        let early = front.again(
            method,
            &call,
            &first,
            &json!({ key.as_str(): { "action": "accept" } }),
        );
        let second = asked(&early)[0].to_owned();
        assert_ne!(
            second, key,
            "{method}: a question that was answered is another one"
        );
        let done = front.again(
            method,
            &call,
            &early,
            &json!({ second.as_str(): { "action": "accept" } }),
        );
        assert_eq!(
            (&done["resultType"], done.get("isError")),
            (&json!("complete"), None),
            "{method}"
        );
        assert!(done.to_string().contains("connected"), "{method}: {done}");
        assert_eq!(calls.get(), 3);
    }
}

#[test]
fn all_pages_of_one_refusal_are_asked_for_at_once() {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let connect = move || {
        counted.set(counted.get() + 1);
        let connected = counted.get() > 2;
        async move {
            if connected {
                return "connected".into_tool_result();
            }
            let mut refusal =
                Error::url_elicitation_required("a", "Connect first", "https://a.example");
            let other = Error::url_elicitation_required("b", "Connect first", "https://b.example");
            let (all, more) = (refusal.data.as_mut().unwrap(), other.data.unwrap());
            all["elicitations"]
                .as_array_mut()
                .unwrap()
                .push(more["elicitations"][0].clone());
            ToolResult::refuse(refusal)
        }
    };
    let front = Front::new(Server::new("s", "1").tool("connect", "", connect));
    let call = calling("connect", &none());
    let agreed = json!({ "action": "accept" });
    let first = front.result("tools/call", &call);
    assert_eq!(asked(&first), ["a", "b"]);
    let second = front.again("tools/call", &call, &first, &json!({ "b": agreed }));
    assert_eq!(asked(&second), ["a", "b-2"], "the server still refuses");
    let done = front.again(
        "tools/call",
        &call,
        &second,
        &json!({ "a": agreed, "b-2": agreed }),
    );
    assert_eq!(text(&done), "connected");
}

#[test]
fn a_declined_page_ends_the_call_with_an_error() {
    for (method, call) in connecting() {
        for action in ["decline", "cancel"] {
            let (server, _) = refusing(9);
            let front = Front::new(server);
            let first = front.result(method, &call);
            let key = asked(&first)[0].to_owned();
            let mut second = call.clone();
            second["requestState"] = first["requestState"].clone();
            second["inputResponses"] = json!({ key: { "action": action } });
            let answer = front.ask(method, &second).answer();
            let (status, code, _) = refusal(&answer);
            assert_eq!((status, code), (200, -32000), "{method}");
            assert!(
                answer.json()["error"]["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{method}"
            );
            assert_eq!(answer.json()["error"].get("data"), None, "{method}");
        }
    }
}

#[test]
fn a_client_without_url_mode_is_told_the_missing_capability() {
    for (method, call) in connecting() {
        let (server, _) = refusing(1);
        let front = Front::new(server).declaring(json!({ "elicitation": {} }));
        let answer = front.ask(method, &call).answer();
        let (status, code, _) = refusal(&answer);
        assert_eq!((status, code), (400, -32021), "{method}");
        assert_eq!(
            answer.json()["error"]["data"]["requiredCapabilities"],
            json!({ "elicitation": { "url": {} } })
        );
    }
    let page = async |client: Client| -> Result<String, Error> {
        Ok(
            match client
                .elicit_url("pay", "Pay", "https://a.example/pay")
                .await?
            {
                Elicited::Accepted(()) => "paid".to_owned(),
                _ => "not paid".to_owned(),
            },
        )
    };
    let front = Front::new(server().tool("pay", "", page)).declaring(everything());
    let call = calling("pay", &none());
    let first = front.result("tools/call", &call);
    assert_eq!(
        first["inputRequests"]["pay"]["params"].get("elicitationId"),
        None
    );
    assert_eq!(
        text(&front.again(
            "tools/call",
            &call,
            &first,
            &json!({ "pay": { "action": "accept" } })
        )),
        "paid"
    );
}
