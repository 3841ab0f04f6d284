//! The answer to one request, and what goes out before it.

use durable_mcp_worker::session::call_channel::MAX_MESSAGE_BYTES;
use durable_mcp_worker::transport::sse::MAX_UNREAD_BYTES;
use http::Method;

use super::*;

#[derive(Deserialize, JsonSchema)]
struct Wait {
    ms: u32,
}

async fn slow(sleep: Sleep, Args(Wait { ms }): Args<Wait>) -> &'static str {
    sleep.ms(ms).await;
    "slept"
}

async fn count(sleep: Sleep, progress: Progress) -> &'static str {
    progress.report(1, 2, "one");
    sleep.ms(1000).await;
    progress.report(2, 2, "two");
    "counted"
}

async fn log(log: Log) -> &'static str {
    log.debug("d");
    log.info("i");
    log.error("e");
    "logged"
}

#[derive(Deserialize, JsonSchema)]
struct Long {
    bytes: usize,
}

async fn long(Args(Long { bytes }): Args<Long>) -> String {
    "x".repeat(bytes)
}

async fn ask(client: Client) -> Result<String, Error> {
    Ok(client.roots("roots").await?.len().to_string())
}

async fn cope(client: Client) -> String {
    let roots = client.roots("roots").await.map_or(0, |roots| roots.len());
    format!("{roots} roots and {}", client.can_sample())
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("quiet", "", async || "done")
        .tool("slow", "", slow)
        .tool("count", "", count)
        .tool("log", "", log)
        .tool("long", "", long)
        .tool("ask", "", ask)
        .tool("cope", "", cope)
        .tool("fail", "", async || {
            Err::<String, _>(ToolError::new("no luck"))
        })
        .tool("refuse", "", async || {
            ToolResult::refuse(Error::resource_not_found("test://x"))
        })
        .tool("panic", "", async || -> &'static str {
            panic!("on purpose")
        })
        .prompt("ask", "", ask)
        .prompt("panic", "", async || -> &'static str {
            panic!("on purpose")
        })
        .resource("ask", "test://ask", ask)
        .resource("gone", "test://gone", async || {
            Err::<String, _>(Error::resource_not_found("test://gone"))
        })
}

fn front() -> Front {
    Front::new(server())
}

fn with_meta(name: &str, arguments: &Value, meta: Value) -> Value {
    let mut params = calling(name, arguments);
    params["_meta"] = meta;
    params
}

#[test]
fn a_response_without_earlier_messages_is_json() {
    let front = front();
    let answer = front.call("quiet", &none()).answer();
    let header = |name| {
        answer
            .headers
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| &**value)
    };
    assert_eq!(header("content-type"), Some("application/json"));
    assert!(
        answer
            .headers
            .iter()
            .all(|(name, _)| *name != "mcp-session-id"),
        "{answer:?}"
    );
    assert_eq!(text(&answer.json()["result"]), "done");
    let later = front.call("slow", &json!({ "ms": 24_999 }));
    front.advance(24_998);
    assert!(later.is_open());
    front.advance(1);
    assert_eq!(text(&later.answer().json()["result"]), "slept");
}

#[test]
fn a_response_repeats_the_request_id_as_it_was_written() {
    let front = front();
    let (headers, body) = front.written("tools/call", &calling("quiet", &none()));
    for id in ["\"1\"", "123456789012345678901234567890", "\"\\u0062\""] {
        let body = body.replacen("\"id\":1", &format!("\"id\":{id}"), 1);
        let answer = front.send(Method::POST, &headers, body).answer();
        assert!(answer.text.contains(&format!("\"id\":{id},")), "{answer:?}");
    }
}

#[test]
fn a_response_behind_other_messages_is_an_event_stream() {
    let front = front();
    let counting = front.ask(
        "tools/call",
        &with_meta("count", &none(), json!({ "progressToken": "t" })),
    );
    let read = counting.read();
    let progress = |done: u8, message: &str| json!({ "progressToken": "t", "progress": f64::from(done), "total": 2.0, "message": message });
    assert_eq!(
        (
            read.messages()[0]["params"].clone(),
            read.messages().len(),
            read.ended
        ),
        (progress(1, "one"), 1, false)
    );
    front.advance(1000);
    let rest = counting.read();
    assert_eq!(rest.messages()[0]["params"], progress(2, "two"));
    assert_eq!(text(&rest.messages()[1]["result"]), "counted");
    assert!(rest.ended);
    // A stateless stream cannot be resumed, so its events have no ids.
    assert!(
        read.events
            .iter()
            .chain(&rest.events)
            .all(|event| event.id.is_none())
    );
}

