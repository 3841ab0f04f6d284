//! The one refresh at a time of all processes on a machine: a lock of the kernel, and the lease that the reference looks at.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::file::{self, StoreError};
use super::{Store, now_ms};

/// Name of the file that the kernel locks.
pub(super) const LOCK_FILE: &str = "refresh.lock";
const LEASE: &str = "refresh_in_progress.json";
/// Time after which the reference regards a lease as abandoned.
const LEASE_MS: u64 = 30_000;
/// Pause between two looks at a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for other processes, each of which is bound to finish within the time of a lease.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two renewals of a lease.
const RENEWAL: Duration = Duration::from_secs(10);

/// Right to refresh, ended by dropping it or by the end of the process.
#[derive(Debug)]
pub(crate) struct RefreshLock {
    // Unlocked when it is closed.
    _lock: Option<File>,
    lease: Lease,
    renewal: JoinHandle<()>,
}

/// Lease that is this process's while the file has its nonce.
#[derive(Clone, Debug)]
struct Lease {
    path: PathBuf,
    nonce: String,
}

impl RefreshLock {
    pub(super) async fn acquire(store: &Store) -> Result<Self, StoreError> {
        Self::acquire_within(store, PATIENCE).await
    }

    async fn acquire_within(store: &Store, patience: Duration) -> Result<Self, StoreError> {
        let since = Instant::now();
        let lock = lock(&store.path(LOCK_FILE), since, patience).await?;
        let lease = Lease {
            path: store.path(LEASE),
            nonce: nonce(),
        };
        while !lease.take()? {
            wait(&lease.path, since, patience).await?;
        }
        let renewal = tokio::spawn(lease.clone().keep());
        Ok(Self {
            _lock: lock,
            lease,
            renewal,
        })
    }
}

impl Drop for RefreshLock {
    fn drop(&mut self) {
        self.renewal.abort();
        if self.lease.is_held() {
            let _ = file::delete(&self.lease.path);
        }
    }
}

/// `None` on a file system that cannot lock: the lease is then all there is.
async fn lock(path: &Path, since: Instant, patience: Duration) -> Result<Option<File>, StoreError> {
    let file = file::open_lock(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => wait(path, since, patience).await?,
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// Waits a moment, unless that was done for long enough: without the lock nothing is refreshed.
async fn wait(path: &Path, since: Instant, patience: Duration) -> Result<(), StoreError> {
    if since.elapsed() >= patience {
        return Err(StoreError::Busy {
            path: path.to_owned(),
        });
    }
    sleep(PAUSE).await;
    Ok(())
}

impl Lease {
    fn take(&self) -> Result<bool, StoreError> {
        if file::create(&self.path, self.json().as_bytes())? {
            return Ok(true);
        }
        if !holder(&self.path).is_some_and(|lease| is_live(&lease, now_ms())) {
            file::delete(&self.path)?;
        }
        Ok(false)
    }

    fn json(&self) -> String {
        serde_json::json!({ "pid": std::process::id(), "nonce": self.nonce, "at": now_ms() })
            .to_string()
    }

    fn is_held(&self) -> bool {
        holder(&self.path)
            .is_some_and(|lease| lease.get("nonce").and_then(Value::as_str) == Some(&self.nonce))
    }

    /// Renews the lease as long as it is held.
    async fn keep(self) {
        loop {
            sleep(RENEWAL).await;
            if !self.renew() {
                return;
            }
        }
    }

    fn renew(&self) -> bool {
        self.is_held() && file::write(&self.path, self.json().as_bytes()).is_ok()
    }
}

fn holder(path: &Path) -> Option<Map<String, Value>> {
    serde_json::from_slice(&file::read(path).ok()??).ok()
}

fn is_live(lease: &Map<String, Value>, now: u64) -> bool {
    let number = |name| lease.get(name).and_then(Value::as_f64);
    let (Some(pid), Some(at)) = (number("pid"), number("at")) else {
        return false;
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are exact in a double"
    )]
    let age = now as f64 - at;
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let limit = LEASE_MS as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "process ids are whole and small"
    )]
    let pid = pid as i32;
    // One from further ahead is of another clock, and would never end.
    age.abs() < limit && is_running(pid)
}

#[cfg(unix)]
fn is_running(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else {
        return false;
    };
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
    fn a_lease_ends_with_its_time_or_its_process() {
        assert!(is_live(&lease(std::process::id(), 1_000), 2_000));
        assert!(!is_live(
            &lease(std::process::id(), 1_000),
            1_000 + LEASE_MS
        ));
        assert!(!is_live(
            &lease(std::process::id(), 1_000 + LEASE_MS),
            1_000
        ));
        assert!(!is_live(&lease(i32::MAX.unsigned_abs() - 1, 1_000), 2_000));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_refresh_needs_both_lock_and_lease() {
        let folder = crate::store::tests::Folder::new("lease");
        let store = folder.store().unwrap();
        let is_busy = async || {
            let refused = RefreshLock::acquire_within(&store, Duration::ZERO).await;
            matches!(refused, Err(StoreError::Busy { .. }))
        };
        let lock = RefreshLock::acquire(&store).await.unwrap();
        assert!(is_busy().await);
        drop(lock);
        assert!(!store.path(LEASE).exists());
        let of_reference = Lease {
            path: store.path(LEASE),
            nonce: "reference".to_owned(),
        };
        assert!(of_reference.take().unwrap());
        assert!(is_busy().await);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_lease_is_renewed_unless_another_has_taken_it() {
        let folder = crate::store::tests::Folder::new("renewal");
        let store = folder.store().unwrap();
        let lock = RefreshLock::acquire(&store).await.unwrap();
        let write = |nonce: &str| {
            let old = serde_json::json!({ "pid": std::process::id(), "nonce": nonce, "at": 1 });
            file::write(&store.path(LEASE), old.to_string().as_bytes()).unwrap();
        };
        write(&lock.lease.nonce);
        assert!(lock.lease.renew());
        assert!(is_live(&holder(&store.path(LEASE)).unwrap(), now_ms()));
        write("another");
        assert!(!lock.lease.renew());
        drop(lock);
        assert!(store.path(LEASE).exists());
    }
}
