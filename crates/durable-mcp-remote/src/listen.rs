//! The session's own stream, which a GET opens (Streamable HTTP, "Listening for Messages from the Server").

use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::bridge::Bridge;
use crate::calls::Done;
use crate::log::log;
use crate::stream::Cursor;
use crate::trouble::Trouble;

impl Bridge {
    /// Opens the stream of the present session, in place of that of the one before.
    pub(crate) fn listen(self: &Rc<Self>) {
        let (open, done) = Done::pair();
        let generation = {
            let mut session = self.session.borrow_mut();
            session.listening = Some(open);
            session.generation
        };
        let bridge = Rc::clone(self);
        spawn_local(async move { bridge.keep_listening(generation, &done).await });
    }

    async fn keep_listening(self: Rc<Self>, generation: u64, done: &Done) {
        let mut cursor = Cursor::new();
        loop {
            match self.listen_from(&cursor).await {
                // Cut or ended: it is opened again.
                Ok(response) => drop(self.read(response, &mut cursor, done, None).await),
                Err(Trouble::Refused(refusal)) if matches!(refusal.status.as_u16(), 400 | 404..=406 | 501) => return,
                Err(Trouble::SessionLost(_)) => {
                    // A client that only listens notices nothing otherwise.
                    if let Err(trouble) = self.renew(generation).await {
                        log(&trouble.error().1);
                    }
                    return;
                }
                Err(Trouble::SignIn(reason)) => return log(&reason),
                Err(_) => {}
            }
            tokio::select! {
                () = sleep(jittered(cursor.next_wait())) => {}
                () = done.done() => {}
            }
            if done.is_done() {
                return;
            }
        }
    }
}

// Not all clients of a server that was restarted come back in the same moment.
fn jittered(wait: Duration) -> Duration {
    let part = getrandom::u32().unwrap_or_default() % 256;
    wait + wait * part / 1024
}
