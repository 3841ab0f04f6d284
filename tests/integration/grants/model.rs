//! A user's grants under every interleaving: clients, an administrator, the alarm, crashes and failures, chosen by a seed,
//! checked against claims that need no knowledge of the implementation.

mod end;
mod hooks;
mod versions;
mod visits;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens, Redeem};
use oauth_server::testing::KvCall;

use super::DAY_MS;
use crate::support::grants::{CONFIDENTIAL, Client, Done, Isolate, PUBLIC, SHORT, Turn, World};
use crate::support::simulation::{bounded, simulate};

const CASES: u64 = 10_000;
const STEPS: usize = 60;

/// A refresh token that was given out, as far as it is known.
#[derive(Default)]
struct Known {
    /// Times at which it was presented, by command, except for commands that were refused.
    presented: BTreeMap<usize, u64>,
    tries: u32,
    pair: Option<IssuedTokens>,
    /// Time at which its pair was first known, so that it had been exchanged by then.
    exchanged: u64,
}

struct AccessToken {
    text: String,
    /// Earliest end: its lifetime may have begun with the command.
    expires: u64,
    /// Latest end.
    ends: u64,
    maybe_revoked: bool,
}

/// An authorization code with all tokens that follow from it.
struct Family {
    client: Client,
    code: String,
    grant: String,
    code_expires: u64,
    /// Redemptions that may have worked.
    redeemed: BTreeSet<usize>,
    issued: Option<IssuedTokens>,
    access: Vec<AccessToken>,
    refresh: BTreeMap<String, Known>,
    /// Time of the latest command that issued tokens.
    used: u64,
    /// Something happened that may end it.
    maybe_dead: bool,
    /// Ended for certain: nothing of it may work any more.
    dead: bool,
    /// Time at which its end was first known.
    died: u64,
}

enum Asked {
    Redeem(usize),
    Refresh(usize, String),
    Mint(usize),
    RevokeAccess(String),
    Revoke(Vec<usize>),
    Foreign,
}

/// A command under way.
struct Running {
    asked: Asked,
    /// Families that had ended for certain when the command started.
    dead: BTreeSet<usize>,
    /// The family that the command ends if it is refused.
    ends: Option<usize>,
    /// True if it presents a code that has given tokens.
    replays: bool,
    started: u64,
}

struct Case {
    world: World,
    isolates: [Isolate; 3],
    families: Vec<Family>,
    running: BTreeMap<usize, Running>,
    ended_by_hook: Rc<RefCell<BTreeSet<String>>>,
    counts: Counts,
}

#[derive(Default, Debug)]
struct Counts {
    issued: u64,
    shared: u64,
    refreshed: u64,
    repeated: u64,
    minted: u64,
    accepted: u64,
    crashes: u64,
    unavailable: u64,
    dead: u64,
    alive_at_the_end: u64,
    newer: u64,
}

impl Known {
    fn earliest(&self) -> Option<u64> {
        self.presented.values().min().copied()
    }
}

impl Case {
    fn new(seed: u64) -> Self {
        let ended_by_hook = Rc::default();
        let world = World::new(seed, hooks::chosen(seed, &ended_by_hook));
        world.outside.kv.roughen(seed);
        let mut case = Self {
            world,
            isolates: Default::default(),
            families: Vec::new(),
            running: BTreeMap::new(),
            ended_by_hook,
            counts: Counts::default(),
        };
        for _ in 0..=case.world.dice(2) {
            let client = [PUBLIC, PUBLIC, CONFIDENTIAL, SHORT][case.world.dice(4)];
            let code = case.world.begin(&client);
            let grant = code.split(':').nth(1).unwrap().to_owned();
            case.families.push(Family {
                client,
                code,
                grant,
                code_expires: case.world.outside.kv.now() + 300_000,
                redeemed: BTreeSet::new(),
                issued: None,
                access: Vec::new(),
                refresh: BTreeMap::new(),
                used: 0,
                maybe_dead: false,
                dead: false,
                died: 0,
            });
        }
        case
    }

    fn now(&self) -> u64 {
        self.world.outside.kv.now()
    }

