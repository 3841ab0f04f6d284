//! Checks of the server: connection, answer, transport, versions, session, tools.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderName, HeaderValue};
use reqwest::{StatusCode, Version};
use serde_json::{Value, json};

use super::probe::{Answer, Probe};
use super::report::Report;
use crate::arguments::{Arguments, is_loopback};
use crate::http::{Cause, Failure};
use crate::outcome::Outcome;
use crate::session::{PROTOCOL_VERSION, SESSION_ID};
use crate::store::now_ms;

/// Difference of clocks from which on tokens and certificates are refused here and there.
const SKEW_TO_TELL: u64 = 60;
const SKEW_TO_FAIL: u64 = 300;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
/// Longest part of a server's text that is shown.
const SHOWN_TEXT: usize = 200;

/// Checks all that the server answers.
pub(super) async fn check(report: &mut Report, arguments: &Arguments, probe: &mut Probe) {
    let answer = match probe.call("initialize", &initialize(), &[]).await {
        Ok(answer) => answer,
        Err(failure) => return unreachable(report, &failure),
    };
    connection(report, arguments, &answer);
    clock(report, &answer);
    if answer.status == StatusCode::UNAUTHORIZED {
        return unauthorized(report, arguments, probe);
    }
    let modern = modern_versions(probe).await;
    if !endpoint(report, &answer, modern.as_deref(), probe).await {
        return;
    }
    versions(report, &answer, modern.as_deref());
    if answer
        .message
        .as_ref()
        .is_some_and(|message| message.get("result").is_some())
    {
        session(report, &answer, probe);
        probe.notify("notifications/initialized").await.ok();
        tools(report, probe, &json!({}), &[]).await;
        probe.end_session().await;
    } else {
        let headers = [(PROTOCOL_VERSION, MODERN), (METHOD, "tools/list")];
        tools(report, probe, &json!({ "_meta": meta() }), &headers).await;
    }
}

const METHOD: HeaderName = HeaderName::from_static("mcp-method");

fn client() -> Value {
    json!({ "name": "durable-mcp-remote doctor", "version": env!("CARGO_PKG_VERSION") })
}

fn initialize() -> Value {
    json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client() })
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": client(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn unreachable(report: &mut Report, failure: &Failure) {
    // Each reason ends with the thing to do.
    let (reason, advice) = failure
        .reason
        .split_once("; ")
        .unwrap_or((&failure.reason, "check URL, network and proxy"));
    let (name, outcome) = match failure.cause {
        Cause::Name => ("address", Outcome::Unreachable),
        Cause::Certificate => ("certificate", Outcome::Unreachable),
        Cause::Tls => ("TLS", Outcome::Unreachable),
        Cause::Proxy => ("proxy", Outcome::Unreachable),
        Cause::Redirect => ("redirect", Outcome::Refused),
        Cause::Refused | Cause::Timeout | Cause::Closed | Cause::Other => {
            ("connection", Outcome::Unreachable)
        }
    };
    report.fail(name, reason, advice, outcome);
}

fn connection(report: &mut Report, arguments: &Arguments, answer: &Answer) {
    let url = &arguments.url.parsed;
    let http = if answer.http == Version::HTTP_2 {
        "HTTP/2"
    } else {
        "HTTP/1.1"
    };
    if url.scheme() == "https" {
        return report.ok(
            "connection",
            &format!("{http} over TLS, the certificate is trusted"),
        );
    }
    report.ok("connection", &format!("{http} without TLS"));
    if !is_loopback(url) {
        let advice = "use https://, or only a network in which nobody else listens";
        report.warn(
            "encryption",
            "tokens and messages can be read on the way",
            advice,
        );
    }
}

