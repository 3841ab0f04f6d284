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
    let bytes = bytes.get_mut(..dice).filter(|bytes| !bytes.is_empty()).ok_or(ToolError::new("1 to 6 `dice`."))?;
    getrandom::fill(bytes)?;
    let eyes: Vec<String> = bytes.iter().map(|byte| (byte % 6 + 1).to_string()).collect();
    Ok(format!("Rolled {}", eyes.join(" ")))
}
