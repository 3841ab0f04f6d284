use std::ffi::OsString;
use std::time::Duration;

use super::{
    Arguments, Command, DebugDetail, Grant, HELP, Invocation, Protocol, Resource, StoreKind,
    Transport, parse,
};

mod headers;
mod sign_in;

const URL: &str = "https://example.com/mcp";

fn environment(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cret".to_owned()),
        "SECRET" => Some("hidden".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn invocation(line: &[&str]) -> Result<Invocation, String> {
    parse(line.iter().map(OsString::from), &environment).map_err(|error| error.to_string())
}

fn server(line: &[&str]) -> (Command, Arguments) {
    match invocation(line).unwrap() {
        Invocation::Server(command, arguments) => (command, *arguments),
        other => panic!("{other:?}"),
    }
}

fn arguments(flags: &[&str]) -> Arguments {
    server(&[&[URL], flags].concat()).1
}

fn refusal(flags: &[&str]) -> String {
    invocation(&[&[URL], flags].concat()).unwrap_err()
}

#[test]
fn defaults_are_those_of_the_help() {
    let given = arguments(&[]);
    assert_eq!(given.url.typed, URL);
    assert_eq!(given.url.parsed.as_str(), URL);
    assert_eq!(given.callback_port, None);
    assert_eq!(given.transport, Transport::HttpFirst);
    assert_eq!(given.protocol, Protocol::Fallback);
    assert_eq!(given.network.connect_timeout, Duration::from_secs(10));
    assert_eq!(given.network.headers_timeout, Some(Duration::from_mins(5)));
    assert_eq!(given.network.body_timeout, Some(Duration::from_mins(5)));
    assert!(
        given.network.use_proxy
            && given.network.cookies
            && !given.network.allow_http
            && !given.network.ipv4
    );
    assert_eq!(given.initialize_deadline, Duration::from_secs(45));
    assert_eq!(given.max_message, 67_108_864);
    assert_eq!((given.idle_timeout, given.ping_interval), (None, None));
    assert_eq!(given.sign_in.callback_path, "/oauth/callback");
    assert_eq!(given.sign_in.timeout, Duration::from_mins(5));
    assert_eq!(given.sign_in.grant, Grant::AuthorizationCode);
    assert_eq!(given.sign_in.resource, Resource::Derived);
    assert_eq!(given.sign_in.store, StoreKind::File);
    assert!(given.sign_in.open_browser && given.tools.is_empty());
    assert_eq!(given.warnings, Vec::<String>::new());
}

#[test]
fn flags_may_surround_the_url_with_a_space_or_an_equals_sign() {
    let (command, given) = server(&[
        "--transport=sse-only",
        URL,
        "--protocol",
        "legacy",
        "9696",
        "--silent",
    ]);
    assert_eq!(command, Command::Bridge);
    assert_eq!(given.transport, Transport::SseOnly);
    assert_eq!(given.protocol, Protocol::Legacy);
    assert_eq!(given.callback_port, Some(9696));
    assert!(given.log.silent);
}

#[test]
fn every_flag_of_the_help_is_known() {
    for flag in HELP
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"))
    {
        let name = flag.split([' ', ',', '=', ')']).next().unwrap();
        if matches!(name, "help" | "version" | "debug") {
            continue;
        }
        let line = match name {
            "header" => vec!["--header", "A:b"],
            "header-env" => vec!["--header-env", "A=TOKEN"],
            "header-file" => vec!["--header-file", "/dev/null"],
            _ => vec![],
        };
        let dashed = format!("--{name}");
        let line = if line.is_empty() {
            vec![dashed.as_str()]
        } else {
            line
        };
        let refused = invocation(&[&[URL], line.as_slice()].concat());
        let known = match refused {
            Ok(Invocation::Server(_, given)) => !given
                .warnings
                .iter()
                .any(|warning| warning.contains("no flag")),
            Ok(_) => true,
            Err(reason) => reason.contains("lacks its value"),
        };
        assert!(known, "--{name}");
    }
}

#[test]
fn help_and_version_win_over_any_fault() {
    assert!(matches!(
        invocation(&["--header", "x", "--help"]),
        Ok(Invocation::Help)
    ));
    assert!(matches!(invocation(&["-h"]), Ok(Invocation::Help)));
    assert!(matches!(
        invocation(&["--version"]),
        Ok(Invocation::Version)
    ));
}

#[test]
fn subcommands_take_the_url_behind_them() {
    assert_eq!(
        server(&["doctor", URL, "--json"]).0,
        Command::Doctor {
            json: true,
            login: false
        }
    );
    assert_eq!(server(&["login", URL]).0, Command::Login);
    assert_eq!(server(&["logout", URL]).0, Command::Logout);
    let entry = ["config", URL, "--client", "cursor", "--header=A:${TOKEN}"];
    let arguments = vec![URL.to_owned(), "--header=A:${TOKEN}".to_owned()];
    assert_eq!(
        server(&entry).0,
        Command::Config {
            client: Some("cursor".to_owned()),
            arguments
        }
    );
    assert!(matches!(
        invocation(&["logout", "--all"]),
        Ok(Invocation::LogoutAll)
    ));
    assert!(matches!(
        invocation(&["list", "--json"]),
        Ok(Invocation::List { json: true })
    ));
    assert!(
        invocation(&["doctor"])
            .unwrap_err()
            .contains("URL is missing")
    );
}

#[test]
fn a_url_must_be_absolute_encrypted_and_without_a_password() {
    assert!(invocation(&[]).unwrap_err().contains("URL is missing"));
    assert!(
        invocation(&["example.com/mcp"])
            .unwrap_err()
            .contains("write it whole")
    );
    assert!(
        invocation(&["file:///etc/passwd"])
            .unwrap_err()
            .contains("write it whole")
    );
    assert!(
        invocation(&["http://example.com/mcp"])
            .unwrap_err()
            .contains("--allow-http")
    );
    assert!(invocation(&["http://localhost.example.com/mcp"]).is_err());
    for local in [
        "http://localhost:1/mcp",
        "http://127.0.0.1:1/mcp",
        "http://[::1]:1/mcp",
    ] {
        assert!(invocation(&[local]).is_ok(), "{local}");
    }
    assert!(invocation(&["http://example.com/mcp", "--allow-http"]).is_ok());
    let refused = invocation(&["https://user:hunter2@example.com/mcp"]).unwrap_err();
    assert!(refused.contains("--header-env") && !refused.contains("hunter2"));
}

#[test]
fn an_unknown_flag_is_ignored_with_its_value_and_a_warning() {
    let (_, given) = server(&["--fast", "yes", URL, "9696", "-y"]);
    assert_eq!(given.url.typed, URL);
    assert_eq!(given.callback_port, Some(9696));
    assert!(
        given.warnings[0].contains("--fast") && !given.warnings[0].contains("yes"),
        "{:?}",
        given.warnings
    );
    assert!(given.warnings[1].contains("-y"));
    let (_, given) = server(&["--fast", URL]);
    assert_eq!(given.url.typed, URL);
    let given = arguments(&["--port", "8080"]);
    assert_eq!(given.callback_port, None);
}

#[test]
fn a_missing_or_surplus_value_is_refused_without_repeating_it() {
    assert_eq!(
        refusal(&["--transport"]),
        "--transport lacks its value; write it behind"
    );
    assert_eq!(
        refusal(&["--silent=s3cret"]),
        "--silent takes no value; write it alone"
    );
}

#[test]
fn wrong_values_of_mcp_remotes_flags_are_ignored_with_a_warning() {
    for (flag, value) in [
        ("--transport", "http"),
        ("--protocol", "new"),
        ("--connect-timeout", "0"),
        ("--body-timeout", "-1"),
        ("--headers-timeout", "soon"),
        ("--ping-interval", "0"),
        ("--auth-timeout", "0"),
        ("--callback-path", "callback"),
        ("--callback-path", "/wait-for-auth"),
        ("--client-metadata-url", "https://example.com"),
    ] {
        let given = arguments(&[&format!("{flag}={value}")]);
        assert!(given.warnings[0].contains(flag), "{flag}");
        assert_eq!(given.ping_interval, None);
        assert_eq!(given.sign_in.callback_path, "/oauth/callback");
        assert_eq!(given.sign_in.client_metadata_url, None);
        assert_eq!(given.sign_in.timeout, Duration::from_mins(5));
    }
}

#[test]
fn the_first_value_of_a_repeated_flag_counts() {
    let given = arguments(&["--transport", "sse-only", "--transport", "http-only"]);
    assert_eq!(given.transport, Transport::SseOnly);
    assert!(given.warnings[0].contains("twice"));
}

#[test]
fn timeouts_may_be_fractions_or_zero_for_none() {
    let given = arguments(&[
        "--connect-timeout",
        "0.5",
        "--body-timeout",
        "0",
        "--headers-timeout",
        "7",
    ]);
    assert_eq!(given.network.connect_timeout, Duration::from_millis(500));
    assert_eq!(given.network.body_timeout, None);
    assert_eq!(given.network.headers_timeout, Some(Duration::from_secs(7)));
}

#[test]
fn a_ping_interval_turns_pings_on() {
    assert_eq!(
        arguments(&["--keep-alive"]).ping_interval,
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        arguments(&["--ping-interval", "60"]).ping_interval,
        Some(Duration::from_mins(1))
    );
}

#[test]
fn wrong_values_of_the_bridges_own_flags_are_refused() {
    let given = arguments(&[
        "--max-message",
        "1000000",
        "--initialize-deadline",
        "2",
        "--discover-timeout",
        "0.5",
        "--idle-timeout",
        "90",
    ]);
    assert_eq!(given.question_timeout, Duration::from_mins(10));
    assert_eq!(
        arguments(&["--question-timeout", "3"]).question_timeout,
        Duration::from_secs(3)
    );
    assert_eq!(given.max_message, 1_000_000);
    assert_eq!(given.initialize_deadline, Duration::from_secs(2));
    assert_eq!(given.discover_timeout, Duration::from_millis(500));
    assert_eq!(given.idle_timeout, Some(Duration::from_secs(90)));
    for flags in [
        ["--max-message", "10"],
        ["--max-message", "1M"],
        ["--initialize-deadline", "0"],
        ["--store", "db"],
    ] {
        assert!(refusal(&flags).contains(flags[0]));
    }
}

#[test]
fn debug_has_two_levels_and_does_not_consume_the_next_argument() {
    let (_, given) = server(&["--debug", URL]);
    assert_eq!(given.log.debug, Some(DebugDetail::Messages));
    assert_eq!(
        arguments(&["--debug=bodies"]).log.debug,
        Some(DebugDetail::Bodies)
    );
    assert!(refusal(&["--debug=all"]).contains("--debug=bodies"));
}

#[test]
fn the_other_flags_set_one_thing_each() {
    let given = arguments(&[
        "--ca=a.pem",
        "--ca=b.pem",
        "--no-proxy",
        "--enable-proxy",
        "--ipv4",
        "--disable-cookies",
        "--log=x.log",
        "--ignore-tool=a*",
        "--allow-tool=b*",
    ]);
    assert_eq!(
        given.network.certificate_authorities,
        ["a.pem", "b.pem"].map(std::path::PathBuf::from)
    );
    assert!(!given.network.use_proxy && given.network.ipv4 && !given.network.cookies);
    assert_eq!(given.log.file, Some("x.log".into()));
    assert_eq!(
        (given.tools.ignored, given.tools.allowed),
        (vec!["a*".to_owned()], vec!["b*".to_owned()])
    );
    let given = arguments(&[
        "--static-oauth-client-metadata={\"scope\":\"a\"}",
        "--use-id-token",
        "--scope=a b",
        "--no-browser",
        "--paste",
        "--allow-missing-pkce",
        "--store=file",
        "--client-metadata-url=https://a.example/client",
    ]);
    assert_eq!(given.sign_in.client_metadata.unwrap()["scope"], "a");
    assert_eq!(given.sign_in.scope.as_deref(), Some("a b"));
    assert_eq!(
        given.sign_in.client_metadata_url.as_deref(),
        Some("https://a.example/client")
    );
    assert!(given.sign_in.use_id_token && given.sign_in.paste && given.sign_in.allow_missing_pkce);
    assert!(!given.sign_in.open_browser);
    assert_eq!(given.sign_in.store, StoreKind::File);
}

#[test]
fn settings_that_a_bundle_left_empty_are_not_sent() {
    let given = arguments(&["--header", "Authorization:${EMPTY}", "--scope", ""]);
    assert!(!given.headers.has_authorization());
    assert_eq!(given.sign_in.scope, None);
    assert!(given.warnings[0].contains("empty"));
}

#[test]
fn flags_that_cannot_be_honoured_are_refused_by_name() {
    let refused = refusal(&["--store", "keychain"]);
    assert!(
        refused.contains("--store") && refused.contains("cannot be honoured yet"),
        "{refused}"
    );
}
