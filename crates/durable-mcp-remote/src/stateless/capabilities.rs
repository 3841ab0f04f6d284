//! Capabilities of clients: those of a session, and what they let a server ask.

use serde_json::{Map, Value, json};

use crate::json::Object;

const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Capabilities of a request as those of a session. Tasks have other messages there.
pub(super) fn in_session(declared: &Map<String, Value>) -> Map<String, Value> {
    let mut capabilities = declared.clone();
    capabilities.remove("tasks");
    // An empty one is that of forms (2025-11-25, Elicitation, "Capabilities").
    if let Some(Value::Object(modes)) = capabilities.get_mut("elicitation")
        && modes.is_empty()
    {
        modes.insert("form".to_owned(), json!({}));
    }
    if let Some(Value::Object(extensions)) = capabilities.get_mut("extensions") {
        extensions.remove(TASKS);
        if extensions.is_empty() {
            capabilities.remove("extensions");
        }
    }
    capabilities
}

/// Capabilities of a server with sessions as those of 2026-07-28.
pub(super) fn of_server(json: &str) -> Option<String> {
    let mut capabilities = Object::parse(json)?;
    capabilities.remove(&["tasks"]);
    Some(capabilities.to_string())
}

/// Both sets together; `None` if the first has all of the second.
pub(super) fn widened(
    have: &Map<String, Value>,
    more: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let mut both = have.clone();
    merge(&mut both, more).then_some(both)
}

fn merge(into: &mut Map<String, Value>, more: &Map<String, Value>) -> bool {
    let mut has_grown = false;
    for (name, value) in more {
        match (into.get_mut(name), value) {
            (Some(Value::Object(own)), Value::Object(value)) => {
                has_grown |= merge(own, value);
            }
            (Some(own), _) if own == value => {}
            (_, Value::Bool(false) | Value::Null) => {}
            _ => {
                into.insert(name.clone(), value.clone());
                has_grown = true;
            }
        }
    }
    has_grown
}

/// Capabilities of the second set, as far as the first one has them.
pub(super) fn common(
    session: &Map<String, Value>,
    declared: &Map<String, Value>,
) -> Map<String, Value> {
    let both = declared.iter().filter_map(|(name, value)| {
        let own = session.get(name)?;
        let both = match (own, value) {
            (Value::Object(own), Value::Object(value)) => Value::Object(common(own, value)),
            _ => own.clone(),
        };
        Some((name.clone(), both))
    });
    both.collect()
}

/// Whether a client with these capabilities can be asked a question.
pub(super) fn admit(capabilities: &Map<String, Value>, method: &str, params: &str) -> bool {
    let declared = |name: &str| capabilities.get(name).and_then(Value::as_object);
    let params = Object::parse(params);
    let has = |name: &str| {
        params
            .as_ref()
            .is_some_and(|params| params.get(name).is_some())
    };
    match method {
        "elicitation/create" => declared("elicitation").is_some_and(|modes| {
            let mode = params
                .as_ref()
                .and_then(|params| params.text("mode"))
                .unwrap_or_else(|| "form".to_owned());
            modes.contains_key(&mode)
        }),
        "sampling/createMessage" => declared("sampling")
            .is_some_and(|sampling| !has("tools") || sampling.contains_key("tools")),
        "roots/list" => declared("roots").is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_session_is_renewed_only_for_capabilities_that_it_lacks() {
        let more =
            |have: Value, more: Value| widened(&object(have), &object(more)).map(Value::Object);
        assert_eq!(
            more(
                json!({ "roots": {}, "sampling": {} }),
                json!({ "roots": {} })
            ),
            None
        );
        assert_eq!(
            more(
                json!({ "roots": {} }),
                json!({ "roots": { "listChanged": false } })
            ),
            None
        );
        assert_eq!(
            more(
                json!({ "elicitation": { "form": {} } }),
                json!({ "elicitation": { "form": {}, "url": {} } })
            ),
            Some(json!({ "elicitation": { "form": {}, "url": {} } }))
        );
        assert_eq!(
            more(
                json!({ "roots": {} }),
                json!({ "sampling": { "tools": {} } })
            ),
            Some(json!({ "roots": {}, "sampling": { "tools": {} } }))
        );
        assert_eq!(
            more(
                json!({ "sampling": {} }),
                json!({ "sampling": { "tools": {} } })
            ),
            Some(json!({ "sampling": { "tools": {} } }))
        );
    }

    #[test]
    fn task_capabilities_are_left_out_of_sessions() {
        let declared =
            object(json!({ "elicitation": {}, "tasks": {}, "extensions": { TASKS: {} } }));
        assert_eq!(
            Value::Object(in_session(&declared)),
            json!({ "elicitation": { "form": {} } })
        );
        assert_eq!(
            of_server(r#"{"tools": {"listChanged":true},"tasks":{}}"#).unwrap(),
            r#"{"tools":{"listChanged":true}}"#
        );
    }

    #[test]
    fn a_request_has_the_capabilities_common_to_it_and_its_session() {
        let both = |session: Value, declared: Value| {
            Value::Object(common(&object(session), &object(declared)))
        };
        assert_eq!(
            both(
                json!({ "roots": {} }),
                json!({ "roots": {}, "sampling": {} })
            ),
            json!({ "roots": {} })
        );
        assert_eq!(
            both(json!({ "roots": {}, "sampling": {} }), json!({})),
            json!({})
        );
        assert_eq!(
            both(
                json!({ "sampling": {} }),
                json!({ "sampling": { "tools": {} } })
            ),
            json!({ "sampling": {} })
        );
    }

    #[test]
    fn a_question_needs_its_capability() {
        for (capabilities, method, params, expected) in [
            (
                json!({ "elicitation": { "form": {} } }),
                "elicitation/create",
                json!({}),
                true,
            ),
            (
                json!({ "elicitation": { "form": {} } }),
                "elicitation/create",
                json!({ "mode": "url" }),
                false,
            ),
            (
                json!({ "elicitation": { "url": {} } }),
                "elicitation/create",
                json!({ "mode": "url" }),
                true,
            ),
            (
                json!({ "elicitation": { "url": {} } }),
                "elicitation/create",
                json!({ "mode": "form" }),
                false,
            ),
            (
                json!({ "sampling": {} }),
                "sampling/createMessage",
                json!({}),
                true,
            ),
            (
                json!({ "sampling": {} }),
                "sampling/createMessage",
                json!({ "tools": [] }),
                false,
            ),
            (
                json!({ "sampling": { "tools": {} } }),
                "sampling/createMessage",
                json!({ "tools": [] }),
                true,
            ),
            (json!({ "roots": {} }), "roots/list", json!({}), true),
            (json!({}), "roots/list", json!({}), false),
            (json!({ "roots": {} }), "tools/list", json!({}), false),
        ] {
            assert_eq!(
                admit(&object(capabilities.clone()), method, &params.to_string()),
                expected,
                "{capabilities} {method}"
            );
        }
    }
}
