//! Makes the mistakes of docs/guide/errors.md, and compares what they print with the chapter.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::keys::SharingLimits;
use envelope_dynamo::{
    Envelope, Error, Fault, KmsKeyProvider, SharedKeyProvider, Table, WriteOutcome, from_item,
    to_item,
};
use envelope_testing::{Aws, Fault as Injected, Faults, disable_kms_key};
use envelope_tests::{Item, local_keys};

use crate::guide::{is_printed_in, read};

const PAGE: &str = "docs/guide/errors.md";

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by-plan", partition_key = plan))]
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

fn zoe() -> User {
    let [user_id, email, plan] = ["u_1", "zoe@example.com", "free"].map(str::to_owned);
    User { user_id, email, plan, logins: 0 }
}

/// Who acts on an error: the code of the chapter.
enum Answer {
    NotFound,
    Conflict,
    TryLater,
    Bug,
    Alarm,
}

fn answer(error: &Error) -> Answer {
    if error.is_condition_failure() {
        return Answer::Conflict; // a decision of the program, no fault
    }
    match error.fault() {
        _ if error.is_retryable() => Answer::TryLater,
        Fault::Caller => Answer::Bug,
        Fault::Operator => Answer::TryLater, // and tell the operator
        Fault::Data => Answer::Alarm,        // somebody must look at this record
        _ => Answer::Bug,
    }
}

/// What the embedded KMS never says.
const REFUSALS_OF_KMS: [(&str, &str); 2] = [
    (
        "ThrottlingException",
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    ),
    (
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/users/i-1 is not authorized to perform: kms:Decrypt",
    ),
];

/// The messages that were seen, without the ids of requests.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn note<T>(&mut self, outcome: Result<T, Error>) -> Result<Error, Box<dyn StdError>> {
        let error = outcome.err().ok_or("the mistake was not noticed")?;
        let text = error.to_string();
        let (before, after) = text.split_once(" (request ").unwrap_or((&text, ")"));
        let after = after.split_once(')').map_or("", |(_, after)| after);
        self.0.push(format!("{before}{after}"));
        Ok(error)
    }

    #[track_caller]
    fn assert_printed(self) {
        let missing = self.0.into_iter().filter(|text| !is_printed_in(PAGE, text));
        let missing: Vec<String> = missing.collect();
        assert!(missing.is_empty(), "{PAGE} does not print:\n{}", missing.join("\n"));
    }
}

#[tokio::test]
async fn a_write_that_the_record_decides() -> Result<(), Box<dyn StdError>> {
    let (faults, mut seen) = (Faults::new(), Seen::default());
    let aws = Aws::embedded().await?.with_faults(&faults);
    let users = aws.create_table::<User>("users").await?;
    seen.note(users.update("u_1").add(|user| user.logins, 1).send().await)?;
    users.put(&zoe()).send().await?;
    let error = seen.note(users.put(&zoe()).if_not_exists().send().await)?;
    assert!(matches!(answer(&error), Answer::Conflict));
    faults.fail_next("DeleteItem", Injected::LoseReply);
    let error = seen.note(users.delete("u_1").returning_old().send().await)?;
    assert_eq!(error.write_outcome(), WriteOutcome::Written);
    seen.assert_printed();
    Ok(())
}

#[tokio::test]
async fn stored_data_that_does_not_open() -> Result<(), Box<dyn StdError>> {
    let mut seen = Seen::default();
    let keys = local_keys(1);
    let item = to_item(&zoe(), &keys).await?;
    let text = |text: &str| AttributeValue::S(text.to_owned());

    let mut changed = item.clone();
    changed.insert("plan".to_owned(), text("enterprise"));
    let error = seen.note(from_item::<User>(changed, &keys).await)?;
    assert!(matches!(answer(&error), Answer::Alarm));

    let mut moved = item.clone();
    moved.insert("user_id".to_owned(), text("u_2"));
    seen.note(from_item::<User>(moved, &keys).await)?;

    let mut cut = item.clone();
    cut.remove("encrypted_payload");
    seen.note(from_item::<User>(cut, &keys).await)?;

    let plain = [("user_id", "u_1"), ("email", "zoe@example.com")];
    let plain: Item = plain.map(|(name, value)| (name.to_owned(), text(value))).into();
    seen.note(from_item::<User>(plain, &keys).await)?;

    #[derive(Envelope)]
    #[envelope(table = "users")]
    struct OfAnotherType {
        #[partition_key]
        user_id: String,
        #[encrypted]
        email: u32,
        #[authenticated]
        plan: String,
    }
    seen.note(from_item::<OfAnotherType>(item.clone(), &keys).await)?;

    #[derive(Envelope)]
    #[envelope(table = "users")]
    struct Stricter {
        #[partition_key]
        user_id: String,
        #[encrypted]
        email: String,
        #[authenticated]
        plan: String,
        #[encrypted]
        logins: u64,
    }
    seen.note(from_item::<Stricter>(item, &keys).await)?;
    seen.assert_printed();
    Ok(())
}

