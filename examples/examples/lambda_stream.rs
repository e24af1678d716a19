//! A Lambda function that reads a table's stream: DynamoDB Streams delivers the item before and
//! after each change, and `from_item` opens both.
//!
//! `cargo run --example lambda_stream` passes one event to the handler; one record of the event was
//! forged.
//!
//! In your own function, `lambda_runtime::service_fn` calls `handle`. Configure the stream with
//! `NEW_AND_OLD_IMAGES`, and the event source mapping with `ReportBatchItemFailures`.

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

/// A change of a record.
#[derive(Debug, PartialEq)]
enum Change {
    Created(User),
    Changed { before: User, after: User },
    Deleted(User),
}

/// The result of an event.
#[derive(Debug, Default)]
struct Outcome {
    changes: Vec<Change>,
    /// Sequence numbers of the records that Lambda must deliver again.
    retry: Vec<String>,
    /// Records that would fail again: raise an alarm.
    broken: Vec<Error>,
}

async fn handle(event: Event, provider: &impl UnwrapKey) -> Outcome {
    let mut outcome = Outcome::default();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
        match change(record, provider).await {
            Ok(change) => outcome.changes.extend(change),
            // KMS was throttled or did not answer: retry this record and those after it.
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
        // A record that was sealed again with the same content is not a change.
        (Some(before), Some(after)) => {
            (before != after).then_some(Change::Changed { before, after })
        }
        (None, None) => None,
    })
}

/// Opens an image. A created record has no old image, and a deleted record no new one.
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
    println!("An event with {} records:", event.records.len());

    let outcome = handle(event, &provider).await;
    for change in &outcome.changes {
        match change {
            Change::Created(user) => {
                println!("- {} was created with the plan {}", user.user_id, user.plan)
            }
            // Logs name no sealed values, only that they have changed.
            Change::Changed { before, after } => {
                let email = if before.email == after.email { "the same" } else { "another" };
                println!(
                    "- {} was changed: {email} e-mail address, {} logins after {}",
                    after.user_id, after.logins, before.logins
                );
            }
            Change::Deleted(user) => println!("- {} was deleted", user.user_id),
        }
    }
    for error in &outcome.broken {
        let cause = if error.fault() == Fault::Data { "bad data" } else { "could not be opened" };
        println!("- {cause}: {error}");
    }

    assert_eq!((outcome.changes.len(), outcome.retry.len(), outcome.broken.len()), (3, 0, 1));
    Ok(())
}

/// An event as Lambda delivers it: a user was created, one was changed, one was forged, and one was
/// deleted.
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
