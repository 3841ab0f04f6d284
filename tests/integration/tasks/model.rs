//! Tasks under every interleaving: calls, answers, cancellation, time, objects that die, writes that fail, and records of a
//! newer version, chosen by a seed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::*;
use crate::support::simulation::{Dice, bounded, simulate};

const CASES: u64 = 10_000;
const STEPS: usize = 30;

/// The most tasks of one case.
const MAX_TASKS: usize = 3;

/// Beginnings of a handler that may run again, without an answer between.
const MAX_BEGINNINGS: u32 = 3;

const TTL_MS: u64 = DEFAULT_TTL_SECONDS * 1000;

/// Numbers of starts and ends of each task's handler.
type Runs = Rc<RefCell<BTreeMap<usize, (u32, u32)>>>;

#[derive(Deserialize, JsonSchema)]
struct Work {
    number: usize,
    ms: u32,
    asks: bool,
}

/// A handler that asks for a word, sleeps, and says the word.
fn work(
    runs: &Runs,
) -> impl Fn(Client, Sleep, Args<Work>) -> LocalBoxFuture<'static, Result<String, Error>> + 'static
{
    let runs = Rc::clone(runs);
    move |client, sleep, Args(Work { number, ms, asks })| {
        let runs = Rc::clone(&runs);
        async move {
            runs.borrow_mut().entry(number).or_default().0 += 1;
            let said = if asks {
                word(client.elicit("word", "Which?").await?)
            } else {
                "slept".to_owned()
            };
            sleep.ms(ms).await;
            runs.borrow_mut().entry(number).or_default().1 += 1;
            Ok(said)
        }
        .boxed_local()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for its client, with its handler in memory or not.
    Asks {
        in_memory: bool,
    },
    /// The handler sleeps since that time.
    Runs {
        since: u64,
    },
    /// The object died while the handler slept.
    IsCutOff,
    Failed,
    Cancelled,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent facts of one task"
)]
struct Known {
    id: String,
    /// True if its handler may run again.
    again: bool,
    asks: bool,
    ms: u64,
    began: u64,
    phase: Phase,
    beginnings: u32,
    /// The words that its result may have.
    words: Vec<String>,
    watched: bool,
    /// An alarm may have found it cut off before it was cancelled.
    may_have_failed: bool,
    /// A write failed, so its phase is not known for certain.
    in_doubt: bool,
    /// True if its record is of a newer version.
    is_newer: bool,
    /// The final status that a client has got.
    settled: Option<Value>,
    /// The final status that watching clients have got.
    told: Option<String>,
}

/// Results of some cases.
#[derive(Debug, Default)]
struct Counts {
    completed: u64,
    failed: u64,
    cancelled: u64,
    deaths: u64,
    refused: u64,
    unavailable: u64,
    told: u64,
}

struct Case {
    front: Front,
    dice: Dice,
    runs: Runs,
    tasks: Vec<Known>,
    counts: Counts,
}

impl Known {
    /// The status that clients get.
    fn status(&self, now: u64) -> &'static str {
        match self.phase {
            Phase::Asks { .. } => "input_required",
            Phase::Runs { since } if now >= since + self.ms => "completed",
            Phase::Runs { .. } | Phase::IsCutOff => "working",
            Phase::Failed => "failed",
            Phase::Cancelled => "cancelled",
        }
    }

    fn is_over(&self, now: u64) -> bool {
        !matches!(self.status(now), "input_required" | "working")
    }

    /// Models the effect of a request: a handler that was cut off runs again, or the task has failed.
    fn go_on(&mut self, now: u64) {
        if self.phase == Phase::IsCutOff {
            if self.again && self.beginnings < MAX_BEGINNINGS {
                self.beginnings += 1;
                self.phase = Phase::Runs { since: now };
            } else {
                self.phase = Phase::Failed;
            }
        }
    }

    fn die(&mut self, now: u64) {
        match self.phase {
            Phase::Asks { .. } => self.phase = Phase::Asks { in_memory: false },
            Phase::Runs { .. } if !self.is_over(now) => self.phase = Phase::IsCutOff,
            _ => {}
        }
    }

    fn take(&mut self, word: &str, now: u64) {
        if self.in_doubt {
            self.words.push(word.to_owned());
        } else if let Phase::Asks { in_memory } = self.phase {
            self.words = vec![word.to_owned()];
            self.beginnings = u32::from(!in_memory);
            self.phase = Phase::Runs { since: now };
        }
    }

    fn check(&mut self, told: &Value, now: u64) {
        if let Some(settled) = &self.settled {
            assert_eq!(told, settled, "the end of a task changes");
            return;
        }
        let status = told["status"].as_str().unwrap();
        let expected = self.status(now);
        let is_expected = status == expected || (self.may_have_failed && status == "failed");
        assert!(
            self.in_doubt || is_expected,
            "a task is {status}, and not {expected}: {told}"
        );
        if status == "completed" {
            let said = text(&told["result"]);
            assert!(
                self.words.contains(&said),
                "{said} is none of {:?}",
                self.words
            );
        }
        if !matches!(status, "input_required" | "working") {
            assert!(
                self.told.as_ref().is_none_or(|told| told == status),
                "the end of a task is told wrongly"
            );
            self.settled = Some(told.clone());
        }
    }
}

