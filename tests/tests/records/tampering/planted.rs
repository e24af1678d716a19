//! Attributes that an attacker without a key adds to a record, and names that a user chooses.

use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::{Access, ErrorKind, transact_write};

use super::*;

/// An older version of [`Account`], before two of its fields were protected. The table may still
/// hold its records.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault")]
struct Unprotected {
    #[partition_key]
    owner: String,
    #[encrypted]
    account: Option<String>,
    #[plaintext]
    mail: Option<String>,
    #[plaintext]
    tier: Option<String>,
    #[plaintext]
    visits: u64,
}

/// The fields are protected since, under other names. Plaintext is accepted until all records have
/// been rewritten.
#[derive(Clone, Debug, Default, PartialEq, Envelope)]
#[envelope(table = "vault")]
#[serde(default)]
struct Account {
    #[partition_key]
    owner: String,
    #[encrypted(accept = "plaintext")]
    #[serde(alias = "mail", skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[authenticated(accept = "plaintext")]
    #[serde(alias = "tier", skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[encrypted]
    #[serde(alias = "iban", skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[authenticated]
    #[serde(alias = "limit", skip_serializing_if = "Option::is_none")]
    credit: Option<String>,
    #[encrypted(group = "medical")]
    #[serde(alias = "illness")]
    diagnosis: Access<Option<String>>,
    #[plaintext]
    visits: u64,
}

/// Every name of a protected field.
const NAMES: [&str; 10] =
    ["email", "mail", "plan", "tier", "account", "iban", "credit", "limit", "diagnosis", "illness"];

fn account(value: Option<&str>) -> Account {
    let value = value.map(str::to_owned);
    Account {
        owner: "zoe".into(),
        email: value.clone(),
        plan: value.clone(),
        account: value.clone(),
        credit: value.clone(),
        diagnosis: Access::Granted(value),
        visits: 3,
    }
}

/// Whether the error says that the record was changed.
fn is_refused(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Usage(UsageError::Marks(_)) | ErrorKind::Data(DataError::NotAuthentic { .. })
    )
}

/// A table, and what an attacker does to it.
struct Attacked {
    servers: Servers,
    name: String,
}

impl Attacked {
    async fn new(partition_key: &str) -> Self {
        let (servers, name) = (Servers::from_env().await.unwrap(), unique_name("vault"));
        create_table(servers.dynamodb(), &name, (partition_key, ScalarAttributeType::S), None)
            .await
            .unwrap();
        Self { servers, name }
    }

    fn table<T: envelope_dynamo::item::Entity>(&self) -> Table<T> {
        let provider = LocalKeyProvider::new(RootKey::from_bytes(&[1; 32]).unwrap());
        Table::new(self.servers.dynamodb().clone(), provider).named(self.name.as_str())
    }

    async fn items(&self) -> Vec<Item> {
        let scan = self.servers.dynamodb().scan().table_name(&self.name).consistent_read(true);
        scan.send().await.unwrap().items.unwrap()
    }

    async fn plant(&self, name: &str, value: Option<&str>) {
        let item = with(&self.items().await[0], name, value.map(text));
        self.servers
            .dynamodb()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .unwrap();
    }
}

/// Under every name of the field, whether the field has a value or not.
#[tokio::test]
async fn a_value_planted_beside_a_protected_field_is_not_read() {
    for value in [Some("4111"), None] {
        let keys = local("local", 1);
        let item = keys.write(&account(value)).await;
        assert_eq!(keys.read::<Account>(&item).await.unwrap(), account(value));
        for name in NAMES {
            if item.contains_key(name) {
                continue; // authenticated, and changed in `bits.rs`
            }
            let error = keys.read::<Account>(&with(&item, name, text("forged"))).await.unwrap_err();
            assert!(is_refused(&error), "{name} beside {value:?}: {error}");
        }
    }
}

/// A record that was written unprotected is read as such. A protected record cannot be turned into
/// one.
#[tokio::test]
async fn a_protected_record_cannot_be_passed_off_as_an_older_one() {
    let keys = local("local", 1);
    let [mail, tier] = ["m", "t"].map(|value| Some(value.to_owned()));
    let older = Unprotected { owner: "zoe".into(), account: None, mail, tier, visits: 3 };
    let item = with(
        &with(&keys.write(&account(Some("4111"))).await, "mail", text("forged")),
        "tier",
        text("forged"),
    );
    for removed in
        [&["plan"][..], &["plan", "credit"], &SEALED, &["plan", "credit", SEALED[0], SEALED[1]]]
    {
        let item = removed.iter().fold(item.clone(), |item, name| with(&item, name, None));
        keys.read::<Account>(&item).await.unwrap_err();
    }
    // The version that protects nothing has nothing to forge.
    let read = keys.read::<Account>(&keys.write(&older).await).await.unwrap();
    assert_eq!((read.email, read.plan), (older.mail, older.tier));
}

/// `modify` reads the stored item, and could seal what an attacker planted there.
#[tokio::test]
async fn a_change_does_not_seal_what_was_planted() {
    let attacked = Attacked::new("owner").await;
    let table = attacked.table::<Account>();
    table.put(&account(None)).send().await.unwrap();
    for name in NAMES {
        attacked.plant(name, Some("forged")).await;
        let before = attacked.items().await;
        let change = table.update("zoe").modify(|account| account.visits += 1).send();
        let error = change.await.unwrap_err();
        assert!(is_refused(&error), "{name}: {error}");
        assert_eq!(attacked.items().await, before, "{name}: nothing is written");

        table.update("zoe").add(|account| account.visits, 1).send().await.unwrap();
        assert!(
            is_refused(&table.get("zoe").consistent_read().send().await.unwrap_err()),
            "{name}"
        );
        attacked.plant(name, None).await;
    }
    let visits = 3 + u64::try_from(NAMES.len()).unwrap();
    let read = table.get("zoe").consistent_read().send().await.unwrap();
    assert_eq!(read, Some(Account { visits, ..account(None) }));
}

