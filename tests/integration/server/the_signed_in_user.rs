use super::*;

#[derive(Deserialize)]
struct Profile {
    name: String,
}

async fn name(user: User<Profile>) -> String {
    format!("{} is {}", user.id, user.props.name)
}

async fn perhaps(user: Option<User<Profile>>) -> String {
    user.map_or("nobody".to_owned(), |user| user.props.name)
}

#[test]
fn is_who_the_request_says() {
    let mut talk = Conversation::with(empty().tool("name", "", name).tool("perhaps", "", perhaps));
    assert_eq!(talk.text("perhaps", &json!({})), "nobody");
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
    assert_eq!(code, -32000);
    assert!(message.contains("signed-in"), "{message}");

    talk.caller.subject = Some("u1".to_owned());
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
    assert_eq!((code, message.contains("Sign in again")), (-32000, true), "{message}");

    talk.caller.props = json!({ "name": "Ann" });
    assert_eq!(talk.text("name", &json!({})), "u1 is Ann");
    assert_eq!(talk.text("perhaps", &json!({})), "Ann");
}
