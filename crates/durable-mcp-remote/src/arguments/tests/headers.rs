use std::fs;

use super::{Arguments, URL, arguments, invocation, refusal};

fn sent<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments
        .headers
        .sent
        .get(name)
        .map(|value| value.to_str().unwrap())
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
