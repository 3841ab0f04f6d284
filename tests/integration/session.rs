//! A session's object: what it keeps, how long, and what ends it.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp::mcp::ProtocolVersion;
use durable_mcp::prelude::*;
use durable_mcp::session::core::MAX_SUBSCRIPTIONS;
use durable_mcp::session::running::MAX_RUNNING;
use durable_mcp::session::state::MAX_STATE_BYTES;
use durable_mcp::transport::refusal::Refusal;
use http::Method;
use serde_json::{Value, json};

use crate::support::host::START;
use crate::support::json::{answer, call, notification, request};
use crate::support::object::{IDLE_MS, MAX_AGE_MS, RESUME_MS, Rig, Sleep};

#[derive(Default, Serialize, Deserialize)]
struct Counter {
    total: i64,
}

async fn increment(counter: Session<Counter>) -> Result<String, ToolError> {
    Ok(counter.update(|counter| {
        counter.total += 1;
        counter.total.to_string()
    })?)
}

async fn total(counter: Session<Counter>) -> Result<String, ToolError> {
    Ok(counter.get()?.total.to_string())
}

#[derive(Deserialize, JsonSchema)]
struct Wait {
    ms: u32,
}

async fn slow(sleep: Sleep, Args(Wait { ms }): Args<Wait>) -> &'static str {
    sleep.ms(ms).await;
    "slept"
}

async fn log(log: Log) {
    log.debug("d");
    log.error("e");
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("increment", "", increment)
        .tool("total", "", total)
        .tool("slow", "", slow)
        .tool("log", "", log)
        .resource("total", "test://total", total)
}

fn none() -> Value {
    json!({})
}

fn increment_to(rig: &Rig, total: &str) {
    assert_eq!(rig.text("increment", &none()), total);
}

mod writing {
    use super::*;

    #[test]
    fn is_not_done_for_calls_that_change_nothing() {
        let rig = Rig::new(server());
        for _ in 0..100 {
            assert_eq!(rig.text("total", &none()), "0");
            rig.advance(IDLE_MS / 2);
        }
        assert!(rig.host.memory().is_empty());
        assert_eq!(rig.host.memory().alarms_ordered(), 0);
    }

    #[test]
    fn is_one_row_for_a_change_of_state() {
        let rig = Rig::new(server());
        for total in ["1", "2", "3"] {
            increment_to(&rig, total);
        }
        assert_eq!(rig.host.memory_rows(), 3);
        assert_eq!(rig.host.memory().alarms_ordered(), 1, "the first one orders the end");
    }

    #[test]
    fn is_one_row_now_and_then_that_keeps_a_used_session() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        for _ in 0..40 {
            rig.advance(IDLE_MS / 10);
            assert_eq!(rig.text("total", &none()), "1", "it has not ended by {}", rig.now() - START);
        }
        let rows = rig.host.memory_rows() - 1;
        assert!((15..=25).contains(&rows), "{rows} rows in four idle times");
    }

    #[test]
    fn outlives_the_objects_sleep() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        rig.restart();
        increment_to(&rig, "2");
        rig.restart();
        rig.restart();
        assert_eq!(rig.text("total", &none()), "2");
    }

    #[test]
    fn that_fails_is_told_without_its_cause_and_nothing_half_is_seen() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        rig.host.memory().set_broken(true);
        let answer = rig.post(call(1, "increment", &none())).answer();
        let result = &answer.json()["result"];
        assert_eq!(result["isError"], true, "{answer:?}");
        assert!(!answer.text.contains("fire") && answer.text.contains("Try again"), "{answer:?}");
        assert_eq!(rig.text("total", &none()), "1");
        rig.restart();
        rig.post(call(1, "total", &none())).answer().refuses(500, -32603, Value::Null);
        assert!(rig.host.warnings.borrow().iter().any(|warning| warning.contains("fire")));
        rig.host.memory().set_broken(false);
        increment_to(&rig, "2");
    }
}

mod state {
    use super::*;

