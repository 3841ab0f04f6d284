//! The runtime around one object, with a clock that only the test moves.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use durable_core::keys::{KeyId, Keys};
use durable_core::limits::{ATTACHMENT_BYTES, SOCKET_TAG_CHARS, SOCKETS_AN_OBJECT};
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::cause::LoggedCause;
use durable_mcp_protocol::context::Extensions;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::memory_store::MemoryStore;
use crate::hub::attachment_bytes;
use crate::session::host::{CallRuntime, Host};
use crate::session::log_line::LogLine;
use crate::session::publication::Publication;
use crate::session::store::Store;
use crate::testing::executor::{Pool, Spawner};

/// Time at which the clock of tests starts, in milliseconds since 1970: some time in 2026.
pub const START: u64 = 1_795_000_000_000;

struct Timer {
    fired: Cell<bool>,
    waker: Waker,
}

/// The timers that wait, by the time at which they are due.
#[derive(Clone, Default)]
struct Timers(Rc<RefCell<Waiting>>);

type Waiting = Vec<(u64, Rc<Timer>)>;

impl Timers {
    fn begin(&self, at: u64, waker: &Waker) -> Rc<Timer> {
        let timer = Rc::new(Timer {
            fired: Cell::new(false),
            waker: waker.clone(),
        });
        self.0.borrow_mut().push((at, Rc::clone(&timer)));
        timer
    }

    fn take_due(&self, time: u64) -> Vec<Rc<Timer>> {
        let (due, later): (Waiting, Waiting) =
            self.0.take().into_iter().partition(|(at, _)| *at <= time);
        self.0.replace(later);
        due.into_iter().map(|(_, timer)| timer).collect()
    }
}

/// A socket as its object sees it.
#[derive(Default)]
pub struct FakeSocket {
    pub frames: Vec<String>,
    pub closed: bool,
    attachment: String,
}

pub struct FakeHost {
    id: String,
    clock: Rc<Cell<u64>>,
    store: MemoryStore,
    pool: Rc<RefCell<Pool>>,
    spawner: Rc<RefCell<Spawner>>,
    timers: Timers,
    /// The newest one of a tag is last.
    sockets: RefCell<Vec<(String, FakeSocket)>>,
    pub logs: Rc<RefCell<Vec<String>>>,
    /// Causes in the log.
    pub causes: Rc<RefCell<Vec<LoggedCause>>>,
    pub warnings: Rc<RefCell<Vec<String>>>,
    /// Publications published since the list was last emptied.
    pub published: Rc<RefCell<Vec<Publication>>>,
    /// Time until which the hub notifies the object.
    pub listens_until: Cell<Option<u64>>,
    /// Time since which the hub no longer notifies the object.
    pub left: Cell<Option<u64>>,
    /// The user or network whose quota counts it.
    pub counted: RefCell<String>,
    /// The hub's response to an object that joins.
    pub joined: RefCell<Result<Option<u16>, RuntimeError>>,
}

impl FakeHost {
    pub fn new(id: String) -> Rc<Self> {
        let clock = Rc::new(Cell::new(START));
        let pool = Pool::default();
        Rc::new(Self {
            id,
            store: MemoryStore::new(Rc::clone(&clock)),
            clock,
            spawner: Rc::new(RefCell::new(pool.spawner())),
            pool: Rc::new(RefCell::new(pool)),
            timers: Timers::default(),
            sockets: RefCell::default(),
            logs: Rc::default(),
            causes: Rc::default(),
            warnings: Rc::default(),
            published: Rc::default(),
            listens_until: Cell::new(None),
            left: Cell::new(None),
            counted: RefCell::default(),
            joined: RefCell::new(Ok(None)),
        })
    }

    /// The runtime around another object of the same deployment: one clock, one pool and one log for both.
    pub fn beside(&self, id: String) -> Rc<Self> {
        Rc::new(Self {
            id,
            store: MemoryStore::new(Rc::clone(&self.clock)),
            clock: Rc::clone(&self.clock),
            spawner: Rc::clone(&self.spawner),
            pool: Rc::clone(&self.pool),
            timers: self.timers.clone(),
            sockets: RefCell::default(),
            logs: Rc::clone(&self.logs),
            causes: Rc::clone(&self.causes),
            warnings: Rc::clone(&self.warnings),
            published: Rc::clone(&self.published),
            listens_until: Cell::new(None),
            left: Cell::new(None),
            counted: RefCell::default(),
            joined: RefCell::new(Ok(None)),
        })
    }

    pub fn memory(&self) -> &MemoryStore {
        &self.store
    }

    /// Rows written so far, over every life of the object.
    pub fn memory_rows(&self) -> u64 {
        self.store.rows_written()
    }

