//! Levels of logs: what requests ask for one by one, and sessions once (2025-11-25, Logging).

use std::rc::Rc;

use tokio::task::spawn_local;

use crate::bridge::Bridge;
use crate::log::log;
use crate::message::Message;
use crate::renewal::TIME_FOR_REQUEST;

/// Severity, by RFC 5424, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

const NAMES: [(Level, &str); 8] = [
    (Level::Debug, "debug"),
    (Level::Info, "info"),
    (Level::Notice, "notice"),
    (Level::Warning, "warning"),
    (Level::Error, "error"),
    (Level::Critical, "critical"),
    (Level::Alert, "alert"),
    (Level::Emergency, "emergency"),
];

impl Level {
    pub(super) fn parse(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, own)| *own == name)
            .map(|(level, _)| *level)
    }

    fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(level, _)| *level == self)
            .map_or("info", |(_, name)| name)
    }

    /// `logging/setLevel` with this level.
    fn request(self) -> Option<Message> {
        let name = self.name();
        let json = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"logging/setLevel","params":{{"level":"{name}"}}}}"#
        );
        Message::written(json).ok()
    }
}

impl Bridge {
    /// Sets the level of the session to the most verbose that a request in flight asks for. Where none asks, it is the least verbose
    /// that there is: sessions cannot turn logs off.
    pub(super) async fn adjust_level(self: &Rc<Self>) {
        if !self.has_logs() {
            return;
        }
        // Requests that need the same level wait until it is set.
        let mut present = self.stateless.level.lock().await;
        if self.session.borrow().level.is_none() {
            *present = None;
        }
        let wanted = match (self.stateless.calls.most_verbose(), *present) {
            (None, None) => return,
            (wanted, _) => wanted.unwrap_or(Level::Emergency),
        };
        if *present == Some(wanted) {
            return;
        }
        let is_needed = present.is_none_or(|present| wanted < present);
        let Some(request) = wanted.request() else {
            return;
        };
        *present = Some(wanted);
        self.session.borrow_mut().level = Some(request.clone());
        let bridge = Rc::clone(self);
        let told = async move { bridge.tell_level(&request).await };
        if is_needed {
            told.await;
        } else {
            spawn_local(told);
        }
    }

    /// Whether the server of the session has declared `logging`.
    fn has_logs(&self) -> bool {
        self.session
            .borrow()
            .initialized
            .as_ref()
            .is_some_and(|server| server.capabilities.contains_key("logging"))
    }

    /// Sends `logging/setLevel`. A failure is logged alone: a new session is told, too.
    async fn tell_level(self: &Rc<Self>, request: &Message) {
        let asking = self.ask(request);
        match self.remote.patience.within(TIME_FOR_REQUEST, asking).await {
            Some(Ok(_)) => {}
            Some(Err(trouble)) => log(&trouble.error().1),
            None => log("the server has no answer to logging/setLevel"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_by_their_severity() {
        assert!(Level::parse("debug") < Level::parse("info"));
        assert!(Level::parse("alert") < Level::parse("emergency"));
        assert_eq!(Level::parse("Info"), None);
        assert_eq!(Level::Notice.name(), "notice");
    }
}
