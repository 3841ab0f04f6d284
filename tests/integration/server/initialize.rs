use super::*;

#[test]
fn initialize_echoes_a_known_version_and_offers_the_newest_otherwise() {
    let talk = Conversation::with(empty());
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let (client, result) = talk
            .initialize(&json!({ "protocolVersion": asked, "clientInfo": { "name": "c" } }))
            .unwrap();
        assert_eq!(result["protocolVersion"], answered, "{asked}");
        assert_eq!(
            (client.version.as_str(), client.name.as_str()),
            (answered, "c")
        );
    }
}

#[test]
fn initialize_describes_the_server_as_it_was_configured() {
    let (_, result) = Conversation::with(empty())
        .initialize(&json!({ "protocolVersion": "2025-11-25" }))
        .unwrap();
    assert_eq!(
        result,
        json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "s", "version": "1.0.0" },
        })
    );
    let server = empty()
        .title("S")
        .description("d")
        .website("https://example.com")
        .instructions("Do.");
    let (_, result) = Conversation::with(server)
        .initialize(&json!({ "protocolVersion": "2025-11-25" }))
        .unwrap();
    assert_eq!(result["instructions"], "Do.");
    assert_eq!(
        result["serverInfo"],
        json!({
            "name": "s", "version": "1.0.0", "title": "S", "description": "d", "websiteUrl": "https://example.com",
        })
    );
}

#[test]
fn initialize_refuses_parameters_of_the_wrong_type_by_name() {
    let talk = Conversation::with(empty());
    for (params, field) in [
        (json!({}), "protocolVersion"),
        (json!({ "protocolVersion": 1 }), "protocolVersion"),
        (
            json!({ "protocolVersion": "2025-11-25", "capabilities": 1 }),
            "capabilities",
        ),
        (
            json!({ "protocolVersion": "2025-11-25", "clientInfo": [] }),
            "clientInfo",
        ),
    ] {
        let error = talk.initialize(&params).unwrap_err();
        assert_eq!(error.code.0, -32602);
        assert!(
            error.message.contains(&format!("`{field}`")),
            "{}",
            error.message
        );
    }
}
