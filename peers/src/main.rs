//! Compares Envelope with a local root key and AWS's Database Encryption SDK with a raw AES
//! keyring, on the same record of five fields. The two take turns in one run.
//!
//! Both convert the struct to an item and back. AWS's library takes and returns items, so
//! serde_dynamo converts them.

use std::hint::black_box;
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{LocalKeyProvider, RootKey, from_item, to_item};
use envelope_peers::{Failure, Item, User, open_by_peer, peer, seal_by_peer, user};

const SAMPLES: usize = 51;

/// The mean time of a call in microseconds.
async fn timed<O>(
    calls: u32,
    mut call: impl AsyncFnMut() -> Result<O, Failure>,
) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call().await?);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(calls))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn print(operation: &str, envelope: Vec<f64>, peer: Vec<f64>) {
    let ratio =
        median(peer.iter().zip(&envelope).map(|(peer, envelope)| peer / envelope).collect());
    println!(
        "{operation}: Envelope {:.2} us, aws-db-esdk {:.0} us, {ratio:.0} times",
        median(envelope),
        median(peer)
    );
}

/// Bytes of the names and values of an item that has texts and bytes.
fn bytes(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        other => unreachable!("{other:?} is neither text nor bytes"),
    };
    item.iter().map(|(name, content)| name.len() + value(content)).sum()
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (user, peer) = (user(), peer().await?);
    let provider = LocalKeyProvider::new(RootKey::generate()?);
    let by_peer = seal_by_peer(&peer, &user).await?;
    let by_envelope = to_item(&user, &provider).await?;
    assert_eq!(open_by_peer(&peer, by_peer.clone()).await?, user);
    assert_eq!(from_item::<User>(by_envelope.clone(), &provider).await?, user);

    let plain = bytes(&serde_dynamo::to_item(&user)?);
    let (added, added_by_peer) = (bytes(&by_envelope) - plain, bytes(&by_peer) - plain);
    println!("item of {plain} bytes: Envelope adds {added}, aws-db-esdk {added_by_peer}");

    let [mut sealing, mut sealing_by_peer, mut opening, mut opening_by_peer] =
        [const { Vec::new() }; 4];
    for _ in 0..SAMPLES {
        sealing.push(timed(500, async || Ok(to_item(black_box(&user), &provider).await?)).await?);
        sealing_by_peer.push(timed(5, async || seal_by_peer(&peer, black_box(&user)).await).await?);
        opening.push(
            timed(500, async || Ok(from_item::<User>(by_envelope.clone(), &provider).await?))
                .await?,
        );
        opening_by_peer.push(timed(5, async || open_by_peer(&peer, by_peer.clone()).await).await?);
    }
    print("seal", sealing, sealing_by_peer);
    print("open", opening, opening_by_peer);
    Ok(())
}
