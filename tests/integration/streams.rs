//! Streams of Streamable HTTP: what goes out on which, and what a client that lost one can have again.

use durable_mcp::prelude::*;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_worker::session::call_channel::MAX_MESSAGE_BYTES;
use durable_mcp_worker::transport::sse::{KEEP_ALIVE_MS, MAX_UNREAD_BYTES};
use serde_json::{Value, json};

use crate::support::json::{call, notification, request};
use crate::support::object::{Exchange, RESUME_MS, Rig, Sleep};

#[derive(Deserialize, JsonSchema)]
struct Steps {
    count: u32,
    every_ms: u32,
    #[serde(default)]
    bytes: usize,
}

/// Logs so many times, each after a while.
async fn steps(sleep: Sleep, log: Log, Args(steps): Args<Steps>) -> &'static str {
    for step in 1..=steps.count {
        sleep.ms(steps.every_ms).await;
        log.info(json!({ "step": step, "filler": "x".repeat(steps.bytes) }));
    }
    sleep.ms(steps.every_ms).await;
    "done"
}

async fn quiet(sleep: Sleep, Args(steps): Args<Steps>) -> &'static str {
    sleep.ms(steps.every_ms).await;
    "done"
}

async fn release(sleep: Sleep, client: Client) -> &'static str {
    client.release_stream();
    sleep.ms(100).await;
    "done"
}

async fn announce(notify: Notify) -> &'static str {
    notify.tools_changed();
    "announced"
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("steps", "", steps)
        .tool("quiet", "", quiet)
        .tool("release", "", release)
        .tool("announce", "", announce)
        .tool("now", "", async || "now")
}

fn start(rig: &Rig, id: &str, count: u32, every_ms: u32) -> Exchange {
    rig.post(call(
        id,
        "steps",
        &json!({ "count": count, "every_ms": every_ms }),
    ))
}

/// In short: the number of each step, and the id of an answer.
fn short(messages: &[Value]) -> Vec<Value> {
    let short = |message: &Value| match message.get("id") {
        Some(id) => id.clone(),
        None => message["params"]["data"]["step"].clone(),
    };
    messages.iter().map(short).collect()
}

fn steps_in(text: &str) -> Vec<Value> {
    let messages: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap())
        .collect();
    short(&messages)
}

mod responses {
    use super::*;

