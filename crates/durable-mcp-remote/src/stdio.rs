//! Lines of stdin and stdout.
//!
//! Each has a thread of its own: reads and writes of them block on some systems whatever one asks for, so the program ends by
//! `exit`, without waiting for them.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use crate::log::{self, Direction, Record};
use crate::members::Members;

/// Lines of the client that wait for the bridge. More than that stay in the pipe.
const LINES_WAITING: usize = 64;
/// Messages that wait for the client to read them.
const MESSAGES_WAITING: usize = 64;
/// Bytes of waiting messages. One larger message waits alone.
const BYTES_WAITING: u32 = 8 << 20;
const READ_BYTES: usize = 64 << 10;

/// Line of the client.
#[derive(Debug)]
pub(crate) enum Line {
    Whole(Bytes),
    /// Longer than the limit: what its first level says about it.
    TooLong(Members),
}

/// Reads lines of stdin until its end, where the channel closes.
///
/// # Errors
///
/// Those of starting a thread.
pub(crate) fn read_lines(max_message: usize) -> io::Result<mpsc::Receiver<Line>> {
    let (sender, receiver) = mpsc::channel(LINES_WAITING);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut stdin = io::BufReader::with_capacity(READ_BYTES, io::stdin());
        // Someone reads them, or the process ends.
        while let Ok(Some(line)) = next_line(&mut stdin, max_message) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// Next line that is not empty, without its end and a byte order mark; `None` at the end of the input.
fn next_line(input: &mut impl BufRead, max_message: usize) -> io::Result<Option<Line>> {
    loop {
        let mut line = Vec::new();
        let mut too_long: Option<Members> = None;
        loop {
            let buffer = match input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if buffer.is_empty() {
                let last = too_long.map(Line::TooLong).or_else(|| whole(line));
                return Ok(last);
            }
            let end = memchr::memchr(b'\n', buffer);
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or(buffer);
            if let Some(members) = &mut too_long {
                members.read(part);
            } else {
                line.extend_from_slice(part);
                if line.len() > max_message {
                    let mut members = Members::default();
                    members.read(&line);
                    line = Vec::new();
                    too_long = Some(members);
                }
            }
            let used = end.map_or(buffer.len(), |end| end + 1);
            input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if let Some(line) = too_long.map(Line::TooLong).or_else(|| whole(line)) {
            return Ok(Some(line));
        }
    }
}

fn whole(line: Vec<u8>) -> Option<Line> {
    let line = Bytes::from(line);
    let text = line
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&line)
        .trim_ascii();
    (!text.is_empty()).then(|| Line::Whole(line.slice_ref(text)))
}

/// Messages to stdout, in their order.
#[derive(Clone)]
pub(crate) struct Output {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    closed: Arc<Notify>,
}

enum Queued {
    Message(Bytes, tokio::sync::OwnedSemaphorePermit),
    Flush(oneshot::Sender<()>),
}

impl Output {
    /// # Errors
    ///
    /// Those of starting a thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, mut receiver) = mpsc::channel(MESSAGES_WAITING);
        let closed = Arc::new(Notify::new());
        let gone = Arc::clone(&closed);
        thread::Builder::new()
            .name("stdout".into())
            .spawn(move || {
                // The client has gone: the bridge ends, and with it this thread.
                if write_all(&mut receiver, io::stdout().lock()).is_err() {
                    receiver.close();
                    gone.notify_one();
                }
            })?;
        Ok(Self {
            queue,
            room: Arc::new(Semaphore::new(BYTES_WAITING as usize)),
            closed,
        })
    }

    /// Writes a message, once the client has read enough of those before it.
    pub(crate) async fn write(&self, message: Bytes) {
        log::debug(|| Record::new(Direction::ToClient, &message));
        let size = u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .min(BYTES_WAITING);
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(size).await else {
            return;
        };
        // Fails only after stdout was closed, which ends the program.
        self.queue.send(Queued::Message(message, room)).await.ok();
    }

    /// Waits until all messages are written.
    pub(crate) async fn flush(&self) {
        let (sender, written) = oneshot::channel();
        if self.queue.send(Queued::Flush(sender)).await.is_ok() {
            written.await.ok();
        }
    }

    /// Waits until the client no longer reads.
    pub(crate) async fn closed(&self) {
        self.closed.notified().await;
    }
}

fn write_all(messages: &mut mpsc::Receiver<Queued>, stdout: impl Write) -> io::Result<()> {
    let mut stdout = io::BufWriter::with_capacity(READ_BYTES, stdout);
    while let Some(queued) = messages.blocking_recv() {
        match queued {
            Queued::Message(message, _room) => {
                stdout.write_all(&message)?;
                stdout.write_all(b"\n")?;
                if messages.is_empty() {
                    stdout.flush()?;
                }
            }
            Queued::Flush(done) => {
                stdout.flush()?;
                // Fails only if the waiting task has ended.
                done.send(()).ok();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8], max_message: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input, max_message).unwrap() {
            lines.push(match line {
                Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Line::TooLong(members) => format!("{:?}", members.id),
            });
        }
        lines
    }

    #[test]
    fn line_ends_empty_lines_and_a_byte_order_mark_are_removed() {
        assert_eq!(
            lines(b"\xef\xbb\xbf{}\r\n\r\n \n[]\nlast", 64),
            ["{}", "[]", "last"]
        );
    }

    #[test]
    fn an_overlong_line_yields_its_id_and_the_next_line_is_read() {
        let long = br#"{"params":{"id":1,"text":"0123456789"},"id":7}
{}"#;
        assert_eq!(lines(long, 8), ["Some(\"7\")", "{}"]);
    }
}
