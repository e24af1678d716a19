//! The command in a process of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io::Write, path::PathBuf};

use serde_json::Value;

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// How a process of [`own_command`] ended: without the lines of the test harness before it.
    pub(crate) fn of_own(output: Output) -> Self {
        let ended = Self::of(output);
        let stdout = ended.stdout.trim_start();
        let stdout = stdout.strip_prefix("running 1 test\n").unwrap_or(stdout).to_owned();
        Self { stdout, ..ended }
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit code, and that stderr says each of `parts`.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// The command, with nothing of the AWS configuration of whoever runs the test.
pub(crate) fn envelope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envelope"));
    command.args(arguments).stdin(Stdio::null()).env_clear();
    command.env("PATH", env::var_os("PATH").unwrap_or_default());
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// This test binary again, which runs one test: a command that a test has built for itself. Print
/// nothing there but by the command.
pub(crate) fn own_command(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=2"]);
    command.stdin(Stdio::null()).env_clear();
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ended {
    Ended::of(envelope(arguments).output().unwrap())
}

/// The same in another directory.
pub(crate) fn run_in(directory: &Path, arguments: &[&str]) -> Ended {
    Ended::of(envelope(arguments).current_dir(directory).output().unwrap())
}

/// The same with variables of the environment, and a text at stdin.
pub(crate) fn run_with(arguments: &[&str], environment: &[(String, String)], stdin: &str) -> Ended {
    let mut command = envelope(arguments);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The process may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Ended::of(child.wait_with_output().unwrap())
}

/// A new directory for the files of one test.
pub(crate) fn scratch() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A file with this text; its path as text.
pub(crate) fn file(name: &str, text: &str) -> String {
    let path = scratch().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A schema file of one table.
pub(crate) fn users() -> String {
    file("envelope.schema.json", USERS)
}

pub(crate) const USERS: &str = r#"{ "envelope-schema": 1, "records": { "User": {
    "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
    "fields": { "email": "encrypted", "plan": "authenticated" } } } }"#;