    fn start(&mut self, command: GrantCommand, asked: Asked, ends: Option<usize>) -> usize {
        let id = self.world.start(command);
        let dead = (0..self.families.len())
            .filter(|at| self.families[*at].dead)
            .collect();
        let replays = matches!(&asked, Asked::Redeem(at) if self.families[*at].issued.is_some());
        self.running.insert(
            id,
            Running {
                asked,
                dead,
                ends,
                replays,
                started: self.now(),
            },
        );
        id
    }

    fn step(&mut self) {
        let at = self.world.dice(self.families.len());
        match self.world.dice(100) {
            0..14 => self.redeem(at),
            14..34 => self.refresh(at),
            34..40 => self.mint(at),
            40..42 => self.revoke_access(at),
            42..44 => self.revoke(at),
            44..47 => self.foreign(at),
            47..50 => {
                let ms = [1000, 30_000, 61_000, 3_600_000, 31 * DAY_MS]
                    [[0, 0, 0, 1, 1, 1, 2, 2, 3, 4][self.world.dice(10)]];
                self.pass(ms);
            }
            50..52 => self.crash(),
            52..57 => {
                let call = [KvCall::Put, KvCall::Delete, KvCall::Get][self.world.dice(3)];
                let nth = 1 + self.world.dice(3);
                if self.world.dice(2) == 0 {
                    self.world.outside.kv.fail(call, nth);
                } else {
                    self.world.outside.kv.fail_after(call, nth);
                }
            }
            57..62 => self.visit(at),
            62..64 => self.meet_newer_version(),
            _ => {
                for _ in 0..=self.world.dice(3) {
                    match self.world.turn() {
                        Turn::Finished(done) => self.finished(&done),
                        Turn::Went => {}
                        Turn::Idle => break,
                    }
                }
            }
        }
    }

    fn redeem(&mut self, at: usize) {
        // Mostly a client redeems its code once, or twice at once.
        let twice = if self.families[at].issued.is_some() {
            12
        } else {
            3
        };
        if !self.families[at].redeemed.is_empty() && self.world.dice(twice) > 0 {
            return;
        }
        let now = self.now();
        let family = &mut self.families[at];
        let replay = family.issued.is_some() && now < family.code_expires;
        family.maybe_dead |= !family.redeemed.is_empty();
        let command = GrantCommand::Redeem(Redeem {
            received: Some(now),
            ..family.client.redeem(&family.code)
        });
        let id = self.start(command, Asked::Redeem(at), replay.then_some(at));
        self.families[at].redeemed.insert(id);
    }

    /// Presents the newest refresh token, the one before, or any.
    fn refresh(&mut self, at: usize) {
        let family = &self.families[at];
        let Some(newest) = family.newest() else {
            return;
        };
        let previous = family.before(&newest);
        let all: Vec<_> = family.refresh.keys().cloned().collect();
        let client = family.client;
        let token = match self.world.dice(20) {
            0 => all[self.world.dice(all.len())].clone(),
            1..7 => previous.unwrap_or(newest),
            _ => newest,
        };
        let family = &self.families[at];
        let next = family.refresh[&token]
            .pair
            .as_ref()
            .and_then(|pair| pair.refresh_token.as_ref());
        let twice = next
            .and_then(|next| family.refresh[next].pair.as_ref())
            .is_some();
        let ends = (twice && client.public).then_some(at);
        let now = self.now();
        let id = self.start(
            GrantCommand::Refresh(client.refresh(&token)),
            Asked::Refresh(at, token.clone()),
            ends,
        );
        let known = self.families[at].refresh.get_mut(&token).unwrap();
        known.presented.insert(id, now);
        known.tries += 1;
    }

    fn mint(&mut self, at: usize) {
        let family = &self.families[at];
        if let Some(token) = family.access.last() {
            let command = GrantCommand::ExchangeToken(family.client.mint(&token.text));
            self.start(command, Asked::Mint(at), None);
        }
    }

    fn revoke_access(&mut self, at: usize) {
        let count = self.families[at].access.len();
        if count > 0 {
            let which = self.world.dice(count);
            let family = &mut self.families[at];
            family.access[which].maybe_revoked = true;
            let token = family.access[which].text.clone();
            let command = family.client.revoke(&token);
            self.start(command, Asked::RevokeAccess(token), None);
        }
    }

