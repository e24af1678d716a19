//! Fields that were renamed: their values may stand under a name that only older programs write.

use envelope_dynamo::read::Records;

use super::*;

/// Today's program, which reads both names of its fields.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = clinic_last),
    searchable(fields(clinic, last))
)]
struct Today {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "mail")]
    email: Option<String>,
    #[encrypted]
    last: String,
    #[authenticated]
    #[serde(alias = "practice")]
    clinic: String,
}

/// The same record without aliases, so that it reads what stands under the names of today.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct WithoutAliases {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: Option<String>,
    #[encrypted]
    last: String,
    #[authenticated]
    clinic: Option<String>,
}

/// The program of before: it knows the former names alone, and no tag.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct Before {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<String>,
    #[encrypted]
    last: String,
    #[authenticated]
    practice: Option<String>,
}

fn today(email: &str) -> Today {
    let (user_id, last, clinic) = ("u_1".to_owned(), "Quinn".to_owned(), "c_1".to_owned());
    Today { user_id, email: Some(email.to_owned()), last, clinic }
}

fn before(mail: &str) -> Before {
    let Today { user_id, email, last, clinic } = today(mail);
    Before { user_id, mail: email, last, practice: Some(clinic) }
}

impl Bench {
    fn today(&self) -> Table<Today> {
        self.table().with_search_keys(only(1))
    }

    /// The table for maintenance by the names of today.
    fn maintained_today(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<Today>().to_string().parse().unwrap();
        let client = self.servers.dynamodb().clone();
        StoredTable::new(client, &schema, "users").unwrap().named(&self.name)
    }

    /// Changed, already and failed records, and the messages of those that failed.
    async fn reindex_today(&self) -> ([u64; 3], Vec<String>) {
        let (table, search) = (self.maintained_today(), only(1));
        let (counts, failed) = observed(table.reindex(keys(), keys(), &search)).await;
        let Counts { changed, already, failed: count, .. } = counts.unwrap();
        ([changed, already, count], failed)
    }

    async fn is_stale(&self) -> bool {
        !self.maintained_today().stale(&only(1)).send().await.unwrap().is_clean()
    }

    /// Those who are found by this address, and the errors of records that do not open.
    async fn found_by(&self, email: &str) -> (Vec<Today>, Vec<String>) {
        let today = self.today();
        all(today.index(|i| i.by_email).query(email).stream().unwrap()).await
    }

    async fn found_by_name(&self) -> (Vec<Today>, Vec<String>) {
        let today = self.today();
        all(today.index(|i| i.by_name).query(("c_1", "Quinn")).stream().unwrap()).await
    }

    async fn read<T: Envelope>(&self) -> Result<T, String>
    where
        &'static str: envelope_dynamo::record::IntoKey<T::Key>,
    {
        let read = self.table::<T>().get("u_1").consistent_read().send().await;
        read.map(Option::unwrap).map_err(|error| error.to_string())
    }
}

async fn all<T: 'static>(mut records: Records<T>) -> (Vec<T>, Vec<String>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    while let Some(record) = records.next().await {
        match record {
            Ok(record) => found.push(record),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (found, errors)
}

#[tokio::test]
async fn values_move_to_the_present_names_of_their_fields() {
    let bench = Bench::new().await;
    bench.table::<Before>().put(&before("zoe@x")).send().await.unwrap();
    assert_eq!(bench.reindex_today().await, ([1, 0, 0], vec![]));
    let expected = today("zoe@x");
    assert_eq!(bench.found_by("zoe@x").await, (vec![expected.clone()], vec![]));
    assert_eq!(bench.found_by_name().await, (vec![expected.clone()], vec![]));
    let read = bench.read::<WithoutAliases>().await.unwrap();
    assert_eq!((read.email, read.clinic), (expected.email, Some(expected.clinic)));
    let read = bench.read::<Before>().await.unwrap();
    assert_eq!(read, Before { mail: None, practice: None, ..before("zoe@x") });
    assert_eq!(bench.reindex_today().await, ([0, 1, 0], vec![]));
}

#[tokio::test]
async fn a_backfill_moves_values_likewise() {
    let bench = Bench::new().await;
    bench.table::<Before>().put(&before("zoe@x")).send().await.unwrap();
    let counts = bench.today().backfill().send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_eq!(bench.found_by_name().await, (vec![today("zoe@x")], vec![]));
    assert!(bench.read::<WithoutAliases>().await.unwrap().email.is_some());
}

/// The attack: the older program changes the value under the former name. Either its change
/// removes the tag, or the record has two values and does not open. No search returns it by a
/// value that it had before, and none misses it silently.
#[tokio::test]
async fn an_older_program_cannot_change_a_value_beside_a_current_tag() {
    let bench = Bench::new().await;
    let older = bench.table::<Before>();
    older.put(&before("zoe@x")).send().await.unwrap();
    bench.reindex_today().await;
    let change = |user: &mut Before| user.mail = Some("ana@x".to_owned());
    older.update("u_1").modify(change).send().await.unwrap();
    let error = bench.read::<Today>().await.unwrap_err();
    assert!(error.contains("email"), "{error}");
    let (found, errors) = bench.found_by("zoe@x").await;
    assert_eq!((found, errors.len()), (vec![], 1));

    // The value that it has written is the wrong one: it can take it back.
    older.update("u_1").modify(|user: &mut Before| user.mail = None).send().await.unwrap();
    assert_eq!(bench.found_by("zoe@x").await, (vec![today("zoe@x")], vec![]));
    // A put writes the whole record, without tags.
    older.put(&before("ana@x")).send().await.unwrap();
    assert!(bench.is_stale().await);
    assert_eq!(bench.reindex_today().await, ([1, 0, 0], vec![]));
    assert_eq!(bench.found_by("ana@x").await, (vec![today("ana@x")], vec![]));
}

