//! A rotation while processes write and search: what is written is found, at each moment.

use envelope_dynamo::{Envelope, LocalKeyProvider, Table};
use envelope_tests::{bytes_of, local_keys};

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
}

fn user(id: &str) -> User {
    User { user_id: id.to_owned(), email: format!("{id}@example.com") }
}

impl Bench {
    /// A process with its own cache of search keys.
    fn users(&self, table: &str) -> Table<User> {
        let dynamodb = self.servers.dynamodb_through(&self.faults);
        let local: LocalKeyProvider = local_keys(1);
        Table::<User>::new(dynamodb, local).named(table).with_search_keys(self.process())
    }

    /// Key and definition of the tag of a record.
    async fn generation(&self, table: &str, id: &str) -> Vec<u8> {
        let key = Item::from([("user_id".to_owned(), text(id))]);
        let item = stored(&self.servers, table, key).await.unwrap();
        bytes_of(&item, "blind_email")[1..5].to_vec()
    }
}

async fn is_found(users: &Table<User>, id: &str) -> bool {
    let email = format!(" {}@Example.com", id.to_uppercase());
    users.index(|index| index.by_email).query(email).one().await.unwrap() == Some(user(id))
}

#[tokio::test]
async fn what_is_written_is_found_at_each_moment_of_a_rotation() {
    let bench = Bench::with(&["users"]).await;
    let table = unique_name("users");
    // One process learns of the rotation at once, and the other as late as it may.
    let late = bench.users(&table);
    late.create_table().send().await.unwrap();
    late.put(&user("a")).send().await.unwrap();
    bench.keys().rotate("users").await.unwrap();
    let early = bench.users(&table);
    let all_are_found = async |processes: [&Table<User>; 2], ids: &[&str]| {
        for id in ids {
            for users in processes {
                assert!(is_found(users, id).await, "{id}");
            }
        }
    };
    early.put(&user("b")).send().await.unwrap();
    all_are_found([&late, &early], &["a", "b"]).await;
    let old = bench.generation(&table, "a").await;
    assert_eq!(bench.generation(&table, "b").await, old);

    // Both know of the rotation, and neither asks again before the written key changes.
    bench.clock.advance(MAX_AGE + CLOCKS - MINUTE);
    late.put(&user("c")).send().await.unwrap();
    early.put(&user("d")).send().await.unwrap();
    assert_eq!(bench.generation(&table, "c").await, old);
    bench.faults.forget_calls();
    bench.clock.advance(MINUTE + Duration::from_secs(1));
    late.put(&user("e")).send().await.unwrap();
    early.put(&user("f")).send().await.unwrap();
    assert_eq!((bench.faults.calls("GetItem"), bench.kms_calls()), (0, 0));
    let new = bench.generation(&table, "e").await;
    assert_ne!(new, old);
    assert_eq!(bench.generation(&table, "f").await, new);
    all_are_found([&late, &early], &["a", "b", "c", "d", "e", "f"]).await;

    // All records are written anew; one is forgotten.
    for id in ["a", "b", "c"] {
        early.update(id).modify(|_| ()).send().await.unwrap();
        assert_eq!(bench.generation(&table, id).await, new);
    }
    bench.clock.advance(MAX_AGE + CLOCKS);
    bench.keys().retire("users").await.unwrap();
    bench.clock.advance(MAX_AGE);
    all_are_found([&late, &early], &["a", "b", "c", "e", "f"]).await;
    assert!(!is_found(&late, "d").await, "its tag is of the retired version");
    late.update("d").modify(|_| ()).send().await.unwrap();
    all_are_found([&late, &early], &["d"]).await;
}

/// A process that does not know of the cancellation writes under the cancelled version. Others find
/// what it writes.
#[tokio::test]
async fn a_cancelled_rotation_hides_nothing() {
    let bench = Bench::with(&["users"]).await;
    let table = unique_name("users");
    let users = bench.users(&table);
    users.create_table().send().await.unwrap();
    users.put(&user("a")).send().await.unwrap();
    let old = bench.generation(&table, "a").await;
    bench.keys().rotate("users").await.unwrap();
    bench.clock.advance(MAX_AGE + CLOCKS - MINUTE);
    let late = bench.users(&table);
    late.put(&user("b")).send().await.unwrap();
    bench.keys().cancel("users").await.unwrap();
    bench.clock.advance(MINUTE + Duration::from_secs(1));
    late.put(&user("c")).send().await.unwrap();
    let new = bench.generation(&table, "c").await;
    assert_ne!(new, old, "the process still believes in the rotation");
    let early = bench.users(&table);
    early.put(&user("d")).send().await.unwrap();
    assert_eq!(bench.generation(&table, "d").await, old);
    for id in ["a", "b", "c", "d"] {
        assert!(is_found(&early, id).await && is_found(&late, id).await, "{id}");
    }
}
