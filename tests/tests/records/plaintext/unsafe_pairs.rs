//! Builds that must not run side by side, and what goes wrong if they do.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{DataError, UsageError};

use super::*;

/// The old build cannot read what `Read` writes, and its puts store plaintext over sealed records.
#[tokio::test]
async fn an_old_build_beside_read_makes_records_plain() {
    let bench = Bench::new().await;
    bench.in_state(Read).put(&patient("p")).send().await.unwrap();
    assert!(serde_dynamo::from_item::<_, Patient>(bench.stored("p").await.unwrap()).is_err());

    let theirs = Patient { name: "Theirs".to_owned(), ..patient("p") };
    bench.old_put(&theirs).await;
    assert!(!bench.is_sealed("p").await);
    assert_eq!(bench.in_state(Read).get("p").send().await.unwrap(), Some(theirs));
    let refused = bench.in_state(Refuse).get("p").send().await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Data(DataError::NotSealed)), "{refused}");
}

/// Its updates put plaintext beside the payload. Nobody reads the record after that, until the
/// attribute is removed; the value that it holds is then lost.
#[tokio::test]
async fn an_update_by_the_old_build_makes_a_sealed_record_unreadable() {
    let bench = Bench::new().await;
    bench.in_state(Read).put(&patient("p")).send().await.unwrap();
    let client = bench.table.servers.dynamodb();
    let update = || {
        let update = client.update_item().table_name(bench.table.table.name());
        update.key("patient_id", text("p")).expression_attribute_names("#n", "name")
    };
    let theirs = update().update_expression("SET #n = :n");
    theirs.expression_attribute_values(":n", text("Theirs")).send().await.unwrap();

    for state in [Refuse, Read, ReadAndWrite] {
        let table = bench.in_state(state);
        let error = table.get("p").send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
        assert!(error.to_string().contains("`name`"), "{error}");
        assert!(!error.to_string().contains("Theirs"), "{error}");
        assert!(table.update("p").modify(|p| p.visits += 1).send().await.is_err(), "{state:?}");
    }
    update().update_expression("REMOVE #n").send().await.unwrap();
    assert_eq!(bench.in_state(Refuse).get("p").send().await.unwrap(), Some(patient("p")));
}

/// An upsert by the old build stores a part of an item where a record was deleted.
#[tokio::test]
async fn an_old_build_cannot_read_what_refuse_writes_nor_the_other_way() {
    let bench = Bench::new().await;
    bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
    assert!(serde_dynamo::from_item::<_, Patient>(bench.stored("p").await.unwrap()).is_err());
    bench.old_put(&patient("p")).await;
    assert!(bench.in_state(Refuse).get("p").send().await.is_err());
}

/// `Refuse` cannot read, change or list what `ReadAndWrite` stores in plaintext.
#[tokio::test]
async fn refuse_beside_read_and_write_fails_to_read() {
    let bench = Bench::new().await;
    bench.in_state(ReadAndWrite).put(&patient("p")).send().await.unwrap();
    let table = bench.in_state(Refuse);
    let errors = [
        table.get("p").send().await.unwrap_err(),
        table.scan().send().await.unwrap_err(),
        table.update("p").modify(|p| p.visits += 1).send().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)), "{error}");
    }
    // Calls that do not open records work, and the item stays plain.
    table.update("p").add(|p| p.visits, 1).send().await.unwrap();
    assert!(!bench.is_sealed("p").await);
    let expected = Patient { visits: 4, ..patient("p") };
    assert_eq!(bench.in_state(Read).get("p").send().await.unwrap(), Some(expected));
}

/// A record of `Read`, changed by a struct that does not know one of its fields yet.
#[derive(Clone, Debug, PartialEq, Envelope, Serialize)]
#[envelope(table = "patients")]
struct LastYears {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
}

#[derive(Clone, Debug, PartialEq, Envelope, Serialize)]
#[envelope(table = "patients")]
struct ThisYears {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted]
    #[serde(default)]
    email: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Accepting {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted(accept = "plaintext")]
    #[serde(default)]
    email: Option<String>,
}

/// Why structs must not get protected fields while plain items are sealed: a build that does not
/// know the field seals the item and leaves the field in plaintext.
#[tokio::test]
async fn a_struct_without_a_field_seals_an_item_around_it() {
    let bench = Bench::new().await;
    let email = Some("zoe@example.com".to_owned());
    let (patient_id, name) = ("p".to_owned(), "Zoë".to_owned());
    bench.plant(old_item(&ThisYears { patient_id, name, email: email.clone() })).await;
    let last_years: Table<LastYears> = bench.handle(Read);
    last_years.update("p").modify(|p| p.name.push('!')).send().await.unwrap();
    let stored = bench.stored("p").await.unwrap();
    assert_eq!(
        names_of(&stored),
        ["email", "encrypted_dek", "encrypted_payload", "patient_id"],
        "sealed, and the email in plaintext"
    );
    let refused = bench.handle::<ThisYears>(Read).get("p").send().await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{refused}");
    assert!(refused.to_string().contains("`email`"), "{refused}");

    // `accept` reads it, and the next change seals it.
    let accepting: Table<Accepting> = bench.handle(Read);
    let read = accepting.get("p").send().await.unwrap().unwrap();
    assert_eq!(read.email, email);
    accepting.update("p").modify(|p| p.name.push('!')).send().await.unwrap();
    let read = bench.handle::<ThisYears>(Refuse).get("p").send().await.unwrap().unwrap();
    assert_eq!((read.name.as_str(), read.email), ("Zoë!!", email));
}