    #[derive(Default, Serialize, Deserialize)]
    struct Notes(Vec<String>);

    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename = "Counter")]
    struct Renamed {
        total: i64,
        #[serde(default)]
        more: bool,
    }

    async fn note(notes: Session<Notes>, counter: Session<Counter>) -> Result<String, ToolError> {
        let count = notes.update(|Notes(all)| {
            all.push("n".to_owned());
            all.len()
        })?;
        Ok(format!("{count} and {}", counter.get()?.total))
    }

    async fn renamed(counter: Session<Renamed>) -> Result<String, ToolError> {
        let counter = counter.get()?;
        Ok(format!("{} {}", counter.total, counter.more))
    }

    async fn grow(notes: Session<Notes>) -> Result<String, ToolError> {
        notes.update(|Notes(all)| all.push("x".repeat(MAX_STATE_BYTES)))?;
        Ok("grown".to_owned())
    }

    fn with_notes() -> Server {
        server().tool("note", "", note).tool("renamed", "", renamed).tool("grow", "", grow)
    }

    #[test]
    fn is_told_apart_by_the_name_of_its_type() {
        let rig = Rig::new(with_notes());
        increment_to(&rig, "1");
        assert_eq!(rig.text("note", &none()), "1 and 1");
        assert_eq!(rig.text("note", &none()), "2 and 1");
        rig.restart();
        assert_eq!(rig.text("note", &none()), "3 and 1");
        assert_eq!(rig.text("renamed", &none()), "1 false", "an old value fits a type with a new field");
    }

    #[test]
    fn that_is_too_long_is_refused_and_the_old_one_stays() {
        let rig = Rig::new(with_notes());
        assert_eq!(rig.text("note", &none()), "1 and 0");
        let rows = rig.host.memory_rows();
        let answer = rig.post(call(1, "grow", &none())).answer();
        assert_eq!(answer.json()["result"]["isError"], true);
        assert!(answer.text.contains(&MAX_STATE_BYTES.to_string()), "{answer:?}");
        assert_eq!(rig.host.memory_rows(), rows);
        assert_eq!(rig.text("note", &none()), "2 and 0");
    }

    #[test]
    fn that_no_longer_fits_its_type_is_an_error_and_not_lost() {
        let rig = Rig::new(server());
        rig.host.memory().plant_state("Counter", r#"{"total":"many"}"#);
        for tool in ["total", "increment"] {
            let answer = rig.post(call(1, tool, &none())).answer();
            assert_eq!(answer.json()["result"]["isError"], true, "{answer:?}");
        }
        rig.host.memory().plant_state("Counter", r#"{"total":41}"#);
        rig.restart();
        increment_to(&rig, "42");
    }

    #[test]
    fn that_changes_runs_the_hook_once_a_call_before_its_answer() {
        let runs = Rc::new(Cell::new(0));
        let seen = Rc::clone(&runs);
        let hook = move |notify: Notify, counter: Session<Counter>| {
            seen.set(seen.get() + 1);
            async move {
                // What the hook itself changes does not call it again.
                let _ = counter.update(|counter| counter.total += 100);
                notify.resource_updated("test://total");
            }
        };
        let twice = async |counter: Session<Counter>| {
            counter.update(|counter| counter.total += 1)?;
            counter.update(|counter| counter.total += 1)?;
            Ok::<_, ToolError>("twice")
        };
        let rig = Rig::new(server().tool("twice", "", twice).on_state_update(hook));
        assert_eq!(rig.post(request(1, "resources/subscribe", &json!({ "uri": "test://total" }))).answer().status, 200);
        let stream = rig.get(None);
        assert_eq!(rig.text("total", &none()), "0");
        assert_eq!(runs.get(), 0);
        assert_eq!(rig.text("twice", &none()), "twice");
        assert_eq!(runs.get(), 1);
        assert_eq!(rig.text("total", &none()), "102");
        let told = rig.messages(&stream);
        let updated = json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": "test://total" } });
        assert_eq!(told, [updated]);
    }

    #[test]
    fn is_not_written_by_a_change_that_panics() {
        let panics = async |counter: Session<Counter>| {
            counter.update(|counter| {
                counter.total = 1000;
                panic!("half way");
            })?;
            Ok::<_, ToolError>("never")
        };
        let rig = Rig::new(server().tool("panics", "", panics));
        increment_to(&rig, "1");
        let answer = rig.post(call(1, "panics", &none())).answer();
        assert_eq!(answer.json()["result"]["isError"], true, "{answer:?}");
        assert_eq!(rig.host.memory_rows(), 1);
        increment_to(&rig, "2");
    }
}

mod an_idle_session {
    use super::*;

    #[test]
    fn ends_when_its_time_is_over_and_is_forgotten_when_no_id_of_it_is_good() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        rig.advance(IDLE_MS - 1);
        assert!(!rig.host.memory().is_empty());
        rig.advance(1);
        rig.post(call(5, "total", &none())).answer().refuses(404, -32001, Value::Null);
        assert_eq!(rig.delete().status, 404);
        assert!(rig.try_get(None).is_err_and(|answer| answer.status == 404));
        rig.restart();
        assert_eq!(rig.ping(), 404, "that it has ended is not forgotten by sleeping");
        rig.advance(MAX_AGE_MS - 1);
        assert_eq!(rig.ping(), 404);
        rig.advance(MAX_AGE_MS);
        assert!(rig.host.memory().is_empty());
        assert_eq!(rig.host.memory().alarm(), None);
    }

    #[test]
    fn that_slept_meanwhile_ends_too() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        rig.restart();
        rig.advance(IDLE_MS + IDLE_MS / 4);
        rig.restart();
        assert_eq!(rig.ping(), 404);
    }

    #[test]
    fn has_its_streams_closed() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        let stream = rig.get(None);
        assert!(!rig.is_closed(&stream));
        rig.advance(IDLE_MS + 1);
        assert!(rig.is_closed(&stream));
    }
}

