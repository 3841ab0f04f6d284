//! A tool whose arguments are mirrored in headers.

use durable_mcp::prelude::*;

/// Tool with an argument of each type that headers can mirror, one of them nested.
pub(crate) fn query_tool() -> Tool {
    Tool::new("query", "Has arguments that headers mirror", query).input_schema(plain_schema())
}

#[derive(Deserialize, JsonSchema)]
struct Query {
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: Option<String>,
    #[schemars(extend("x-mcp-header" = "Shard"))]
    shard: Option<i64>,
    #[serde(default)]
    place: Place,
}

#[derive(Default, Deserialize, JsonSchema)]
struct Place {
    #[schemars(extend("x-mcp-header" = "Dry-Run"))]
    dry: Option<bool>,
}

async fn query(
    Args(Query {
        region,
        shard,
        place: Place { dry },
    }): Args<Query>,
) -> String {
    format!("{region:?} {shard:?} {dry:?}")
}

/// Schema as clients want it: each mirrored argument is a plain string, integer or boolean.
fn plain_schema() -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "properties": {
        "region": { "type": "string", "x-mcp-header": "Region" },
        "shard": { "type": "integer", "x-mcp-header": "Shard" },
        "place": { "type": "object", "properties": { "dry": { "type": "boolean", "x-mcp-header": "Dry-Run" } } },
    } })
}
