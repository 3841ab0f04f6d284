//! Content blocks, which tools and prompts return (2025-11-25, Tools, "Tool Result").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::version::ProtocolVersion;

/// A content block.
///
/// ```
/// use durable_mcp_protocol::Content;
/// let blocks = [Content::text("A red pixel:"), Content::image("image/png", b"\x89PNG...")];
/// # assert_eq!(blocks.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Plain text.
    Text {
        /// The text.
        text: String,
        /// Audience and importance of the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        annotations: Option<Annotations>,
    },
    /// A picture.
    Image {
        /// Base64 of the file.
        data: String,
        /// Media type of the file, such as `image/png`.
        #[serde(rename = "mimeType")]
        mime_type: String,
        /// Audience and importance of the picture.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        annotations: Option<Annotations>,
    },
    /// Sound, since 2025-03-26.
    Audio {
        /// Base64 of the file.
        data: String,
        /// Media type of the file, such as `audio/wav`.
        #[serde(rename = "mimeType")]
        mime_type: String,
        /// Audience and importance of the sound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        annotations: Option<Annotations>,
    },
    /// A resource with its contents.
    Resource {
        /// The resource's URI and contents.
        resource: ResourceContents,
        /// Audience and importance of the resource.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        annotations: Option<Annotations>,
    },
    /// A resource that the client may read, since 2025-06-18.
    ResourceLink(ResourceLink),
}

impl Content {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            annotations: None,
        }
    }

    /// A picture, from the bytes of its file.
    pub fn image(mime_type: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::Image {
            data: STANDARD.encode(bytes),
            mime_type: mime_type.into(),
            annotations: None,
        }
    }

    /// Sound, from the bytes of its file. A 2024-11-05 client gets it as a resource.
    pub fn audio(mime_type: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::Audio {
            data: STANDARD.encode(bytes),
            mime_type: mime_type.into(),
            annotations: None,
        }
    }

    /// A resource with its contents.
    #[must_use]
    pub fn resource(resource: ResourceContents) -> Self {
        Self::Resource {
            resource,
            annotations: None,
        }
    }

    /// A resource to be read. Clients older than 2025-06-18 get its name and URI as text.
    #[must_use]
    pub fn link(link: ResourceLink) -> Self {
        Self::ResourceLink(link)
    }

    /// The same block with annotations; a link keeps its own.
    #[must_use]
    pub fn annotated(mut self, given: Annotations) -> Self {
        match &mut self {
            Self::Text { annotations, .. }
            | Self::Image { annotations, .. }
            | Self::Audio { annotations, .. }
            | Self::Resource { annotations, .. } => *annotations = Some(given),
            Self::ResourceLink(link) => link.annotations = Some(given),
        }
        self
    }

    /// Makes the block one that a client of that version can read.
    pub(crate) fn fit(&mut self, version: ProtocolVersion) {
        match self {
            Self::ResourceLink(link) if version < ProtocolVersion::V2025_06_18 => {
                *self = Self::text(format!(
                    "{}: {}",
                    link.title.as_ref().unwrap_or(&link.name),
                    link.uri
                ));
            }
            Self::Audio {
                data,
                mime_type,
                annotations,
            } if version < ProtocolVersion::V2025_03_26 => {
                let (blob, mime_type) = (std::mem::take(data), Some(std::mem::take(mime_type)));
                let resource = ResourceContents::Blob {
                    uri: "audio:".to_owned(),
                    mime_type,
                    blob,
                    meta: None,
                };
                *self = Self::Resource {
                    resource,
                    annotations: annotations.take(),
                };
            }
            _ => {}
        }
    }
}

/// A link to a resource.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceLink {
    /// URI of the resource.
    pub uri: String,
    /// Name of the resource.
    pub name: String,
    /// Name of the resource for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media type of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Size of the resource in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Audience and importance of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
}

