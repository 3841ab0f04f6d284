//! A tool that asks the user something while it runs.

use durable_mcp::prelude::*;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Booking {
    /// The restaurant's name
    restaurant: String,
}

#[derive(Deserialize, JsonSchema)]
struct Party {
    /// How many people?
    people: u8,
    /// A table outside?
    #[serde(default)]
    outside: bool,
}

pub(super) async fn book_table(
    client: Client,
    Args(Booking { restaurant }): Args<Booking>,
) -> Result<String, ToolError> {
    let answer = client
        .elicit::<Party>("party", format!("A table at {restaurant}:"))
        .await?;
    let Elicited::Accepted(Party { people, outside }) = answer else {
        return Ok("Nothing was booked.".to_owned());
    };
    let place = if outside { "outside" } else { "inside" };
    Ok(format!(
        "Booked a table {place} for {people} at {restaurant}."
    ))
}

#[cfg(test)]
mod tests {
    use durable_mcp::prelude::*;
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    fn client() -> TestClient {
        TestClient::new(without_bindings())
    }

    #[test]
    fn a_table_is_booked_for_the_number_that_the_user_enters() {
        for client in [client(), client().stateless()] {
            let client = client.on_elicit(|form| {
                assert_eq!(form.message, "A table at Da Mario:");
                Elicited::Accepted(json!({ "people": 4, "outside": true }))
            });
            let booked = client.call("book_table", json!({ "restaurant": "Da Mario" }));
            assert_eq!(booked.text(), "Booked a table outside for 4 at Da Mario.");
        }
    }

    #[test]
    fn nothing_is_booked_if_the_user_declines() {
        let client = client().stateless().on_elicit(|_| Elicited::Declined);
        assert_eq!(
            client
                .call("book_table", json!({ "restaurant": "Da Mario" }))
                .text(),
            "Nothing was booked."
        );
    }

    #[test]
    fn a_client_without_elicitation_gets_an_error() {
        let refused = client().call("book_table", json!({ "restaurant": "Da Mario" }));
        assert!(
            refused.is_error() && refused.text().contains("elicitation"),
            "{refused:?}"
        );
    }
}