    #[test]
    fn a_response_without_earlier_messages_is_json() {
        let rig = Rig::new(server());
        let exchange = rig.post(call(1, "quiet", &json!({ "count": 0, "every_ms": 1_000 })));
        assert!(exchange.is_open());
        rig.advance(1_000);
        let answer = exchange.answer();
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .headers
                .contains(&("content-type", "application/json".into())),
            "{answer:?}"
        );
        assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
    }

    #[test]
    fn a_response_is_a_stream_from_its_first_message_to_its_result() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 2, 10);
        assert!(exchange.is_open());
        rig.advance(10);
        let first = exchange.read();
        assert_eq!(
            (short(&first.messages()), first.ended),
            (vec![json!(1)], false)
        );
        rig.advance(10);
        assert_eq!(short(&exchange.read().messages()), [2]);
        rig.advance(10);
        let last = exchange.read();
        assert_eq!(
            (short(&last.messages()), last.ended),
            (vec![json!("a")], true)
        );
    }

    #[test]
    fn a_stream_begins_with_an_id_and_a_retry_time_since_2025_11_25() {
        for version in ProtocolVersion::ALL
            .into_iter()
            .filter(|version| !version.is_stateless())
        {
            let rig = Rig::speaking(version, server());
            let exchange = start(&rig, "a", 1, 10);
            rig.advance(10);
            let read = exchange.read();
            let primed = read.text.starts_with("id: a1a1a1a1-")
                && read.text.contains("\nretry: 1000\ndata: \n\n");
            assert_eq!(
                primed,
                version >= ProtocolVersion::V2025_11_25,
                "{version}: {}",
                read.text
            );
            assert!(read.events.iter().all(|event| event.id.is_some()));
            assert_eq!(short(&read.messages()), [1]);
        }
    }

    #[test]
    fn a_slow_response_becomes_a_stream_with_keep_alive_comments() {
        let rig = Rig::new(server());
        let every = u64::from(KEEP_ALIVE_MS);
        let exchange = rig.post(call(
            1,
            "quiet",
            &json!({ "count": 0, "every_ms": 100_000 }),
        ));
        rig.advance(every - 1);
        assert!(exchange.is_open(), "it may still become JSON");
        rig.advance(1);
        let opened = exchange.read();
        assert_eq!((opened.messages(), opened.ended), (vec![], false));
        for _ in 0..2 {
            rig.advance(every - 1);
            assert_eq!(exchange.read().text, "");
            rig.advance(1);
            let read = exchange.read();
            assert_eq!(
                (read.comments(), read.events.len()),
                (1, 0),
                "{}",
                read.text
            );
        }
        rig.advance(100_000);
        let last = exchange.read();
        assert_eq!(
            (short(&last.messages()), last.ended),
            (vec![json!(1)], true)
        );
    }

    #[test]
    fn a_stream_with_frequent_messages_has_no_comments() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 20, 10_000);
        let mut comments = 0;
        for _ in 0..20 {
            rig.advance(10_000);
            comments += exchange.read().comments();
        }
        rig.advance(10_000);
        let last = exchange.read();
        assert_eq!((comments + last.comments(), last.ended), (0, true));
    }

    #[test]
    fn a_stream_has_no_messages_of_other_calls_or_of_the_session() {
        let rig = Rig::new(server());
        let standalone = rig.get(None);
        let (one, other) = (start(&rig, "one", 2, 10), start(&rig, "other", 3, 10));
        rig.advance(15);
        assert_eq!(rig.text("announce", &json!({})), "announced");
        rig.advance(100);
        assert_eq!(
            short(&one.read().messages()),
            [json!(1), json!(2), json!("one")]
        );
        assert_eq!(
            short(&other.read().messages()),
            [json!(1), json!(2), json!(3), json!("other")]
        );
        let told: Vec<_> = rig
            .messages(&standalone)
            .iter()
            .map(|message| message["method"].clone())
            .collect();
        assert_eq!(told, ["notifications/tools/list_changed"]);
    }

    #[test]
    fn a_stream_may_be_released_early_for_clients_that_resume() {
        let rig = Rig::new(server());
        let exchange = rig.post(call("r", "release", &json!({})));
        let read = exchange.read();
        assert_eq!(
            (read.messages(), read.ended),
            (vec![], true),
            "{}",
            read.text
        );
        rig.advance(100);
        let tag = rig.get(Some(&read.last_id()));
        assert_eq!(short(&rig.messages(&tag)), ["r"]);
        assert!(rig.is_closed(&tag));

        let old = Rig::speaking(ProtocolVersion::V2025_06_18, server());
        let exchange = old.post(call("r", "release", &json!({})));
        assert!(exchange.is_open());
        old.advance(100);
        assert_eq!(exchange.answer().json()["id"], "r");
    }

    #[test]
    fn a_client_may_resume_before_the_result_exists() {
        let rig = Rig::new(server());
        let read = rig.post(call("r", "release", &json!({}))).read();
        let tag = rig.get(Some(&read.last_id()));
        assert!(!rig.is_closed(&tag));
        rig.advance(100);
        assert_eq!(short(&rig.messages(&tag)), ["r"]);
        assert!(rig.is_closed(&tag));
    }
}

mod resumption {
    use super::*;

