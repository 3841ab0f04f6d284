//! Clients of 2026-07-28 before servers of that version: bodies pass as they are, with the headers that repeat them.

use std::rc::Rc;

use super::headers::{headers, is_of_modern};
use super::rounds::is_mismatch;
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::json::Object;
use crate::message::Message;
use crate::tools;
use crate::trouble::Trouble;

impl Bridge {
    /// Sends a request. One of 2026-07-28 that is cancelled is dropped with its connection, which is how servers learn of it.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn exchange_passing(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let exchange = self.exchange_with_tools(call, message);
        if !self.is_passing() || !is_of_modern(message) {
            return exchange.await;
        }
        tokio::select! {
            biased;
            () = call.done.cancelled() => Ok(()),
            outcome = exchange => outcome,
        }
    }

    /// Sends a request. Where the headers of a call do not fit, the tools are listed for them, and the call is sent once more: what is
    /// refused so has not run.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    async fn exchange_with_tools(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let outcome = self.exchange_by_http(call, message).await;
        if call.method != "tools/call"
            || !self.is_passing()
            || !outcome.as_ref().is_err_and(is_mismatch)
        {
            return outcome;
        }
        let before = headers(message, &self.mirrored.borrow());
        let params = message.raw_params();
        let params = params.as_deref().and_then(Object::parse);
        let meta = params.as_ref().and_then(|params| params.get("_meta"));
        let learn = |page: &mut Object<'_>, is_first: bool| {
            self.learn(page, is_first);
        };
        // Without a list, the refusal stands.
        if Box::pin(self.list_tools(meta, learn)).await.is_err()
            || before == headers(message, &self.mirrored.borrow())
        {
            return outcome;
        }
        self.exchange_by_http(call, message).await
    }

    /// Response to `tools/list` without tools whose calls have headers that cannot be sent; the headers of the others are noted. All
    /// else of it stays byte for byte.
    pub(crate) fn with_callable_tools(&self, message: Message, is_first: bool) -> Message {
        if !self.is_passing() {
            return message;
        }
        let Some(result) = message.raw_result() else {
            return message;
        };
        let Some(mut page) = Object::parse(result.get()) else {
            return message;
        };
        if !self.learn(&mut page, is_first) {
            return message;
        }
        page.get("tools")
            .and_then(|kept| tools::with_list(&message, kept))
            .unwrap_or(message)
    }

    // Clients of earlier versions begin with a session, or are translated for.
    fn is_passing(&self) -> bool {
        self.era.borrow().is_none() && !self.session.borrow().is_open
    }
}
