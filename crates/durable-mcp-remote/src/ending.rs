//! Reasons to end: signals, and the end of the process that started this one.

use std::io;

/// Waits for a signal that asks this process to end.
pub(crate) struct Signals(#[cfg(unix)] Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ];
        kinds
            .into_iter()
            .map(signal)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Next signal.
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            if self
                .0
                .iter_mut()
                .any(|signal| signal.poll_recv(context).is_ready())
            {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(not(unix))]
impl Signals {
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self())
    }

    /// Next Ctrl-C.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the process that started this one has ended. Its end of stdin may be held open by others.
#[cfg(target_os = "linux")]
pub(crate) async fn parent_ended() {
    use rustix::process::{PidfdFlags, getppid, pidfd_open};
    let Some(parent) = getppid() else {
        return std::future::pending().await;
    };
    let watched = pidfd_open(parent, PidfdFlags::empty())
        .map_err(io::Error::from)
        .and_then(watch);
    // Ended between the two calls: this process has another parent by now.
    if getppid() != Some(parent) {
        return;
    }
    match watched {
        Ok(parent) if parent.readable().await.is_ok() => {}
        _ => parent_changed().await,
    }
}

#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "its successor is unsafe; the descriptor is owned, so it stays open as long as it is watched"
)]
fn watch(
    process: std::os::fd::OwnedFd,
) -> io::Result<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    tokio::io::unix::AsyncFd::new(process)
}

/// Waits until the process that started this one has ended.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) async fn parent_ended() {
    parent_changed().await;
}

/// Waits for ever: the end of stdin says so.
#[cfg(not(unix))]
pub(crate) async fn parent_ended() {
    std::future::pending().await
}

/// Waits for another parent by looking every two seconds: this system has no signal for it.
#[cfg(unix)]
async fn parent_changed() {
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(2);
    let parent = rustix::process::getppid();
    while rustix::process::getppid() == parent {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