    fn revoke(&mut self, at: usize) {
        let family = &self.families[at];
        let (command, meant) = match (self.world.dice(4), family.newest()) {
            (0, _) => (GrantCommand::RevokeAll, (0..self.families.len()).collect()),
            (1, Some(token)) => (family.client.revoke(&token), vec![at]),
            _ => (
                GrantCommand::RevokeGrant {
                    grant: family.grant.clone(),
                },
                vec![at],
            ),
        };
        for at in &meant {
            self.families[*at].maybe_dead = true;
        }
        self.start(command, Asked::Revoke(meant), None);
    }

    /// Another client presents a code or token that it has come by, or made up.
    fn foreign(&mut self, at: usize) {
        let other = Client {
            id: "other",
            ..PUBLIC
        };
        let family = &self.families[at];
        let command = match family.newest() {
            Some(token) => GrantCommand::Refresh(other.refresh(&token)),
            None => GrantCommand::Redeem(other.redeem(&family.code)),
        };
        self.start(command, Asked::Foreign, None);
    }

    fn pass(&mut self, ms: u64) {
        self.world.pass(ms);
        self.world.ring();
    }

    fn crash(&mut self) {
        self.counts.crashes += 1;
        for id in self.world.crash() {
            let Some(running) = self.running.remove(&id) else {
                continue;
            };
            match running.asked {
                Asked::Refresh(at, token) => self.judge(at, &token),
                Asked::Revoke(_)
                | Asked::Redeem(_)
                | Asked::Mint(_)
                | Asked::RevokeAccess(..)
                | Asked::Foreign => {}
            }
        }
    }

    /// Notes that its family may have ended, if presenting that token by now may count as reuse.
    fn judge(&mut self, at: usize, token: &str) {
        let (now, grace, uses) = (
            self.now(),
            self.world.grace_ms(),
            self.world.lifetimes.grace_uses,
        );
        let family = &mut self.families[at];
        let known = &family.refresh[token];
        let late = known
            .earliest()
            .is_some_and(|earliest| now >= earliest + grace);
        let next = known
            .pair
            .as_ref()
            .and_then(|pair| pair.refresh_token.as_ref());
        let next_used = next.is_some_and(|next| family.refresh[next].tries > 0);
        if family.client.public && (late || next_used || known.tries > uses) {
            family.maybe_dead = true;
        }
    }

    fn finished(&mut self, done: &Done) {
        let Some(running) = self.running.remove(&done.id) else {
            return;
        };
        if matches!(done.outcome, Err(GrantRefusal::Unavailable { .. })) {
            self.counts.unavailable += 1;
        }
        // Of a grant that ends, a row stays that says so, and one of the end of all.
        let meant = if let Asked::Revoke(meant) = &running.asked {
            meant.len()
        } else {
            1
        };
        let (puts, deletes) = (2 * meant + 1, meant);
        // Records that cannot be deleted are noted.
        let puts = puts
            + usize::from(matches!(
                done.outcome,
                Err(GrantRefusal::Unavailable { .. })
            ));
        assert!(
            done.puts <= puts && done.deletes <= deletes,
            "{} rows, {} deleted",
            done.puts,
            done.deletes
        );
        match &running.asked {
            Asked::Redeem(at) => self.redeemed(*at, done, &running),
            Asked::Refresh(at, token) => self.refreshed(*at, token, done, &running),
            Asked::Mint(at) => {
                if let Ok(GrantOutcome::Issued(issued)) = &done.outcome {
                    self.counts.minted += 1;
                    self.given(*at, issued, &running);
                }
            }
            Asked::RevokeAccess(token) => {
                if done.outcome.is_ok() {
                    assert!(
                        self.world.access(token).is_none(),
                        "a revoked access token works"
                    );
                }
            }
            Asked::Revoke(meant) => {
                if done.outcome == Ok(GrantOutcome::Done) {
                    for at in meant {
                        self.died(*at);
                    }
                }
            }
            Asked::Foreign => assert!(super::is_invalid_grant(&done.outcome), "{:?}", done.outcome),
        }
        if let Some(at) = running.ends
            && super::is_invalid_grant(&done.outcome)
        {
            self.families[at].maybe_dead = true;
            // The code may have expired since, or the row may know no more of it.
            if !matches!(running.asked, Asked::Redeem(_))
                || self.now() < self.families[at].code_expires
            {
                self.died(at);
            }
        }
    }

