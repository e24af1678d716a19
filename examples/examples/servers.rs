//! The embedded DynamoDB and the embedded KMS at ports of 127.0.0.1, for other programs.
//!
//! ```text
//! cargo run --example servers                              # both
//! cargo run --example servers -- --kms-only                # KMS alone, beside another DynamoDB
//! cargo run --example servers -- --record calls.jsonl      # also write each call to a file
//! DYNAMODB_ENDPOINT=http://127.0.0.1:8000 \
//! cargo run --example servers -- --record calls.jsonl      # the same for a DynamoDB elsewhere
//! ```
//!
//! The program prints `export` lines on stdout. A shell that evaluates them uses these servers,
//! with the AWS CLI, the AWS SDKs and the other examples:
//!
//! ```text
//! cargo run --example servers > servers.env &
//! until grep -q AWS_REGION servers.env; do sleep 0.1; done; . ./servers.env
//! aws kms create-key
//! aws kms create-alias --alias-name alias/users-2026 --target-key-id ..
//! ```
//!
//! It stops on SIGTERM, on Ctrl-C, and when the pipe at its stdin is closed. It does not wait for
//! the end of a stdin that is not a pipe: a shell gives `/dev/null` to a program in the background.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::thread;

use envelope_examples::Servers;
use envelope_examples::servers::loopback::Recorder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

const USAGE: &str = "usage: servers [--kms-only] [--record FILE]";

#[derive(Default)]
struct Arguments {
    kms_only: bool,
    record: Option<PathBuf>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--kms-only" => arguments.kms_only = true,
                "--record" => {
                    let file =
                        words.next().ok_or_else(|| format!("--record needs a file\n{USAGE}"))?;
                    arguments.record = Some(file.into());
                }
                other => return Err(format!("unknown argument {other}\n{USAGE}")),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(env::args().skip(1))?;
    let servers = Servers::from_env().await?;
    let mut loopback = servers.loopback();
    if arguments.kms_only {
        loopback = loopback.kms_only();
    }
    if let Some(path) = &arguments.record {
        loopback = loopback.watch(Recorder::append_to(path)?);
    }
    let loopback = loopback.start()?;
    for (name, value) in loopback.environment() {
        println!("export {name}={value}");
    }
    io::stdout().flush()?;
    eprintln!("Serving {}.", servers.describe());
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
        () = closed_stdin() => {}
    }
    Ok(())
}

/// Waits for the end of stdin if it is a pipe, and for ever if it is anything else.
async fn closed_stdin() {
    let is_pipe = io::stdin().as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
    let (sender, closed) = oneshot::channel::<()>();
    if is_pipe.is_ok_and(|of| of.file_type().is_fifo() || of.file_type().is_socket()) {
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
            drop(sender);
        });
        let _ = closed.await;
    } else {
        std::future::pending::<()>().await;
    }
}