#[test]
fn a_finished_call_with_log_messages_is_still_an_event_stream() {
    let front = front();
    let logging = front.ask(
        "tools/call",
        &with_meta(
            "log",
            &none(),
            json!({ "io.modelcontextprotocol/logLevel": "info" }),
        ),
    );
    let read = logging.read();
    let levels: Vec<_> = read
        .messages()
        .iter()
        .filter_map(|one| one["params"]["level"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(
        (levels, read.messages().len(), read.ended),
        (vec!["info".to_owned(), "error".to_owned()], 3, true)
    );
    assert_eq!(text(&read.messages()[2]["result"]), "logged");
}

#[test]
fn log_messages_are_sent_only_to_a_request_that_names_a_level() {
    let front = front();
    assert_eq!(front.text("log", &none()), "logged");
    for (level, count) in [
        ("debug", 3),
        ("info", 2),
        ("warning", 1),
        ("error", 1),
        ("critical", 0),
    ] {
        let params = with_meta(
            "log",
            &none(),
            json!({ "io.modelcontextprotocol/logLevel": level }),
        );
        let logging = front.ask("tools/call", &params);
        let sent = if count == 0 {
            logging.answer().json()["result"]["content"][0]["text"].take()
        } else {
            logging.read().messages().len().into()
        };
        assert_eq!(
            sent,
            if count == 0 {
                json!("logged")
            } else {
                json!(count + 1)
            },
            "{level}"
        );
    }
    // The log level of one request does not hold for another.
    assert_eq!(front.text("log", &none()), "logged");
}

#[test]
fn progress_is_sent_only_to_a_request_with_a_progress_token() {
    let front = front();
    let counting = front.call("count", &none());
    front.advance(1000);
    assert_eq!(text(&counting.answer().json()["result"]), "counted");
}

#[test]
fn a_slow_response_opens_its_stream_and_sends_comments() {
    let front = front();
    let slow = front.call("slow", &json!({ "ms": 70_000 }));
    front.advance(24_999);
    assert!(slow.is_open());
    front.advance(1);
    let opened = slow.read();
    assert_eq!((opened.text.as_str(), opened.ended), ("", false));
    front.advance(25_000);
    assert_eq!(slow.read().comments(), 1);
    front.advance(20_000);
    let rest = slow.read();
    assert_eq!(
        (
            text(&rest.messages()[0]["result"]),
            rest.comments(),
            rest.ended
        ),
        ("slept".to_owned(), 0, true)
    );
}

/// A tool that is dropped when its client disconnects and one that finishes, with the log of both.
fn leaving() -> (Server, Rc<RefCell<Vec<&'static str>>>) {
    let done: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    let (first, second) = (Rc::clone(&done), Rc::clone(&done));
    let careless = move |sleep: Sleep, progress: Progress| {
        let done = Rc::clone(&first);
        async move {
            progress.step(1);
            sleep.ms(1000).await;
            done.borrow_mut().push("careless");
        }
    };
    let careful = move |sleep: Sleep, cancelled: Cancelled, progress: Progress, notify: Notify| {
        let done = Rc::clone(&second);
        async move {
            progress.step(1);
            cancelled.wait().await;
            sleep.ms(1000).await;
            progress.step(2);
            notify.tools_changed();
            done.borrow_mut().push("careful");
            "told nobody"
        }
    };
    (
        server()
            .tool("careless", "", careless)
            .tool("careful", "", careful),
        done,
    )
}

#[test]
fn a_call_whose_client_hung_up_is_cancelled() {
    for meta in [json!({}), json!({ "progressToken": 1 })] {
        let (server, done) = leaving();
        let front = Front::new(server);
        for (name, outcome) in [("careless", vec![]), ("careful", vec!["careful"])] {
            let call = front.ask("tools/call", &with_meta(name, &none(), meta.clone()));
            if meta["progressToken"].is_null() {
                assert!(call.is_open());
            } else {
                assert_eq!(call.read().messages().len(), 1);
            }
            front.log();
            call.hang_up();
            front.advance(2000);
            assert_eq!(*done.borrow(), outcome, "{name} {meta}");
            let lines = front.log();
            let line = lines
                .iter()
                .find(|line| line["event"] == "request")
                .unwrap_or_else(|| panic!("{lines:?}"));
            assert_eq!(
                (&line["name"], &line["outcome"]),
                (&json!(name), &json!("cancelled"))
            );
        }
        assert_eq!(
            front.host.published.borrow().len(),
            0,
            "what a cancelled call says is not said"
        );
    }
}

#[test]
fn a_dropped_stream_and_a_cut_connection_both_cancel_the_call() {
    for cut in [Exchange::drop_stream, Exchange::cut_connection] {
        let (server, done) = leaving();
        let front = Front::new(server);
        let params = with_meta("careless", &none(), json!({ "progressToken": 1 }));
        let call = front.ask("tools/call", &params);
        assert_eq!(call.read().messages().len(), 1);
        cut(&call);
        front.advance(2000);
        assert!(done.borrow().is_empty());
        assert_eq!(
            front.log().last().map(|line| line["outcome"].clone()),
            Some(json!("cancelled"))
        );
    }
}

#[test]
fn a_call_whose_client_does_not_read_is_cancelled() {
    let flood = async |sleep: Sleep, log: Log| {
        for _ in 0..3 {
            log.error("x".repeat(MAX_UNREAD_BYTES / 2));
            sleep.ms(10).await;
        }
        "never"
    };
    let front = Front::new(server().tool("flood", "", flood));
    let params = with_meta(
        "flood",
        &none(),
        json!({ "io.modelcontextprotocol/logLevel": "debug" }),
    );
    let call = front.ask("tools/call", &params);
    assert_eq!(call.read().messages().len(), 1);
    front.advance(1000);
    let rest = call.read();
    assert!(
        rest.ended && rest.messages().len() == 1,
        "{}",
        rest.messages().len()
    );
    assert_eq!(
        front.log().last().map(|line| line["outcome"].clone()),
        Some(json!("cancelled"))
    );
}

#[test]
fn a_panicking_handler_fails_only_its_own_request() {
    let front = front();
    let failed = front.result("tools/call", &calling("panic", &none()));
    assert_eq!(
        (&failed["isError"], &failed["resultType"]),
        (&json!(true), &json!("complete"))
    );
    let answer = front
        .ask("prompts/get", &json!({ "name": "panic" }))
        .answer();
    assert_eq!(refusal(&answer), (200, -32603, json!(2)));
    assert!(front.log().iter().all(|line| line["outcome"] == "panic"));
    assert_eq!(front.text("quiet", &none()), "done");
}

#[test]
fn a_response_that_is_too_long_becomes_an_error() {
    let front = front();
    assert_eq!(
        front
            .text("long", &json!({ "bytes": MAX_MESSAGE_BYTES - 1000 }))
            .len(),
        MAX_MESSAGE_BYTES - 1000
    );
    let answer = front
        .call("long", &json!({ "bytes": MAX_MESSAGE_BYTES }))
        .answer();
    assert_eq!(refusal(&answer), (200, -32603, json!(2)));
    assert_eq!(front.host.warnings.borrow().len(), 1);
}

#[test]
fn a_missing_client_capability_is_named_in_the_error() {
    let front = Front::new(server()).declaring(none());
    for (method, params) in [
        ("tools/call", calling("ask", &none())),
        ("prompts/get", json!({ "name": "ask" })),
        ("resources/read", json!({ "uri": "test://ask" })),
    ] {
        let answer = front.ask(method, &params).answer();
        let (status, code, _) = refusal(&answer);
        assert_eq!((status, code), (400, -32021), "{method}");
        assert_eq!(
            answer.json()["error"]["data"],
            json!({ "requiredCapabilities": { "roots": {} } }),
            "{method}"
        );
    }
    assert_eq!(front.text("cope", &none()), "0 roots and false");
}

#[test]
fn unknown_names_and_cursors_have_the_error_codes_of_the_version() {
    let front = front();
    let answer = front
        .ask("resources/read", &json!({ "uri": "test://nowhere" }))
        .answer();
    assert_eq!(refusal(&answer), (200, -32602, json!(1)));
    assert_eq!(
        answer.json()["error"]["data"],
        json!({ "uri": "test://nowhere" })
    );
    for (method, params) in [
        ("resources/read", json!({ "uri": "test://gone" })),
        ("tools/call", calling("refuse", &none())),
        ("tools/call", calling("nothing", &none())),
        ("prompts/get", json!({ "name": "nothing" })),
        ("tools/list", json!({ "cursor": "made up" })),
    ] {
        let (status, code, _) = refusal(&front.ask(method, &params).answer());
        assert_eq!((status, code), (200, -32602), "{method} {params}");
    }
    let failed = front.result("tools/call", &calling("fail", &none()));
    assert_eq!(
        (&failed["isError"], &failed["content"][0]["text"]),
        (&json!(true), &json!("no luck"))
    );
}

#[test]
fn a_method_outside_the_version_is_answered_with_404() {
    let front = front();
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/get",
        "tasks/result",
        "completion/complete",
        "x",
    ] {
        let answer = front.ask(method, &none()).answer();
        let (status, code, id) = refusal(&answer);
        assert_eq!(
            (status, code, id.is_number()),
            (404, -32601, true),
            "{method}"
        );
    }
    let names: Vec<_> = front
        .log()
        .iter()
        .map(|line| line["method"].clone())
        .collect();
    assert!(
        names.iter().all(|name| name == "?"),
        "what clients make up stays out of the log: {names:?}"
    );
}

#[test]
fn other_http_methods_and_bodies_without_a_request_are_refused() {
    let front = front();
    let version = ("mcp-protocol-version", "2026-07-28".to_owned());
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let answer = front
            .send(
                method.clone(),
                std::slice::from_ref(&version),
                String::new(),
            )
            .answer();
        assert_eq!(answer.status, 405, "{method}");
    }
    for (body, status) in [
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, 400),
        ("[]", 400),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
            202,
        ),
    ] {
        let answer = front
            .send(
                Method::POST,
                std::slice::from_ref(&version),
                body.to_owned(),
            )
            .answer();
        assert_eq!(answer.status, status, "{body}");
        if status == 400 {
            assert_eq!(answer.json().get("id"), None, "{body}");
        }
    }
}

