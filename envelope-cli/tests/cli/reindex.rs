//! `envelope reindex`, `envelope stale` and the end of a rotation, as processes.

use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::unique_name;

use crate::bench::Bench;
use crate::process::{Ended, file};

#[derive(Debug, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
}

/// A table of users, whose search key is in the middle of a rotation.
struct Users {
    bench: Bench,
    name: String,
    schema: String,
}

impl Users {
    /// So many users with tags of the older version, and one with a tag of the newer one.
    async fn rotating(users: usize) -> Self {
        let bench = Bench::of(0).await;
        let schema = file("users.schema.json", &SchemaFile::new().with::<User>().to_string());
        let this = Self { bench, name: unique_name("users"), schema };
        let of = ["--branch", "users", "--kms-key", &this.bench.new];
        assert_eq!(this.bench.search_keys(&["create-table"]).code, 0);
        assert_eq!(this.bench.search_keys(&[&["create"], &of[..]].concat()).code, 0);
        this.table().create_table().send().await.unwrap();
        for number in 0..users {
            this.put(number).await;
        }
        assert_eq!(this.bench.search_keys(&[&["rotate"], &of[..]].concat()).code, 0);
        this.bench.age_rotation("users").await;
        this.put(users).await;
        this
    }

    /// The table of another process.
    fn table(&self) -> Table<User> {
        let servers = &self.bench.servers;
        let kms = |key: &str| KmsKeyProvider::new(servers.kms().clone(), key);
        let dynamodb = || servers.dynamodb().clone();
        let store = SearchKeyTable::new(dynamodb(), "search-keys", kms(&self.bench.new));
        let keys = SearchKeys::per_table(store.named(&self.bench.searches));
        Table::new(dynamodb(), kms(&self.bench.old)).named(&*self.name).with_search_keys(keys)
    }

    async fn put(&self, number: usize) {
        let email = format!("Zoe{number}@example.com");
        let user = User { user_id: format!("u_{number}"), email };
        self.table().put(&user).send().await.unwrap();
    }

    fn run(&self, command: &[&str], more: &[&str]) -> Ended {
        let table = ["--table", &self.name, "--schema", &self.schema];
        self.bench.run(&[command, &table[..], more].concat())
    }

    fn reindex(&self, more: &[&str]) -> Ended {
        let keys = ["--kms-key", &self.bench.old];
        self.run(&["reindex"], &[&keys[..], &self.search(), more].concat())
    }

    fn stale(&self) -> Ended {
        self.run(&["stale"], &self.search())
    }

    fn search(&self) -> [&str; 4] {
        ["--search-keys", &self.bench.searches, "--search-kms-key", &self.bench.new]
    }

    fn retire(&self, more: &[&str]) -> Ended {
        let of = ["--branch", "users", "--search-keys", &self.bench.searches];
        self.run(&["search-keys", "retire"], &[&of[..], more].concat())
    }
}