    fn redeemed(&mut self, at: usize, done: &Done, running: &Running) {
        match &done.outcome {
            Ok(GrantOutcome::Issued(issued)) => {
                if let Some(first) = &self.families[at].issued {
                    self.counts.shared += 1;
                    assert_eq!(first, issued, "a code gave two families");
                    assert!(
                        !running.replays,
                        "a code gave tokens after it had given some"
                    );
                } else {
                    self.counts.issued += 1;
                    self.families[at].issued = Some(issued.clone());
                }
                self.given(at, issued, running);
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => drop(self.families[at].redeemed.remove(&done.id)),
        }
    }

    fn refreshed(&mut self, at: usize, token: &str, done: &Done, running: &Running) {
        self.judge(at, token);
        let (now, grace) = (self.now(), self.world.grace_ms());
        let known = self.families[at].refresh.get_mut(token).unwrap();
        match &done.outcome {
            Ok(GrantOutcome::Issued(issued)) => {
                if let Some(pair) = &known.pair {
                    self.counts.repeated += 1;
                    let same = pair.access_token == issued.access_token
                        && pair.refresh_token == issued.refresh_token;
                    assert!(same, "a refresh token gave two pairs");
                    let in_time = running.started < known.exchanged + grace;
                    assert!(
                        in_time,
                        "a refresh token that was exchanged long ago gives tokens"
                    );
                } else {
                    self.counts.refreshed += 1;
                    known.pair = Some(issued.clone());
                    known.exchanged = now;
                }
                self.given(at, issued, running);
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => drop(known.presented.remove(&done.id)),
        }
    }

    /// A client got tokens.
    fn given(&mut self, at: usize, issued: &IssuedTokens, running: &Running) {
        assert!(
            !running.dead.contains(&at),
            "a grant that had ended gave tokens"
        );
        let now = self.now();
        let family = &mut self.families[at];
        if let Some(token) = &issued.refresh_token {
            family.refresh.entry(token.clone()).or_default();
        }
        if !family
            .access
            .iter()
            .any(|known| known.text == issued.access_token)
        {
            // Tokens that were given before, and told again, are no use of the grant.
            // The row may have been written when the command began.
            family.used = running.started;
            let after = |began: u64| began / 1000 * 1000 + issued.expires_in * 1000;
            let (expires, ends) = (after(running.started), after(now));
            let text = issued.access_token.clone();
            family.access.push(AccessToken {
                text,
                expires,
                ends,
                maybe_revoked: false,
            });
        }
        if family.dead {
            assert!(
                self.world.access(&issued.access_token).is_none(),
                "a token works after its grant has ended"
            );
        }
    }

    fn died(&mut self, at: usize) {
        let now = self.now();
        let family = &mut self.families[at];
        family.maybe_dead = true;
        if !std::mem::replace(&mut family.dead, true) {
            self.counts.dead += 1;
            family.died = now;
        }
        for token in &self.families[at].access {
            assert!(
                self.world.access(&token.text).is_none(),
                "an access token works after its grant has ended"
            );
        }
    }
}

impl Family {
    /// The refresh token of the latest answer.
    fn newest(&self) -> Option<String> {
        let mut newest = self.issued.as_ref()?.refresh_token.clone()?;
        while let Some(next) = self.refresh[&newest]
            .pair
            .as_ref()
            .and_then(|pair| pair.refresh_token.clone())
        {
            newest = next;
        }
        Some(newest)
    }

    fn before(&self, token: &str) -> Option<String> {
        let leads = |known: &Known| {
            known
                .pair
                .as_ref()?
                .refresh_token
                .as_deref()
                .map(|next| next == token)
        };
        self.refresh
            .iter()
            .find(|(_, known)| leads(known) == Some(true))
            .map(|(before, _)| before.clone())
    }
}

#[test]
fn the_rules_of_grants_hold_in_any_interleaving() {
    simulate("GRANTS_SEED", CASES, 300, |seed| {
        let mut case = Case::new(seed);
        for _ in 0..STEPS {
            bounded(|| case.step());
        }
        let counts = case.end();
        vec![
            ("issued", counts.issued),
            ("shared", counts.shared),
            ("refreshed", counts.refreshed),
            ("repeated", counts.repeated),
            ("minted", counts.minted),
            ("accepted", counts.accepted),
            ("crashes", counts.crashes),
            ("unavailable", counts.unavailable),
            ("dead", counts.dead),
            ("alive at the end", counts.alive_at_the_end),
            ("newer", counts.newer),
        ]
    });
}
