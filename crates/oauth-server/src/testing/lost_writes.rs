//! Writes of a store whose callers die: each is lost, or takes effect later.

use std::cell::{Cell, RefCell};

use super::StoredValue;

/// A write that is under way: the key, and the record that it puts; none where it deletes.
pub(super) type Write = (String, Option<StoredValue>);

/// Fate of writes whose callers die, by a seed. Without a seed all of them are lost.
#[derive(Debug, Default)]
pub(super) struct LostWrites {
    dice: Cell<u64>,
    /// Writes of callers that have died.
    adrift: RefCell<Vec<Write>>,
}

impl LostWrites {
    /// Sets the seed.
    pub(super) fn roughen(&self, seed: u64) {
        self.dice.set(seed | 1);
    }

    pub(super) fn is_rough(&self) -> bool {
        self.dice.get() != 0
    }

    /// Random bit by xorshift64*; false without a seed.
    fn coin(&self) -> bool {
        let mut dice = self.dice.get();
        dice ^= dice >> 12;
        dice ^= dice << 25;
        dice ^= dice >> 27;
        self.dice.set(dice);
        self.is_rough() && dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 63 == 1
    }

    /// The writes adrift that take effect now: some of them, or all.
    pub(super) fn arrivals(&self, all: bool) -> Vec<Write> {
        let (now, later) = self
            .adrift
            .take()
            .into_iter()
            .partition(|_| all || self.coin());
        self.adrift.replace(later);
        now
    }
}

/// A write whose caller may die.
pub(super) struct UnfinishedWrite<'a> {
    weather: &'a LostWrites,
    write: Option<Write>,
}

impl<'a> UnfinishedWrite<'a> {
    pub(super) const fn new(weather: &'a LostWrites, write: Option<Write>) -> Self {
        Self { weather, write }
    }

    /// Notes that the store has applied the write, or refuses it.
    pub(super) fn land(&mut self) {
        self.write = None;
    }
}

impl Drop for UnfinishedWrite<'_> {
    fn drop(&mut self) {
        if let Some(write) = self.write.take().filter(|_| self.weather.coin()) {
            self.weather.adrift.borrow_mut().push(write);
        }
    }
}
