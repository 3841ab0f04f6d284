//! First level of a JSON object that is too long to be kept.

/// Longest id or name that is kept, in bytes. Clients count, or use UUIDs.
const MAX_MEMBER: usize = 256;

/// Id of a JSON-RPC message and whether it has a method, read as its bytes pass.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// JSON of the id.
    pub(crate) id: Option<String>,
    pub(crate) has_method: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Bytes since the last structural character of the first level.
    token: Vec<u8>,
    name: Vec<u8>,
}

impl Members {
    /// Reads the next bytes.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
                if self.depth == 1 {
                    self.token.clear();
                }
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_of_member();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b',' if self.depth == 1 => self.end_of_member(),
            b':' if self.depth == 1 => self.name = std::mem::take(&mut self.token),
            byte if byte.is_ascii_whitespace() => {}
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.token.len() < MAX_MEMBER {
            self.token.push(byte);
        }
    }

    fn end_of_member(&mut self) {
        let value = std::mem::take(&mut self.token);
        match self.name.as_slice() {
            b"\"id\"" => self.id = String::from_utf8(value).ok(),
            b"\"method\"" => self.has_method = true,
            _ => {}
        }
        self.name.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_method_are_found_in_any_order_and_division() {
        let json = br#"{"params":{"id":3,"method":"no","a":"}\","},"method":"tools/call", "id" : "a\"b" }"#;
        for cut in 0..json.len() {
            let (first, second) = json.split_at(cut);
            let mut members = Members::default();
            members.read(first);
            members.read(second);
            assert_eq!(members.id.as_deref(), Some(r#""a\"b""#));
            assert!(members.has_method);
        }
    }

    #[test]
    fn id_and_method_of_nested_objects_are_ignored() {
        let mut members = Members::default();
        members.read(br#"{"result":{"id":1,"method":"m"}}"#);
        assert_eq!(members.id, None);
        assert!(!members.has_method);
    }
}
