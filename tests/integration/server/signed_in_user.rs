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
fn the_signed_in_user_is_that_of_the_request() {
    let mut talk = Conversation::with(empty().tool("name", "", name).tool("perhaps", "", perhaps));
    assert_eq!(talk.text("perhaps", &json!({})), "nobody");
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
    assert_eq!(code, -32000);
    assert!(message.contains("signed-in"), "{message}");

    talk.caller.subject = Some("u1".to_owned());
    let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
    assert_eq!(
        (code, message.contains("Sign in again")),
        (-32000, true),
        "{message}"
    );

    assert_eq!(
        talk.warnings(),
        [
            "The props of sign-in do not fit `integration::server::signed_in_user::Profile`: invalid type: null, expected struct Profile"
        ]
    );

    talk.caller.props = json!({ "name": "Ann" });
    assert_eq!(talk.text("name", &json!({})), "u1 is Ann");
    assert_eq!(talk.text("perhaps", &json!({})), "Ann");
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only faults are looked at")]
struct Detailed {
    name: String,
    id: Option<u32>,
    colour: Option<Colour>,
    inner: Option<Profile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

async fn detailed(user: User<Detailed>) -> String {
    user.id
}

#[test]
fn misfit_props_are_logged_without_values_and_ask_for_no_new_sign_in() {
    let mut talk = Conversation::with(empty().tool("detailed", "", detailed));
    talk.caller.subject = Some("u1".to_owned());
    for (props, told) in [
        (
            json!({ "name": null }),
            "`name`: invalid type: null, expected a string",
        ),
        (json!({ "login": "secret" }), "missing field `name`"),
        (
            json!({ "name": "n", "id": "secret, expected secret" }),
            "`id`: invalid type: string, expected u32",
        ),
        (
            json!({ "name": "n", "id": -7 }),
            "`id`: invalid value: integer, expected u32",
        ),
        (
            json!({ "name": "n", "colour": "secret" }),
            "`colour`: unknown variant, expected `red` or `green`",
        ),
        (
            json!({ "name": "n", "inner": { "name": ["secret"] } }),
            "`inner.name`: invalid type: sequence, expected a string",
        ),
    ] {
        talk.caller.props = props;
        let (code, message) = talk.refusal("tools/call", &json!({ "name": "detailed" }));
        assert_eq!(code, -32000);
        assert!(
            message.contains("Its log has the cause") && !message.contains("Sign in again"),
            "{message}"
        );
        let type_name = "integration::server::signed_in_user::Detailed";
        assert_eq!(
            talk.warnings(),
            [format!(
                "The props of sign-in do not fit `{type_name}`: {told}"
            )]
        );
    }
}