#[tokio::test]
async fn reads_of_more_or_less_than_was_stored() -> Result<(), Box<dyn StdError>> {
    #[derive(Clone, Envelope)]
    #[envelope(table = "notes", entity(kind = "note"))]
    struct Note {
        #[partition_key]
        id: String,
        #[encrypted]
        text: String,
        #[authenticated]
        #[version]
        version: u64,
    }

    let mut seen = Seen::default();
    let aws = Aws::embedded().await?;
    let notes = aws.create_table::<Note>("notes").await?;
    let mut note = Note { id: "n_1".to_owned(), text: "buy milk".to_owned(), version: 0 };
    notes.put_mut(&mut note).send().await?;
    seen.note(notes.get("n_1").not_before_version(7).send().await)?;

    let keys = local_keys(1);
    let mut item = to_item(&note, &keys).await?;
    item.insert("kind".to_owned(), AttributeValue::S("letter".to_owned()));
    seen.note(from_item::<Note>(item, &keys).await)?;

    let users = aws.create_table::<User>("users").await?;
    let max = User { user_id: "u_2".to_owned(), ..zoe() };
    users.batch_put([&zoe(), &max]).send().await?;
    let by_plan = users.index(|indexes| indexes.by_plan);
    seen.note(by_plan.query("free").one().await)?;

    let mut first = users.scan().limit(1).stream()?;
    while first.next().await.is_some() {}
    let token = first.resume_token();
    assert!(token.is_some(), "one of two records was read");
    seen.note(by_plan.query("free").resume(token).stream())?;
    seen.assert_printed();
    Ok(())
}

#[tokio::test]
async fn calls_that_the_program_must_change() -> Result<(), Box<dyn StdError>> {
    #[derive(Envelope)]
    #[envelope(table = "people", index(name = "by-email", partition_key = email))]
    struct Person {
        #[partition_key]
        id: String,
        #[encrypted]
        #[searchable]
        email: String,
        #[plaintext]
        weight: f64,
    }

    let mut seen = Seen::default();
    let aws = Aws::embedded().await?;
    let people = aws.create_table::<Person>("people").await?;
    let person = Person { id: "p_1".to_owned(), email: "a@b.c".to_owned(), weight: 70.0 };
    seen.note(people.put(&person).send().await)?;
    let weightless = Person { weight: f64::NAN, ..person };
    let error = seen.note(people.put(&weightless).send().await)?;
    assert!(matches!(answer(&error), Answer::Bug));

    let users = aws.create_table::<User>("users").await?;
    let large = User { email: "z".repeat(500_000), ..zoe() };
    seen.note(users.put(&large).send().await)?;
    let zoe = zoe();
    let put = users.put(&zoe);
    seen.note(put.customize(|put| put.condition_expression("email = :email")).send().await)?;

    let kms = KmsKeyProvider::new(aws.kms().clone(), aws.kms_key_id());
    let shared = SharedKeyProvider::new(kms, SharingLimits::new(Duration::from_secs(60), 100));
    seen.note(to_item(&zoe, &shared).await)?;
    seen.assert_printed();
    Ok(())
}

#[tokio::test]
async fn keys_that_cannot_be_used() -> Result<(), Box<dyn StdError>> {
    let (faults, mut seen) = (Faults::new(), Seen::default());
    let aws = Aws::embedded().await?.with_faults(&faults);
    let users = aws.create_table::<User>("users").await?;
    users.put(&zoe()).send().await?;

    let table = |key: &str| {
        let kms = KmsKeyProvider::new(aws.kms().clone(), key);
        Table::<User>::new(aws.dynamodb().clone(), kms)
    };
    seen.note(table("alias/user").put(&zoe()).send().await)?;
    aws.create_alias("alias/orders").await?;
    let other = table("alias/orders");
    other.put(&User { user_id: "u_2".to_owned(), ..zoe() }).send().await?;
    seen.note(other.get("u_1").send().await)?;

    for (code, message) in REFUSALS_OF_KMS {
        let body = serde_json::json!({ "__type": code, "message": message }).to_string();
        faults.fail_always("Decrypt", Injected::Reply { status: 400, body });
        let error = seen.note(users.get("u_1").send().await)?;
        assert_eq!(error.is_retryable(), code == "ThrottlingException");
        faults.recover("Decrypt");
    }
    disable_kms_key(aws.kms(), aws.kms_key_id()).await?;
    let error = seen.note(users.get("u_1").send().await)?;
    assert!(matches!(answer(&error), Answer::TryLater));

    let misspelt = table(aws.kms_key_id()).named("user");
    seen.note(misspelt.delete("u_1").send().await)?;
    let id = aws.kms_key_id().rsplit('/').next().ok_or("an ARN ends with an id")?;
    for text in &mut seen.0 {
        *text = text.replace(id, "1234abcd-12ab-34cd-56ef-1234567890ab"); // the chapter's key
    }
    seen.assert_printed();
    Ok(())
}

/// Each variant has a row in the chapter.
#[test]
fn every_variant_is_explained() {
    let page = read(PAGE);
    let spans: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    for (file, name) in [
        ("envelope-dynamo/src/error/usage.rs", "UsageError"),
        ("envelope-dynamo/src/error/data.rs", "DataError"),
        ("envelope-dynamo/src/error/write.rs", "WriteError"),
        ("envelope-dynamo/src/error/key.rs", "DataKeyError"),
        ("envelope-dynamo/src/error/service.rs", "ServiceError"),
        ("envelope-dynamo/src/error/write_outcome.rs", "WriteOutcome"),
        ("envelope-core/src/error.rs", "KeyErrorKind"),
    ] {
        let variants = variants(&read(file), name);
        assert!(variants.len() > 2, "{name}: {variants:?}");
        for variant in variants {
            assert!(spans.contains(variant.as_str()), "{PAGE} has no row for {name}::{variant}");
        }
    }
}

/// The names of the variants of a public enum.
fn variants(source: &str, name: &str) -> Vec<String> {
    let declaration = format!("pub enum {name} {{\n");
    let (_, body) = source.split_once(declaration.as_str()).expect("the enum is declared");
    let body = body.split("\n}").next().unwrap_or_default();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let variants = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let until = |c: char| !c.is_ascii_alphanumeric();
    variants.filter_map(|line| line.split(until).next()).map(str::to_owned).collect()
}
