//! Arguments in, text out; and a failure that the model is told of.

use durable_mcp::prelude::*;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Add {
    /// The first number
    a: f64,
    /// The second number
    b: f64,
}

pub(super) async fn add(Args(Add { a, b }): Args<Add>) -> String {
    (a + b).to_string()
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Calculate {
    /// What to do with the numbers
    operation: Operation,
    /// The first number
    a: f64,
    /// The second number
    b: f64,
}

pub(super) async fn calculate(Args(Calculate { operation, a, b }): Args<Calculate>) -> Result<String, ToolError> {
    let result = match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide if b == 0.0 => {
            return Err(ToolError::new("Cannot divide by zero. Choose another `b`."));
        }
        Operation::Divide => a / b,
    };
    Ok(result.to_string())
}
