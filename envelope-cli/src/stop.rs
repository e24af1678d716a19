//! When to stop before the end: a signal, or the deadline.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

/// What stops a run. It is installed before the first call, so that no signal ends the process in
/// another way.
pub(crate) struct Stop {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
    deadline: Option<Instant>,
}

impl Stop {
    /// Listens for signals from now on. The time to the deadline begins now.
    pub(crate) fn install(deadline: Option<Duration>) -> Self {
        let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let terminated = signal(SignalKind::terminate());
            let interrupted = signal(SignalKind::interrupt());
            let signals = terminated.and_then(|first| Ok([first, interrupted?])).ok();
            Self { signals, deadline }
        }
        #[cfg(not(unix))]
        Self { deadline }
    }

    /// Waits for SIGTERM, Ctrl-C or the deadline, and says which it was.
    pub(crate) async fn wait(self) -> &'static str {
        let deadline = self.deadline;
        tokio::select! {
            cause = self.signal() => cause,
            () = expired(deadline) => "--deadline",
        }
    }

    /// Waits as [`wait`](Self::wait) does, and notes which it was.
    pub(crate) async fn note(self, cause: &OnceLock<&'static str>) {
        // It is noted once, so nothing else is there.
        let _ = cause.set(self.wait().await);
    }

    #[cfg(unix)]
    async fn signal(self) -> &'static str {
        let Some([mut terminated, mut interrupted]) = self.signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminated.recv() => "SIGTERM",
            _ = interrupted.recv() => "Ctrl-C",
        }
    }

    #[cfg(not(unix))]
    async fn signal(self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

async fn expired(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
