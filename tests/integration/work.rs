//! The work for a request, by the bytes that it allocates in all: twice as much input takes no more than about twice the work.

use std::collections::BTreeMap;

use durable_mcp::prelude::*;
use durable_mcp_allocations::allocated;
use http::Method;
use serde_json::{Value, json};

use crate::support::front::Front;

/// Buffers that grow by doubling are copied once more or less for a length; work that grows with the square comes to four times.
const MOST_FOR_TWICE: usize = 3;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only faults are looked at")]
struct Small(#[schemars(range(max = 5))] u32);

#[derive(Deserialize, JsonSchema)]
struct Lists {
    #[expect(dead_code, reason = "only faults are looked at")]
    lists: BTreeMap<String, Vec<Small>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only faults are looked at")]
enum Either {
    Number { a: u32 },
    Text { a: String },
}

#[derive(Deserialize, JsonSchema)]
struct Choices {
    #[expect(dead_code, reason = "only faults are looked at")]
    lists: BTreeMap<String, Vec<Either>>,
}

async fn take(_: Args<Lists>) -> &'static str {
    "taken"
}

async fn choose(_: Args<Choices>) -> &'static str {
    "chosen"
}

/// Checks that an input of twice the size allocates no more than about twice as much.
fn grows_with_its_input(what: &str, work: impl Fn(usize)) {
    let [once, twice] = [1, 2].map(|size| allocated(|| work(size)).0.total);
    assert!(
        twice < MOST_FOR_TWICE * once,
        "{what}: {once} and {twice} bytes"
    );
}

#[test]
fn faults_below_a_long_name_take_work_in_proportion_to_the_arguments() {
    let front = Front::new(
        Server::new("s", "1")
            .tool("take", "", take)
            .tool("choose", "", choose),
    );
    for (what, tool, entry, last) in [
        ("a constraint", "take", "9", "9"),
        ("the last constraint", "take", "1", "9"),
        ("a type", "take", "1", "\"x\""),
        ("an alternative", "choose", "{\"a\":\"x\"}", "{\"a\":[]}"),
    ] {
        let call = |size: usize| {
            let (name, entries) = (
                "n".repeat(10_000 * size),
                format!("{entry},").repeat(1_000 * size),
            );
            let arguments = format!(r#"{{"lists":{{"{name}":[{entries}{last}]}}}}"#);
            let arguments: Value = serde_json::from_str(&arguments).unwrap();
            let answer = front
                .ask(
                    "tools/call",
                    &json!({ "name": tool, "arguments": arguments }),
                )
                .answer();
            assert!(
                answer.text.contains("nnn") && answer.text.len() < 3_000,
                "{}",
                &answer.text[..300]
            );
        };
        grows_with_its_input(what, call);
    }
}

#[test]
fn a_message_endpoint_takes_work_in_proportion_to_its_query() {
    let front = Front::new(Server::new("s", "1").tool("take", "", take));
    let open = |size: usize| {
        let path = format!("/sse?{}", "a=b&".repeat(2_000 * size));
        let headers = [("accept", "text/event-stream".to_owned())];
        let opened = front
            .send_to(&path, Method::GET, &headers, String::new())
            .read();
        assert!(
            opened.text.contains("/sse/message?a=b&a=b&"),
            "{}",
            opened.text.get(..300).unwrap_or_default()
        );
    };
    grows_with_its_input("a query", open);
}

#[test]
fn a_preflight_takes_work_in_proportion_to_its_list() {
    let front = Front::new(Server::new("s", "1").tool("take", "", take));
    let ask = |size: usize| {
        let names = vec!["mcp-param-a"; 160 * size].join(",");
        let headers = [("access-control-request-headers", names)];
        assert_eq!(
            front
                .send(Method::OPTIONS, &headers, String::new())
                .answer()
                .status,
            204
        );
    };
    grows_with_its_input("a list of names", ask);
}
