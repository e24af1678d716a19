//! Roles that may not use every key: what they read and change while a table is taken in.

use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::{ErrorKind, GroupKeyProvider, KeyProvider, Table};

use super::*;

/// A handle of a role with these keys.
fn of_role(
    bench: &Bench,
    state: PlaintextItems,
    keys: impl KeyProvider + 'static,
) -> Table<Patient> {
    let client = bench.table.servers.dynamodb_through(bench.faults());
    Table::new(client, keys).named(bench.table.table.name()).plaintext_items(state)
}

/// The keys of a role that has none for the group.
fn receptionist() -> GroupKeyProvider {
    GroupKeyProvider::new(local_keys(7))
}

#[tokio::test]
async fn a_group_hides_nothing_before_the_item_is_sealed() {
    let bench = Bench::new().await;
    bench.old_put(&patient("p")).await;
    for state in [Read, ReadAndWrite] {
        let read = of_role(&bench, state, receptionist()).get("p").send().await.unwrap();
        assert_eq!(read, Some(patient("p")), "{state:?}");
    }
    bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
    for state in [Refuse, Read, ReadAndWrite] {
        let read = of_role(&bench, state, receptionist()).get("p").send().await.unwrap();
        assert_eq!(read.unwrap().diagnoses, Access::Withheld, "{state:?}");
    }
}

/// Sealing an item seals its groups. A role without their keys cannot do it, and must not seal a
/// part of the item, or a group under another key.
#[tokio::test]
async fn a_role_without_the_key_of_a_group_seals_no_plain_item() {
    let bench = Bench::new().await;
    bench.old_put(&patient("p")).await;
    let table = of_role(&bench, Read, receptionist());
    let modified = table.update("p").modify(|p| p.visits += 1).send().await;
    let put = table.put(&patient("p")).send().await;
    for refused in [modified.map(drop), put] {
        let error = refused.unwrap_err();
        assert_eq!(
            error.key_error().map(|error| error.kind()),
            Some(KeyErrorKind::AccessDenied),
            "{error}"
        );
        assert_eq!(bench.stored("p").await, Some(old_item(&patient("p"))));
    }
    // What needs no key works, and so does the state in which it seals nothing.
    table.update("p").add(|p| p.visits, 1).send().await.unwrap();
    let writing = of_role(&bench, ReadAndWrite, receptionist());
    writing.update("p").modify(|p| p.visits += 1).send().await.unwrap();
    assert_eq!(writing.get("p").send().await.unwrap().unwrap().visits, 5);
    assert!(!bench.is_sealed("p").await);

    // A sealed record keeps the group that the role does not see.
    bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
    for table in [table, writing] {
        table.update("p").modify(|p| p.name.push('!')).send().await.unwrap();
        let read = table.get("p").send().await.unwrap().unwrap();
        let put = table.put(&read).send().await.unwrap_err();
        assert!(matches!(put.kind(), ErrorKind::Usage(_)), "a withheld group: {put}");
    }
    let read = bench.in_state(Refuse).get("p").send().await.unwrap().unwrap();
    assert_eq!((&*read.name, read.diagnoses), ("Zoë!!", patient("p").diagnoses));
}

/// A role whose key does not work stores no sealed record, and no plain one in its place.
#[tokio::test]
async fn without_a_key_nothing_is_stored_over_a_sealed_record() {
    let bench = Bench::new().await;
    bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
    let before = bench.stored("p").await;
    let stranger = of_role(&bench, ReadAndWrite, local_keys(8));
    assert!(stranger.get("p").send().await.is_err());
    assert!(stranger.update("p").modify(|p| p.visits += 1).send().await.is_err());
    assert_eq!(bench.stored("p").await, before);
}
