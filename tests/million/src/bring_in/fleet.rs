//! The processes that are alive, and rolling deployments: each new process is there before an old
//! one goes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use crate::Outcome;
use crate::bring_in::build::{Build, Handle};
use crate::bring_in::traffic::Traffic;

/// The processes of a service.
#[derive(Debug)]
pub struct Fleet {
    traffic: Arc<Traffic>,
    /// The oldest first.
    processes: VecDeque<Process>,
    /// How many operations pass between two replacements.
    pause: u64,
}

/// A process: a task with a client and a table handle of its own.
#[derive(Debug)]
struct Process {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Process {
    fn start(traffic: &Arc<Traffic>, build: Build, is_forgotten: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (traffic, stopped) = (Arc::clone(traffic), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let handle = Handle::new(traffic.world(), build);
            while !stopped.load(Ordering::SeqCst) {
                if is_forgotten {
                    // It does not go on before the others do.
                    traffic.operate_in_vain(&handle).await;
                    traffic.more(1).await;
                } else {
                    traffic.operate(&handle, build).await;
                }
            }
        });
        Self { stop, task }
    }

    /// Ends the process after what it is doing.
    async fn end(self) -> Outcome<()> {
        self.stop.store(true, Ordering::SeqCst);
        Ok(self.task.await?)
    }
}

impl Fleet {
    /// So many processes of a build.
    #[must_use]
    pub fn start(traffic: &Arc<Traffic>, processes: u32, build: Build, pause: u64) -> Self {
        let processes = (0..processes).map(|_| Process::start(traffic, build, false)).collect();
        Self { traffic: Arc::clone(traffic), processes, pause }
    }

    /// Replaces so many processes by processes of `build`, one after the other, under traffic.
    ///
    /// # Errors
    ///
    /// If a process has panicked.
    pub async fn roll(&mut self, processes: usize, build: Build) -> Outcome<()> {
        for _ in 0..processes {
            self.processes.push_back(Process::start(&self.traffic, build, false));
            self.traffic.more(self.pause).await;
            if let Some(oldest) = self.processes.pop_front() {
                oldest.end().await?;
            }
            self.traffic.more(self.pause).await;
        }
        Ok(())
    }

    /// The same for all processes.
    ///
    /// # Errors
    ///
    /// If a process has panicked.
    pub async fn roll_all(&mut self, build: Build) -> Outcome<()> {
        self.roll(self.processes.len(), build).await
    }

    /// Ends all processes.
    ///
    /// # Errors
    ///
    /// If a process has panicked.
    pub async fn end(self) -> Outcome<()> {
        for process in self.processes {
            process.end().await?;
        }
        Ok(())
    }
}

/// A process of the old build that nobody has stopped when its role lost the table.
#[derive(Debug)]
pub struct Forgotten(Process);

impl Forgotten {
    /// Goes on beside the others.
    #[must_use]
    pub fn start(traffic: &Arc<Traffic>) -> Self {
        Self(Process::start(traffic, Build::Old, true))
    }

    /// Ends it. The others must be alive.
    ///
    /// # Errors
    ///
    /// If it has panicked.
    pub async fn end(self) -> Outcome<()> {
        self.0.end().await
    }
}