impl Case {
    fn new(dice: Dice) -> Self {
        let runs = Runs::default();
        let server = Server::new("s", "1")
            .with(Tool::new("once", "", work(&runs)).task_optional())
            .with(
                Tool::new("again", "", work(&runs))
                    .task_optional()
                    .read_only(),
            );
        Self {
            front: Front::new(server).knowing_tasks(),
            dice,
            runs,
            tasks: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(100) {
            0..20 if self.tasks.len() < MAX_TASKS => self.begin(),
            0..40 => self.look(),
            40..48 => self.cancel(),
            48..60 => self.answer(),
            60..70 => self.die(),
            70..73 => self.fail_a_write(),
            73..77 => self.exchange_versions(),
            _ => {
                let ms = self
                    .dice
                    .pick(&[1, 500, 1000, 1000, 5_000, 60_000, TTL_MS / 3]);
                self.front.advance(ms);
            }
        }
        self.hear();
    }

    fn now(&self) -> u64 {
        self.front.host.now()
    }

    fn begin(&mut self) {
        let (again, asks) = (self.dice.roll(2) == 0, self.dice.roll(2) == 0);
        let (number, ms, now) = (
            self.tasks.len(),
            self.dice.pick(&[1, 500, 1000, 2000, 100_000]),
            self.now(),
        );
        let name = if again { "again" } else { "once" };
        let id = begin(
            &self.front,
            name,
            &json!({ "number": number, "ms": ms, "asks": asks }),
        );
        let watched = self.dice.roll(2) == 0;
        if watched {
            drop(self.front.ask(
                "subscriptions/listen",
                &json!({ "notifications": { "taskIds": [id] } }),
            ));
        }
        self.tasks.push(Known {
            id,
            again,
            asks,
            ms,
            began: now,
            phase: if asks {
                Phase::Asks { in_memory: true }
            } else {
                Phase::Runs { since: now }
            },
            beginnings: 1,
            words: if asks {
                Vec::new()
            } else {
                vec!["slept".to_owned()]
            },
            watched,
            may_have_failed: false,
            in_doubt: false,
            is_newer: false,
            settled: None,
            told: None,
        });
    }

    /// Sends a request about a task, and returns its result, unless it is rejected for a reason that the model knows.
    fn ask(&mut self, at: usize, method: &str, mut params: Value) -> Option<Value> {
        params["taskId"] = json!(self.tasks[at].id);
        let answer = self.front.ask(method, &params).answer();
        let (now, task) = (self.now(), &mut self.tasks[at]);
        if now >= task.began + TTL_MS {
            assert_eq!(refusal(&answer).1, -32602, "a task outlives its time");
            self.counts.refused += 1;
            return None;
        }
        if task.is_newer {
            assert_eq!(
                answer.status, 503,
                "a task of a newer version is served: {answer:?}"
            );
            self.counts.unavailable += 1;
            return None;
        }
        if answer.status == 500 && task.in_doubt {
            return None;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        if method != "tasks/cancel" {
            task.go_on(now);
        }
        Some(answer.json()["result"].take())
    }

    /// Picks one of the tasks, if there is any.
    fn any(&mut self) -> Option<usize> {
        (!self.tasks.is_empty()).then(|| self.dice.roll(self.tasks.len()))
    }

    fn look(&mut self) {
        if let Some(at) = self.any()
            && let Some(told) = self.ask(at, "tasks/get", none())
        {
            let now = self.now();
            self.tasks[at].check(&told, now);
        }
    }

    fn cancel(&mut self) {
        if let Some(at) = self.any()
            && self.ask(at, "tasks/cancel", none()).is_some()
        {
            let now = self.now();
            let task = &mut self.tasks[at];
            if !task.is_over(now) && task.settled.is_none() {
                task.may_have_failed = task.phase == Phase::IsCutOff && !task.again;
                task.phase = Phase::Cancelled;
            }
        }
    }

    fn answer(&mut self) {
        let Some(at) = self.any() else { return };
        let word = self.dice.pick(&["a", "b", "c"]);
        let taken = self
            .ask(
                at,
                "tasks/update",
                json!({ "inputResponses": { "word": said(word) } }),
            )
            .is_some();
        self.front.advance(0);
        let now = self.now();
        let task = &mut self.tasks[at];
        if taken || task.in_doubt {
            task.take(word, now);
        }
    }

    /// All objects die, and with them everything that they were about to do.
    fn die(&mut self) {
        self.front.restart();
        self.counts.deaths += 1;
        let now = self.now();
        self.tasks.iter_mut().for_each(|task| task.die(now));
    }

    fn fail_a_write(&mut self) {
        if let Some(at) = self.any() {
            let nth = self.dice.roll(3);
            self.front.task_numbered(at).store.fail_write(nth);
            self.tasks[at].in_doubt = true;
        }
    }

    /// A newer version takes the place of this one, or is taken back: every record is as it writes it.
    fn exchange_versions(&mut self) {
        self.die();
        let forth = !self.tasks.iter().any(|task| task.is_newer);
        for at in 0..self.tasks.len() {
            let store = &self.front.task_numbered(at).store;
            let Some(record) = store.record() else {
                continue;
            };
            match record.strip_prefix("newer") {
                Some(record) => store.set_record(record),
                None if forth => store.set_record(&format!("newer{record}")),
                None => {}
            }
            self.tasks[at].is_newer = forth;
        }
    }

    /// Checks that watching clients are notified of each end once, and of nothing after it.
    fn hear(&mut self) {
        for publication in self.front.host.published.take() {
            assert_eq!(publication.method, "notifications/tasks");
            let params: Value = serde_json::from_str(&publication.params).unwrap();
            let task = self
                .tasks
                .iter_mut()
                .find(|task| params["taskId"] == task.id)
                .expect("a task that was begun");
            assert!(task.watched, "a task that nobody watches is told");
            assert_eq!(task.told, None, "a task is told after its end");
            let status = params["status"].as_str().unwrap();
            if !matches!(status, "input_required" | "working") {
                assert!(
                    task.settled
                        .as_ref()
                        .is_none_or(|settled| settled["status"] == status)
                );
                task.told = Some(status.to_owned());
                self.counts.told += 1;
            }
        }
    }

    /// Brings a task to its end, as a client does that answers and asks again.
    fn settle(&mut self, at: usize) {
        for _ in 0..10 {
            let Some(told) = self.ask(at, "tasks/get", none()) else {
                return;
            };
            let now = self.now();
            self.hear();
            self.tasks[at].check(&told, now);
            if self.tasks[at].settled.is_some() {
                return;
            }
            if told["status"] == "input_required"
                && self.ask(at, "tasks/update", said_a()).is_some()
            {
                let now = self.now();
                self.tasks[at].take("a", now);
            }
            self.front.advance(self.tasks[at].ms);
            self.hear();
        }
        panic!(
            "a task does not end, in doubt: {}, {:?}",
            self.tasks[at].in_doubt, self.tasks[at].phase
        );
    }

    fn check_runs(&mut self, at: usize) {
        let (begun, ended) = self.runs.borrow().get(&at).copied().unwrap_or_default();
        let task = &self.tasks[at];
        assert!(
            task.again || task.asks || begun <= 1,
            "a handler that may not run again began {begun} times"
        );
        assert!(task.in_doubt || ended <= 1, "a handler ended {ended} times");
        let status = task
            .settled
            .as_ref()
            .map_or("", |settled| settled["status"].as_str().unwrap());
        assert!(
            ended >= 1 || status != "completed",
            "a task is completed before its handler is through"
        );
        assert!(
            task.in_doubt || status.is_empty() || task.watched == task.told.is_some(),
            "an end is not told"
        );
        match status {
            "completed" => self.counts.completed += 1,
            "failed" => self.counts.failed += 1,
            "cancelled" => self.counts.cancelled += 1,
            _ => {}
        }
    }

    fn finish(mut self) -> Counts {
        if self.tasks.iter().any(|task| task.is_newer) {
            self.exchange_versions();
        }
        for at in 0..self.tasks.len() {
            self.front.task_numbered(at).store.fail_no_write();
            self.settle(at);
            self.check_runs(at);
        }
        // A record of another version is looked at once a day.
        self.front.advance(3 * TTL_MS + 24 * 60 * MINUTE);
        assert_eq!(self.front.kept_tasks(), 0, "a task stays for ever");
        self.counts
    }
}

fn said_a() -> Value {
    json!({ "inputResponses": { "word": said("a") } })
}

#[test]
fn a_task_ends_once_and_is_collected_in_any_interleaving() {
    simulate("TASK_SEED", CASES, 300, |seed| {
        let mut case = Case::new(Dice::new(seed));
        for _ in 0..STEPS {
            bounded(|| case.step());
        }
        let counts = case.finish();
        vec![
            ("completed", counts.completed),
            ("failed", counts.failed),
            ("cancelled", counts.cancelled),
            ("deaths", counts.deaths),
            ("refused", counts.refused),
            ("unavailable", counts.unavailable),
            ("told", counts.told),
        ]
    });
}
