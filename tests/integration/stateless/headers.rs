//! Headers that repeat what the body says.

use http::Method;

use super::*;
use crate::support::mirrored::query_tool;

fn front() -> Front {
    Front::new(
        Server::new("s", "1")
            .with(query_tool())
            .with(Tool::new("long", "", async || "done").task_optional())
            .prompt("größe", "", async || "said")
            .resource("r", "test://größe", async || "read"),
    )
    .knowing_tasks()
}

const TAKEN: (u16, i64) = (200, 0);
const MISMATCH: (u16, i64) = (400, -32020);

/// Status and error code of a request with changed headers; a header without a value is left out.
fn with(
    front: &Front,
    method: &str,
    params: &Value,
    changes: &[(&'static str, Option<&str>)],
) -> (u16, i64) {
    let (mut headers, body) = front.written(method, params);
    for (name, value) in changes {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        headers.extend(value.map(|value| (*name, value.to_owned())));
    }
    let answer = front.send(Method::POST, &headers, body).answer();
    if answer.json().get("error").is_none() {
        return (answer.status, 0);
    }
    let (status, code, id) = refusal(&answer);
    assert!(id.is_number(), "{answer:?}");
    (status, code)
}

/// Requests that are aimed at something, by its name as a header has it.
fn aimed() -> [(&'static str, Value, &'static str); 3] {
    [
        ("tools/call", calling("query", &none()), "query"),
        (
            "prompts/get",
            json!({ "name": "größe" }),
            "=?base64?Z3LDtsOfZQ==?=",
        ),
        (
            "resources/read",
            json!({ "uri": "test://größe" }),
            "=?base64?dGVzdDovL2dyw7bDn2U=?=",
        ),
    ]
}

#[test]
fn a_request_without_its_method_or_name_header_is_refused() {
    let front = front();
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "x",
    ] {
        assert_eq!(
            with(&front, method, &none(), &[("mcp-method", None)]),
            MISMATCH,
            "{method}"
        );
    }
    for (method, params, name) in aimed() {
        let name = [("mcp-name", Some(name))];
        assert_eq!(with(&front, method, &params, &name), TAKEN, "{method}");
        assert_eq!(
            with(&front, method, &params, &[("mcp-method", None), name[0]]),
            MISMATCH,
            "{method}"
        );
        assert_eq!(
            with(&front, method, &params, &[("mcp-name", None)]),
            MISMATCH,
            "{method}"
        );
        assert_eq!(
            with(&front, method, &params, &[("mcp-name", Some(""))]),
            MISMATCH,
            "{method}"
        );
    }
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({ "taskId": "t", "inputResponses": {} });
        assert_eq!(
            with(&front, method, &params, &[("mcp-name", None)]),
            MISMATCH,
            "{method}"
        );
        assert_eq!(
            with(&front, method, &params, &[]),
            (200, -32602),
            "{method}"
        );
    }
}

#[test]
fn headers_that_differ_from_the_body_are_refused() {
    let front = front();
    let (method, params) = ("tools/call", calling("query", &none()));
    for other in [
        "tools/list",
        "Tools/Call",
        "tools/call, tools/call",
        "tools",
        "",
    ] {
        assert_eq!(
            with(&front, method, &params, &[("mcp-method", Some(other))]),
            MISMATCH,
            "{other}"
        );
    }
    for other in [
        "Query",
        "quer",
        "query, query",
        "=?base64?UXVlcnk=?=",
        "=?BASE64?cXVlcnk=?=",
    ] {
        assert_eq!(
            with(&front, method, &params, &[("mcp-name", Some(other))]),
            MISMATCH,
            "{other}"
        );
    }
}

