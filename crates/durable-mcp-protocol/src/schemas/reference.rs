//! References inside a schema.

use serde_json::Value;

/// The schema that another one refers to.
pub(crate) fn referred<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}
