//! A user's object around its grants: rows, KV, a clock, and an executor whose turns are chosen by a seed.

mod client;
mod rows;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use durable_core::keys::{KeyId, Keys};
use durable_core::limits::KV_STALE_SECONDS;
use durable_core::runtime::Random;
use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::authority::{
    Authority, AuthorityHost, ENDS_AT_ONCE, GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens,
    Lifetimes,
};
use oauth_server::event::Event;
use oauth_server::grant::RemoteHolding;
use oauth_server::grant_store::GrantStore;
use oauth_server::hooks::{Exchange, ExchangeChanges, ExchangeError, Hooks};
use oauth_server::port::Kv;
use oauth_server::record::{self, AccessRecord};
use oauth_server::secret::sha256_hex;
use oauth_server::testing::{Invocation, MemoryKv, SeededRandom};
use oauth_server::token::UserHandle;

pub(crate) use self::client::{CONFIDENTIAL, Client, PUBLIC, SHORT, resource, root, scopes};
pub(crate) use self::rows::MemoryRows;

pub(crate) const NOW: u64 = 1_700_000_000_000;
/// Longest lifetime of a session, in milliseconds.
pub(crate) const SESSION_MS: u64 = 30 * 24 * 3600 * 1000;
pub(crate) const USER: &str = "jürgen:1";
pub(crate) const REDIRECT: &str = "https://client.example/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Sleeper {
    until: u64,
    waker: Option<Waker>,
}

/// Storage, which outlives a crash, and the clock.
pub(crate) struct Outside {
    pub(crate) kv: MemoryKv,
    pub(crate) rows: MemoryRows,
    pub(crate) random: SeededRandom,
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) keys: Rc<Keys>,
    user: UserHandle,
    /// Warnings to operators.
    pub(crate) log: RefCell<Vec<String>>,
    /// Holdings that were ended in other objects.
    pub(crate) ended: RefCell<Vec<String>>,
    /// Grants of which the hub was told, each with the time until which tokens of it last.
    pub(crate) silenced: RefCell<Vec<(String, u64)>>,
    pub(crate) end_calls: Cell<usize>,
    /// True if no other object can be reached.
    pub(crate) away: Cell<bool>,
    sleepers: RefCell<Vec<Rc<RefCell<Sleeper>>>>,
}

impl Runtime for Outside {
    fn now(&self) -> u64 {
        self.kv.now()
    }

    fn keys(&self, _fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        std::future::ready(Ok(Rc::clone(&self.keys))).boxed_local()
    }

    /// False for every key: tests have one ring, so an unknown key was made up.
    fn awaits_key(&self, _: KeyId) -> bool {
        false
    }

    fn random(&self) -> &dyn Random {
        &self.random
    }

    fn warn(&self, message: &str) {
        self.log.borrow_mut().push(message.to_owned());
    }
}

impl AuthorityHost for Outside {
    fn user(&self) -> &UserHandle {
        &self.user
    }

    fn kv(&self) -> &dyn Kv {
        &self.kv
    }

    fn store(&self) -> &dyn GrantStore {
        &self.rows
    }

    fn end<'a>(
        &'a self,
        remote: RemoteHolding<'a>,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        async move {
            self.end_calls.set(self.end_calls.get() + 1);
            if self.away.get() {
                return Err(RuntimeError("the object is overloaded".to_owned()));
            }
            self.ended.borrow_mut().push(match remote {
                RemoteHolding::Session(key) => key.to_owned(),
                RemoteHolding::Task(key) => format!("task {key}"),
                RemoteHolding::Listeners { grant, until } => {
                    self.silenced.borrow_mut().push((grant.to_owned(), until));
                    "listeners".to_owned()
                }
            });
            Ok(())
        }
        .boxed_local()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        let sleeper = Rc::new(RefCell::new(Sleeper {
            until: self.now() + u64::from(milliseconds),
            waker: None,
        }));
        self.sleepers.borrow_mut().push(Rc::clone(&sleeper));
        Sleep(sleeper).boxed_local()
    }

    fn event(&self, event: &Event) {
        self.events.borrow_mut().push(event.clone());
    }
}

/// A sleep, which ends when the clock removes it from the list.
struct Sleep(Rc<RefCell<Sleeper>>);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut sleeper = self.0.borrow_mut();
        if sleeper.until == 0 {
            return Poll::Ready(());
        }
        sleeper.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// A command, its outcome, and its cost.
pub(crate) struct Done {
    pub(crate) id: usize,
    pub(crate) outcome: Result<GrantOutcome, GrantRefusal>,
    pub(crate) puts: usize,
    pub(crate) deletes: usize,
}

/// Outcome of polling one task.
pub(crate) enum Turn {
    /// No task was ready.
    Idle,
    /// Goes on.
    Went,
    /// Has ended.
    Finished(Done),
}

struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    id: usize,
    future: LocalBoxFuture<'static, Result<GrantOutcome, GrantRefusal>>,
    ready: Arc<Ready>,
    /// Each command and each alarm is an invocation of the object.
    invocation: Invocation,
    puts: usize,
    deletes: usize,
}