/// Compares the clocks: servers and certificates have dates, too.
fn clock(report: &mut Report, answer: &Answer) {
    let date = answer
        .headers
        .get(DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let Some(date) = date else { return };
    let here = UNIX_EPOCH
        .checked_add(Duration::from_millis(now_ms()))
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let skew = here
        .duration_since(date)
        .or_else(|_| date.duration_since(here))
        .unwrap_or_default()
        .as_secs();
    let detail = format!("{skew} s between this machine and the server");
    let advice = "set this machine's clock, best by its network time service";
    if skew > SKEW_TO_FAIL {
        report.fail("clock", &detail, advice, Outcome::Usage);
    } else if skew > SKEW_TO_TELL {
        report.warn("clock", &detail, advice);
    } else {
        report.ok("clock", &detail);
    }
}

fn unauthorized(report: &mut Report, arguments: &Arguments, probe: &Probe) {
    if arguments.headers.has_authorization() {
        let advice = "correct the header, or leave it out to sign in";
        return report.fail(
            "endpoint",
            "the server refuses the Authorization of --header (401)",
            advice,
            Outcome::Refused,
        );
    }
    if probe.has_token() {
        let advice = "sign in again: durable-mcp-remote logout URL, then login URL";
        return report.fail(
            "endpoint",
            "the server refuses the stored token (401)",
            advice,
            Outcome::Refused,
        );
    }
    report.ok("endpoint", "answers, and asks for a sign-in (401)");
}

/// Versions that the server's `server/discover` names.
async fn modern_versions(probe: &mut Probe) -> Option<Vec<String>> {
    let headers = [(PROTOCOL_VERSION, MODERN), (METHOD, "server/discover")];
    let answer = probe
        .call("server/discover", &json!({ "_meta": meta() }), &headers)
        .await
        .ok()?;
    let versions = answer
        .message?
        .get("result")?
        .get("supportedVersions")?
        .as_array()?
        .clone();
    Some(
        versions
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

/// Whether the server's answer to `initialize` is one of MCP. The transport is named with it.
async fn endpoint(
    report: &mut Report,
    answer: &Answer,
    modern: Option<&[String]>,
    probe: &mut Probe,
) -> bool {
    let is_result = answer
        .message
        .as_ref()
        .is_some_and(|message| message.get("result").is_some());
    if answer.status.is_success() && is_result || modern.is_some() {
        report.ok("endpoint", "answers as an MCP server does");
        report.ok("transport", "Streamable HTTP");
        return true;
    }
    let status = answer.status.as_u16();
    if matches!(status, 400 | 404 | 405) && answer.message.is_none() {
        endpoint_without_post(report, status, probe).await;
        return false;
    }
    let (detail, advice) = refusal(answer);
    report.fail("endpoint", &detail, advice, Outcome::Refused);
    false
}

/// Checks an address at which POST is nothing: it may speak HTTP+SSE.
async fn endpoint_without_post(report: &mut Report, status: u16, probe: &mut Probe) {
    if let Ok(stream) = probe.listen().await
        && stream.status.is_success()
        && stream.media_type == "text/event-stream"
    {
        report.ok("endpoint", "answers as an MCP server does");
        report.ok(
            "transport",
            "HTTP+SSE, of version 2024-11-05; --transport sse-only saves a request",
        );
        return;
    }
    report.fail(
        "endpoint",
        &format!("there is no MCP server at this path ({status})"),
        "check the URL's path: most servers have /mcp or /sse",
        Outcome::Refused,
    );
}

/// Meaning of an answer without a result, and what to do.
fn refusal(answer: &Answer) -> (String, &'static str) {
    let status = answer.status.as_u16();
    let is_page =
        answer.media_type == "text/html" || answer.body.trim_ascii_start().starts_with(b"<");
    let error = answer
        .message
        .as_ref()
        .and_then(|message| message.get("error"));
    match error {
        Some(error) => (
            format!(
                "the server refuses initialize: {}",
                beginning(&error.to_string())
            ),
            "ask the server's operator, or try --protocol modern",
        ),
        None if is_page && answer.status.is_success() => (
            "a web page answers where JSON was expected".to_owned(),
            "check the URL's path: this is the address of a page for people, or of a login before the server",
        ),
        None if is_page => (
            format!(
                "a web page with status {status} answers: a firewall, a gateway or a check for robots"
            ),
            "have the operator let programs pass to this path, or use another network",
        ),
        None => (
            format!(
                "the server answers with status {status}: {}",
                beginning(&String::from_utf8_lossy(&answer.body))
            ),
            "try again later, or ask the server's operator",
        ),
    }
}

fn versions(report: &mut Report, answer: &Answer, modern: Option<&[String]>) {
    let settled = answer
        .message
        .as_ref()
        .and_then(|message| message.get("result")?.get("protocolVersion")?.as_str());
    let detail = match (settled, modern) {
        (Some(version), None) => format!("{version}, by initialize"),
        (Some(version), Some(modern)) => format!(
            "{version} by initialize, {} by server/discover",
            modern.join(", ")
        ),
        (None, Some(modern)) => format!(
            "{} by server/discover, initialize is refused",
            modern.join(", ")
        ),
        (None, None) => "none is named".to_owned(),
    };
    report.ok("version", &detail);
}

fn session(report: &mut Report, answer: &Answer, probe: &mut Probe) {
    probe.session = answer.headers.get(SESSION_ID).cloned();
    let version = answer
        .message
        .as_ref()
        .and_then(|message| message.get("result")?.get("protocolVersion")?.as_str());
    probe.version = version.and_then(|version| HeaderValue::try_from(version).ok());
    let detail = if probe.session.is_some() {
        "has one, and it is ended after the checks"
    } else {
        "has none"
    };
    report.ok("session", &format!("the server {detail}"));
}

async fn tools(
    report: &mut Report,
    probe: &mut Probe,
    params: &Value,
    headers: &[(HeaderName, &'static str)],
) {
    let answer = match probe.call("tools/list", params, headers).await {
        Ok(answer) => answer,
        Err(failure) => return unreachable(report, &failure),
    };
    let message = answer.message.unwrap_or_default();
    if let Some(tools) = message
        .get("result")
        .and_then(|result| result.get("tools")?.as_array())
    {
        let more = if message.pointer("/result/nextCursor").is_some() {
            " on the first page"
        } else {
            ""
        };
        return report.ok("tools", &format!("{}{more}", tools.len()));
    }
    without_tools(report, message.get("error"), answer.status);
}

/// Response to `tools/list` that has no list.
fn without_tools(report: &mut Report, error: Option<&Value>, status: StatusCode) {
    match error {
        Some(error) if error.get("code") == Some(&json!(-32601)) => {
            report.ok("tools", "the server has none");
        }
        Some(error) => report.warn(
            "tools",
            &beginning(&error.to_string()),
            "ask the server's operator",
        ),
        None if status == StatusCode::UNAUTHORIZED => {
            report.ok("tools", "the server lists them after a sign-in");
        }
        None => {
            let detail = format!("tools/list is answered with status {}", status.as_u16());
            report.warn("tools", &detail, "ask the server's operator");
        }
    }
}

fn beginning(text: &str) -> String {
    text.trim().chars().take(SHOWN_TEXT).collect()
}
