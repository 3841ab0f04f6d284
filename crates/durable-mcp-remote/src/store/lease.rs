//! The one refresh at a time of all processes on a machine: a lock of the kernel, and the lease that the reference looks at.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::sleep;

use super::file::{self, StoreError};
use super::{Store, now_ms};

/// Name of the file that the kernel locks.
pub(super) const LOCK_FILE: &str = "refresh.lock";
const LEASE: &str = "refresh_in_progress.json";
/// Time after which the reference regards a lease as abandoned.
const LEASE_MS: u64 = 30_000;
/// Pause between two looks at a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for a process that does not finish: a token request has its own, shorter deadline.
const PATIENCE_MS: u64 = 60_000;

/// Right to refresh, ended by dropping it or by the end of the process.
#[derive(Debug)]
pub(crate) struct RefreshLock {
    // Unlocked when it is closed.
    _lock: Option<File>,
    lease: Option<(PathBuf, String)>,
}

impl RefreshLock {
    pub(super) async fn acquire(store: &Store) -> Result<Self, StoreError> {
        let lock = lock(&store.path(LOCK_FILE)).await?;
        let path = store.path(LEASE);
        let until = now_ms().saturating_add(PATIENCE_MS);
        let nonce = nonce();
        while now_ms() < until {
            if take(&path, &nonce)? {
                return Ok(Self { _lock: lock, lease: Some((path, nonce)) });
            }
            sleep(PAUSE).await;
        }
        // A lease that neither ends nor is abandoned has an owner with another clock.
        Ok(Self { _lock: lock, lease: None })
    }
}

impl Drop for RefreshLock {
    fn drop(&mut self) {
        if let Some((path, nonce)) = self.lease.take()
            && holder(&path).is_some_and(|lease| lease.get("nonce").and_then(Value::as_str) == Some(&nonce))
        {
            let _ = file::delete(&path);
        }
    }
}

/// `None` on a file system that cannot lock: the lease is then all there is.
async fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let file = file::open_lock(path)?;
    let until = now_ms().saturating_add(PATIENCE_MS);
    while now_ms() < until {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => sleep(PAUSE).await,
            Err(TryLockError::Error(_)) => break,
        }
    }
    Ok(None)
}

fn take(path: &Path, nonce: &str) -> Result<bool, StoreError> {
    let lease = serde_json::json!({ "pid": std::process::id(), "nonce": nonce, "at": now_ms() });
    if file::create(path, lease.to_string().as_bytes())? {
        return Ok(true);
    }
    if !holder(path).is_some_and(|lease| is_live(&lease, now_ms())) {
        file::delete(path)?;
    }
    Ok(false)
}

fn holder(path: &Path) -> Option<Map<String, Value>> {
    serde_json::from_slice(&file::read(path).ok()??).ok()
}

fn is_live(lease: &Map<String, Value>, now: u64) -> bool {
    let number = |name| lease.get(name).and_then(Value::as_f64);
    let (Some(pid), Some(at)) = (number("pid"), number("at")) else { return false };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
    let age = now as f64 - at;
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let limit = LEASE_MS as f64;
    #[expect(clippy::cast_possible_truncation, reason = "process ids are whole and small")]
    let pid = pid as i32;
    age < limit && is_running(pid)
}

#[cfg(unix)]
fn is_running(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    // Not permitted to signal it: it runs.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// The age of a lease is all that can be looked at without a call into the system.
#[cfg(not(unix))]
fn is_running(_: i32) -> bool {
    true
}

fn nonce() -> String {
    let mut bytes = [0; 16];
    // Without randomness the process id and the time still tell two holders apart.
    if getrandom::fill(&mut bytes).is_err() {
        return format!("{}-{}", std::process::id(), now_ms());
    }
    format!("{:032x}", u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(pid: u32, at: u64) -> Map<String, Value> {
        serde_json::from_value(serde_json::json!({ "pid": pid, "nonce": "n", "at": at })).unwrap()
    }

    #[test]
    fn a_lease_ends_with_its_time_or_with_its_process() {
        assert!(is_live(&lease(std::process::id(), 1_000), 2_000));
        assert!(!is_live(&lease(std::process::id(), 1_000), 1_000 + LEASE_MS));
        assert!(!is_live(&lease(i32::MAX.unsigned_abs() - 1, 1_000), 2_000));
    }
}
