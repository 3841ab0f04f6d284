//! Request in flight at a server with sessions, for one request of the client after another: the first, and those that bring answers to
//! questions.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::capabilities::admit;
use super::level::Level;
use crate::calls::Call;
use crate::message::{Id, Message};
use crate::silence::{OpenQuestion, Silence};
use crate::trouble::Trouble;

/// Questions of one request that are not with the client yet. A server that has more does not wait for answers.
pub(super) const MAX_QUESTIONS: usize = 64;
/// Methods that may be answered with questions (2026-07-28, Multi Round-Trip Requests).
const ASKING: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// Request in flight at the server.
pub(super) struct ServerCall {
    pub(super) id: Id,
    pub(super) method: String,
    /// Name or URI of what it is about.
    pub(super) target: Option<String>,
    /// Whether it asks for a page behind the first one.
    pub(super) is_page: bool,
    /// Progress token that the server was given.
    token: Option<Id>,
    /// Capabilities that the client's last request for it declared.
    capabilities: RefCell<Map<String, Value>>,
    /// The client's request that waits; `None` while its questions are with the client.
    waiting: RefCell<Option<Waiting>>,
    /// Silences that its questions explain: its own, and that of the stream which they may have come on.
    silences: [Arc<Silence>; 2],
    /// Its questions, while they are with the client.
    asking: RefCell<Vec<OpenQuestion>>,
    questions: RefCell<Vec<Question>>,
    /// Numbers the keys of questions.
    asked: Cell<u64>,
    outcome: RefCell<Option<Result<Message, Trouble>>>,
    /// Whether the server has answered, and waits for another call after its questions.
    is_over: Cell<bool>,
    /// Told of each question and of the outcome.
    pub(super) changed: Notify,
}

/// Request of the client that waits for a server's.
pub(super) struct Waiting {
    pub(super) capabilities: Map<String, Value>,
    pub(super) level: Option<Level>,
    pub(super) token: Option<Id>,
}

/// Request of the server that a client answers.
pub(super) struct Question {
    /// Key of the question and of its answer.
    pub(super) key: String,
    /// Id that the server knows it by; `None` if it does not wait for the answer.
    pub(super) id: Option<Id>,
    pub(super) method: String,
    /// JSON of its params.
    pub(super) params: Option<String>,
    /// Generation of the session that waits for the answer.
    pub(super) generation: u64,
    /// True if it came with the answer to a call. Any other may be of another call than the one that it was put to.
    pub(super) is_tied: bool,
    _room: Option<OwnedSemaphorePermit>,
}

impl Question {
    pub(super) fn new(id: Option<Id>, method: &str, params: Option<String>) -> Self {
        Self {
            key: String::new(),
            id,
            method: method.to_owned(),
            params,
            generation: 0,
            is_tied: true,
            _room: None,
        }
    }

    /// Bytes that it takes until it is answered.
    pub(super) fn size(&self) -> usize {
        self.params.as_ref().map_or(0, String::len)
    }

    /// Question with the room that it takes. `is_tied` says that it came with the answer to a call.
    pub(super) fn in_room(self, room: OwnedSemaphorePermit, is_tied: bool) -> Self {
        Self {
            is_tied,
            _room: Some(room),
            ..self
        }
    }

    /// Notes the session that waits for the answer, by its generation.
    pub(super) fn of_session(self, generation: u64) -> Self {
        Self { generation, ..self }
    }
}

impl ServerCall {
    pub(super) fn new(
        own: &Call,
        stream: &Arc<Silence>,
        target: Option<String>,
        is_page: bool,
        waiting: Waiting,
    ) -> Self {
        Self {
            id: own.id.clone(),
            method: own.method.clone(),
            target,
            is_page,
            token: waiting.token.clone(),
            capabilities: RefCell::new(waiting.capabilities.clone()),
            waiting: RefCell::new(Some(waiting)),
            silences: [Arc::clone(&own.silence), Arc::clone(stream)],
            asking: RefCell::default(),
            questions: RefCell::default(),
            asked: Cell::default(),
            outcome: RefCell::default(),
            is_over: Cell::default(),
            changed: Notify::new(),
        }
    }