/// The object of one user, with what surrounds it: isolates that read KV late, and an end that may come at any await.
pub(crate) struct World {
    pub(crate) outside: Rc<Outside>,
    pub(crate) hooks: Rc<Hooks>,
    pub(crate) lifetimes: Rc<Lifetimes>,
    pub(crate) handle: UserHandle,
    authority: Rc<Authority>,
    tasks: Vec<Task>,
    /// The alarm that is being heard.
    ringing: Option<usize>,
    next: usize,
    dice: u64,
}

impl World {
    pub(crate) fn new(seed: u64, hooks: Hooks) -> Self {
        let keys = Rc::new(Keys::from_secret("a secret of the tests"));
        let handle = UserHandle::of(&keys, USER);
        let outside = Rc::new(Outside {
            kv: MemoryKv::at(NOW),
            rows: MemoryRows::default(),
            random: SeededRandom::new(seed),
            events: RefCell::default(),
            keys,
            user: handle.clone(),
            log: RefCell::default(),
            ended: RefCell::default(),
            silenced: RefCell::default(),
            end_calls: Cell::new(0),
            away: Cell::new(false),
            sleepers: RefCell::default(),
        });
        let (hooks, lifetimes) = (Rc::new(hooks), Rc::new(Lifetimes::default()));
        let authority = Rc::new(Authority::new(
            Rc::<Outside>::clone(&outside),
            Rc::clone(&lifetimes),
            Rc::clone(&hooks),
            SESSION_MS,
        ));
        Self {
            outside,
            hooks,
            lifetimes,
            handle,
            authority,
            tasks: Vec::new(),
            ringing: None,
            next: 0,
            dice: seed | 1,
        }
    }

    /// Period in which an exchanged refresh token gives the same pair again, in milliseconds.
    pub(crate) fn grace_ms(&self) -> u64 {
        self.lifetimes.grace.as_millis().try_into().unwrap()
    }

    /// A number below `below`, by the seed: xorshift64*.
    pub(crate) fn dice(&mut self, below: usize) -> usize {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        let number = self.dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % below
    }

    pub(crate) fn start(&mut self, command: GrantCommand) -> usize {
        let authority = Rc::clone(&self.authority);
        self.spawn(async move { authority.handle(command).await }.boxed_local())
    }

    fn spawn(
        &mut self,
        future: LocalBoxFuture<'static, Result<GrantOutcome, GrantRefusal>>,
    ) -> usize {
        self.next += 1;
        let ready = Arc::new(Ready(AtomicBool::new(true)));
        self.tasks.push(Task {
            id: self.next,
            future,
            ready,
            invocation: Invocation::default(),
            puts: 0,
            deletes: 0,
        });
        self.next
    }

    /// Starts the alarm's handler if it is due, beside commands that run.
    pub(crate) fn ring(&mut self) {
        if self
            .outside
            .rows
            .alarm
            .get()
            .is_some_and(|at| at <= self.outside.now())
        {
            self.outside.rows.alarm.set(None);
            let authority = Rc::clone(&self.authority);
            let wake = async move {
                authority
                    .wake(ENDS_AT_ONCE)
                    .await
                    .map(|_| GrantOutcome::Done)
            };
            let wake = wake
                .map(|outcome| outcome.map_err(|_| GrantRefusal::Unavailable { retry_after: 0 }));
            self.ringing = Some(self.spawn(wake.boxed_local()));
        }
    }

