//! A job of many parts: starts a process for each, and starts it again as a scheduler would.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Ended, Engine, Verdict};
use crate::random::Random;

/// How often the processes are looked at.
const TICK: Duration = Duration::from_millis(10);

/// A job, and how its processes are started.
#[derive(Debug)]
pub struct Job<'j> {
    /// The scheduler.
    pub engine: &'j Engine,
    /// The number of parts.
    pub parts: u32,
    /// The number of processes at a time.
    pub slots: usize,
    /// The time from SIGTERM to SIGKILL.
    pub grace: Duration,
    /// A folder for what the processes print: `17.2.out` and `17.2.err` are of the second start of
    /// part 17.
    pub logs: &'j Path,
}

/// What somebody does to a job that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Kills a random process, as the kernel does if memory runs out. The part counts a failure.
    Kill,
    /// Kills a random process because its machine is gone.
    LoseHost,
    /// Drains the machine of a random process: SIGTERM, and SIGKILL after the grace period.
    Drain,
    /// Stops all processes, and starts none.
    Suspend,
    /// Starts processes again.
    Resume,
    /// Changes the number of processes at a time. Does not stop those that run.
    Slots(usize),
}

/// How a job ended.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// The parts that are done.
    pub done: BTreeSet<u32>,
    /// The parts that failed for good, with the last exit code of each.
    pub failed: BTreeMap<u32, i32>,
    /// Whether one part failed the whole job.
    pub job_failed: bool,
    /// How many processes were started.
    pub starts: u32,
    /// How many processes were killed by [`Order::Kill`] and [`Order::LoseHost`].
    pub kills: u32,
    /// How many processes outlived the grace period.
    pub outlived_grace: u32,
    /// The largest memory of a process that was seen (`VmHWM`), in bytes.
    pub peak_memory: u64,
    /// The exit codes of all processes, and how often each was seen. 128 and more are signals.
    pub exits: BTreeMap<i32, u32>,
}

impl Ending {
    /// Whether every part is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.job_failed && self.failed.is_empty()
    }
}

/// Why a process was told to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    HostLost,
    Suspended,
    JobFailed,
}

struct Process {
    part: u32,
    child: Child,
    why: Option<Why>,
    /// When SIGKILL follows SIGTERM.
    deadline: Option<Instant>,
}

struct Running<'j, F> {
    job: &'j Job<'j>,
    command: F,
    random: &'j Random,
    waiting: VecDeque<u32>,
    processes: Vec<Process>,
    starts: BTreeMap<u32, u32>,
    failures: BTreeMap<u32, u64>,
    slots: usize,
    suspended: bool,
    /// Kills that have found no process yet.
    pending: VecDeque<Order>,
    ending: Ending,
}

impl Job<'_> {
    /// Runs the job to its end. `command` is what a process runs; it gets the number of its part in
    /// the scheduler's variable.
    ///
    /// # Errors
    ///
    /// If a process cannot be started or looked at.
    pub fn run(
        &self,
        command: impl Fn() -> Command,
        orders: Receiver<Order>,
        random: &Random,
    ) -> io::Result<Ending> {
        fs::create_dir_all(self.logs)?;
        let mut running = Running {
            job: self,
            command,
            random,
            waiting: (0..self.parts).collect(),
            processes: Vec::new(),
            starts: BTreeMap::new(),
            failures: BTreeMap::new(),
            slots: self.slots,
            suspended: false,
            pending: VecDeque::new(),
            ending: Ending::default(),
        };
        let result = running.until_the_end(&orders);
        for process in &mut running.processes {
            process.child.kill()?; // only after an error: nothing is left behind
            process.child.wait()?;
        }
        result.map(|()| running.ending)
    }
}