/// Contents of a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ResourceContents {
    /// Text.
    Text {
        /// The resource's URI.
        uri: String,
        /// The text's media type.
        #[serde(rename = "mimeType", default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// The text.
        text: String,
        /// The `_meta` object of these contents.
        #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
        meta: Option<Value>,
    },
    /// A binary file, as base64.
    Blob {
        /// The resource's URI.
        uri: String,
        /// The file's media type.
        #[serde(rename = "mimeType", default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// Base64 of the file.
        blob: String,
        /// The `_meta` object of these contents.
        #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
        meta: Option<Value>,
    },
}

impl ResourceContents {
    /// A text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text {
            uri: uri.into(),
            mime_type: None,
            text: text.into(),
            meta: None,
        }
    }

    /// A file of bytes.
    pub fn bytes(uri: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::Blob {
            uri: uri.into(),
            mime_type: None,
            blob: STANDARD.encode(bytes),
            meta: None,
        }
    }

    /// Sets the `_meta` object.
    #[must_use]
    pub fn meta(mut self, given: Value) -> Self {
        match &mut self {
            Self::Text { meta, .. } | Self::Blob { meta, .. } => *meta = Some(given),
        }
        self
    }

    /// Sets the media type.
    #[must_use]
    pub fn mime_type(mut self, given: impl Into<String>) -> Self {
        match &mut self {
            Self::Text { mime_type, .. } | Self::Blob { mime_type, .. } => {
                *mime_type = Some(given.into());
            }
        }
        self
    }
}

/// Hints for the client about a block or resource (2025-11-25, Resources, "Annotations").
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Intended audience: the person, the model, or both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Role>,
    /// From 0, of no importance, to 1, needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<f64>,
    /// Time of the last change, by ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// Sender or recipient of a message: the person or the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A picture that stands for a server, tool, resource or prompt, since 2025-11-25.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// An `https:` or `data:` URL.
    pub src: String,
    /// Media type of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// `48x48` and the like, or `any`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<String>,
}

impl Icon {
    /// The icon at that URL.
    pub fn new(src: impl Into<String>) -> Self {
        Self {
            src: src.into(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(content: &Content) -> serde_json::Value {
        serde_json::to_value(content).unwrap()
    }

    #[test]
    fn content_blocks_have_the_shapes_of_the_specification() {
        let link = ResourceLink {
            uri: "file:///a".into(),
            name: "a".into(),
            ..ResourceLink::default()
        };
        for (content, expected) in [
            (
                Content::text("hi"),
                serde_json::json!({"type": "text", "text": "hi"}),
            ),
            (
                Content::image("image/png", [1, 2]),
                serde_json::json!({"type": "image", "data": "AQI=", "mimeType": "image/png"}),
            ),
            (
                Content::audio("audio/wav", [1, 2]),
                serde_json::json!({"type": "audio", "data": "AQI=", "mimeType": "audio/wav"}),
            ),
            (
                Content::resource(ResourceContents::text("a:b", "x").mime_type("text/plain")),
                serde_json::json!({"type": "resource", "resource": {"uri": "a:b", "mimeType": "text/plain", "text": "x"}}),
            ),
            (
                Content::link(link),
                serde_json::json!({"type": "resource_link", "uri": "file:///a", "name": "a"}),
            ),
        ] {
            assert_eq!(json(&content), expected);
            assert_eq!(
                serde_json::from_value::<Content>(expected).unwrap(),
                content
            );
        }
    }

    #[test]
    fn content_blocks_are_converted_for_older_versions() {
        let link = ResourceLink {
            uri: "file:///a".into(),
            name: "a".into(),
            ..ResourceLink::default()
        };
        let link = Content::link(link);
        let fitted = |mut content: Content, version| {
            content.fit(version);
            content
        };
        assert_eq!(fitted(link.clone(), ProtocolVersion::V2025_06_18), link);
        assert_eq!(
            fitted(link, ProtocolVersion::V2025_03_26),
            Content::text("a: file:///a")
        );
        let audio = Content::audio("audio/wav", [1]);
        assert_eq!(fitted(audio.clone(), ProtocolVersion::V2025_03_26), audio);
        assert_eq!(
            json(&fitted(audio, ProtocolVersion::V2024_11_05))["resource"]["blob"],
            "AQ=="
        );
    }
}
