//! Search tags are written with their records, and are those of the records' values.

mod changes;
mod migration;
mod narrower;
mod puts;
mod races;
mod secrets;
mod tampering;
mod without_tags;

use envelope_core::UntrustedPayload;
use envelope_core::search::{Definition, SearchKey, SearchValue, Step, TaggedField};
use envelope_dynamo::item::Item;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKeys};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::{Faults, Servers};
use envelope_tests::{bytes_of, local_keys, plant, servers, stored, text};

/// A record that is found by three fields.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-phone", partition_key = phone),
    index(name = "by-number", partition_key = number),
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    #[searchable(normalize(digits))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[encrypted]
    #[searchable]
    number: Option<i64>,
    #[encrypted]
    address: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

const TAGS: [&str; 3] = ["blind_email", "blind_number", "blind_phone"];

fn user(id: &str) -> User {
    User {
        user_id: id.to_owned(),
        email: "Zoe@Example.com ".to_owned(),
        phone: Some("+41 79 123 45 67".to_owned()),
        number: Some(-7),
        address: "Kramgasse 49".to_owned(),
        plan: "pro".to_owned(),
        logins: 3,
    }
}

/// The same record in a program of before its fields became searchable.
mod unmarked {
    use envelope_dynamo::Envelope;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        pub(super) email: String,
        #[encrypted]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) phone: Option<String>,
        #[encrypted]
        pub(super) number: Option<i64>,
        #[encrypted]
        pub(super) address: String,
        #[authenticated]
        pub(super) plan: String,
        #[plaintext]
        pub(super) logins: u64,
    }

    impl From<super::User> for User {
        fn from(user: super::User) -> Self {
            let super::User { user_id, email, phone, number, address, plan, logins } = user;
            Self { user_id, email, phone, number, address, plan, logins }
        }
    }
}

fn search_key(byte: u8) -> SearchKey {
    SearchKey::from_slice(&[byte; 32]).unwrap()
}

fn search_keys(byte: u8) -> SearchKeys {
    LocalSearchKeys::new(search_key(byte)).into()
}

/// The tag of one value, computed by the specification alone.
fn tag(key: u8, name: &str, steps: &[Step], value: &SearchValue<'_>) -> Vec<u8> {
    let fields: [TaggedField<'_>; 1] = [(name, steps)];
    let tagger = search_key(key).tagger(&Definition::new("users", name, &fields));
    tagger.tag(std::slice::from_ref(value)).unwrap().as_bytes().to_vec()
}

fn email_tag(key: u8, email: &str) -> Vec<u8> {
    tag(key, "email", &[Step::Trim, Step::AsciiLowercase], &SearchValue::Text(email))
}

/// The attributes that the record's payload lists as authenticated.
fn listed(item: &Item) -> Vec<String> {
    UntrustedPayload::names_in(&bytes_of(item, "encrypted_payload")).unwrap()
}

fn listed_tags(item: &Item) -> Vec<String> {
    let mut tags = listed(item);
    tags.retain(|name| name.starts_with("blind_"));
    tags.sort_unstable();
    tags
}

/// A new table behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let name = envelope_examples::servers::unique_name("users");
        let bench = Self { servers: servers().await, faults: Faults::new(), name };
        bench.past::<User>().create_table().send().await.unwrap();
        bench
    }

    /// The table behind the faults, without search keys.
    fn without_keys<T: Envelope>(&self) -> Table<T> {
        let client = self.servers.dynamodb_through(&self.faults);
        Table::new(client, local_keys(7)).named(self.name.clone())
    }

    /// The table behind the faults, with the search key of this byte.
    fn table<T: Envelope>(&self, key: u8) -> Table<T> {
        self.without_keys().with_search_keys(search_keys(key))
    }

    fn users(&self) -> Table<User> {
        self.table(1)
    }

    /// The table past the faults, without search keys.
    fn past<T: Envelope>(&self) -> Table<T> {
        Table::new(self.servers.dynamodb().clone(), local_keys(7)).named(self.name.clone())
    }

    /// The stored item, read past the faults.
    async fn stored(&self, id: &str) -> Item {
        let key = Item::from([("user_id".to_owned(), text(id))]);
        stored(&self.servers, &self.name, key).await.unwrap()
    }

    /// Puts an item as an attacker would, past the library and the faults.
    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }
}