mod deleting {
    use super::*;

    #[test]
    fn leaves_only_that_it_has_ended_and_that_not_for_ever() {
        let rig = Rig::new(server());
        increment_to(&rig, "1");
        rig.post(request(1, "resources/subscribe", &json!({ "uri": "a:b" }))).answer().refuses(200, -32601, 1);
        let stream = rig.get(None);
        let answer = rig.delete();
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert!(rig.is_closed(&stream));
        for _ in 0..2 {
            rig.post(call(5, "total", &none())).answer().refuses(404, -32001, Value::Null);
            rig.delete().refuses(404, -32001, Value::Null);
            rig.try_get(None).unwrap_err().refuses(404, -32001, Value::Null);
            rig.try_get(Some("a1a1a1a1-0-1")).unwrap_err().refuses(404, -32001, Value::Null);
            rig.restart();
        }
        rig.advance(MAX_AGE_MS - 1);
        assert_eq!(rig.ping(), 404);
        rig.advance(MAX_AGE_MS);
        assert!(rig.host.memory().is_empty());
    }

    #[test]
    fn a_session_that_kept_nothing_is_remembered_too() {
        let rig = Rig::new(server());
        assert_eq!(rig.delete().status, 204);
        rig.restart();
        assert_eq!(rig.ping(), 404);
    }

    #[test]
    fn stops_what_runs_and_lets_nothing_be_written_after_it() {
        let late = async |sleep: Sleep, cancelled: Cancelled, counter: Session<Counter>| {
            sleep.ms(100).await;
            assert!(cancelled.is_cancelled());
            let kept = counter.update(|counter| counter.total = 77);
            kept.map_or_else(|error| error.to_string(), |()| "kept".to_owned())
        };
        let rig = Rig::new(server().tool("late", "", late));
        increment_to(&rig, "1");
        let careful = rig.post(call("l", "late", &none()));
        let careless = rig.post(call("s", "slow", &json!({ "ms": 1_000 })));
        assert!(careful.is_open() && careless.is_open());
        assert_eq!(rig.delete().status, 204);
        rig.advance(2_000);
        for exchange in [careful, careless] {
            let answer = exchange.answer();
            assert_eq!((answer.status, answer.text.as_str()), (202, ""), "nobody is answered");
        }
        rig.restart();
        assert_eq!(rig.ping(), 404);
        rig.advance(3 * MAX_AGE_MS);
        assert!(rig.host.memory().is_empty());
    }
}

mod settings {
    use super::*;

    fn watching() -> Server {
        server().tool("touch", "", async |notify: Notify| notify.resource_updated("test://total"))
    }

    fn subscribe(rig: &Rig, id: usize, uri: &str) -> Value {
        rig.post(request(id, "resources/subscribe", &json!({ "uri": uri }))).answer().json()
    }

