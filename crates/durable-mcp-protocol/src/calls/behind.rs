//! The run of a handler behind a layer: the layer asks for it, and what drives the layer performs it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::{Poll, Waker};

use serde_json::value::RawValue;

use crate::response::CallOutcome;

/// Facts of a call for its layers.
pub(crate) struct Subject {
    pub(crate) method: String,
    pub(crate) name: Option<String>,
    pub(crate) arguments: Option<Box<RawValue>>,
}

/// The run behind one layer: the layer asks for it, and what drives the layer performs it.
#[doc(hidden)]
pub struct Behind {
    pub(crate) subject: Rc<Subject>,
    taken: Cell<bool>,
    stage: RefCell<Stage>,
}

enum Stage {
    /// The layer has not asked for the run.
    Before,
    /// The layer waits for the end.
    Running(Waker),
    Ended(CallOutcome),
    /// The layer neither waits nor will.
    Left,
}

impl Behind {
    pub(crate) fn new(subject: Rc<Subject>) -> Self {
        Self {
            subject,
            taken: Cell::new(false),
            stage: RefCell::new(Stage::Before),
        }
    }

    /// Takes the run, which can be taken once.
    pub(crate) fn take(&self) -> bool {
        !self.taken.replace(true)
    }

    /// Asks for the run, and waits for its end.
    pub(crate) fn poll_end(&self, waker: &Waker) -> Poll<CallOutcome> {
        let mut stage = self.stage.borrow_mut();
        if let Stage::Ended(kind) = *stage {
            return Poll::Ready(kind);
        }
        *stage = Stage::Running(waker.clone());
        Poll::Pending
    }

    /// Gives the run up, unless it has ended.
    pub(crate) fn leave(&self) {
        let mut stage = self.stage.borrow_mut();
        if !matches!(*stage, Stage::Ended(_)) {
            *stage = Stage::Left;
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Running(_))
    }

    pub(crate) fn is_left(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Left)
    }

    /// Tells the layer the end of the run.
    pub(crate) fn end(&self, kind: CallOutcome) {
        if let Stage::Running(waker) = self.stage.replace(Stage::Ended(kind)) {
            waker.wake();
        }
    }
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind")
            .field("method", &self.subject.method)
            .finish_non_exhaustive()
    }
}
