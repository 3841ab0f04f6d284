//! Server-sent events (HTML, section 9.2.6), of bounded size.

use std::time::Duration;

use bytes::{Buf, Bytes};

/// Event of a stream, or a change of its id or retry time without data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Last event id, if this event set one.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Bytes,
    pub(crate) retry: Option<Duration>,
}

/// Stream that sends more than the limit without completing an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Parser of a stream.
#[derive(Debug)]
pub(crate) struct Parser {
    max: usize,
    chunk: Bytes,
    /// Beginning of the line that is not complete. Comments are not kept.
    line: Vec<u8>,
    /// Bytes since the last event, with comments.
    read: usize,
    after_carriage_return: bool,
    at_start: bool,
    event: Event,
    has_data: bool,
    /// Data of an event that has more than one line of it.
    joined: Vec<u8>,
}

impl Parser {
    /// Parser for a new stream whose events have at most `max` bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            chunk: Bytes::new(),
            line: Vec::new(),
            read: 0,
            after_carriage_return: false,
            at_start: true,
            event: Event::default(),
            has_data: false,
            joined: Vec::new(),
        }
    }

    /// Takes the next bytes, once [`Parser::next`] has nothing more of those before.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    /// Next event of the bytes so far.
    ///
    /// # Errors
    ///
    /// [`TooLong`], after which the stream is to be closed.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, TooLong> {
        loop {
            if self.after_carriage_return && !self.chunk.is_empty() {
                self.after_carriage_return = false;
                if self.chunk.first() == Some(&b'\n') {
                    self.chunk.advance(1);
                }
            }
            let end = memchr::memchr2(b'\n', b'\r', &self.chunk);
            let part = self.chunk.split_to(end.unwrap_or(self.chunk.len()));
            self.read += part.len();
            if self.read > self.max {
                return Err(TooLong);
            }
            if self.line.first() != Some(&b':') {
                self.line.extend_from_slice(&part);
            }
            if end.is_none() {
                return Ok(None);
            }
            self.after_carriage_return = self.chunk.first() == Some(&b'\r');
            self.chunk.advance(1);
            let line = std::mem::take(&mut self.line);
            if let Some(event) = self.line(line) {
                return Ok(Some(event));
            }
        }
    }

    fn line(&mut self, line: Vec<u8>) -> Option<Event> {
        let mut line = Bytes::from(line);
        if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line.advance(3);
        }
        if line.is_empty() {
            self.read = 0;
            let mut event = std::mem::take(&mut self.event);
            if !self.joined.is_empty() {
                event.data = std::mem::take(&mut self.joined).into();
            }
            let complete =
                std::mem::take(&mut self.has_data) || event.id.is_some() || event.retry.is_some();
            return complete.then_some(event);
        }
        let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
        let name = line.split_to(colon);
        if !line.is_empty() {
            line.advance(1);
        }
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        self.field(&name, line);
        None
    }

    fn field(&mut self, name: &[u8], value: Bytes) {
        match name {
            b"data" if self.has_data => {
                // Grows in place: an event of many short lines costs no copy of all before each.
                if self.joined.is_empty() {
                    self.joined = std::mem::take(&mut self.event.data).into();
                }
                self.joined.push(b'\n');
                self.joined.extend_from_slice(&value);
            }
            b"data" => {
                self.event.data = value;
                self.has_data = true;
            }
            b"event" => self.event.name = String::from_utf8_lossy(&value).into_owned(),
            b"id" if !value.contains(&0) => {
                self.event.id = Some(String::from_utf8_lossy(&value).into_owned());
            }
            b"retry" => {
                let digits = std::str::from_utf8(&value)
                    .ok()
                    .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                self.event.retry = digits
                    .and_then(|digits| digits.parse().ok())
                    .map(Duration::from_millis);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]], max: usize) -> Result<Vec<Event>, TooLong> {
        let mut parser = Parser::new(max);
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(Bytes::copy_from_slice(chunk));
            while let Some(event) = parser.next()? {
                events.push(event);
            }
        }
        Ok(events)
    }

    const STREAM: &str = "\u{feff}: hello\r\nid: 1\r\nretry: 250\r\n\r\nevent: message\rdata:{\rdata: }\r\r\n: beat\n\ndata\nid:2\n\ndata: cut";

    #[test]
    fn events_are_the_same_in_any_division_into_chunks() {
        let expected = vec![
            Event {
                id: Some("1".into()),
                retry: Some(Duration::from_millis(250)),
                ..Event::default()
            },
            Event {
                name: "message".into(),
                data: Bytes::from_static(b"{\n}"),
                ..Event::default()
            },
            Event {
                id: Some("2".into()),
                ..Event::default()
            },
        ];
        let bytes = STREAM.as_bytes();
        assert_eq!(events(&[bytes], 1000).unwrap(), expected);
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(
                events(&[first, second], 1000).unwrap(),
                expected,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_endless_line_and_endless_comments_are_refused_at_the_limit() {
        assert_eq!(events(&[b"data: 01", b"23456789"], 12), Err(TooLong));
        assert_eq!(events(&[b": 012345\n", b": 012345\n"], 12), Err(TooLong));
        assert_eq!(events(&[b": 012345\n\n", b": 012345\n\n"], 12), Ok(vec![]));
        assert_eq!(
            events(&[b"data: 0\n", b"data: 1\n\n"], 14).unwrap().len(),
            1
        );
    }

    #[test]
    fn an_event_of_many_short_lines_is_joined_in_place() {
        let lines = "data: a\n".repeat(500_000);
        let mut parser = Parser::new(8 << 20);
        parser.push(Bytes::from(lines));
        assert_eq!(parser.next(), Ok(None));
        assert!(
            parser.event.data.is_empty(),
            "the lines before are kept once"
        );
        parser.push(Bytes::from_static(b"data\n\ndata:\ndata:\n\ndata: b\n\n"));
        assert_eq!(
            parser.next().unwrap().unwrap().data,
            Bytes::from("a\n".repeat(500_000))
        );
        assert_eq!(
            parser.next().unwrap().unwrap().data,
            Bytes::from_static(b"\n")
        );
        assert_eq!(
            parser.next().unwrap().unwrap().data,
            Bytes::from_static(b"b")
        );
    }

    #[test]
    fn comments_are_not_stored() {
        let mut parser = Parser::new(1 << 20);
        parser.push(Bytes::from(vec![b':'; 1000]));
        assert_eq!(parser.next(), Ok(None));
        parser.push(Bytes::from(vec![b'x'; 1000]));
        assert_eq!(parser.next(), Ok(None));
        assert_eq!(
            parser.line.len(),
            1000,
            "only the chunk in which the comment began"
        );
    }
}