    /// Level of logs that the present request asks for.
    pub(super) fn level(&self) -> Option<Level> {
        self.waiting.borrow().as_ref()?.level
    }

    /// Progress token that the server was given.
    pub(super) fn given_token(&self) -> Option<&Id> {
        self.token.as_ref()
    }

    /// Progress token of the present request.
    pub(super) fn present_token(&self) -> Option<Id> {
        self.waiting.borrow().as_ref()?.token.clone()
    }

    /// Whether a request of the client waits for it.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting.borrow().is_some()
    }

    /// Whether its client can be asked this.
    pub(super) fn can_ask(&self, question: &Question) -> bool {
        !self.has_outcome()
            && ASKING.contains(&self.method.as_str())
            && self.questions.borrow().len() < MAX_QUESTIONS
            && admit(
                &self.capabilities.borrow(),
                &question.method,
                question.params.as_deref().unwrap_or("{}"),
            )
    }

    /// Order in which calls are asked what is of none of them: those whose client waits, and those that were not asked yet.
    pub(super) fn readiness(&self) -> (bool, bool) {
        (self.has_waiting(), self.asked.get() == 0)
    }

    /// Puts a question to the client.
    pub(super) fn ask(&self, question: Question) {
        self.put(question);
        self.changed.notify_one();
    }

    /// Takes back a question that the client has not seen.
    pub(super) fn withdraw(&self, id: &Id) {
        self.questions
            .borrow_mut()
            .retain(|question| question.id.as_ref() != Some(id));
    }

    /// Takes the questions that another call may wait for.
    pub(super) fn leave_untied(&self) -> Vec<Question> {
        let mut questions = self.questions.take();
        questions.retain(|question| !question.is_tied);
        questions
    }

    /// Notes the outcome.
    pub(super) fn finish(&self, outcome: Result<Message, Trouble>) {
        self.outcome.replace(Some(outcome));
        self.changed.notify_one();
    }

    /// Bytes of the outcome that waits.
    pub(super) fn outcome_bytes(&self) -> usize {
        self.outcome.borrow().as_ref().map_or(0, size)
    }

    fn put(&self, question: Question) {
        let number = self.asked.get() + 1;
        self.asked.set(number);
        self.questions.borrow_mut().push(Question {
            key: format!("question-{number}"),
            ..question
        });
    }

    /// Has the client open pages before it calls again, if it can: these are the params of their questions.
    pub(super) fn put_pages(&self, pages: Vec<String>) -> bool {
        let capabilities = self.capabilities.borrow();
        if pages.is_empty()
            || pages.len() > MAX_QUESTIONS
            || !pages
                .iter()
                .all(|params| admit(&capabilities, "elicitation/create", params))
        {
            return false;
        }
        self.is_over.set(true);
        for params in pages {
            self.put(Question::new(None, "elicitation/create", Some(params)));
        }
        true
    }

    pub(super) fn has_questions(&self) -> bool {
        !self.questions.borrow().is_empty()
    }

    /// Whether the server has answered, so that it has to be called again.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    pub(super) fn has_outcome(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    pub(super) fn take_outcome(&self) -> Option<Result<Message, Trouble>> {
        self.outcome.take()
    }

    /// Takes the questions to put them to the client, whose request is answered with them.
    pub(super) fn take_questions(&self) -> Vec<Question> {
        let questions = self.questions.take();
        if !questions.is_empty() {
            self.waiting.take();
            let asking = self.silences.iter().map(Silence::question);
            self.asking.replace(asking.collect());
        }
        questions
    }

    /// Goes on for another request of the client.
    pub(super) fn resume(&self, waiting: Waiting) {
        self.capabilities.replace(waiting.capabilities.clone());
        self.waiting.replace(Some(waiting));
        self.asking.take();
    }

    /// Takes back questions that have no answer yet, before those that came meanwhile.
    pub(super) fn put_again(&self, mut unanswered: Vec<Question>) {
        let mut questions = self.questions.borrow_mut();
        unanswered.append(&mut questions);
        *questions = unanswered;
    }
}

/// Bytes of an outcome.
pub(super) fn size(outcome: &Result<Message, Trouble>) -> usize {
    outcome.as_ref().map_or(0, |message| message.bytes.len())
}
