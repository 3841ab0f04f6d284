//! A tool that shows its result on a page of its own, where the client shows such, and as text everywhere else.

use durable_mcp::prelude::*;

pub(super) const PAGE: &str = "ui://demo/dice.html";
pub(super) const HTML: &str = include_str!("dice.html");

#[derive(Deserialize, JsonSchema)]
pub(super) struct Roll {
    /// How many dice, 1 to 6
    dice: usize,
}

pub(super) async fn roll(Args(Roll { dice }): Args<Roll>) -> Result<String, ToolError> {
    let mut bytes = [0; 6];
    let bytes = bytes
        .get_mut(..dice)
        .filter(|bytes| !bytes.is_empty())
        .ok_or(ToolError::new("1 to 6 `dice`."))?;
    getrandom::fill(bytes)?;
    let eyes: Vec<String> = bytes
        .iter()
        .map(|byte| (byte % 6 + 1).to_string())
        .collect();
    Ok(format!("Rolled {}", eyes.join(" ")))
}

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    use super::{HTML, PAGE};
    use crate::tools::without_bindings;

    #[test]
    fn the_requested_number_of_dice_is_rolled() {
        let rolled = TestClient::new(without_bindings())
            .call("roll_dice", json!({ "dice": 6 }))
            .text();
        let eyes: Vec<u8> = rolled
            .split(' ')
            .skip(1)
            .filter_map(|eyes| eyes.parse().ok())
            .collect();
        assert!(
            eyes.len() == 6 && eyes.iter().all(|eyes| (1..=6).contains(eyes)),
            "{rolled}"
        );
    }

    #[test]
    fn zero_or_too_many_dice_are_refused() {
        let client = TestClient::new(without_bindings());
        for dice in [0, 7] {
            assert_eq!(
                client.call("roll_dice", json!({ "dice": dice })).text(),
                "1 to 6 `dice`."
            );
        }
    }

    #[test]
    fn the_page_of_the_dice_can_be_read() {
        let client = TestClient::new(without_bindings());
        assert_eq!(client.read(PAGE).text(), HTML);
    }
}
