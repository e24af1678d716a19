//! Sealing and opening whole records, each beside what it is measured against, in one run.
//!
//! `cargo bench -p envelope-dynamo` prints medians and, since a shared machine is noisy, the ratio to look at: the
//! contenders take turns, sample by sample.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
use serde::{Deserialize, Serialize};

/// Five fields; `notes` brings the record to its size.
#[derive(Clone, Serialize, Deserialize, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[encrypted]
    notes: String,
    #[plaintext]
    plan: String,
}

fn user(notes: usize) -> User {
    User {
        user_id: "u_12345".into(),
        email: "zoe.quinn@example.com".into(),
        ssn: Some("000-12-3456".into()),
        notes: "n".repeat(notes),
        plan: "pro".into(),
    }
}

/// The local provider never waits, so one poll is the whole operation.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("nothing waits")
    };
    output
}

const SAMPLES: usize = 301;
const SAMPLE_TIME: Duration = Duration::from_micros(200);

/// Runs so many times and says how long that took.
type Contender<'c> = &'c mut dyn FnMut(u32) -> Duration;

/// What is run has its input at hand: making it is not measured.
fn with_inputs<I, O>(mut input: impl FnMut() -> I, mut run: impl FnMut(I) -> O) -> impl FnMut(u32) -> Duration {
    move |calls| {
        let inputs: Vec<I> = (0..calls).map(|_| input()).collect();
        let mut outputs = Vec::with_capacity(inputs.len());
        let start = Instant::now();
        outputs.extend(inputs.into_iter().map(|input| run(black_box(input))));
        let elapsed = start.elapsed();
        black_box(outputs);
        elapsed
    }
}

/// Microseconds per call, one median per contender; they take turns.
fn medians<const N: usize>(contenders: [Contender<'_>; N]) -> [f64; N] {
    let mut contenders = contenders.map(|run| {
        let calls = (1..=16).map(|power| 1 << power).find(|calls| run(*calls) >= SAMPLE_TIME).unwrap_or(1 << 16);
        (run, calls, Vec::with_capacity(SAMPLES))
    });
    for _ in 0..SAMPLES {
        for (run, calls, samples) in &mut contenders {
            samples.push(run(*calls).as_secs_f64() * 1e6 / f64::from(*calls));
        }
    }
    contenders.map(|(_, _, mut samples)| {
        samples.sort_unstable_by(f64::total_cmp);
        samples[SAMPLES / 2]
    })
}

type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

fn main() {
    let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
    let cipher = || Aes256Gcm::new(&black_box([7; 32]).into());
    let sizes = [("250 B", 140), ("4 KiB", 3980), ("100 KiB", 102_280)];
    println!("medians in microseconds            record    serde_dynamo       AES-GCM    to serde_dynamo   to AES-GCM");
    for (name, notes) in sizes {
        let user = user(notes);
        let plaintext = vec![7u8; notes + 116];
        row(
            "to_item",
            name,
            medians([
                &mut with_inputs(|| (), |()| now(to_item(black_box(&user), &provider)).unwrap()),
                &mut with_inputs(|| (), |()| serde_dynamo::to_item::<_, Item>(black_box(&user)).unwrap()),
                &mut with_inputs(
                    || (),
                    |()| {
                        let message = Payload { msg: black_box(&plaintext), aad: b"users" };
                        cipher().encrypt(&[0; 12].into(), message).unwrap()
                    },
                ),
            ]),
        );
    }
    for (name, notes) in sizes {
        let user = user(notes);
        let sealed: Item = now(to_item(&user, &provider)).unwrap();
        let plain: Item = serde_dynamo::to_item(&user).unwrap();
        let message = Payload { msg: &vec![7u8; notes + 116][..], aad: b"users" };
        let ciphertext = cipher().encrypt(&[0; 12].into(), message).unwrap();
        row(
            "from_item",
            name,
            medians([
                &mut with_inputs(|| sealed.clone(), |item| now(from_item::<User>(item, &provider)).unwrap()),
                &mut with_inputs(|| plain.clone(), |item| serde_dynamo::from_item::<_, User>(item).unwrap()),
                &mut with_inputs(
                    || (),
                    |()| {
                        let message = Payload { msg: black_box(&ciphertext), aad: b"users" };
                        cipher().decrypt(&[0; 12].into(), message).unwrap()
                    },
                ),
            ]),
        );
    }
}

fn row(operation: &str, size: &str, [record, plain, raw]: [f64; 3]) {
    println!(
        "{operation:<12} {size:<8} {record:>19.2} {plain:>15.2} {raw:>13.2} {:>18.2} {:>12.2}",
        record / plain,
        record / raw
    );
}