/// The same record, without the group.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault")]
struct Ungrouped {
    #[partition_key]
    owner: String,
    #[encrypted]
    account: Option<String>,
}

/// A service without the group in its struct still detects the change, and refuses the record.
#[tokio::test]
async fn a_group_cannot_be_changed_behind_a_struct_without_it() {
    let keys = local("local", 1);
    let older = keys.write(&account(Some("older"))).await;
    let item = keys.write(&account(Some("4111"))).await;
    assert_eq!(keys.read::<Ungrouped>(&item).await.unwrap().account.as_deref(), Some("4111"));
    let payload = "encrypted_payload_medical";
    for changed in [
        None,
        Some(older[payload].clone()),
        Some(item["encrypted_payload"].clone()),
        Some(text("x")),
    ] {
        let error = keys.read::<Ungrouped>(&with(&item, payload, changed)).await.unwrap_err();
        assert!(is_refused(&error), "{error}");
    }
}

/// Map entries are sealed inside their field, whatever a user names them.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault")]
struct Preferences {
    #[partition_key]
    owner: String,
    #[encrypted]
    chosen: BTreeMap<String, String>,
    #[authenticated]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[plaintext]
    #[ttl]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

#[tokio::test]
async fn user_named_map_entries_do_not_become_attributes() {
    let keys = local("local", 1);
    let names = ["owner", "chosen", "role", "expires", "encrypted_payload", "encrypted_dek", ""];
    let chosen = names.map(|name| (name.to_owned(), "admin".to_owned())).into();
    let record = Preferences { owner: "zoe".into(), chosen, role: None, expires: None };
    let item = keys.write(&record).await;
    let mut stored: Vec<_> = item.keys().map(String::as_str).collect();
    stored.sort_unstable();
    assert_eq!(stored, ["encrypted_dek", "encrypted_payload", "owner"]);
    assert!(!format!("{item:?}").contains("admin"));
    assert_eq!(keys.read::<Preferences>(&item).await.unwrap(), record);
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault")]
#[partition_key(name = "pk", format = "U-{user}")]
struct User {
    #[key]
    user: String,
    #[encrypted]
    email: String,
    #[plaintext]
    visits: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault")]
#[partition_key(name = "pk", format = "U-{user}#C-{coupon}")]
struct Coupon {
    #[key]
    user: String,
    #[key]
    coupon: String,
    #[encrypted]
    worth: u64,
    #[plaintext]
    visits: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    User(User),
    Coupon(Coupon),
}

/// A user named `victim#C-x` cannot change or delete the coupon `x` of `victim` by any call.
#[tokio::test]
async fn an_id_with_a_separator_reaches_no_record_of_another_kind() {
    let attacked = Attacked::new("pk").await;
    let (shop, id) = (attacked.table::<Shop>(), "victim#C-x");
    let coupon = Coupon { user: "victim".into(), coupon: "x".into(), worth: 50, visits: 0 };
    shop.put(&Shop::Coupon(coupon.clone())).send().await.unwrap();
    let (before, users) = (attacked.items().await, shop.of::<User>());
    let attacker = User { user: id.into(), email: "mallory@example.com".into(), visits: 9 };
    let dynamodb = attacked.servers.dynamodb();
    let refused = [
        users.put(&attacker).send().await.map(drop).unwrap_err(),
        users.get(id).send().await.map(drop).unwrap_err(),
        users.delete(id).send().await.map(drop).unwrap_err(),
        users.update(id).add(|user| user.visits, 1).send().await.map(drop).unwrap_err(),
        users.update(id).modify(|user| user.email.push('!')).send().await.map(drop).unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("contains a separator"), "{error}");
    }
    users.batch_put([attacker.clone()]).send().await.unwrap_err();
    users.batch_delete([id]).send().await.unwrap_err();
    assert!(users.batch_get([id]).send().await.is_err());
    transact_write(dynamodb).put(users.put(&attacker)).send().await.unwrap_err();
    transact_write(dynamodb).delete(users.delete(id)).send().await.unwrap_err();
    transact_write(dynamodb).check(users.check(id).if_exists()).send().await.unwrap_err();
    assert_eq!(attacked.items().await, before);
    assert_eq!(
        shop.of::<Coupon>().get(("victim", "x")).consistent_read().send().await.unwrap(),
        Some(coupon)
    );
}

/// The whole record of each kind under the key of the other kind.
#[tokio::test]
async fn a_record_moved_under_the_key_of_another_kind_opens_as_neither() {
    let keys = local("local", 1);
    let user = User { user: "zoe".into(), email: "zoe@example.com".into(), visits: 9 };
    let coupon = Coupon { user: "zoe".into(), coupon: "x".into(), worth: 50, visits: 0 };
    let (user, coupon) = (keys.write(&user).await, keys.write(&coupon).await);
    for (item, key) in [(&user, &coupon["pk"]), (&coupon, &user["pk"])] {
        let moved = with(item, "pk", key.clone());
        assert!(
            keys.read::<User>(&moved).await.is_err() && keys.read::<Coupon>(&moved).await.is_err()
        );
        assert!(from_item::<Shop>(moved, &keys.unwrap).await.is_err());
        assert!(from_item::<Shop>(item.clone(), &keys.unwrap).await.is_ok());
    }
}