    pub(crate) fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Polls one task that is ready.
    pub(crate) fn turn(&mut self) -> Turn {
        let ready: Vec<_> = (0..self.tasks.len())
            .filter(|at| self.tasks[*at].ready.0.load(Ordering::Relaxed))
            .collect();
        if ready.is_empty() {
            return Turn::Idle;
        }
        let at = ready[self.dice(ready.len())];
        let rows = &self.outside.rows;
        let (puts, deletes) = (rows.puts.get(), rows.deletes.get());
        let task = &mut self.tasks[at];
        task.ready.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&task.ready));
        let before = self.outside.kv.charge(Some(task.invocation.clone()));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.outside.kv.charge(before);
        task.puts += rows.puts.get() - puts;
        task.deletes += rows.deletes.get() - deletes;
        let Poll::Ready(outcome) = polled else {
            return Turn::Went;
        };
        let Task {
            id, puts, deletes, ..
        } = self.tasks.remove(at);
        Turn::Finished(Done {
            id,
            outcome,
            puts,
            deletes,
        })
    }

    /// Runs everything to its end. Time passes only where nothing else can be done.
    pub(crate) fn drain(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        while self.running() > 0 {
            match self.turn() {
                Turn::Finished(finished) => done.push(finished),
                Turn::Went => {}
                Turn::Idle => assert!(self.sleep_on(), "everybody waits for nothing"),
            }
        }
        self.outside.sleepers.borrow_mut().clear();
        done
    }

    /// Moves the clock to the end of the next sleep; false if there is none.
    fn sleep_on(&mut self) -> bool {
        let next = self
            .outside
            .sleepers
            .borrow()
            .iter()
            .map(|sleeper| sleeper.borrow().until)
            .min();
        let Some(next) = next else { return false };
        self.pass(next.saturating_sub(self.outside.now()));
        true
    }

    /// Lets time pass, in milliseconds.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.outside.kv.pass_ms(ms);
        let now = self.outside.now();
        self.outside.sleepers.borrow_mut().retain(|sleeper| {
            let mut sleeper = sleeper.borrow_mut();
            let over = sleeper.until <= now;
            if over {
                sleeper.until = 0;
                sleeper.waker.take().into_iter().for_each(Waker::wake);
            }
            !over
        });
    }

    /// Everything in memory is lost; gives the tasks that were under way.
    pub(crate) fn crash(&mut self) -> Vec<usize> {
        let lost: Vec<_> = self.tasks.drain(..).map(|task| task.id).collect();
        // The runtime tries an alarm again that was not heard to its end.
        if self
            .ringing
            .take()
            .is_some_and(|ringing| lost.contains(&ringing))
        {
            self.outside.rows.alarm.set(Some(self.outside.now()));
        }
        self.outside.sleepers.borrow_mut().clear();
        let (lifetimes, hooks) = (Rc::clone(&self.lifetimes), Rc::clone(&self.hooks));
        self.authority = Rc::new(Authority::new(
            Rc::<Outside>::clone(&self.outside),
            lifetimes,
            hooks,
            SESSION_MS,
        ));
        lost
    }

    /// Runs one command to its end.
    pub(crate) fn run(&mut self, command: GrantCommand) -> Result<GrantOutcome, GrantRefusal> {
        let id = self.start(command);
        self.drain()
            .into_iter()
            .find(|done| done.id == id)
            .unwrap()
            .outcome
    }

    pub(crate) fn issued(&mut self, command: GrantCommand) -> Result<IssuedTokens, GrantRefusal> {
        match self.run(command)? {
            GrantOutcome::Issued(issued) => Ok(issued),
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass until no alarm is ordered any more, or `ms` are over.
    pub(crate) fn pass_with_alarms(&mut self, ms: u64) {
        let end = self.outside.now() + ms;
        while let Some(at) = self.outside.rows.alarm.get().filter(|at| *at <= end) {
            let ahead = at.saturating_sub(self.outside.now());
            self.pass(ahead);
            self.ring();
            self.drain();
        }
        self.pass(end.saturating_sub(self.outside.now()));
    }

    pub(crate) fn begin(&mut self, client: &Client) -> String {
        match self.run(GrantCommand::IssueCode(client.begin(&self.handle))) {
            Ok(GrantOutcome::Code(code)) => code.code,
            other => panic!("{other:?}"),
        }
    }

    /// The id of a grant that is live.
    pub(crate) fn granted(&mut self) -> String {
        let code = self.begin(&PUBLIC);
        self.issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
            .unwrap()
            .grant
    }

    /// Result of the access check for a token.
    pub(crate) fn access(&self, token: &str) -> Option<AccessRecord> {
        let mut parts = token.split(':');
        let (handle, grant, hash) = (parts.next()?, parts.next()?, sha256_hex(token));
        let kv = &self.outside.kv;
        let record = [record::key, record::old_key]
            .iter()
            .find_map(|key| kv.value(&key(handle, grant, &hash)));
        AccessRecord::from_json(
            &record?,
            &self.outside.keys,
            token,
            self.outside.now() / 1000,
        )
        .ok()
    }
}

/// An isolate of the Worker, in a location of its own: for a minute, and by the seed for longer, it sees what a key of KV held
/// when it was read last, or that it held nothing.
#[derive(Default)]
pub(crate) struct Isolate(RefCell<BTreeMap<String, (Option<String>, u64)>>);

impl Isolate {
    /// The access check of a token in this isolate.
    pub(crate) fn access(&self, world: &mut World, token: &str) -> Option<AccessRecord> {
        let mut parts = token.split(':');
        let key = record::key(parts.next()?, parts.next()?, &sha256_hex(token));
        let now = world.outside.now();
        let known = self
            .0
            .borrow()
            .get(&key)
            .filter(|(_, until)| now < *until)
            .map(|(value, _)| value.clone());
        let value = known.unwrap_or_else(|| {
            let stale = [
                0,
                KV_STALE_SECONDS / 2,
                KV_STALE_SECONDS,
                MOST_STALE_SECONDS,
            ][world.dice(4)];
            let value = world.outside.kv.value(&key);
            self.0
                .borrow_mut()
                .insert(key, (value.clone(), now + stale * 1000));
            value
        });
        AccessRecord::from_json(&value?, &world.outside.keys, token, now / 1000).ok()
    }
}

/// For so long an isolate may be behind in the simulation: KV promises no more than "60 seconds or more".
pub(crate) const MOST_STALE_SECONDS: u64 = KV_STALE_SECONDS + 30;

/// A hook that does as a test says.
pub(crate) fn hook(
    work: impl Fn(Exchange) -> LocalBoxFuture<'static, Result<ExchangeChanges, ExchangeError>> + 'static,
) -> Hooks {
    Hooks {
        on_exchange: Some(Rc::new(work)),
    }
}