    /// Runs every task as far as it goes without time passing.
    pub fn run(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// Moves the clock to `time`, and fires the timers that are due.
    pub fn set_time(&self, time: u64) {
        self.clock.set(time);
        for timer in self.timers.take_due(time) {
            timer.fired.set(true);
            timer.waker.wake_by_ref();
        }
    }

    /// Time of the next timer that is still awaited.
    pub fn next_timer(&self) -> Option<u64> {
        let mut timers = self.timers.0.borrow_mut();
        timers.retain(|(_, timer)| Rc::strong_count(timer) > 1);
        timers.iter().map(|(at, _)| *at).min()
    }

    /// Forgets everything but storage and sockets, as a runtime does with an object that sleeps.
    pub fn sleep_now(&self) {
        self.timers.0.borrow_mut().clear();
        let pool = Pool::default();
        self.spawner.replace(pool.spawner());
        self.pool.replace(pool);
    }

    pub fn accept(&self, tag: String, attachment: String, frames: Vec<String>, closed: bool) {
        assert!(
            attachment_bytes(&attachment) <= ATTACHMENT_BYTES,
            "a socket remembers no more"
        );
        assert!(tag.len() <= SOCKET_TAG_CHARS, "a socket's tag is no longer");
        assert!(
            self.open_sockets() < SOCKETS_AN_OBJECT,
            "an object has no more sockets"
        );
        self.sockets.borrow_mut().push((
            tag,
            FakeSocket {
                frames,
                closed,
                attachment,
            },
        ));
    }

    pub fn is_closed(&self, tag: &str) -> bool {
        let sockets = self.sockets.borrow();
        sockets
            .iter()
            .rev()
            .find(|(own, _)| own == tag)
            .is_some_and(|(_, socket)| socket.closed)
    }

    /// Frames that the newest socket of that tag got since the last call, and true if it is closed.
    pub fn read(&self, tag: &str) -> (String, bool) {
        let mut sockets = self.sockets.borrow_mut();
        let socket = sockets
            .iter_mut()
            .rev()
            .find(|(own, _)| own == tag)
            .map(|(_, socket)| socket);
        let socket = socket.unwrap_or_else(|| panic!("no socket {tag} was opened"));
        (std::mem::take(&mut socket.frames).concat(), socket.closed)
    }

    /// The client at the other end of the newest socket of that tag hangs up.
    pub fn hang_up(&self, tag: &str) {
        for (own, socket) in self.sockets.borrow_mut().iter_mut() {
            socket.closed |= own == tag;
        }
    }

    pub fn open_sockets(&self) -> usize {
        self.sockets
            .borrow()
            .iter()
            .filter(|(_, socket)| !socket.closed)
            .count()
    }

    fn with_open<T>(&self, tag: &str, then: impl FnOnce(&mut FakeSocket) -> T) -> Option<T> {
        let mut sockets = self.sockets.borrow_mut();
        let open = sockets
            .iter_mut()
            .rev()
            .find(|(own, socket)| own == tag && !socket.closed);
        open.map(|(_, socket)| then(socket))
    }
}

impl Runtime for FakeHost {
    fn now(&self) -> u64 {
        self.clock.get()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        ready(Ok(Rc::new(Keys::from_secret("k")))).boxed_local()
    }

    /// False for every key: tests have one ring, so an unknown key was made up.
    fn awaits_key(&self, _: KeyId) -> bool {
        false
    }

    fn random(&self) -> &dyn Random {
        &Counted
    }

    fn warn(&self, message: &str) {
        self.warnings.borrow_mut().push(message.to_owned());
    }
}

/// Bytes that are never the same twice in a test.
struct Counted;

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        for chunk in bytes.chunks_mut(8) {
            let next = NEXT.get() + 1;
            NEXT.set(next);
            // A short chunk has the bytes that change.
            chunk
                .iter_mut()
                .rev()
                .zip(next.to_le_bytes())
                .for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl CallRuntime for FakeHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.spawner.borrow().spawn(task);
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        let (clock, timers) = (Rc::clone(&self.clock), self.timers.clone());
        let mut timer: Option<Rc<Timer>> = None;
        // As the runtime's, it begins when it is first polled, and wakes only the task that did so.
        poll_fn(move |cx| {
            let timer = timer.get_or_insert_with(|| {
                timers.begin(clock.get() + u64::from(milliseconds), cx.waker())
            });
            if timer.fired.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .boxed_local()
    }

    fn extend(&self, extensions: &mut Extensions) {
        let _ = extensions;
    }

    fn publish(&self, publication: Publication) {
        self.published.borrow_mut().push(publication);
    }

    fn log(&self, line: &LogLine) {
        self.logs.borrow_mut().push(line.to_json());
        if let (Some(id), Some(text)) = (&line.cause_id, &line.cause) {
            // The output of a test has it where the test fails.
            eprintln!("{id}, the cause of a failed {}: {text}", line.method);
            self.causes.borrow_mut().push(LoggedCause {
                id: id.clone(),
                text: text.clone(),
            });
        }
    }
}

impl Host for FakeHost {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn object_id(&self) -> &str {
        &self.id
    }

    fn join(
        &self,
        counted: String,
        expires: u64,
    ) -> LocalBoxFuture<'_, Result<Option<u16>, RuntimeError>> {
        let joined = self.joined.borrow().clone();
        if joined == Ok(None) {
            self.listens_until.set(Some(expires));
        }
        *self.counted.borrow_mut() = counted;
        ready(joined).boxed_local()
    }

    fn leave(&self, time: u64) {
        self.left.set(Some(time));
    }

    fn send(&self, tag: &str, text: &str) -> bool {
        self.with_open(tag, |socket| socket.frames.push(text.to_owned()))
            .is_some()
    }

    fn close(&self, tag: &str) {
        self.hang_up(tag);
    }

    fn attachment(&self, tag: &str) -> Option<String> {
        self.with_open(tag, |socket| socket.attachment.clone())
    }

    fn attach(&self, tag: &str, attachment: &str) {
        assert!(
            attachment_bytes(attachment) <= ATTACHMENT_BYTES,
            "a socket remembers no more"
        );
        self.with_open(tag, |socket| attachment.clone_into(&mut socket.attachment));
    }
}
