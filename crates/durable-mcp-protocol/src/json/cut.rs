//! Texts from outside, cut to a length that an error message can bear.

use std::fmt;

/// A text from outside, cut to a length that an error message can bear.
pub struct Cut<'a>(pub &'a str);

/// The most characters of a caller's text in an error: room for a path and for a list of what is expected in place of what
/// was sent. A body has up to 4 MiB, and an error must not send it back.
pub(crate) const CUT_CHARS: usize = 500;

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(CUT_CHARS) {
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or_default()),
            None => f.write_str(self.0),
        }
    }
}

/// The text of a value, cut to `room` characters while it is written: a path may be told for each of very many faults,
/// and be as long as the body.
pub(crate) fn cut_text(value: &dyn fmt::Display, room: usize) -> String {
    let mut short = Short {
        text: String::new(),
        room,
    };
    match fmt::write(&mut short, format_args!("{value}")) {
        Ok(()) => short.text,
        Err(fmt::Error) => short.text + "…",
    }
}

/// A text that takes so many characters more, and fails with the one behind them.
struct Short {
    text: String,
    room: usize,
}

impl fmt::Write for Short {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let end = piece.char_indices().nth(self.room).map(|(end, _)| end);
        let taken = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        self.room -= taken.chars().count();
        self.text.push_str(taken);
        if end.is_some() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// A name from outside, quoted and cut to a length that an error message and a log line can bear.
pub struct Quoted<'a>(pub &'a str);

/// The most characters of a quoted name: as many as the name of a tool may have.
const QUOTED_CHARS: usize = 128;

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        let head: String = chars.by_ref().take(QUOTED_CHARS).collect();
        write!(f, "{head:?}")?;
        if chars.next().is_some() {
            f.write_str("…")
        } else {
            Ok(())
        }
    }
}