#[test]
fn header_names_ignore_case_and_values_ignore_outer_whitespace() {
    let front = front();
    let (method, params) = ("tools/call", calling("query", &json!({ "shard": 7 })));
    let changes = [
        ("MCP-Protocol-Version", Some("  2026-07-28 ")),
        ("MCP-METHOD", Some(" tools/call\t")),
        ("mCp-NaMe", Some("\tquery  ")),
        ("Mcp-Param-SHARD", Some(" 7 ")),
    ];
    assert_eq!(with(&front, method, &params, &changes), TAKEN);
}

#[test]
fn a_name_in_base64_is_decoded_only_if_it_is_marked_so() {
    let front = front();
    let (method, params) = ("tools/call", calling("query", &none()));
    assert_eq!(
        with(
            &front,
            method,
            &params,
            &[("mcp-name", Some(" =?base64?cXVlcnk=?= "))]
        ),
        TAKEN
    );
    for broken in [
        "=?base64?cXVlcnk?=",
        "=?base64?cXVl*nk=?=",
        "=?base64?/////w==?=",
        "cXVlcnk=",
    ] {
        assert_eq!(
            with(&front, method, &params, &[("mcp-name", Some(broken))]),
            MISMATCH,
            "{broken}"
        );
    }
    // A name that only looks wrapped is sent wrapped.
    let odd = json!({ "name": "=?base64?x?=" });
    assert_eq!(
        with(
            &front,
            "prompts/get",
            &odd,
            &[("mcp-name", Some("=?base64?PT9iYXNlNjQ/eD89?="))]
        ),
        (200, -32602)
    );
}

#[test]
fn arguments_that_the_schema_marks_must_be_repeated_in_headers() {
    let front = front();
    let call = |arguments: &Value, headers: &[(&'static str, Option<&str>)]| {
        with(&front, "tools/call", &calling("query", arguments), headers)
    };
    let all = json!({ "region": "Köln", "shard": 42, "place": { "dry": false } });
    let right = [
        ("mcp-param-region", Some("=?base64?S8O2bG4=?=")),
        ("mcp-param-shard", Some("42")),
        ("mcp-param-dry-run", Some("false")),
    ];
    assert_eq!(call(&all, &right), TAKEN);
    for (missing, _) in right {
        let headers: Vec<_> = right
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        assert_eq!(call(&all, &headers), MISMATCH, "{missing}");
    }
    for (name, value, expected) in [
        ("mcp-param-region", "köln", MISMATCH),
        ("mcp-param-region", "S8O2bG4=", MISMATCH),
        ("mcp-param-region", "=?base64?S8O2bG4?=", MISMATCH),
        ("mcp-param-region", "=?base64?S8O2bG4=", MISMATCH),
        ("mcp-param-shard", "42.0", TAKEN),
        ("mcp-param-shard", "=?base64?NDI=?=", TAKEN),
        ("mcp-param-shard", "43", MISMATCH),
        ("mcp-param-shard", "", MISMATCH),
        ("mcp-param-dry-run", "False", MISMATCH),
        ("mcp-param-dry-run", "0", MISMATCH),
        ("mcp-param-unknown", "anything", TAKEN),
    ] {
        let mut headers = right.to_vec();
        headers.retain(|(other, _)| *other != name);
        headers.push((name, Some(value)));
        assert_eq!(call(&all, &headers), expected, "{name}: {value}");
    }
}

#[test]
fn a_header_for_an_absent_argument_is_refused() {
    let front = front();
    let call = |arguments: &Value, headers: &[(&'static str, Option<&str>)]| {
        with(&front, "tools/call", &calling("query", arguments), headers)
    };
    for absent in [
        none(),
        json!({ "region": null, "place": {} }),
        json!({ "place": { "region": "eu" } }),
    ] {
        assert_eq!(call(&absent, &[]), TAKEN, "{absent}");
        assert_eq!(
            call(&absent, &[("mcp-param-region", Some("eu"))]),
            MISMATCH,
            "{absent}"
        );
    }
    let unknown = with(
        &front,
        "tools/call",
        &calling("unknown", &none()),
        &[("mcp-param-region", Some("eu"))],
    );
    assert_eq!(unknown, (200, -32602));
}