#[test]
fn cacheable_results_say_for_how_long_and_for_whom() {
    let fresh = Resource::new("fresh", "test://fresh", async || "f")
        .ttl(Duration::from_secs(7))
        .public();
    let completed = async |_: CompletionInput| vec!["a".to_owned()];
    let front = Front::new(
        server().list_ttl(Duration::from_mins(1)).with(fresh).with(
            Prompt::new("c", "", async |Args(Wait { ms }): Args<Wait>| {
                ms.to_string()
            })
            .complete("ms", completed),
        ),
    );
    let hints = |method: &str, params: &Value| {
        let result = front.result(method, params);
        (result["ttlMs"].clone(), result["cacheScope"].clone())
    };
    let public = |ms: u64| (json!(ms), json!("public"));
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        assert_eq!(hints(method, &none()), public(60_000), "{method}");
    }
    assert_eq!(
        hints("resources/read", &json!({ "uri": "test://fresh" })),
        public(7000)
    );
    let asked = front.result("resources/read", &json!({ "uri": "test://ask" }));
    assert_eq!(
        (&asked["resultType"], asked.get("ttlMs")),
        (&json!("input_required"), None)
    );
    let answered = json!({ "uri": "test://ask", "inputResponses": { "roots": { "roots": [] } } });
    assert_eq!(
        hints("resources/read", &answered),
        (json!(0), json!("private"))
    );
    for (method, params) in [
        ("tools/call", calling("cope", &none())),
        ("prompts/get", json!({ "name": "ask" })),
    ] {
        assert_eq!(
            hints(method, &params),
            (Value::Null, Value::Null),
            "{method}"
        );
    }
    let private =
        Front::new(server().with(Tool::new("own", "", async || "o").visible_to(|_| true)));
    assert_eq!(
        private.result("tools/list", &none())["cacheScope"],
        "private"
    );
}

#[test]
fn half_of_a_surrogate_pair_in_a_subscription_filter_is_named() {
    let front = Front::new(Server::new("s", "1").resource("r", "test://r", async |_: Notify| ""));
    let params = json!({ "notifications": { "resourceSubscriptions": ["test://HALF"] } });
    let (headers, body) = front.written("subscriptions/listen", &params);
    let answer = front
        .send(Method::POST, &headers, body.replace("HALF", r"\ud83d"))
        .answer();
    let told = answer.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        told.contains("`resourceSubscriptions`") && told.contains("surrogate pair"),
        "{told}"
    );
}