    #[test]
    fn of_a_client_outlive_the_objects_sleep() {
        let rig = Rig::new(watching());
        subscribe(&rig, 1, "test://total");
        for level in ["error", "debug", "warning"] {
            rig.post(request(1, "logging/setLevel", &json!({ "level": level }))).answer();
        }
        assert_eq!(rig.host.memory_rows(), 4);
        rig.restart();
        let stream = rig.get(None);
        rig.post(call(1, "touch", &none())).answer();
        assert_eq!(rig.messages(&stream).len(), 1);
        let logged = rig.post(call(1, "log", &none())).read();
        let levels: Vec<_> = logged
            .messages()
            .iter()
            .filter_map(|message| message["params"]["level"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(levels, ["error"]);
    }

    #[test]
    fn that_are_set_again_write_nothing() {
        let rig = Rig::new(watching());
        for _ in 0..3 {
            subscribe(&rig, 1, "test://total");
            rig.post(request(1, "logging/setLevel", &json!({ "level": "error" }))).answer();
        }
        assert_eq!(rig.host.memory_rows(), 2);
        let unsubscribe = |uri| rig.post(request(1, "resources/unsubscribe", &json!({ "uri": uri }))).answer().json();
        assert_eq!(unsubscribe("test://never")["result"], none());
        assert_eq!(rig.host.memory_rows(), 2);
        assert_eq!(unsubscribe("test://total")["result"], none());
        assert_eq!(rig.host.memory_rows(), 3);
    }

    #[test]
    fn are_limited_and_one_can_be_given_up_for_another() {
        let rig = Rig::new(watching());
        for n in 0..MAX_SUBSCRIPTIONS {
            assert_eq!(subscribe(&rig, n, &format!("test://{n}"))["result"], none());
        }
        let refused = subscribe(&rig, 999, "test://more");
        assert_eq!(refused["error"]["code"], -32000);
        assert!(refused["error"]["message"].as_str().unwrap().contains(&MAX_SUBSCRIPTIONS.to_string()));
        assert_eq!(subscribe(&rig, 1, "test://3")["result"], none(), "that one is subscribed to already");
        rig.restart();
        assert_eq!(subscribe(&rig, 999, "test://more")["error"]["code"], -32000);
        rig.post(request(1, "resources/unsubscribe", &json!({ "uri": "test://3" }))).answer();
        assert_eq!(subscribe(&rig, 999, "test://more")["result"], none());
    }
}

mod calls {
    use super::*;

    #[test]
    fn run_beside_each_other_up_to_a_limit_and_make_room_when_they_end() {
        let rig = Rig::new(server());
        let running: Vec<_> = (0..MAX_RUNNING).map(|id| rig.post(call(id, "slow", &json!({ "ms": 1_000 })))).collect();
        let refused = rig.post(call("one more", "total", &none())).answer();
        refused.refuses(429, -32000, "one more");
        assert!(refused.headers.contains(&("retry-after", "1".to_owned())), "{refused:?}");
        rig.post(notification("notifications/cancelled", &json!({ "requestId": 0 }))).answer();
        rig.advance(0);
        assert_eq!(rig.ping(), 200);
        rig.advance(1_000);
        for (id, exchange) in running.iter().enumerate() {
            let answer = exchange.answer();
            if id == 0 {
                assert_eq!((answer.status, answer.text.as_str()), (202, ""));
            } else {
                assert_eq!(answer.json()["id"], id);
            }
        }
        let again: Vec<_> = (0..MAX_RUNNING).map(|id| rig.post(call(id, "slow", &json!({ "ms": 1 })))).collect();
        rig.advance(1);
        assert!(again.iter().all(|exchange| exchange.answer().status == 200));
    }

    #[test]
    fn of_the_same_id_each_have_their_own_answer() {
        let rig = Rig::new(server());
        let slow = rig.post(call(1, "slow", &json!({ "ms": 100 })));
        assert_eq!(rig.post(call(1, "total", &none())).answer().json()["result"]["content"][0]["text"], "0");
        rig.advance(100);
        assert_eq!(slow.answer().json()["result"]["content"][0]["text"], "slept");
    }

    #[test]
    fn that_are_called_off_stop_at_once_or_when_they_have_tidied_up() {
        let ran = Rc::new(Cell::new((false, false)));
        let (seen, tidied) = (Rc::clone(&ran), Rc::clone(&ran));
        let careless = move |sleep: Sleep| {
            let seen = Rc::clone(&seen);
            async move {
                sleep.ms(100).await;
                seen.set((true, seen.get().1));
            }
        };
        let careful = move |sleep: Sleep, cancelled: Cancelled| {
            let tidied = Rc::clone(&tidied);
            async move {
                cancelled.wait().await;
                sleep.ms(100).await;
                tidied.set((tidied.get().0, true));
                "told nobody"
            }
        };
        let rig = Rig::new(server().tool("careless", "", careless).tool("careful", "", careful));
        let exchanges = [rig.post(call("a", "careless", &none())), rig.post(call("b", "careful", &none()))];
        for id in ["a", "b", "nobody's"] {
            let params = json!({ "requestId": id, "reason": "changed my mind" });
            assert_eq!(rig.post(notification("notifications/cancelled", &params)).answer().status, 202);
        }
        rig.advance(1_000);
        for exchange in exchanges {
            let answer = exchange.answer();
            assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        }
        assert_eq!(ran.get(), (false, true));
    }

    #[test]
    fn of_a_body_that_could_not_be_read_are_refused_with_why() {
        let rig = Rig::new(server());
        for (refusal, status, code) in [(Refusal::TooLarge, 413, -32000), (Refusal::NotUtf8, 400, -32700)] {
            rig.send(Method::POST, &[], Err(refusal)).answer().refuses(status, code, Value::Null);
        }
        rig.post("{").answer().refuses(400, -32700, Value::Null);
        rig.post(r#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#).answer().refuses(400, -32600, "x");
        rig.post(request(3, "initialize", &json!({ "protocolVersion": "2025-11-25" })))
            .answer()
            .refuses(400, -32600, 3);
        rig.post(format!("[{}]", call(1, "total", &none()))).answer().refuses(400, -32600, Value::Null);
        assert_eq!(rig.ping(), 200);
        assert!(rig.host.memory().is_empty());
    }

    #[test]
    fn of_a_batch_are_answered_together_where_there_are_batches() {
        let rig = Rig::speaking(ProtocolVersion::V2025_03_26, server());
        let batch = [
            call(1, "total", &none()),
            notification("notifications/cancelled", &json!({ "requestId": 9 })),
            r#"{"jsonrpc":"1.0","id":"bad","method":"ping"}"#.to_owned(),
            call(2, "slow", &json!({ "ms": 50 })),
        ];
        let exchange = rig.post(format!("[{}]", batch.join(",")));
        rig.advance(50);
        let answers = exchange.answer().json();
        let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
        assert_eq!(ids, [json!("bad"), json!(1), json!(2)]);
        let only_told = rig.post(format!("[{}]", notification("notifications/cancelled", &none()))).answer();
        assert_eq!((only_told.status, only_told.text.as_str()), (202, ""));
        rig.post("[]").answer().refuses(400, -32600, Value::Null);
        let begins = format!("[{}]", request(7, "initialize", &json!({ "protocolVersion": "2025-03-26" })));
        rig.post(begins).answer().refuses(400, -32600, 7);
    }
}

mod questions {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct Word {
        word: String,
    }

    async fn ask(client: Client) -> Result<String, ToolError> {
        Ok(match client.elicit::<Word>("word", "?").await? {
            Elicited::Accepted(Word { word }) => word,
            Elicited::Declined | Elicited::Dismissed => "nothing".to_owned(),
        })
    }

    fn asking() -> Rig {
        Rig::new(server().tool("ask", "", ask))
    }

    fn said(word: &str) -> Value {
        json!({ "action": "accept", "content": { "word": word } })
    }

    #[test]
    fn go_out_on_the_calls_own_stream_and_each_takes_its_own_answer() {
        let rig = asking();
        let calls = [rig.post(call("a", "ask", &none())), rig.post(call("b", "ask", &none()))];
        let ids = calls.each_ref().map(|call| call.read().messages()[0]["id"].clone());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(rig.post(answer(&ids[1], &said("second"))).answer().status, 202);
        assert_eq!(rig.post(answer(&json!("made up"), &said("x"))).answer().status, 202);
        assert_eq!(rig.post(answer(&ids[0], &said("first"))).answer().status, 202);
        assert_eq!(rig.post(answer(&ids[0], &said("again"))).answer().status, 202);
        for (call, (id, word)) in calls.iter().zip([("a", "first"), ("b", "second")]) {
            let read = call.read();
            assert!(read.ended);
            assert_eq!(
                (&read.messages()[0]["id"], &read.messages()[0]["result"]["content"][0]["text"]),
                (&json!(id), &json!(word))
            );
        }
    }

    #[test]
    fn that_nobody_answers_fail_after_ten_minutes() {
        let rig = asking();
        let call = rig.post(call(1, "ask", &none()));
        let id = call.read().messages()[0]["id"].clone();
        rig.advance(10 * 60 * 1000 - 1);
        let quiet = call.read();
        assert_eq!((quiet.messages(), quiet.ended), (vec![], false));
        rig.advance(1);
        let read = call.read();
        assert_eq!(read.messages()[0]["result"]["isError"], true);
        assert!(read.text.contains("did not answer"), "{}", read.text);
        assert_eq!(rig.post(answer(&id, &said("late"))).answer().status, 202);
    }

    #[test]
    fn that_a_session_asks_at_once_are_limited() {
        let rig = asking();
        let calls: Vec<_> = (0..=64).map(|id| rig.post(call(id, "ask", &none()))).collect();
        let refused = calls[64].answer().json();
        assert_eq!(refused["result"]["isError"], true, "{refused}");
        assert!(refused["result"]["content"][0]["text"].as_str().unwrap().contains("Too many"));
        let id = calls[0].read().messages()[0]["id"].clone();
        rig.post(answer(&id, &said("room"))).answer();
        rig.advance(0);
        let next = rig.post(call("next", "ask", &none()));
        assert_eq!(next.read().messages()[0]["method"], "elicitation/create");
    }

    #[test]
    fn of_before_a_restart_do_not_take_answers_for_those_of_after() {
        let rig = asking();
        let before = rig.post(call(1, "ask", &none())).read().messages()[0]["id"].clone();
        rig.advance(1);
        rig.restart();
        let call = rig.post(call(2, "ask", &none()));
        let after = call.read().messages()[0]["id"].clone();
        assert_ne!(before, after);
        rig.post(answer(&before, &said("old"))).answer();
        rig.advance(0);
        assert_eq!(call.read().messages(), [Value::Null; 0]);
    }
}

mod the_log {
    use super::*;

    #[test]
    fn has_a_line_for_each_request_and_nothing_that_was_said() {
        let rig = Rig::new(server());
        let slow = rig.post(call("secret-id", "slow", &json!({ "ms": 70, "more": "secret-argument" })));
        rig.advance(70);
        assert_eq!(slow.answer().status, 200);
        increment_to(&rig, "1");
        rig.post(call(1, "secret-tool", &none())).answer();
        rig.post(request(1, "secret/method", &none())).answer();
        rig.post(notification("secret/notification", &none())).answer();
        rig.delete();
        let log = rig.host.logs.take();
        assert_eq!(
            log,
            [
                r#"{"event":"request","method":"tools/call","name":"slow","era":"2025-11-25","outcome":"ok","ms":70,"rows":0}"#,
                r#"{"event":"request","method":"tools/call","name":"increment","era":"2025-11-25","outcome":"ok","ms":0,"rows":1}"#,
                r#"{"event":"request","method":"tools/call","era":"2025-11-25","outcome":"error","code":-32602,"ms":0,"rows":0}"#,
                r#"{"event":"request","method":"?","era":"2025-11-25","outcome":"error","code":-32601,"ms":0,"rows":0}"#,
                r#"{"event":"http","method":"DELETE /mcp","outcome":"ok","code":204,"ms":0,"rows":0}"#,
            ]
        );
    }
}

#[test]
fn events_that_nobody_fetched_are_deleted_and_do_not_keep_a_session() {
    let rig = Rig::new(server());
    let call = rig.post(call(1, "log", &none()));
    assert!(!call.read().messages().is_empty());
    let unread = rig.post(crate::support::json::call(2, "log", &none()));
    unread.hang_up();
    let kept = rig.host.memory().event_count();
    rig.advance(RESUME_MS + 1);
    assert_eq!(rig.host.memory().event_count(), 0, "of {kept}");
    rig.advance(2 * IDLE_MS + 3 * MAX_AGE_MS);
    assert!(rig.host.memory().is_empty());
    assert_eq!(rig.host.memory().alarm(), None);
}
