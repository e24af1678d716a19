//! When to stop before the end: a signal, or the deadline.

use std::time::Duration;

/// Waits for SIGTERM, Ctrl-C or the deadline, and says which it was.
pub(crate) async fn stop(deadline: Option<Duration>) -> &'static str {
    tokio::select! {
        () = terminated() => "SIGTERM",
        () = interrupted() => "Ctrl-C",
        () = expired(deadline) => "--deadline",
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => drop(terminated.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn expired(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}