/// The same with a readable field of a tag.
#[tokio::test]
async fn an_older_program_cannot_change_a_readable_value_beside_a_current_tag() {
    let bench = Bench::new().await;
    let older = bench.table::<Before>();
    older.put(&before("zoe@x")).send().await.unwrap();
    bench.reindex_today().await;
    let change = |user: &mut Before| user.practice = Some("c_2".to_owned());
    older.update("u_1").modify(change).send().await.unwrap();
    assert!(bench.read::<Today>().await.unwrap_err().contains("clinic"));
    let (found, errors) = bench.found_by_name().await;
    assert_eq!((found, errors.len()), (vec![], 1));
}

/// The record lists a tag without a value. The older program gives the field a value under its
/// former name, and cannot know that the tag belongs to it.
#[tokio::test]
async fn a_value_that_an_older_program_adds_makes_the_record_due() {
    let bench = Bench::new().await;
    bench.today().put(&Today { email: None, ..today("") }).send().await.unwrap();
    let older = bench.table::<Before>();
    // The other tag has a value, and it stays.
    let tag = bench.item("u_1").await["blind_clinic+last"].clone();
    let change = |user: &mut Before| user.mail = Some("ana@x".to_owned());
    older.update("u_1").modify(change).send().await.unwrap();
    assert_eq!(bench.item("u_1").await["blind_clinic+last"], tag);
    assert_eq!(bench.read::<Today>().await.unwrap(), today("ana@x"));
    assert!(bench.is_stale().await, "a search misses the record");
    assert_eq!(bench.reindex_today().await, ([1, 0, 0], vec![]));
    assert_eq!(bench.found_by("ana@x").await, (vec![today("ana@x")], vec![]));
    assert!(bench.read::<WithoutAliases>().await.unwrap().email.is_some());
}

/// Nobody knows which of the two is right, and readers refuse the record too.
#[tokio::test]
async fn a_record_with_values_under_both_names_fails_by_name() {
    let bench = Bench::new().await;
    let older = bench.table::<Before>();
    older.put(&before("zoe@x")).send().await.unwrap();
    let other = |user: &mut WithoutAliases| user.email = Some("ana@x".to_owned());
    bench.table::<WithoutAliases>().update("u_1").modify(other).send().await.unwrap();
    assert!(bench.read::<Today>().await.is_err());
    let item = bench.item("u_1").await;
    let (counts, failed) = bench.reindex_today().await;
    assert_eq!(counts, [0, 0, 1]);
    assert!(failed[0].contains("`email`") && failed[0].contains("a second value"), "{failed:?}");
    assert_eq!(bench.item("u_1").await, item);
}

/// The former name had a tag too. It would stay with its value while the field changes.
#[tokio::test]
async fn a_tag_of_the_former_name_is_removed() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(
        table = "users",
        index(name = "by-mail", partition_key = mail),
        index(name = "by-last", partition_key = last_2),
        index(name = "by-practice", partition_key = last_practice),
        searchable(fields(last, practice))
    )]
    struct Searched {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable]
        mail: Option<String>,
        #[encrypted]
        #[searchable(name = "last_2")]
        last: String,
        #[authenticated]
        practice: Option<String>,
    }
    let bench = Bench::new().await;
    let Before { user_id, mail, last, practice } = before("zoe@x");
    let searched = Searched { user_id, mail, last, practice };
    bench.table().with_search_keys(only(1)).put(&searched).send().await.unwrap();
    assert_eq!(bench.reindex_today().await, ([1, 0, 0], vec![]));
    let item = bench.item("u_1").await;
    let mut tags: Vec<_> = item.keys().filter(|name| name.starts_with("blind_")).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["blind_clinic+last", "blind_email", "blind_last+last_2"]);
    assert_eq!(bench.found_by("zoe@x").await, (vec![today("zoe@x")], vec![]));
}

/// A field of a tag was encrypted, and is authenticated today.
#[tokio::test]
async fn a_tag_has_the_value_of_a_field_that_was_encrypted_before() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    struct AllEncrypted {
        #[partition_key]
        user_id: String,
        #[encrypted]
        mail: Option<String>,
        #[encrypted]
        last: String,
        #[encrypted]
        practice: String,
    }
    let Today { user_id, email: mail, last, clinic: practice } = today("zoe@x");
    let record = AllEncrypted { user_id, mail, last, practice };
    let bench = Bench::new().await;
    for run in ["reindex", "backfill", "modify"] {
        bench.table().put(&record).send().await.unwrap();
        match run {
            "reindex" => drop(bench.reindex_today().await),
            "backfill" => drop(bench.today().backfill().send().await.unwrap()),
            _ => drop(bench.today().update("u_1").modify(|_| ()).send().await.unwrap()),
        }
        assert_eq!(bench.found_by_name().await, (vec![today("zoe@x")], vec![]), "{run}");
        // It has its present name, so an older program cannot change it beside the tag.
        let change = |before: &mut AllEncrypted| before.practice = "c_2".into();
        let change = bench.table::<AllEncrypted>().update("u_1").modify(change).send().await;
        assert!(change.is_err(), "{run}: {change:?}");
    }
}