    #[test]
    fn a_resumed_stream_continues_once_and_in_order_after_every_cut() {
        for version in [ProtocolVersion::V2025_03_26, ProtocolVersion::V2025_11_25] {
            let rig = Rig::speaking(version, server());
            let exchange = start(&rig, "a", 12, 10);
            rig.advance(30);
            let read = exchange.read();
            let mut seen = short(&read.messages());
            let mut last = read.last_id();
            exchange.hang_up();
            rig.advance(20);
            for _ in 0..2 {
                let tag = rig.get(Some(&last));
                rig.advance(20);
                let (text, closed) = rig.host.read(&tag);
                assert!(!closed);
                let ids: Vec<_> = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("id: "))
                    .collect();
                (*ids.last().unwrap()).clone_into(&mut last);
                seen.extend(steps_in(&text));
                rig.hang_up(&tag);
                rig.advance(10);
            }
            let tag = rig.get(Some(&last));
            rig.advance(1_000);
            let (text, closed) = rig.host.read(&tag);
            seen.extend(steps_in(&text));
            assert!(closed, "{version}");
            let expected: Vec<_> = (1..=12)
                .map(|step| json!(step))
                .chain([json!("a")])
                .collect();
            assert_eq!(seen, expected, "{version}");
        }
    }

    #[test]
    fn missed_messages_are_kept_for_a_while_and_then_the_stream_ends_at_once() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 3, 10);
        rig.advance(10);
        let last = exchange.read().last_id();
        exchange.hang_up();
        rig.advance(RESUME_MS - 100);
        let tag = rig.get(Some(&last));
        assert_eq!(short(&rig.messages(&tag)), [json!(2), json!(3), json!("a")]);
        assert!(rig.is_closed(&tag));
        rig.advance(RESUME_MS);
        let tag = rig.get(Some(&last));
        assert_eq!(rig.messages(&tag), [Value::Null; 0]);
        assert!(rig.is_closed(&tag), "never a silent stream");
        assert_eq!(rig.host.memory().event_count(), 0);
    }

    #[test]
    fn a_stream_can_be_resumed_after_its_result_was_sent() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 2, 10);
        rig.advance(10);
        let first = exchange.read().last_id();
        rig.advance(20);
        assert!(exchange.read().ended);
        let tag = rig.get(Some(&first));
        assert_eq!(short(&rig.messages(&tag)), [json!(2), json!("a")]);
        assert!(rig.is_closed(&tag));
    }

    #[test]
    fn a_stream_can_be_resumed_after_the_object_slept() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 3, 10);
        rig.advance(10);
        let last = exchange.read().last_id();
        exchange.hang_up();
        rig.advance(100);
        rig.restart();
        let tag = rig.get(Some(&last));
        assert_eq!(short(&rig.messages(&tag)), [json!(2), json!(3), json!("a")]);
        assert!(rig.is_closed(&tag));
    }

    #[test]
    fn the_result_of_a_long_call_is_kept_although_no_loss_was_noticed() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 2, 2_000);
        rig.advance(2_000);
        let last = exchange.read().last_id();
        rig.advance(4_000);
        assert!(exchange.read().ended, "as if it had arrived");
        assert_eq!(rig.host.memory().event_count(), 1, "the answer alone");
        rig.restart();
        let tag = rig.get(Some(&last));
        assert_eq!(short(&rig.messages(&tag)), ["a"]);
        assert!(rig.is_closed(&tag));
        rig.advance(RESUME_MS);
        assert_eq!(rig.host.memory().event_count(), 0);
    }

    #[test]
    fn the_result_of_a_long_call_is_resumed_once_while_the_object_lives() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 2, 2_000);
        rig.advance(2_000);
        let last = exchange.read().last_id();
        rig.advance(4_000);
        drop(exchange);
        let tag = rig.get(Some(&last));
        assert_eq!(short(&rig.messages(&tag)), [json!(2), json!("a")]);
    }

    #[test]
    fn a_stream_whose_call_died_with_the_object_is_closed() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 100, 10);
        rig.advance(10);
        let last = exchange.read().last_id();
        rig.restart();
        drop(exchange);
        let tag = rig.get(Some(&last));
        assert!(rig.is_closed(&tag));
    }

    #[test]
    fn a_second_connection_takes_over_a_resumed_stream() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 5, 10);
        rig.advance(10);
        let first = exchange.read().last_id();
        let tag = rig.get(Some(&first));
        rig.advance(10);
        let again = rig.get(Some(&first));
        assert_eq!(tag, again);
        assert_eq!(rig.host.open_sockets(), 1);
        rig.advance(100);
        assert_eq!(
            short(&rig.messages(&again)),
            [json!(2), json!(3), json!(4), json!(5), json!("a")]
        );
        drop(exchange);
    }

    #[test]
    fn an_event_id_that_the_session_never_gave_is_refused() {
        let rig = Rig::new(server());
        for id in [
            "x",
            "1",
            "a1a1a1a2-0-1",
            "A1A1A1A1-0-1",
            "a1a1a1a1-0",
            "a1a1a1a1-0-1-1",
            "a1a1a1a1-0-g",
        ] {
            rig.try_get(Some(id))
                .unwrap_err()
                .refuses(400, -32000, Value::Null);
        }
        assert_eq!(rig.get(Some("")), rig.get(None), "an empty one is as none");
        let tag = rig.get(Some("a1a1a1a1-123-0"));
        assert!(
            rig.is_closed(&tag),
            "a stream of this session's that is not known any more"
        );
    }

    #[test]
    fn a_short_call_that_is_read_at_once_writes_no_row() {
        let rig = Rig::new(server());
        let exchange = start(&rig, "a", 50, 10);
        for _ in 0..60 {
            rig.advance(10);
            if exchange.read().ended {
                break;
            }
        }
        assert!(rig.host.memory().is_empty());
    }
}

mod slow_readers {
    use super::*;

