use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use super::{
    Arguments, Command, DebugDetail, Grant, HELP, Invocation, Protocol, Resource, StoreKind,
    Transport, parse,
};

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

fn sent<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments
        .headers
        .sent
        .get(name)
        .map(|value| value.to_str().unwrap())
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
fn header_variables_are_expanded_for_requests_and_not_for_file_names() {
    let given = arguments(&[
        "--header",
        "Authorization: Bearer ${TOKEN}",
        "--header=X-Team:${NOBODY}${",
    ]);
    assert_eq!(sent(&given, "authorization"), Some("Bearer s3cret"));
    assert_eq!(sent(&given, "x-team"), Some("${NOBODY}${"));
    assert_eq!(
        given.headers.typed,
        [
            ("Authorization", "Bearer ${TOKEN}"),
            ("X-Team", "${NOBODY}${")
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert!(given.headers.has_authorization());
    assert_eq!(given.warnings.len(), 1);
    assert!(given.warnings[0].contains("NOBODY"));
    assert!(!format!("{given:?}").contains("s3cret"));
}

#[test]
fn a_repeated_header_replaces_the_earlier_one() {
    let given = arguments(&["--header", "A: 1", "--header", "B: 2", "--header", "A: 3"]);
    assert_eq!(
        given.headers.typed,
        [
            ("A".to_owned(), "3".to_owned()),
            ("B".to_owned(), "2".to_owned())
        ]
    );
    assert_eq!(sent(&given, "a"), Some("3"));
}

#[test]
fn header_env_sends_the_value_of_a_variable() {
    let given = arguments(&["--header-env", "X-Key=TOKEN"]);
    assert_eq!(sent(&given, "x-key"), Some("s3cret"));
    assert_eq!(
        given.headers.typed,
        [("X-Key".to_owned(), "${TOKEN}".to_owned())]
    );
    let missing = refusal(&["--header-env", "X-Key=NOBODY"]);
    assert!(
        missing.contains("X-Key")
            && missing.contains("(6 characters)")
            && !missing.contains("NOBODY"),
        "{missing}"
    );
    assert!(refusal(&["--header-env", "X-Key"]).contains("NAME=VARIABLE"));
}

#[test]
fn a_header_split_at_its_spaces_is_reported_without_its_secret() {
    let refused = refusal(&["--header", "Authorization:", "Bearer", "s3cret"]);
    assert!(
        refused.contains("Authorization")
            && refused.contains("quote")
            && !refused.contains("s3cret"),
        "{refused}"
    );
    let refused = invocation(&["--header", "X-Key:", "s3cret", URL]).unwrap_err();
    assert!(
        refused.contains("(6 characters)") && !refused.contains("s3cret"),
        "{refused}"
    );
    let given = arguments(&["--header", "Authorization: Bearer", "s3cret"]);
    let [warning] = given.warnings.as_slice() else {
        panic!("{:?}", given.warnings)
    };
    assert!(
        warning.contains("word 1")
            && warning.contains("(6 characters)")
            && !warning.contains("s3cret"),
        "{warning}"
    );
    assert!(refusal(&["--header", "X-Key: "]).contains("X-Key"));
}

#[test]
fn a_header_file_has_one_header_a_line_and_comments() {
    let path =
        std::env::temp_dir().join(format!("durable-mcp-remote-headers-{}", std::process::id()));
    fs::write(
        &path,
        "# credentials\r\n\r\nAuthorization: Bearer ${TOKEN}\r\n  X-Other:1  \n",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let given = arguments(&["--header-file", path]);
    assert_eq!(sent(&given, "authorization"), Some("Bearer s3cret"));
    assert_eq!(sent(&given, "x-other"), Some("1"));
    fs::write(path, "Authorization: Bearer s3cret\ns3cret\n").unwrap();
    let refused = refusal(&["--header-file", path]);
    fs::remove_file(path).unwrap();
    assert!(
        refused.contains("line 2") && !refused.contains("s3cret"),
        "{refused}"
    );
    assert!(refusal(&["--header-file", path]).contains("cannot be read"));
}

#[test]
fn connection_headers_are_refused_and_protocol_headers_are_ignored() {
    for name in ["Host", "content-length", "Transfer-Encoding", "Connection"] {
        assert!(
            refusal(&["--header", &format!("{name}: s3cret")])
                .contains("belongs to the connection"),
            "{name}"
        );
    }
    let given = arguments(&[
        "--header",
        "Accept: a/b",
        "--header",
        "Mcp-Session-Id: x",
        "--header",
        "X: 1",
    ]);
    assert_eq!(given.headers.sent.len(), 1);
    assert_eq!(given.warnings.len(), 2);
    for line in [
        "s3cret",
        "s 3: cret",
        ": s3cret",
        "A: s3cret\nB: c",
        "\u{e4}: s3cret",
    ] {
        let refused = refusal(&["--header", line]);
        assert!(!refused.contains("s3cret"), "{refused}");
    }
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
fn the_callback_host_must_be_this_machine() {
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(arguments(&["--host", host]).sign_in.callback_host, host);
    }
    for host in ["example.com", "0.0.0.0", "localhost.example.com", ""] {
        assert!(
            refusal(&["--host", host]).contains("not this machine"),
            "{host}"
        );
    }
}

#[test]
fn client_information_is_read_inline_and_from_a_file_with_variables() {
    let inline = r#"{"client_id":"me","client_secret":"${SECRET}"}"#;
    let given = arguments(&["--static-oauth-client-info", inline]);
    assert_eq!(
        given.sign_in.client_info.as_ref().unwrap()["client_secret"],
        "hidden"
    );
    assert!(!format!("{given:?}").contains("hidden"));
    let path =
        std::env::temp_dir().join(format!("durable-mcp-remote-client-{}", std::process::id()));
    fs::write(&path, inline).unwrap();
    let given = arguments(&[
        "--static-oauth-client-info",
        &format!("@{}", path.display()),
    ]);
    fs::remove_file(&path).unwrap();
    assert_eq!(given.sign_in.client_info.unwrap()["client_id"], "me");
    let refused = refusal(&[
        "--static-oauth-client-info",
        r#"{"client_secret":"${SECRET}""#,
    ]);
    assert!(refused.contains("no JSON") && !refused.contains("hidden"));
    assert!(refusal(&["--static-oauth-client-info", "{}"]).contains("client_id"));
    assert!(refusal(&["--static-oauth-client-metadata", "[]"]).contains("JSON object"));
}

#[test]
fn grant_flags_exclude_each_other() {
    assert_eq!(
        arguments(&["--device-code"]).sign_in.grant,
        Grant::DeviceCode
    );
    assert_eq!(
        arguments(&[
            "--client-credentials",
            "--token-endpoint",
            "https://id.example.com/token"
        ])
        .sign_in
        .grant,
        Grant::ClientCredentials {
            token_endpoint: Some("https://id.example.com/token".parse().unwrap())
        }
    );
    assert!(refusal(&["--device-code", "--client-credentials"]).contains("exclude"));
    assert!(
        refusal(&["--token-endpoint", "https://id.example.com/token"])
            .contains("--client-credentials")
    );
    for url in [
        "http://id.example.com/token",
        "https://a:b@id.example.com/",
        "https://id.example.com/#a",
        "--silent",
    ] {
        assert!(
            refusal(&["--client-credentials", "--token-endpoint", url])
                .contains("--token-endpoint takes"),
            "{url}"
        );
    }
}

#[test]
fn a_client_key_is_of_a_registered_client() {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let client = [
        "--client-key",
        key,
        "--static-oauth-client-info",
        r#"{"client_id":"c"}"#,
    ];
    assert!(refusal(&client).contains("has no private key"));
    assert!(refusal(&["--client-key", "no such file"]).contains("cannot be read"));
}

#[test]
fn the_resource_parameter_is_derived_given_or_omitted() {
    let resource = |flags: &[&str]| arguments(flags).sign_in.resource;
    assert_eq!(
        resource(&["--resource", " https://a.example/ "]),
        Resource::Given("https://a.example/".to_owned())
    );
    assert_eq!(resource(&["--resource", ""]), Resource::Omitted);
    assert_eq!(
        resource(&[
            "--disable-resource-parameter",
            "--resource",
            "https://a.example/"
        ]),
        Resource::Omitted
    );
    assert!(refusal(&["--resource", "tenant"]).contains("RFC 8707"));
}

#[test]
fn authorize_params_cannot_replace_derived_ones() {
    let given = arguments(&[
        "--authorize-param",
        "audience=https://a/?b=c",
        "--authorize-param",
        "prompt=consent",
    ]);
    assert_eq!(
        given.sign_in.authorize_params,
        [("audience", "https://a/?b=c"), ("prompt", "consent")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
    for key in [
        "state",
        "client_id",
        "redirect_uri",
        "response_type",
        "code_challenge",
        "code_challenge_method",
    ] {
        assert!(refusal(&["--authorize-param", &format!("{key}=x")]).contains(key));
    }
    assert!(refusal(&["--authorize-param", "=x"]).contains("key=value"));
    assert!(arguments(&["--authorize-param", "resource=x"]).warnings[0].contains("--resource"));
}

#[test]
fn a_success_url_must_be_encrypted_and_without_credentials() {
    let url = |flags: &[&str]| arguments(flags).sign_in.success_url.map(String::from);
    assert_eq!(
        url(&["--auth-success-url", "https://a.example/done"]).as_deref(),
        Some("https://a.example/done")
    );
    assert!(url(&["--auth-success-url", "http://a.example/", "--allow-http"]).is_some());
    for value in [
        "http://a.example/",
        "https://a.example/?x",
        "https://a.example/#",
        "https://u@a.example/",
        "a",
    ] {
        assert!(
            refusal(&["--auth-success-url", value]).contains("--auth-success-url"),
            "{value}"
        );
    }
    let twice = [
        "--auth-success-url",
        "https://a.example/",
        "--auth-success-url",
        "https://a.example/",
    ];
    assert!(refusal(&twice).contains("twice"));
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
