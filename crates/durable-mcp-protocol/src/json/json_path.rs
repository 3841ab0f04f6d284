//! Paths of faulty values in a JSON text.

/// The path of the value in which a fault was met: `page.limit`, `items[2]`, or nothing for the whole text. `line` and
/// `column` are those of a `serde_json` error.
///
/// Tracking the path while reading would have every type read by twice the code; a fault is rare, so the text is gone
/// through again instead.
pub(crate) fn path_at(json: &str, line: usize, column: usize) -> String {
    let line_start = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let mut frames: Vec<Frame> = Vec::new();
    let mut bytes = json.bytes().take(line_start + column);
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => frames.push(Frame::Object {
                key: Vec::new(),
                in_value: false,
            }),
            b'[' => frames.push(Frame::Array(0)),
            b'}' | b']' => drop(frames.pop()),
            b'"' => {
                let text = string(&mut bytes);
                if let Some(frame) = frames.last_mut() {
                    frame.name(text);
                }
            }
            _ => {
                if let Some(frame) = frames.last_mut() {
                    frame.pass(byte);
                }
            }
        }
    }
    let mut path = String::new();
    for frame in frames {
        frame.add_to(&mut path);
    }
    path
}

enum Frame {
    Object { key: Vec<u8>, in_value: bool },
    Array(usize),
}

impl Frame {
    /// Goes on behind a colon to the value, or behind a comma to the next member or element.
    fn pass(&mut self, byte: u8) {
        match (byte, self) {
            (b':', Self::Object { in_value, .. }) => *in_value = true,
            (b',', Self::Object { key, in_value }) => {
                key.clear();
                *in_value = false;
            }
            (b',', Self::Array(index)) => *index += 1,
            _ => {}
        }
    }

    /// Takes a string that stands where a key does.
    fn name(&mut self, text: Vec<u8>) {
        if let Self::Object {
            key,
            in_value: false,
        } = self
        {
            *key = text;
        }
    }

    fn add_to(self, path: &mut String) {
        match self {
            Self::Array(index) => path.extend(["[", &index.to_string(), "]"]),
            Self::Object {
                in_value: false, ..
            } => {}
            Self::Object { key, .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&String::from_utf8_lossy(&key));
            }
        }
    }
}

/// The rest of a string, its escapes as they stand.
fn string(bytes: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => text.extend([byte].into_iter().chain(bytes.next())),
            _ => text.push(byte),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use durable_mcp_allocations::allocated;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only faults are looked at")]
    struct Outer {
        a: f64,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only faults are looked at")]
    struct Inner {
        b: u8,
    }

    #[test]
    fn a_fault_is_located_by_its_path() {
        for (json, path) in [
            (r#"{"a":"x","inner":[]}"#, "a"),
            (r#"{"inner":[],"a":true}"#, "a"),
            (r#"{"a":1,"inner":[{"b":1},{"b":-1}]}"#, "inner[1].b"),
            (
                "{\n  \"a\": 1,\n  \"inner\": [\n    {\"b\": 300}\n  ]\n}",
                "inner[0].b",
            ),
            (r#"{"a":1,"inner":[{"b":1},{"c":"]}\"{"}]}"#, "inner[1]"),
            (r#"{"a":1}"#, ""),
            (r#"[1,{"b":2}]"#, "[1]"),
            (r#"{"a\"b":1,"a":null}"#, "a"),
        ] {
            let error = serde_json::from_str::<Outer>(json).unwrap_err();
            assert_eq!(
                path_at(json, error.line(), error.column()),
                path,
                "{json}: {error}"
            );
        }
    }

    #[test]
    fn twice_as_deep_a_fault_is_found_in_about_twice_the_work() {
        let bytes = |depth: usize| {
            let json = "{\"inside\":".repeat(depth);
            let (allocated, path) = allocated(|| path_at(&json, 1, json.len()));
            assert_eq!(path.len(), "inside.".len() * depth - 1);
            allocated.total
        };
        // Buffers that grow by doubling are copied once more or less.
        assert!(bytes(2000) < 3 * bytes(1000));
    }
}