#[tokio::test]
async fn a_rotation_ends_when_every_record_has_current_tags() {
    let users = Users::rotating(4).await;
    let stale = users.stale();
    assert_eq!(stale.code, 3, "{stale:?}");
    assert!(stale.stdout.ends_with("records 5   stale 4\n"), "{}", stale.stdout);
    let refused = users.retire(&["--search-kms-key", &users.bench.new]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("4 records have a search tag that is not current"));

    let dry = users.reindex(&["--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert_eq!(users.bench.faults.calls("UpdateItem"), 0);
    let done = users.reindex(&[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.starts_with("reindexed 4   already 1   other entity 0"), "{}", done.stdout);
    assert!(!done.stdout.contains("example.com") && !done.stderr.contains("example.com"));
    let again = users.reindex(&["--output", "json"]).json();
    assert_eq!((&again["counts"]["changed"], &again["counts"]["already"]), (&0.into(), &5.into()));

    let stale = users.run(&["stale"], &[&users.search()[..], &["--output", "json"]].concat());
    assert_eq!(stale.code, 0, "{stale:?}");
    let json = stale.json();
    let tag = &json["tags"]["User"]["blind_email"];
    assert_eq!(tag["current"], 5);
    let generation = tag["generations"][0].as_str().unwrap().to_owned();
    let told = users.run(&["stale"], &["--generation", &generation]);
    assert_eq!(told.code, 0, "{told:?}");
    let counted = users.run(&["coverage"], &["--generation", &generation, "--output", "json"]);
    assert_eq!(&counted.json()["tags"]["User"]["blind_email"], tag, "without a search key");
    let counted = users.run(&["coverage"], &[]).stdout;
    assert!(counted.contains(&format!("generation {generation} 5")), "{counted}");
    let wrong = users.retire(&["--generation", "00000000"]);
    assert_eq!(wrong.code, 3, "{wrong:?}");
    let retired = users.retire(&["--generation", &generation]);
    assert_eq!(retired.code, 0, "{retired:?}");
    assert!(retired.stdout.starts_with("retired "), "{}", retired.stdout);
    let table = users.table();
    for number in 0..5 {
        let email = format!("zoe{number}@example.com");
        let found = table.index(|i| i.by_email).query(email).one().await.unwrap();
        assert_eq!(found.map(|user| user.user_id), Some(format!("u_{number}")));
    }
}

#[tokio::test]
async fn a_record_that_fails_is_named_and_left_over() {
    let users = Users::rotating(2).await;
    let key = ("user_id", aws_sdk_dynamodb::types::AttributeValue::S("u_1".to_owned()));
    let update = users.bench.servers.dynamodb().update_item().table_name(&users.name);
    let tag = aws_sdk_dynamodb::primitives::Blob::new([1; 21]);
    let update = update
        .key(key.0, key.1)
        .update_expression("SET blind_email = :tag")
        .expression_attribute_values(":tag", aws_sdk_dynamodb::types::AttributeValue::B(tag));
    update.send().await.unwrap();
    let done = users.reindex(&[]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("u_1") && done.stdout.contains("reindexed 1"), "{}", done.stdout);
    assert_eq!(users.stale().code, 3);
}

/// The address becomes unique in a later version of the program.
mod later {
    use envelope_dynamo::Envelope;

    #[derive(Debug, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        #[searchable(normalize(trim, ascii_lowercase), unique)]
        pub(super) email: String,
    }
}

#[tokio::test]
async fn unique_values_are_claimed() {
    let users = Users::rotating(2).await;
    let claims = unique_name("user-claims");
    let kms = KmsKeyProvider::new(users.bench.servers.kms().clone(), &*users.bench.old);
    let later = Table::<later::User>::new(users.bench.servers.dynamodb().clone(), kms);
    later.with_claims(&*claims).create_claims_table().await.unwrap();
    let schema = SchemaFile::new().with::<later::User>().to_string();
    let schema = file("unique.schema.json", &schema);
    let keys = ["--kms-key", &users.bench.old];
    let reindex = |more: &[&str]| {
        let table = ["reindex", "--table", &users.name, "--schema", &schema];
        users.bench.run(&[&table[..], &keys, &users.search(), more].concat())
    };
    reindex(&[]).refused(2, &["`User` has unique fields", "--claims"]);
    let done = reindex(&["--claims", &claims]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.starts_with("reindexed 3   already 0"), "{}", done.stdout);
    let scan = users.bench.servers.dynamodb().scan().table_name(&claims).send().await.unwrap();
    // The run knows both versions of the search key.
    assert_eq!(scan.items().len(), 6);
}

#[tokio::test]
async fn mistakes_are_explained() {
    let users = Users::rotating(0).await;
    users.run(&["stale"], &[]).refused(2, &["--search-kms-key"]);
    users.run(&["stale"], &["--generation", "x"]).refused(2, &["eight digits"]);
    users.run(&["reindex"], &users.search()).refused(2, &["name the KMS key with --kms-key"]);
    users.run(&["reindex"], &["--kms-key", &users.bench.old]).refused(2, &["--search-kms-key"]);
    users
        .run(
            &["reindex"],
            &[&["--kms-key", "alias/a", "--part", "0/2"], &users.search()[..]].concat(),
        )
        .refused(2, &["alias/a is not the ARN of a key"]);
    users.retire(&[]).refused(2, &["name the generation of each search tag"]);
    let branch = ["--search-branch", "others"];
    users.reindex(&branch).refused(2, &["there is no search key `others`"]);
    assert_eq!(users.bench.faults.calls("UpdateItem"), 0);
}
