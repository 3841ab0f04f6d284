//! Checks of this machine: store, callback port, proxy, name of the server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use reqwest::Url;

use super::probe::Probe;
use super::report::Report;
use crate::arguments::{Arguments, Grant, is_loopback};
use crate::outcome::Outcome;
use crate::store::{Store, now_ms};

/// Ports that a sign-in tries after the first.
const FURTHER_PORTS: u16 = 7;

/// Folder of the sign-ins, with owner and permissions.
pub(super) fn store(report: &mut Report, arguments: &Arguments) {
    match Store::open(arguments.store_key()) {
        Ok(store) => report.ok(
            "store",
            &format!("{} can be used by you alone", folder(&store)),
        ),
        Err(error) => report.fail(
            "store",
            &error.to_string(),
            "then try again",
            Outcome::Usage,
        ),
    }
}

fn folder(store: &Store) -> String {
    let path = store.path("tokens.json");
    path.parent().unwrap_or(&path).display().to_string()
}

/// Port of the sign-in's redirect.
pub(super) fn callback_port(report: &mut Report, arguments: &Arguments) {
    if arguments.headers.has_authorization() || arguments.sign_in.grant != Grant::AuthorizationCode
    {
        return report.ok("callback port", "none is needed");
    }
    let first = arguments
        .callback_port
        .unwrap_or_else(|| arguments.store_key().callback_port());
    let sign_in = &arguments.sign_in;
    let is_fixed = arguments.callback_port.is_some()
        || sign_in.client_info.is_some()
        || sign_in.client_metadata_url.is_some();
    if is_free(first) {
        return report.ok("callback port", &format!("{first} is free"));
    }
    if is_fixed {
        let detail = format!("{first} is taken, and the registered redirect URI allows no other");
        return report.fail(
            "callback port",
            &detail,
            "end the program that listens there, or register another port and write it behind the URL",
            Outcome::Usage,
        );
    }
    let next = (1..=FURTHER_PORTS)
        .filter_map(|step| first.checked_add(step))
        .find(|port| is_free(*port));
    match next {
        Some(next) => report.ok(
            "callback port",
            &format!("{first} is taken, {next} is free"),
        ),
        None => report.fail(
            "callback port",
            &format!("{first} and the {FURTHER_PORTS} behind it are taken"),
            "write a free port behind the URL",
            Outcome::Usage,
        ),
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// Proxy of the environment for the server.
pub(super) fn proxy(
    report: &mut Report,
    arguments: &Arguments,
    environment: &dyn Fn(&str) -> Option<String>,
) {
    let url = &arguments.url.parsed;
    if is_loopback(url) {
        return report.ok("proxy", "none: the server is on this machine");
    }
    if !arguments.network.use_proxy {
        return report.ok("proxy", "none: --no-proxy");
    }
    match named(url, environment) {
        None => report.ok("proxy", "none in the environment"),
        Some((variable, address)) => {
            let host = Url::parse(&address).ok().and_then(|url| {
                let host = url.host_str()?.to_owned();
                Some(
                    url.port_or_known_default()
                        .map_or(host.clone(), |port| format!("{host}:{port}")),
                )
            });
            let except = environment("NO_PROXY")
                .or_else(|| environment("no_proxy"))
                .filter(|list| !list.is_empty());
            let except = except.map_or_else(String::new, |list| format!(", but for {list}"));
            report.ok(
                "proxy",
                &format!(
                    "{} of {variable}{except}",
                    host.as_deref().unwrap_or("address without a scheme")
                ),
            );
        }
    }
}

/// Variable and value of the proxy for a URL.
fn named(
    url: &Url,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    let variables: [&str; 4] = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    variables
        .into_iter()
        .find_map(|name| Some((name, environment(name).filter(|value| !value.is_empty())?)))
}

/// Addresses of the server's name. False if there are none, so that nothing else can be checked.
pub(super) async fn address(
    report: &mut Report,
    arguments: &Arguments,
    environment: &dyn Fn(&str) -> Option<String>,
) -> bool {
    let url = &arguments.url.parsed;
    let host = url.host_str().unwrap_or_default();
    let found = look_up(url).await;
    let four = found.iter().filter(|address| address.is_ipv4()).count();
    let six = found.iter().filter(|address| address.is_ipv6()).count();
    if found.is_empty() && arguments.network.use_proxy && named(url, environment).is_some() {
        report.ok("address", &format!("{host} is looked up by the proxy"));
        return true;
    }
    if found.is_empty() {
        report.fail(
            "address",
            &format!("no address is known for {host}"),
            "check the URL for typing errors, and whether this machine has a network and a DNS server",
            Outcome::Unreachable,
        );
        return false;
    }
    if four == 0 && arguments.network.ipv4 {
        report.fail(
            "address",
            &format!("{host} has no IPv4 address"),
            "leave --ipv4 out",
            Outcome::Unreachable,
        );
        return false;
    }
    report.ok(
        "address",
        &format!("{host} has {four} IPv4 and {six} IPv6 addresses"),
    );
    true
}

async fn look_up(url: &Url) -> Vec<SocketAddr> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or_default();
    tokio::net::lookup_host((bare, port))
        .await
        .map(Iterator::collect)
        .unwrap_or_default()
}

/// Stored tokens; those that are valid are used by the checks that follow.
pub(super) fn token(report: &mut Report, arguments: &Arguments, probe: &mut Probe) {
    if arguments.headers.has_authorization() {
        return report.ok("token", "the Authorization of the command line is sent");
    }
    let stored = Store::open(arguments.store_key()).and_then(|store| store.tokens());
    let of_id_token = arguments.sign_in.use_id_token;
    match stored {
        Ok(None) => report.ok("token", "none is stored"),
        Ok(Some(tokens)) if !tokens.is_expired(now_ms(), of_id_token) => {
            report.ok("token", "one is stored and has not expired");
            crate::log::remember_secret(tokens.bearer(of_id_token));
            probe.authorize(tokens.bearer(of_id_token));
        }
        Ok(Some(tokens)) if tokens.refresh_token().is_some() => {
            report.ok(
                "token",
                "the stored one has expired, and is refreshed when it is needed",
            );
        }
        Ok(Some(_)) => {
            report.warn(
                "token",
                "the stored one has expired",
                "sign in again: durable-mcp-remote login URL",
            );
        }
        Err(error) => report.warn("token", &error.to_string(), "see the check of the store"),
    }
}
