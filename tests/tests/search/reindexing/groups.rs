//! Fields that stood in a group of an older struct: their values are not in the record's own
//! payload, which is all that a tag is computed from.

use super::*;

/// The program of before: the address was in the group.
mod in_group {
    use envelope_dynamo::{Access, Envelope};

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted(group = "medical")]
        pub(super) email: Access<String>,
        #[encrypted]
        pub(super) last: String,
        #[encrypted(group = "medical")]
        pub(super) diagnosis: Access<String>,
        #[authenticated]
        pub(super) clinic: String,
        #[authenticated]
        #[version]
        pub(super) version: u64,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// The program of before: there was no address.
mod without {
    use envelope_dynamo::{Access, Envelope};

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        pub(super) last: String,
        #[encrypted(group = "medical")]
        pub(super) diagnosis: Access<String>,
        #[authenticated]
        pub(super) clinic: String,
        #[authenticated]
        #[version]
        pub(super) version: u64,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// The address was optional, in the group.
mod optional_in_group {
    use envelope_dynamo::{Access, Envelope};

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted(group = "medical")]
        #[serde(default)]
        pub(super) email: Access<Option<String>>,
        #[encrypted]
        pub(super) last: String,
        #[encrypted(group = "medical")]
        pub(super) diagnosis: Access<String>,
        #[authenticated]
        pub(super) clinic: String,
        #[authenticated]
        #[version]
        pub(super) version: u64,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// The clinic was in the group.
mod clinic_in_group {
    use envelope_dynamo::{Access, Envelope};

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        pub(super) email: Option<String>,
        #[encrypted]
        pub(super) last: String,
        #[encrypted(group = "medical")]
        pub(super) diagnosis: Access<String>,
        #[encrypted(group = "medical")]
        pub(super) clinic: Access<String>,
        #[authenticated]
        #[version]
        pub(super) version: u64,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// A log-in service of today: it knows no group.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = clinic_last),
    searchable(fields(clinic, last(trim, ascii_lowercase)))
)]
struct Narrow {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: Option<String>,
    #[encrypted]
    last: String,
    #[authenticated]
    clinic: String,
    #[authenticated]
    #[version]
    version: u64,
    #[plaintext]
    logins: u64,
}

impl Bench {
    async fn put_in_group(&self, user: User) {
        let User { user_id, email, last, diagnosis, clinic, version, logins } = user;
        let email = Access::Granted(email.unwrap());
        let user = in_group::User { user_id, email, last, diagnosis, clinic, version, logins };
        self.table::<in_group::User>().put(&user).send().await.unwrap();
    }

    async fn put_without(&self, user: User) {
        let User { user_id, last, diagnosis, clinic, version, logins, .. } = user;
        let user = without::User { user_id, last, diagnosis, clinic, version, logins };
        self.table::<without::User>().put(&user).send().await.unwrap();
    }
}

/// Otherwise nobody would find a record that every reader of the group sees with its address.
#[tokio::test]
async fn a_value_in_a_group_is_not_taken_for_none() {
    let bench = Bench::new().await;
    bench.put_in_group(user(1)).await;
    bench.put_without(user(2)).await;
    bench.put_before(User { email: None, ..user(3) }).await;
    let read = bench.users(only(1)).get("u_001").send().await.unwrap().unwrap();
    assert_eq!(read.email, user(1).email, "the present program reads it from the group");

    // Who may not open the group cannot know. A record that says that it has no address is clear.
    let before = bench.items().await;
    let counts = bench.reindex(1).await;
    assert_eq!((counts.changed, counts.other_key, counts.failed), (1, 2, 0));
    let after = bench.items().await;
    assert_eq!((&after["u_001"], &after["u_002"]), (&before["u_001"], &before["u_002"]));
    assert_eq!(bench.stale(1).await.stale, 2);

    // Who opens it sees which record has a value there.
    let (table, search) = (bench.maintained(), only(1));
    let (counts, failed) = observed(table.reindex(keys(), keys(), &search)).await;
    let counts = counts.unwrap();
    assert_eq!((counts.changed, counts.already, counts.failed), (1, 1, 1));
    let [failed] = failed.as_slice() else { panic!("{failed:?}") };
    assert!(failed.contains("users[user_id=u_001]"), "{failed}");
    assert!(failed.contains("stands in a group") && failed.contains("run a backfill"), "{failed}");
    assert_eq!(bench.item("u_001").await, before["u_001"]);
    assert!(!failed.contains("example.com"), "{failed}");

    // The backfill moves it, and the record is found.
    bench.users(only(1)).backfill().send().await.unwrap();
    assert_eq!(bench.found(1, 1).await, ["u_001"]);
    assert!(bench.stale(1).await.is_clean());
}

/// A change by the present program moves the value, and gives the record its tag.
#[tokio::test]
async fn a_change_moves_a_value_from_a_group() {
    let bench = Bench::new().await;
    for number in [1, 2, 3] {
        bench.put_in_group(user(number)).await;
    }
    let users = bench.users(only(1));
    users.update("u_001").modify(|_| {}).send().await.unwrap();
    users.update("u_002").modify(|user| user.logins += 1).send().await.unwrap();
    users.update("u_003").modify(|user| user.last.push('x')).send().await.unwrap();
    for number in [1, 2, 3] {
        let read = users.get(format!("u_{number:03}")).send().await.unwrap().unwrap();
        assert_eq!(read.email, user(number).email);
        assert_eq!(bench.found(1, number).await, [format!("u_{number:03}")]);
    }
}

