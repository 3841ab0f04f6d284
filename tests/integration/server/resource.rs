use super::*;

#[derive(Deserialize, JsonSchema)]
struct Page {
    book: String,
    page: u32,
}

async fn page(Args(Page { book, page }): Args<Page>) -> Result<String, ToolError> {
    if page == 0 {
        Err(ToolError::new("Pages begin at 1."))
    } else {
        Ok(format!("{book} {page}"))
    }
}

fn library() -> Conversation {
    Conversation::with(
        empty()
            .resource("text", "test://text", hello)
            .resource("bytes", "test://bytes", async || vec![1_u8, 2])
            .with(Resource::new("html", "test://html", hello).mime_type("text/html"))
            .resource_template("page", "book://{book}/{page}", page),
    )
}

fn read(talk: &Conversation, uri: &str) -> Value {
    talk.ask("resources/read", &json!({ "uri": uri })).unwrap()
}

#[test]
fn a_resource_is_read_by_its_uri_with_its_media_type() {
    let talk = library();
    assert_eq!(
        read(&talk, "test://text"),
        json!({ "contents": [{ "uri": "test://text", "mimeType": "text/plain", "text": "hello" }] })
    );
    assert_eq!(
        read(&talk, "test://bytes"),
        json!({ "contents": [{ "uri": "test://bytes", "blob": "AQI=" }] })
    );
    assert_eq!(
        read(&talk, "test://html")["contents"][0]["mimeType"],
        "text/html"
    );
}

#[test]
fn template_variables_are_decoded_and_typed() {
    let talk = library();
    assert_eq!(
        read(&talk, "book://moby-dick/12")["contents"][0]["text"],
        "moby-dick 12"
    );
    assert_eq!(
        read(&talk, "book://a%20%C3%BC/1")["contents"][0]["text"],
        "a ü 1"
    );
    assert_eq!(
        read(&talk, "book://a%20%C3%BC/1")["contents"][0]["uri"],
        "book://a%20%C3%BC/1"
    );
    let (code, message) = talk.refusal("resources/read", &json!({ "uri": "book://x/y" }));
    assert_eq!(code, -32602);
    assert!(message.contains("`page`"), "{message}");
    let (code, message) = talk.refusal("resources/read", &json!({ "uri": "book://x/0" }));
    assert_eq!((code, message.as_str()), (-32603, "Pages begin at 1."));
}

#[test]
fn an_unknown_uri_is_answered_with_resource_not_found() {
    let talk = library();
    for uri in [
        "test://none",
        "test://text/",
        "TEST://text",
        "book://a",
        "book://a/1/2",
        "",
    ] {
        let error = talk
            .ask("resources/read", &json!({ "uri": uri }))
            .unwrap_err();
        assert_eq!(
            (error.code.0, error.data),
            (-32002, Some(json!({ "uri": uri }))),
            "{uri}"
        );
    }
}

#[test]
fn resource_not_found_has_the_error_code_of_the_clients_version() {
    use durable_mcp::testing::TestClient;
    async fn part(Args(Part { id }): Args<Part>) -> Result<&'static str, Error> {
        (id == "1")
            .then_some("one")
            .or_not_found(&format!("test://part/{id}"))
    }
    #[derive(Deserialize, JsonSchema)]
    struct Part {
        id: String,
    }
    for version in ProtocolVersion::ALL {
        let client = TestClient::new(empty().resource_template("part", "test://part/{id}", part))
            .speaking(version);
        assert_eq!(client.read("test://part/1").text(), "one");
        let code = if version.is_stateless() {
            -32602
        } else {
            -32002
        };
        for uri in ["test://part/2", "test://none"] {
            let refused = client.read(uri).protocol_error().cloned().unwrap();
            assert_eq!(
                (refused.code.0, refused.data),
                (code, Some(json!({ "uri": uri }))),
                "{version}"
            );
        }
    }
}