impl<F: Fn() -> Command> Running<'_, F> {
    fn until_the_end(&mut self, orders: &Receiver<Order>) -> io::Result<()> {
        loop {
            self.pending.extend(orders.try_iter());
            self.obey()?;
            self.look()?;
            self.start()?;
            if self.processes.is_empty() && (self.waiting.is_empty() || self.ending.job_failed) {
                return Ok(());
            }
            thread::sleep(TICK);
        }
    }

    fn obey(&mut self) -> io::Result<()> {
        for order in std::mem::take(&mut self.pending) {
            match order {
                Order::Suspend => {
                    self.suspended = true;
                    self.stop_all(Why::Suspended)?;
                }
                Order::Resume => self.suspended = false,
                Order::Slots(slots) => self.slots = slots,
                Order::Kill | Order::LoseHost | Order::Drain => {
                    if !self.strike(order)? {
                        self.pending.push_back(order);
                    }
                }
            }
        }
        Ok(())
    }

    /// Strikes a random process that nobody has told to end; `false` if there is none.
    fn strike(&mut self, order: Order) -> io::Result<bool> {
        let mut free: Vec<_> = self.processes.iter_mut().filter(|p| p.why.is_none()).collect();
        let drawn = usize::try_from(self.random.below(free.len() as u64)).unwrap_or_default();
        let Some(process) = free.get_mut(drawn) else { return Ok(false) };
        if process.child.try_wait()?.is_some() {
            return Ok(false); // it ended by itself a moment ago
        }
        match order {
            Order::Drain => {
                process.why = Some(Why::HostLost);
                process.terminate(self.job.grace)?;
            }
            _ => {
                process.why = (order == Order::LoseHost).then_some(Why::HostLost);
                process.child.kill()?;
                self.ending.kills += 1;
            }
        }
        Ok(true)
    }

    fn stop_all(&mut self, why: Why) -> io::Result<()> {
        for process in self.processes.iter_mut().filter(|process| process.why.is_none()) {
            process.why = Some(why);
            process.terminate(self.job.grace)?;
        }
        Ok(())
    }

    /// Collects processes that ended, kills those that outlived their grace, and measures memory.
    fn look(&mut self) -> io::Result<()> {
        let mut ended = Vec::new();
        let mut left = Vec::new();
        for mut process in std::mem::take(&mut self.processes) {
            let memory = peak_memory(process.child.id());
            self.ending.peak_memory = self.ending.peak_memory.max(memory.unwrap_or_default());
            if let Some(status) = process.child.try_wait()? {
                ended.push((process, status));
                continue;
            }
            if process.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                process.child.kill()?;
                process.deadline = None;
                self.ending.outlived_grace += 1;
            }
            left.push(process);
        }
        self.processes = left;
        ended.into_iter().try_for_each(|(process, status)| self.settle(&process, status))
    }

    fn settle(&mut self, process: &Process, status: ExitStatus) -> io::Result<()> {
        let code = exit_code(status);
        *self.ending.exits.entry(code).or_default() += 1;
        let ended = match process.why {
            // A process that finished before the signal reached it is done.
            _ if code == 0 => Ended::Exit(0),
            Some(Why::HostLost) => Ended::HostLost,
            Some(Why::Suspended) => Ended::Suspended,
            Some(Why::JobFailed) => {
                self.ending.failed.insert(process.part, code);
                return Ok(());
            }
            None => Ended::Exit(code),
        };
        let mut verdict = self.job.engine.verdict(ended);
        if verdict == (Verdict::Retry { counts: true }) {
            let failures = self.failures.entry(process.part).or_default();
            *failures += 1;
            if *failures > self.job.engine.failures_allowed {
                verdict = Verdict::FailPart;
            }
        }
        match verdict {
            Verdict::Done => drop(self.ending.done.insert(process.part)),
            Verdict::Retry { .. } => self.waiting.push_back(process.part),
            Verdict::FailPart => drop(self.ending.failed.insert(process.part, code)),
            Verdict::FailJob => {
                self.ending.failed.insert(process.part, code);
                self.ending.job_failed = true;
                self.stop_all(Why::JobFailed)?;
            }
        }
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        while !self.suspended && !self.ending.job_failed && self.processes.len() < self.slots {
            let Some(part) = self.waiting.pop_front() else { return Ok(()) };
            let start = self.starts.entry(part).or_default();
            *start += 1;
            let log = |end: &str| File::create(self.job.logs.join(format!("{part}.{start}.{end}")));
            let child = (self.command)()
                .env(self.job.engine.index_variable, part.to_string())
                .stdin(std::process::Stdio::null())
                .stdout(log("out")?)
                .stderr(log("err")?)
                .spawn()?;
            self.ending.starts += 1;
            self.processes.push(Process { part, child, why: None, deadline: None });
        }
        Ok(())
    }
}

impl Process {
    fn terminate(&mut self, grace: Duration) -> io::Result<()> {
        self.deadline = Some(Instant::now() + grace);
        // The process was not waited for, so its number is not another's.
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().map(drop)
    }
}

/// The exit code as a shell and both schedulers show it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(-1)
}

/// The largest memory that a process has had, in bytes. `None` if it has ended.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
