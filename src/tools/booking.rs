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
    let answer = client.elicit::<Party>("party", format!("A table at {restaurant}:")).await?;
    let Elicited::Accepted(Party { people, outside }) = answer else {
        return Ok("Nothing was booked.".to_owned());
    };
    let place = if outside { "outside" } else { "inside" };
    Ok(format!("Booked a table {place} for {people} at {restaurant}."))
}
