//! Follows a table as a Lambda function does: DynamoDB Streams delivers the item before and after
//! each change, and both open like any item.
//!
//! `cargo run --example lambda_stream`: plays one event to the handler, with a record that was
//! tampered with among it.
//!
//! In a function of your own, `handle` is what `lambda_runtime::service_fn` calls; the event source
//! mapping asks for `NEW_AND_OLD_IMAGES` and `ReportBatchItemFailures`.

use std::collections::HashMap;
use std::error::Error as StdError;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::{
    Envelope, Error, Fault, LocalKeyProvider, RootKey, UnwrapKey, from_item, to_item,
};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

/// What became of a record, as far as the function cares.
#[derive(Debug, PartialEq)]
enum Change {
    Created(User),
    Changed { before: User, after: User },
    Deleted(User),
}

/// What the function answers: the records that Lambda shall deliver again, by their sequence
/// numbers.
#[derive(Debug, Default)]
struct Outcome {
    changes: Vec<Change>,
    retry: Vec<String>,
    /// For an alarm: delivering these again would fail again.
    broken: Vec<Error>,
}

async fn handle(event: Event, provider: &impl UnwrapKey) -> Outcome {
    let mut outcome = Outcome::default();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
        match change(record, provider).await {
            Ok(change) => outcome.changes.extend(change),
            // KMS was throttled or away: try this record, and those after it, again.
            Err(error) if error.is_retryable() => {
                outcome.retry.push(sequence_number);
                break;
            }
            Err(error) => outcome.broken.push(error),
        }
    }
    outcome
}

async fn change(record: EventRecord, provider: &impl UnwrapKey) -> Result<Option<Change>, Error> {
    let before = open(record.change.old_image, provider).await?;
    let after = open(record.change.new_image, provider).await?;
    Ok(match (before, after) {
        (None, Some(user)) => Some(Change::Created(user)),
        (Some(user), None) => Some(Change::Deleted(user)),
        // A record that was sealed anew and says the same is no change.
        (Some(before), Some(after)) => {
            (before != after).then_some(Change::Changed { before, after })
        }
        (None, None) => None,
    })
}

/// Opens an image; there is none before a record was created, and none after it was deleted.
async fn open(image: serde_dynamo::Item, provider: &impl UnwrapKey) -> Result<Option<User>, Error> {
    let item: HashMap<String, AttributeValue> = image.into();
    if item.is_empty() { Ok(None) } else { from_item(item, provider).await.map(Some) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    // In production a `KmsKeyProvider` with kms:Decrypt, in a `CachedKeyProvider` if the same
    // records change often.
    let provider = LocalKeyProvider::new(RootKey::generate()?);
    let event = sample_event(&provider).await?;
    println!("an event of {} records", event.records.len());

    let outcome = handle(event, &provider).await;
    for change in &outcome.changes {
        match change {
            Change::Created(user) => {
                println!("  {} joined, with the plan {}", user.user_id, user.plan)
            }
            Change::Changed { before, after } => {
                let email = if before.email == after.email {
                    "the same e-mail address"
                } else {
                    "another e-mail address"
                };
                println!(
                    "  {} has {email}, and {} logins after {}",
                    after.user_id, after.logins, before.logins
                );
            }
            Change::Deleted(user) => println!("  {} left", user.user_id),
        }
    }
    for error in &outcome.broken {
        println!(
            "  {}: {error}",
            if error.fault() == Fault::Data { "bad data" } else { "not to be opened" }
        );
    }

    assert_eq!((outcome.changes.len(), outcome.retry.len(), outcome.broken.len()), (3, 0, 1));
    Ok(())
}

/// What Lambda would deliver: somebody joined, somebody changed their address, a record was
/// tampered with, somebody left.
async fn sample_event(provider: &LocalKeyProvider) -> Result<Event, Box<dyn StdError>> {
    let user = |id: &str, email: &str, logins| User {
        user_id: id.to_owned(),
        email: email.to_owned(),
        plan: "pro".to_owned(),
        logins,
    };
    let zoe = to_item(&user("u_1", "zoe@example.com", 0), provider).await?;
    let (max, moved) = (user("u_2", "max@example.com", 6), user("u_2", "max@example.org", 7));
    let (max, moved) = (to_item(&max, provider).await?, to_item(&moved, provider).await?);
    let mut forged = to_item(&user("u_3", "eve@example.com", 1), provider).await?;
    forged.insert("plan".to_owned(), AttributeValue::S("enterprise".to_owned()));
    let leaving = to_item(&user("u_4", "ann@example.com", 9), provider).await?;

    let records = [
        ("INSERT", None, Some(zoe)),
        ("MODIFY", Some(max), Some(moved)),
        ("INSERT", None, Some(forged)),
        ("REMOVE", Some(leaving), None),
    ];
    let records = (1..).zip(records).map(|(number, (name, before, after))| {
        let image = |item: Option<HashMap<_, _>>| item.map(serde_dynamo::Item::from);
        json!({
            "eventID": format!("event-{number}"),
            "eventName": name,
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_763_000_000,
                "SequenceNumber": number.to_string(),
                "SizeBytes": 300,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
                "OldImage": image(before),
                "NewImage": image(after),
            },
        })
    });
    Ok(serde_json::from_value(json!({ "Records": records.collect::<Vec<_>>() }))?)
}
