//! A session under every interleaving: calls, streams that break, deletion, time, and the object's death while calls run,
//! and rows of a newer version,
//! chosen by a seed.

use super::*;
use crate::support::object::Exchange;
use crate::support::simulation::{Dice, bounded, simulate};

const CASES: u64 = 10_000;
const STEPS: usize = 40;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Results of some cases.
#[derive(Debug, Default)]
struct Counts {
    added: u64,
    deaths: u64,
    told: u64,
    resumed: u64,
    ended: u64,
    unavailable: u64,
}

struct Case {
    rig: Rig,
    dice: Dice,
    /// Calls that add when they have slept, and their arguments.
    running: Vec<Exchange>,
    /// Additions that were acknowledged, and those that may have been made.
    least: i64,
    most: i64,
    stream: Option<String>,
    /// The id of the last event that the client saw.
    last: Option<String>,
    /// Changes that the client was told of and has not seen yet, unless they are lost with the object.
    owed: usize,
    may_be_lost: bool,
    used: u64,
    ended: bool,
    counts: Counts,
}

async fn late(sleep: Sleep, counter: Session<Counter>) -> Result<String, ToolError> {
    sleep.ms(1000).await;
    increment(counter).await
}

/// The id of the last event of a stream's text, and how many changes it tells of.
fn seen(text: &str) -> (Option<String>, usize) {
    let last = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .next_back();
    (
        last.map(str::to_owned),
        text.matches("list_changed").count(),
    )
}

impl Case {
    fn new(dice: Dice) -> Self {
        let change = async |notify: Notify| notify.tools_changed();
        let rig = Rig::new(server().tool("late", "", late).tool("change", "", change));
        let used = rig.now();
        Self {
            rig,
            dice,
            running: Vec::new(),
            least: 0,
            most: 0,
            stream: None,
            last: None,
            owed: 0,
            may_be_lost: false,
            used,
            ended: false,
            counts: Counts::default(),
        }
    }

    fn step(&mut self) {
        match self.dice.roll(100) {
            0..25 => self.add(),
            25..35 => self.begin_late(),
            35..50 => self.check_total(),
            50..58 => self.die(),
            58..60 => self.meet_newer_version(),
            60..75 => self.pass(),
            75..83 => self.open(),
            83..90 => self.hang_up(),
            90..98 => self.tell(),
            _ => self.delete(),
        }
    }

    /// True if the session accepts requests. One that has ended rejects them for ever.
    fn is_there(&mut self) -> bool {
        let status = self.rig.ping();
        if self.ended {
            assert_eq!(status, 404, "a session that has ended takes a request");
            return false;
        }
        if status == 404 {
            assert!(
                self.rig.now() >= self.used + IDLE_MS - IDLE_MS / 8,
                "a session ends too soon"
            );
            self.end();
            return false;
        }
        assert_eq!(status, 200);
        self.used = self.rig.now();
        true
    }

    fn end(&mut self) {
        self.ended = true;
        self.counts.ended += 1;
        self.running.clear();
        assert!(
            self.stream
                .take()
                .is_none_or(|tag| self.rig.is_closed(&tag)),
            "a stream outlives its session"
        );
    }

    fn add(&mut self) {
        if self.is_there() {
            self.rig.text("increment", &none());
            (self.least, self.most) = (self.least + 1, self.most + 1);
            self.counts.added += 1;
        }
    }

    fn begin_late(&mut self) {
        if self.is_there() {
            self.most += 1;
            self.running.push(self.rig.post(call(7, "late", &none())));
        }
    }

    fn check_total(&mut self) {
        if self.is_there() {
            let total = self.rig.text("total", &none()).parse().unwrap();
            assert!(
                (self.least..=self.most).contains(&total),
                "{total} of {} to {}",
                self.least,
                self.most
            );
            // Counts never go back.
            self.least = total;
        }
    }

    /// The object dies, and with it whatever it was about to do.
    fn die(&mut self) {
        self.rig.restart();
        // No event gets an id in the moment before the object is back.
        self.rig.advance(100);
        self.running.clear();
        self.counts.deaths += 1;
        self.may_be_lost = true;
        if !self.ended {
            self.check_total();
            self.most = self.least;
        }
    }