/// Who may not open the group does not take the value for none either.
#[tokio::test]
async fn a_change_without_the_group_leaves_the_record_due() {
    let bench = Bench::new().await;
    bench.put_in_group(user(1)).await;
    let users = Table::<User>::new(bench.servers.dynamodb().clone(), operator())
        .named(bench.name.clone())
        .with_search_keys(only(1));
    users.update("u_001").modify(|_| {}).send().await.unwrap();
    let repaired = bench.item("u_001").await;
    assert!(repaired.contains_key("blind_clinic+last"), "its values are not in a group");
    users.update("u_001").modify(|_| {}).send().await.unwrap();
    assert_eq!(bench.item("u_001").await, repaired, "the other cannot be repaired here");

    for _ in 0..2 {
        users.update("u_001").modify(|user| user.last.push('x')).send().await.unwrap();
        let stale = bench.stale(1).await;
        assert_eq!(of_tag(&stale, "blind_email").unlisted, 1, "{stale}");
        assert_eq!(of_tag(&stale, "blind_clinic+last").current, 1, "{stale}");
    }
    let read = bench.users(only(1)).get("u_001").send().await.unwrap().unwrap();
    assert_eq!((read.email, read.last), (user(1).email, "Smith1xx".to_owned()));
    bench.users(only(1)).backfill().send().await.unwrap();
    assert_eq!(bench.found(1, 1).await, ["u_001"]);

    // A value of its own is no value of the group.
    bench.put_without(user(2)).await;
    let change = |user: &mut User| user.email = Some("new@example.com".into());
    users.update("u_002").modify(change).send().await.unwrap();
    assert_eq!(of_tag(&bench.stale(1).await, "blind_email").current, 2);
    let all = bench.users(only(1));
    let found = all.index(|i| i.by_email).query("new@example.com").send().await.unwrap();
    assert_eq!(found.len(), 1);
}

/// A struct that does not have the group knows as little.
#[tokio::test]
async fn a_change_by_a_struct_without_the_group_leaves_the_record_due() {
    let bench = Bench::new().await;
    bench.put_in_group(user(1)).await;
    let narrow = bench.table::<Narrow>().with_search_keys(only(1));
    narrow.update("u_001").modify(|user| user.last.push('x')).send().await.unwrap();
    assert_eq!(of_tag(&bench.stale(1).await, "blind_email").unlisted, 1);
    let schema = SchemaFile::new().with::<Narrow>();
    let client = bench.servers.dynamodb().clone();
    let table = StoredTable::new(client, &schema, "users").unwrap().named(&bench.name);
    let counts = table.reindex(keys(), keys(), &only(1)).send().await.unwrap();
    assert_eq!((counts.changed, counts.other_key), (0, 1));

    bench.users(only(1)).update("u_001").modify(|_| {}).send().await.unwrap();
    assert_eq!(bench.found(1, 1).await, ["u_001"]);
}

/// An older program gives the record its first address, in the group that it knows.
#[tokio::test]
async fn a_first_value_in_a_group_makes_the_record_due() {
    let bench = Bench::new().await;
    bench.put_without(user(1)).await;
    let (table, search) = (bench.maintained(), only(1));
    let counts = table.reindex(keys(), keys(), &search).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(of_tag(&bench.stale(1).await, "blind_email").absent, 1);

    let change = |user: &mut optional_in_group::User| {
        user.email = Access::Granted(Some("zoe1@example.com".into()));
    };
    let older = bench.table::<optional_in_group::User>();
    older.update("u_001").modify(change).send().await.unwrap();
    assert_eq!(of_tag(&bench.stale(1).await, "blind_email").unlisted, 1);
    bench.users(only(1)).backfill().send().await.unwrap();
    assert_eq!(bench.found(1, 1).await, ["u_001"]);
}

/// The clinic is readable today, and was in the group before.
#[tokio::test]
async fn a_backfill_takes_a_readable_value_out_of_a_group() {
    let bench = Bench::new().await;
    let User { user_id, email, last, diagnosis, clinic, version, logins } = user(1);
    let clinic = Access::Granted(clinic);
    let before = clinic_in_group::User { user_id, email, last, diagnosis, clinic, version, logins };
    bench.table::<clinic_in_group::User>().put(&before).send().await.unwrap();
    bench.users(only(1)).backfill().send().await.unwrap();
    let users = bench.users(only(1));
    let found = users.index(|i| i.by_name).query(("c_1", "smith1")).send().await.unwrap();
    assert_eq!(found, [User { version: 1, ..user(1) }]);
    assert!(!bench.item("u_001").await.contains_key("clinic"), "it stays out of the clear");
}

/// Somebody has opened the group already, and listed the tag: a rotation does not need it again.
#[tokio::test]
async fn a_listed_tag_without_a_value_needs_no_group_in_a_rotation() {
    let bench = Bench::new().await;
    bench.put_without(user(1)).await;
    let (table, first) = (bench.maintained(), only(1));
    assert_eq!(table.reindex(keys(), keys(), &first).send().await.unwrap().changed, 1);
    let counts = bench.reindex(2).await;
    assert_eq!((counts.changed, counts.other_key), (1, 0));
    assert!(bench.stale(2).await.is_clean());
}
