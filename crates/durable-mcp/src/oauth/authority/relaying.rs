//! Requests and streams that the relay of the playground sends for a user, counted in memory. An object that was idle for some ten
//! seconds may be evicted (Cloudflare, "Lifecycle of a Durable Object"), and then counts anew.

use std::collections::VecDeque;

use super::spending::Allowance;
use super::{Authority, Refused};

/// Requests that one user may have relayed in a minute.
pub const RELAYED_A_MINUTE: usize = 60;

/// Streams that one user may have relayed at once.
pub const RELAYED_STREAMS: usize = 4;

/// Period for which a stream counts unless it is announced again, in milliseconds.
pub const STREAM_MS: u64 = 30_000;

const MINUTE_MS: u64 = 60_000;

/// Delay before a retry where the limit of streams is reached, in seconds.
const BUSY_SECONDS: u64 = 5;

/// Recent requests and open streams of a user.
#[derive(Debug, Default)]
pub(super) struct Relayed {
    /// Times of the requests, the oldest first, in milliseconds since 1970.
    requests: VecDeque<u64>,
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    id: String,
    until: u64,
}

impl Relayed {
    fn request(&mut self, now: u64) -> Allowance {
        while self
            .requests
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= MINUTE_MS)
        {
            self.requests.pop_front();
        }
        match self.requests.front() {
            Some(oldest) if self.requests.len() >= RELAYED_A_MINUTE => Allowance::Busy {
                retry_after: (oldest + MINUTE_MS).saturating_sub(now).div_ceil(1000),
            },
            _ => {
                self.requests.push_back(now);
                Allowance::Granted { tokens: 0 }
            }
        }
    }

    fn stream(&mut self, id: String, now: u64) -> Allowance {
        self.streams
            .retain(|stream| now < stream.until && stream.id != id);
        if self.streams.len() >= RELAYED_STREAMS {
            return Allowance::Busy {
                retry_after: BUSY_SECONDS,
            };
        }
        self.streams.push(Stream {
            id,
            until: now + STREAM_MS,
        });
        Allowance::Granted { tokens: 0 }
    }
}

impl Authority {
    /// Counts a request, or a stream, while the grant lives.
    pub(super) fn relay(&self, grant: &str, stream: Option<String>) -> Result<Allowance, Refused> {
        if self.go_on(grant)? == Allowance::Ended {
            return Ok(Allowance::Ended);
        }
        let (mut relayed, now) = (self.relayed.borrow_mut(), self.host.now());
        Ok(match stream {
            Some(id) => relayed.stream(id, now),
            None => relayed.request(now),
        })
    }

    /// Stops counting a stream, which is over.
    pub(super) fn leave_stream(&self, id: &str) {
        self.relayed
            .borrow_mut()
            .streams
            .retain(|stream| stream.id != id);
    }
}
