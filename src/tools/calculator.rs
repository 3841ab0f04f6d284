//! Arguments in, text out; and a failure that the model is told of.

use durable_mcp::prelude::*;

/// Add two numbers
#[tool(title = "Add", read_only, open_world = false)]
pub(super) async fn add(
    /// The first number
    a: f64,
    /// The second number
    b: f64,
) -> String {
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

pub(super) async fn calculate(
    Args(Calculate { operation, a, b }): Args<Calculate>,
) -> Result<String, ToolError> {
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

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    #[test]
    fn two_numbers_are_added() {
        let client = TestClient::new(without_bindings());
        assert_eq!(
            client.call("add", json!({ "a": 1, "b": 2.5 })).text(),
            "3.5"
        );
    }

    #[test]
    fn each_operation_is_carried_out() {
        let client = TestClient::new(without_bindings());
        for (operation, result) in [
            ("add", "10"),
            ("subtract", "6"),
            ("multiply", "16"),
            ("divide", "4"),
        ] {
            let arguments = json!({ "operation": operation, "a": 8, "b": 2 });
            assert_eq!(
                client.call("calculate", arguments).text(),
                result,
                "{operation}"
            );
        }
    }

    #[test]
    fn a_division_by_zero_is_an_error_with_advice() {
        let client = TestClient::new(without_bindings());
        let failed = client.call(
            "calculate",
            json!({ "operation": "divide", "a": 1, "b": 0 }),
        );
        assert!(failed.is_error());
        assert_eq!(failed.text(), "Cannot divide by zero. Choose another `b`.");
    }
}
