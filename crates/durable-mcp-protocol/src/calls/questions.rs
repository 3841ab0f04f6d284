//! Requests of this server that wait for the client's answer.

use std::cell::{Cell, RefCell};

use futures_channel::oneshot;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorCode};
use crate::jsonrpc::{RequestId, Response};

/// The most questions that wait at once. Each holds a running call, so this is far above what a person can answer.
pub const MAX_QUESTIONS: usize = 64;

/// Number of ids of questions. Clients keep them in signed integers of 32 bits, and some take 0 for absent.
const ID_RANGE: u64 = 1 << 30;

/// The answer to a question: the JSON of its result, or the client's error.
pub type Outcome = Result<Box<RawValue>, Error>;

/// The questions of one session.
#[derive(Debug)]
pub struct Questions {
    next: Cell<u64>,
    waiting: RefCell<Vec<(RequestId, oneshot::Sender<Outcome>)>>,
    closed: Cell<bool>,
}

impl Questions {
    /// Ids count up from the milliseconds of `now`, so that a late answer to a question from before a restart is not taken
    /// for another's: they come again after twelve days, and no question waits so long.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self {
            next: Cell::new(now),
            waiting: RefCell::default(),
            closed: Cell::new(false),
        }
    }

    /// A new question's id, and the receiver of its answer.
    ///
    /// # Errors
    /// When [`MAX_QUESTIONS`] wait already, or the client is gone.
    pub fn ask(&self) -> Result<(RequestId, oneshot::Receiver<Outcome>), Error> {
        if self.closed.get() {
            return Err(Error::new(ErrorCode::REFUSED, "The client is gone."));
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MAX_QUESTIONS {
            return Err(Error::new(
                ErrorCode::REFUSED,
                "Too many questions wait for this client's answers.",
            ));
        }
        let number = self.next.get();
        self.next.set(number + 1);
        let id = RequestId::from_counter(number % ID_RANGE + 1);
        let (sender, receiver) = oneshot::channel();
        waiting.push((id.clone(), sender));
        Ok((id, receiver))
    }

    /// Delivers an answer to the call that asked. An answer to no open question is dropped: it may be late.
    pub fn settle(&self, response: Response) {
        let mut waiting = self.waiting.borrow_mut();
        let asked = waiting.iter().position(|(id, _)| {
            response
                .id
                .as_ref()
                .is_some_and(|given| id.is_given_as(given))
        });
        let Some((_, sender)) = asked.map(|at| waiting.swap_remove(at)) else {
            return;
        };
        // The call may have been dropped meanwhile.
        let _ = sender.send(response.outcome);
    }

    /// Ends the questions of a client that is gone: the receivers of those that wait are cancelled, and no more are asked.
    pub fn close(&self) {
        self.closed.set(true);
        self.waiting.borrow_mut().clear();
    }

    /// Drops a question whose answer is no longer awaited.
    pub fn forget(&self, id: &RequestId) {
        self.waiting.borrow_mut().retain(|(other, _)| other != id);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::jsonrpc::{self, Body, Message};

    /// In milliseconds since 1970, as the runtime's clock has it: 13 digits.
    const NOW: u64 = 1_796_000_000_000;

    fn answer(questions: &Questions, id: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        let Ok(Body::Single(Message::Response(response))) = jsonrpc::parse(&text) else {
            panic!("{text}")
        };
        questions.settle(response);
    }

    #[test]
    fn question_ids_are_positive_32_bit_integers() {
        for now in [0, NOW, ID_RANGE - 1, ID_RANGE, u64::from(u32::MAX)] {
            let questions = Questions::new(now);
            let mut last = None;
            for _ in 0..3 {
                let (id, _) = questions.ask().unwrap();
                let number: i32 = id.as_json().parse().unwrap();
                assert!(number > 0 && Some(number) != last, "{now}");
                last = Some(number);
            }
        }
    }

    #[test]
    fn closed_questions_neither_wait_nor_begin() {
        let questions = Questions::new(NOW);
        let (_, receiver) = questions.ask().unwrap();
        questions.close();
        assert!(matches!(receiver.now_or_never(), Some(Err(_))));
        assert_eq!(questions.ask().unwrap_err().code, ErrorCode::REFUSED);
    }

    #[test]
    fn an_answer_matches_although_its_id_returns_as_a_string() {
        let questions = Questions::new(NOW);
        for quote in ["", "\""] {
            let (id, receiver) = questions.ask().unwrap();
            for wrong in [
                format!("\"{}0\"", id.as_json()),
                format!("\" {}\"", id.as_json()),
                "\"\"".to_owned(),
            ] {
                answer(&questions, &wrong);
            }
            assert_eq!(questions.waiting.borrow().len(), 1);
            answer(&questions, &format!("{quote}{}{quote}", id.as_json()));
            assert!(
                matches!(receiver.now_or_never(), Some(Ok(Ok(_)))),
                "{quote}"
            );
        }
    }
}