    #[test]
    fn a_client_with_too_many_unread_bytes_is_cut_off_and_can_resume() {
        let rig = Rig::speaking(ProtocolVersion::V2025_03_26, server());
        let bytes = MAX_UNREAD_BYTES / 8;
        let exchange = rig.post(call(
            "a",
            "steps",
            &json!({ "count": 20, "every_ms": 10, "bytes": bytes }),
        ));
        rig.advance(1_000);
        assert!(
            rig.host.memory().event_count() > 0,
            "what it misses is kept"
        );
        let read = exchange.read();
        assert!(read.ended, "what was unread may still be read");
        assert!(
            read.text.len() <= MAX_UNREAD_BYTES + 1_000,
            "{}",
            read.text.len()
        );
        let mut seen = short(&read.messages());
        assert!(seen.len() >= 6, "{seen:?}");
        let mut last = read.last_id();
        // The client missed more than may be unread at one time, so it has to come back more than once.
        while seen.last() != Some(&json!("a")) {
            let tag = rig.get(Some(&last));
            let (text, closed) = rig.host.read(&tag);
            assert!(closed);
            text.lines()
                .filter_map(|line| line.strip_prefix("id: "))
                .next_back()
                .unwrap()
                .clone_into(&mut last);
            seen.extend(steps_in(&text));
        }
        let expected: Vec<_> = (1..=20)
            .map(|step| json!(step))
            .chain([json!("a")])
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn one_message_longer_than_the_unread_limit_is_delivered() {
        let rig = Rig::new(server());
        let data = json!({ "step": 1, "filler": "" });
        let params = json!({ "level": "info", "data": data });
        let bytes = MAX_MESSAGE_BYTES - notification("notifications/message", &params).len();
        let exchange = rig.post(call(
            "a",
            "steps",
            &json!({ "count": 1, "every_ms": 10, "bytes": bytes }),
        ));
        rig.advance(10);
        let read = exchange.read();
        assert_eq!(short(&read.messages()), [1]);
        assert!(read.text.len() > MAX_UNREAD_BYTES, "{}", read.text.len());
        rig.advance(10);
        assert_eq!(short(&exchange.read().messages()), ["a"]);
        assert!(rig.host.memory().is_empty());
    }
}

mod get_stream {
    use super::*;

    fn announce(rig: &Rig, times: usize) {
        for _ in 0..times {
            assert_eq!(rig.text("announce", &json!({})), "announced");
        }
    }

    #[test]
    fn the_get_stream_has_each_message_once_and_none_from_before() {
        let rig = Rig::new(server());
        announce(&rig, 2);
        let tag = rig.get(None);
        assert_eq!(rig.messages(&tag), [Value::Null; 0]);
        announce(&rig, 3);
        assert_eq!(rig.messages(&tag).len(), 3);
        assert!(rig.host.memory().is_empty());
    }

    #[test]
    fn the_get_stream_belongs_to_its_latest_connection() {
        let rig = Rig::new(server());
        let first = rig.get(None);
        announce(&rig, 1);
        assert_eq!(rig.messages(&first).len(), 1);
        let second = rig.get(None);
        assert_eq!(rig.host.open_sockets(), 1);
        announce(&rig, 1);
        assert_eq!(rig.messages(&second).len(), 1);
    }

    #[test]
    fn the_get_stream_resumes_where_it_was_lost_even_after_a_sleep() {
        for sleeps in [false, true] {
            let rig = Rig::new(server());
            let tag = rig.get(None);
            announce(&rig, 1);
            let (text, _) = rig.host.read(&tag);
            let last = text
                .lines()
                .filter_map(|line| line.strip_prefix("id: "))
                .next_back()
                .unwrap()
                .to_owned();
            rig.hang_up(&tag);
            announce(&rig, 2);
            assert_eq!(rig.host.memory().event_count(), 2);
            if sleeps {
                rig.advance(10);
                rig.restart();
            }
            let tag = rig.get(Some(&last));
            assert!(!rig.is_closed(&tag));
            assert_eq!(rig.messages(&tag).len(), 2, "sleeps: {sleeps}");
            announce(&rig, 1);
            assert_eq!(rig.messages(&tag).len(), 1);
        }
    }

    #[test]
    fn the_get_stream_begins_with_an_event_since_2025_11_25() {
        for version in [ProtocolVersion::V2025_06_18, ProtocolVersion::V2025_11_25] {
            let rig = Rig::speaking(version, server());
            let tag = rig.get(None);
            let (text, closed) = rig.host.read(&tag);
            assert_eq!(
                !text.is_empty(),
                version >= ProtocolVersion::V2025_11_25,
                "{version}: {text}"
            );
            assert!(!closed);
        }
    }

    #[test]
    fn the_get_stream_stays_open_while_the_object_sleeps() {
        let rig = Rig::new(server());
        let tag = rig.get(None);
        rig.restart();
        announce(&rig, 1);
        assert_eq!(rig.messages(&tag).len(), 1);
    }
}

#[test]
fn a_notification_is_answered_202_without_a_body() {
    let rig = Rig::new(server());
    for method in [
        "notifications/initialized",
        "notifications/roots/list_changed",
        "made/up",
    ] {
        let answer = rig.post(notification(method, &json!({}))).answer();
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{method}");
    }
    assert_eq!(
        rig.post(request(1, "ping", &json!({}))).answer().json(),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} })
    );
}
