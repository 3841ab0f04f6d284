//! The specification's own examples, read by the types that this library has for them, and written as they were.
//!
//! They are not part of this repository: `MCP_SPECIFICATION` names a checkout of
//! <https://github.com/modelcontextprotocol/modelcontextprotocol>.

use std::fs;
use std::path::PathBuf;

use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::content::{Content, Icon, ResourceContents, ResourceLink};
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::jsonrpc::{self, Body, Message};
use durable_mcp_protocol::request_meta::RequestMeta;
use durable_mcp_protocol::sampling::{Root, Sampled, SamplingMessage};
use durable_mcp_worker::transport::lifecycle::{Lifecycle, classify};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::json;

const VERSION: &str = "2026-07-28";

/// The examples of each type, by its name; none without a checkout.
fn examples() -> Option<Vec<(String, PathBuf, Value)>> {
    let Some(root) = std::env::var_os("MCP_SPECIFICATION") else {
        println!("skipped: MCP_SPECIFICATION names no checkout of the specification");
        return None;
    };
    let folder = PathBuf::from(root)
        .join("schema")
        .join(VERSION)
        .join("examples");
    let mut found = Vec::new();
    for kind in
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let kind = kind.unwrap();
        for file in fs::read_dir(kind.path()).unwrap() {
            let path = file.unwrap().path();
            let example = json::value(&fs::read_to_string(&path).unwrap());
            found.push((kind.file_name().into_string().unwrap(), path, example));
        }
    }
    assert!(found.len() > 100, "only {} examples", found.len());
    Some(found)
}

fn written<T: DeserializeOwned + Serialize>(example: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(example.clone()).unwrap()).unwrap()
}

fn request(example: &Value) -> (jsonrpc::Request, RequestMeta) {
    match classify(Some(VERSION), &example.to_string()) {
        Ok(Lifecycle::Stateless(request, envelope)) => (request, envelope),
        other => panic!("{other:?}"),
    }
}

/// An example as this library writes it again; none if it is of something that this library only writes or never sees.
fn again(kind: &str, example: &Value) -> Option<Value> {
    Some(match kind {
        "TextContent" | "ImageContent" | "AudioContent" | "EmbeddedResource" => {
            written::<Content>(example)
        }
        "ResourceLink" => {
            assert_eq!(written::<Content>(example), *example);
            let mut link = example.clone();
            link.as_object_mut()?.remove("type");
            let mut again = written::<ResourceLink>(&link);
            again
                .as_object_mut()?
                .insert("type".to_owned(), json!("resource_link"));
            again
        }
        "TextResourceContents" | "BlobResourceContents" => written::<ResourceContents>(example),
        "SamplingMessage" => written::<SamplingMessage>(example),
        "Icon" => written::<Icon>(example),
        "CreateMessageResult" => {
            let Sampled {
                role,
                content,
                model,
                stop_reason,
            } = serde_json::from_value(example.clone()).unwrap();
            json!({ "role": role, "content": content, "model": model, "stopReason": stop_reason })
        }
        "Root" => {
            let Root { uri, name } = serde_json::from_value(example.clone()).unwrap();
            json!({ "uri": uri, "name": name })
        }
        "ListRootsResult" => {
            let roots: Vec<Root> = serde_json::from_value(example["roots"].clone()).unwrap();
            assert_eq!(roots.len(), example["roots"].as_array()?.len());
            example.clone()
        }
        kind if kind.ends_with("Error") => {
            let error = example.get("error").unwrap_or(example);
            let read = Error::parse(&error.to_string()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), *error);
            example.clone()
        }
        "CreateMessageRequest" | "ElicitRequest" | "ListRootsRequest" => return None,
        kind if kind.ends_with("Request") => {
            let (request, envelope) = request(example);
            let declared =
                &example["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
            assert!(
                is_within(&envelope.capabilities.to_json(), declared),
                "{declared}"
            );
            let (id, params) = (
                json::value(request.id.as_json()),
                json::value(&request.params.to_json()),
            );
            json!({ "jsonrpc": "2.0", "id": id, "method": request.method, "params": params })
        }
        "ClientCapabilities" => {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": VERSION,
                "io.modelcontextprotocol/clientCapabilities": example,
            });
            let (_, envelope) = request(
                &json!({ "jsonrpc": "2.0", "id": 1, "method": "m", "params": { "_meta": meta } }),
            );
            assert_ne!(
                envelope.capabilities,
                ClientCapabilities::default(),
                "{example}"
            );
            assert!(
                is_within(&envelope.capabilities.to_json(), example),
                "{example}"
            );
            example.clone()
        }
        "CancelledNotification" => match jsonrpc::parse(&example.to_string()).unwrap() {
            Body::Single(Message::Notification(read)) => {
                let params = json::value(&read.params.to_json());
                json!({ "jsonrpc": "2.0", "method": read.method, "params": params })
            }
            other => panic!("{other:?}"),
        },
        _ => return None,
    })
}

/// Checks that `whole` has every member of `part`. An elicitation mode that an empty object declares may be missing there.
fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
            whole.get(name).is_some_and(|other| is_within(value, other))
                || (name == "form" && whole.is_empty())
        }),
        _ => part == whole,
    }
}

#[test]
fn examples_of_the_specification_survive_reading_and_writing() {
    let Some(examples) = examples() else { return };
    let mut seen = 0;
    for (kind, path, example) in examples {
        if let Some(again) = again(&kind, &example) {
            assert_eq!(again, example, "{}", path.display());
            seen += 1;
        }
    }
    assert!(
        seen > 40,
        "only {seen} examples are of types of this library"
    );
    println!("{seen} examples");
}
