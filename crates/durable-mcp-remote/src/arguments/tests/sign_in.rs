use std::fs;

use super::super::{Grant, Resource};
use super::{arguments, refusal};

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