    /// A newer version wrote the rows: until it is back, nothing comes of a request, and nothing is lost.
    fn meet_newer_version(&mut self) {
        self.die();
        if self.rig.host.memory().is_empty() {
            return;
        }
        self.rig.host.memory().set_newer(true);
        self.rig.restart();
        let rows = self.rig.host.memory_rows();
        for _ in 0..=self.dice.roll(2) {
            let publication = [(
                durable_mcp_worker::transport::internal_headers::TRANSPORT,
                "notice",
            )];
            let told = self
                .rig
                .send(Method::POST, &publication, Ok("tools".to_owned()))
                .answer()
                .status;
            let open = self
                .stream
                .as_ref()
                .is_some_and(|tag| !self.rig.is_closed(tag));
            assert!(
                told == 503 || (told == 410 && !open),
                "a listening session is forgotten: {told}"
            );
            assert_eq!((self.rig.ping(), self.rig.delete().status), (503, 503));
            self.counts.unavailable += 1;
            let ms = self.dice.pick(&[1, 1000, IDLE_MS + 1]);
            self.rig.advance(ms);
        }
        assert!(
            !self.rig.host.memory().is_empty(),
            "rows of a newer version are deleted"
        );
        assert_eq!(
            self.rig.host.memory_rows(),
            rows,
            "something is written beside rows of a newer version"
        );
        self.rig.host.memory().set_newer(false);
        self.rig.restart();
        self.check_total();
    }

    fn pass(&mut self) {
        let ms = self.dice.pick(&[
            1,
            500,
            1000,
            1000,
            RESUME_MS / 2,
            RESUME_MS + 1,
            IDLE_MS / 3,
            IDLE_MS + 1,
        ]);
        self.may_be_lost |= ms >= RESUME_MS / 2;
        self.rig.advance(ms);
    }

    fn open(&mut self) {
        if !self.is_there() {
            return;
        }
        let last = self.last.clone().filter(|_| self.stream.is_none());
        let tag = self.rig.get(last.as_deref());
        self.counts.resumed += u64::from(last.is_some());
        // Without the id of an event nothing is owed any more.
        self.may_be_lost |= last.is_none();
        self.stream = Some(tag);
        self.read();
        self.owed = 0;
        self.may_be_lost = false;
    }

    fn read(&mut self) {
        let Some(tag) = &self.stream else { return };
        let (last, changes) = seen(&self.rig.host.read(tag).0);
        self.last = last.or(self.last.take());
        assert!(changes <= self.owed, "a change is told twice");
        assert!(
            changes == self.owed || self.may_be_lost,
            "{changes} of {} changes are told",
            self.owed
        );
        self.owed -= changes;
    }

    /// The client reads half of the time. What it has not read when it hangs up comes again with the next stream.
    fn read_or_not(&mut self) {
        if self.dice.roll(2) == 0 {
            self.read();
        }
    }

    fn hang_up(&mut self) {
        self.read_or_not();
        if let Some(tag) = self.stream.take().filter(|tag| !self.rig.is_closed(tag)) {
            self.rig.hang_up(&tag);
        }
    }

    /// The hub tells the object of a change.
    fn tell(&mut self) {
        let head = [(
            durable_mcp_worker::transport::internal_headers::TRANSPORT,
            "notice",
        )];
        let answer = self
            .rig
            .send(Method::POST, &head, Ok("tools".to_owned()))
            .answer();
        let open = self
            .stream
            .as_ref()
            .is_some_and(|tag| !self.rig.is_closed(tag));
        if answer.status == 202 {
            assert!(!self.ended, "a session that has ended is told");
            self.owed += 1;
            self.counts.told += 1;
            self.used = self.rig.now();
        } else {
            assert!(
                !open || self.ended || self.rig.now() >= self.used + IDLE_MS,
                "a stream is not told"
            );
        }
        self.read_or_not();
    }

    fn delete(&mut self) {
        if self.is_there() {
            assert_eq!(self.rig.delete().status, 204);
            self.end();
        }
    }

    fn finish(mut self) -> Counts {
        self.check_total();
        // Rows of another version are looked at once a day.
        self.rig.advance(2 * (MAX_AGE_MS + IDLE_MS) + DAY_MS);
        assert!(
            self.rig.host.memory().is_empty(),
            "something stays for ever"
        );
        self.counts
    }
}

#[test]
fn a_session_keeps_what_it_acknowledged_and_ends_once_in_any_interleaving() {
    simulate("SESSION_SEED", CASES, 100, |seed| {
        let mut case = Case::new(Dice::new(seed));
        for _ in 0..STEPS {
            bounded(|| case.step());
        }
        let counts = case.finish();
        vec![
            ("added", counts.added),
            ("deaths", counts.deaths),
            ("told", counts.told),
            ("resumed", counts.resumed),
            ("ended", counts.ended),
            ("unavailable", counts.unavailable),
        ]
    });
}
