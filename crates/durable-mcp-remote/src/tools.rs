//! Tools that `--ignore-tool` and `--allow-tool` hide: absent from lists, refused by name.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::ToolFilter;
use crate::message::{Id, Message, error_response, quoted};

/// Code of a call with wrong parameters, as for a tool that does not exist.
const INVALID_PARAMS: i64 = -32602;

#[derive(Deserialize)]
struct Called {
    name: String,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
}

/// Answer to a request that calls a hidden tool, or one whose name servers may read in different ways; `None` for every other one.
pub(crate) fn refusal(
    filter: &ToolFilter,
    message: &Message,
    id: &Id,
    method: &str,
) -> Option<Bytes> {
    if filter.is_empty() || method != "tools/call" {
        return None;
    }
    let Some(Called { name }) = message.params() else {
        let reason = "the name of the tool cannot be read, and --ignore-tool or --allow-tool needs it: give one, as a string";
        return Some(error_response(Some(id), INVALID_PARAMS, reason));
    };
    if !filter.hides(&name) {
        return None;
    }
    let reason = format!(
        "the tool {name} is hidden by --ignore-tool or --allow-tool; change the flag to use it"
    );
    Some(error_response(Some(id), INVALID_PARAMS, &reason))
}

/// Response to `tools/list` without the hidden tools; all else of it stays byte for byte.
pub(crate) fn shown(filter: &ToolFilter, message: Message) -> Message {
    if filter.is_empty() {
        return message;
    }
    without_hidden(filter, &message).unwrap_or(message)
}

fn without_hidden(filter: &ToolFilter, message: &Message) -> Option<Message> {
    #[derive(Deserialize)]
    struct List {
        tools: Vec<Box<RawValue>>,
    }
    let List { tools } = message.result()?;
    let is_shown = |tool: &RawValue| {
        serde_json::from_str(tool.get()).is_ok_and(|tool: Listed| !filter.hides(&tool.name))
    };
    let count = tools.len();
    let kept: Vec<&str> = tools
        .iter()
        .filter(|tool| is_shown(tool))
        .map(|tool| tool.get())
        .collect();
    if kept.len() == count {
        return None;
    }
    with_list(message, &format!("[{}]", kept.join(",")))
}

/// Response to `tools/list` with another JSON array of tools; all else of it stays byte for byte.
pub(crate) fn with_list(message: &Message, tools: &str) -> Option<Message> {
    let json = std::str::from_utf8(&message.bytes).ok()?;
    Message::written(replaced(json, &["result", "tools"], tools)?).ok()
}

/// Object in JSON with the value at a path replaced; values beside it stay byte for byte.
fn replaced(object: &str, path: &[&str], value: &str) -> Option<String> {
    let Some((name, behind)) = path.split_first() else {
        return Some(value.to_owned());
    };
    let Members(members) = serde_json::from_str(object).ok()?;
    let mut json = String::from("{");
    for (member, old) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&quoted(&member));
        json.push(':');
        if member == *name {
            json.push_str(&replaced(old.get(), behind, value)?);
        } else {
            json.push_str(old.get());
        }
    }
    json.push('}');
    Some(json)
}

/// Members of an object in their order, also those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: serde::de::MapAccess<'de>>(
                self,
                mut map: M,
            ) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<String, &RawValue>()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{refusal, shown};
    use crate::arguments::ToolFilter;
    use crate::message::{Id, Message};

    fn filter() -> ToolFilter {
        ToolFilter {
            ignored: vec!["delete*".to_owned()],
            allowed: Vec::new(),
        }
    }

    fn message(json: &'static str) -> Message {
        Message::parse(Bytes::from_static(json.as_bytes())).unwrap()
    }

    #[test]
    fn hidden_tools_are_removed_from_lists_and_the_rest_stays_unchanged() {
        let list = message(
            r#"{"jsonrpc":"2.0","id":1,"result":{"a": 1.0,"tools":[{"name":"deleteAll"}, {"name":"get", "x":[1e2]},{"name":"\u0064elete"}],"nextCursor":"c"},"extra":20000000000000000001}"#,
        );
        assert_eq!(
            shown(&filter(), list).bytes,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":1.0,"tools":[{"name":"get", "x":[1e2]}],"nextCursor":"c"},"extra":20000000000000000001}"#
        );
    }

    #[test]
    fn lists_without_hidden_tools_and_other_results_stay_unchanged() {
        for json in [
            r#"{"jsonrpc": "2.0", "id":1,"result":{"tools":[ {"name":"get"}]}}"#,
            r#"{"jsonrpc": "2.0", "id":1,"result":{"content":[]}}"#,
            r#"{"jsonrpc": "2.0", "id":1,"error":{"code":1,"message":"x"}}"#,
        ] {
            assert_eq!(shown(&filter(), message(json)).bytes, json);
        }
    }

    #[test]
    fn a_call_of_a_hidden_tool_is_refused_by_name() {
        let call = message(
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"deleteAll"}}"#,
        );
        let id = Id::from_json("7").unwrap();
        let answer = refusal(&filter(), &call, &id, "tools/call").unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&7.into(), &(-32602).into())
        );
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("deleteAll")
        );
        let other =
            message(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get"}}"#);
        assert!(refusal(&filter(), &other, &id, "tools/call").is_none());
        assert!(refusal(&ToolFilter::default(), &call, &id, "tools/call").is_none());
    }

    #[test]
    fn a_call_with_an_unreadable_tool_name_is_refused() {
        let id = Id::from_json("7").unwrap();
        for params in [
            r#","params":{"name":"get","name":"deleteAll"}"#,
            r#","params":{"name":"get","\u006eame":"deleteAll"}"#,
            r#","params":{"name":["deleteAll"]}"#,
            r#","params":{}"#,
            "",
        ] {
            let call = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call"{params}}}"#);
            let call = Message::parse(Bytes::from(call)).unwrap();
            assert!(
                refusal(&filter(), &call, &id, "tools/call").is_some(),
                "{params}"
            );
            assert!(
                refusal(&ToolFilter::default(), &call, &id, "tools/call").is_none(),
                "{params}"
            );
        }
    }
}
