//! The session's own stream, which a GET opens (Streamable HTTP, "Listening for Messages from the Server").

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::bridge::Bridge;
use crate::calls::Done;
use crate::log::log;
use crate::stream::Cursor;
use crate::transport::Transport;
use crate::trouble::Trouble;

/// Longest wait of the first messages for the head of the stream.
const TIME_FOR_HEAD: Duration = Duration::from_secs(1);

impl Bridge {
    /// Opens the stream of the present session, in place of that of the one before, and waits a moment for its head: what
    /// a server asks during the first call goes to this stream, or nowhere if there is none yet.
    pub(crate) async fn listen(self: &Rc<Self>) {
        let modern = self.era.borrow().clone();
        if let Some(modern) = modern {
            return self.listen_modern(&modern);
        }
        // The stream of HTTP+SSE is open already.
        if self.transport.get() == Transport::Sse {
            return;
        }
        let (open, done) = Done::pair();
        let (answered, head) = oneshot::channel();
        let generation = {
            let mut session = self.session.borrow_mut();
            session.listening = Some(open);
            session.generation
        };
        let bridge = Rc::clone(self);
        spawn_local(async move {
            bridge
                .keep_listening(generation, &done, Some(answered))
                .await;
        });
        // Servers that send the head with the first event, much later, are not waited for.
        timeout(TIME_FOR_HEAD, head).await.ok();
    }

    async fn keep_listening(
        self: Rc<Self>,
        generation: u64,
        done: &Done,
        mut answered: Option<oneshot::Sender<()>>,
    ) {
        let mut cursor = Cursor::new();
        // After a sign-in that failed, it waits for that of another message.
        let mut is_quiet = false;
        loop {
            let response = tokio::select! {
                response = self.listen_from(&cursor, None, is_quiet) => response,
                () = done.done() => return,
            };
            drop(answered.take());
            match response {
                // Cut or ended: it is opened again.
                Ok(response) => {
                    is_quiet = false;
                    self.note_stream(generation);
                    drop(self.read(response, &mut cursor, done, None).await);
                }
                Err(Trouble::SignIn(reason)) => {
                    is_quiet = true;
                    log(&reason);
                }
                Err(trouble) => {
                    if self.is_without_stream(generation, &trouble).await {
                        return;
                    }
                }
            }
            pause(jittered(cursor.next_wait()), done).await;
            if done.is_done() {
                return;
            }
        }
    }

    /// Whether there is no stream to be opened again, as `trouble` tells.
    async fn is_without_stream(self: &Rc<Self>, generation: u64, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Refused(refusal) => matches!(refusal.status.as_u16(), 400 | 404..=406 | 501),
            Trouble::SessionLost(_) => {
                // A server without this stream may say so with the words for a lost session. A client that only listens notices
                // nothing otherwise.
                if self.session.borrow().has_stream
                    && let Err(trouble) = self.renew(generation).await
                {
                    log(&trouble.error().1);
                }
                true
            }
            Trouble::Barred(reason) => {
                log(reason);
                true
            }
            _ => false,
        }
    }

    fn note_stream(&self, generation: u64) {
        let mut session = self.session.borrow_mut();
        session.has_stream |= session.generation == generation;
    }
}

/// Waits, unless it is over before.
async fn pause(time: Duration, done: &Done) {
    tokio::select! {
        () = sleep(time) => {}
        () = done.done() => {}
    }
}

// Not all clients of a server that was restarted come back in the same moment.
fn jittered(wait: Duration) -> Duration {
    let part = getrandom::u32().unwrap_or_default() % 256;
    wait + wait * part / 1024
}
