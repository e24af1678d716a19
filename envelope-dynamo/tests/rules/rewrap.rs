//! Wrapped keys that are moved to another key while others write the record.

#![allow(clippy::indexing_slicing)]

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, KeyErrorKind, ServiceError, WriteError};
use envelope_dynamo::keys::MultiKeyProvider;
use envelope_dynamo::write::RewrapTo;
use envelope_dynamo::{
    Access, Envelope, ErrorKind, GroupKeyProvider, KeyProvider, KmsKeyProvider, KmsKeyWrapper,
    LocalKeyProvider, RootKey, Table,
};
use envelope_examples::servers::create_kms_key;
use envelope_examples::{Fault, Faults, Servers};
use tokio::task::yield_now;

use crate::setup::Item;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
}

/// The same table before there were groups.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct Name {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
}

fn patient(name: &str) -> Patient {
    Patient { id: "p_1".into(), name: name.into(), diagnosis: Access::Granted("gout".into()) }
}

/// A table with one patient under the key `old`, in front of a KMS that has `new` as well.
struct Bench {
    servers: Servers,
    /// Between the one who moves keys, and DynamoDB and KMS.
    faults: Faults,
    old: String,
    new: String,
}

impl Bench {
    async fn new() -> Self {
        let servers = Servers::embedded().await.expect("the embedded servers start");
        let [old, new] = [create_kms_key(servers.kms()).await, create_kms_key(servers.kms()).await];
        let (old, new) = (old.expect("a key"), new.expect("a key"));
        let bench = Self { faults: Faults::new(), servers, old, new };
        let table = bench.table::<Patient>(bench.provider(&bench.old));
        table.create_table().send().await.expect("the table is created");
        table.put(&patient("Zoë")).send().await.expect("the record is stored");
        bench
    }

    fn provider(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms_through(&self.faults), key)
    }

    fn to(&self) -> KmsKeyWrapper {
        KmsKeyWrapper::new(self.servers.kms_through(&self.faults), &self.new)
    }

    /// The table past the faults.
    fn table<T: Envelope>(&self, provider: impl KeyProvider + 'static) -> Table<T> {
        Table::new(self.servers.dynamodb().clone(), provider)
    }

    /// The table through the faults.
    fn faulty<T: Envelope>(&self) -> Table<T> {
        Table::new(self.servers.dynamodb_through(&self.faults), self.provider(&self.new))
    }

    async fn stored(&self) -> Option<Item> {
        let get = self.servers.dynamodb().get_item().table_name("patients").consistent_read(true);
        get.key("id", AttributeValue::S("p_1".into())).send().await.expect("DynamoDB answers").item
    }

    async fn read(&self, key: &str) -> Result<Option<Patient>, envelope_dynamo::Error> {
        self.table::<Patient>(self.provider(key)).get("p_1").send().await
    }

    async fn called(&self, operation: &str, calls: usize) {
        while self.faults.calls(operation) < calls {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_record_and_its_groups_move_to_another_kms_key() {
    let bench = Bench::new().await;
    let before = bench.stored().await.expect("a record");
    bench.faults.forget_calls();
    let (from, to) = (bench.provider(&bench.old), bench.to());
    // The struct does not know the group.
    let moved = bench
        .faulty::<Name>()
        .rewrap("p_1")
        .re_encrypt(&from, &to)
        .send()
        .await
        .expect("it is moved");
    let moved = moved.expect("there is such a record");
    assert_eq!(moved.moved(), ["encrypted_dek", "encrypted_dek_medical"]);
    assert!(moved.left().is_empty());
    assert_eq!(["ReEncrypt", "Decrypt"].map(|operation| bench.faults.calls(operation)), [2, 0]);

    assert_eq!(bench.read(&bench.new).await.expect("it opens"), Some(patient("Zoë")));
    assert!(bench.read(&bench.old).await.is_err());
    let after = bench.stored().await.expect("a record");
    for (name, value) in before {
        assert_eq!(after[&name] == value, !name.starts_with("encrypted_dek"), "{name}");
    }
}

#[tokio::test]
async fn a_record_that_is_put_while_its_key_is_moved_opens() {
    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    bench.faults.hold("UpdateItem");
    let moving = async { table.rewrap("p_1").re_encrypt(&from, &to).send().await };
    let putting = async {
        bench.called("UpdateItem", 1).await;
        let table = bench.table::<Patient>(bench.provider(&bench.old));
        table.put(&patient("Zoe")).send().await.expect("the record is stored");
        bench.faults.release("UpdateItem");
    };
    let (moved, ()) = tokio::join!(moving, putting);
    assert_eq!(moved.expect("it is moved").expect("there is such a record").moved().len(), 2);
    assert_eq!(bench.faults.calls("UpdateItem"), 2);
    assert_eq!(bench.read(&bench.new).await.expect("it opens"), Some(patient("Zoe")));
}

/// A payload with another data key and the same wrapped key: the condition looks at both.
#[tokio::test]
async fn each_payload_and_each_wrapped_key_must_be_those_that_were_read() {
    for name in
        ["encrypted_payload", "encrypted_dek", "encrypted_payload_medical", "encrypted_dek_medical"]
    {
        let bench = Bench::new().await;
        let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
        bench.faults.hold("UpdateItem");
        let moving = async { table.rewrap("p_1").re_encrypt(&from, &to).send().await };
        let changing = async {
            bench.called("UpdateItem", 1).await;
            let other = bench.table::<Patient>(bench.provider(&bench.old));
            let mut item = bench.stored().await.expect("a record");
            other.put(&patient("Zoe")).send().await.expect("the record is stored");
            let new = bench.stored().await.expect("a record")[name].clone();
            item.insert(name.to_owned(), new);
            let put =
                bench.servers.dynamodb().put_item().table_name("patients").set_item(Some(item));
            put.send().await.expect("the item is stored");
            bench.faults.fail_next("GetItem", Fault::error("AccessDeniedException"));
            bench.faults.release("UpdateItem");
        };
        let (moved, ()) = tokio::join!(moving, changing);
        assert!(
            matches!(
                moved.expect_err("read again").kind(),
                ErrorKind::DynamoDb(ServiceError::Request(_))
            ),
            "{name}"
        );
        let stored = bench.stored().await.expect("a record");
        assert_eq!(bench.faults.calls("UpdateItem"), 1);
        assert!(
            bench.faults.all_used(),
            "{name}: it was written over what was not read: {:?}",
            stored.keys()
        );
    }
}

#[tokio::test]
async fn a_record_that_is_deleted_while_its_key_is_moved_stays_deleted() {
    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    bench.faults.hold("UpdateItem");
    let moving = async { table.rewrap("p_1").re_encrypt(&from, &to).send().await };
    let deleting = async {
        bench.called("UpdateItem", 1).await;
        bench
            .table::<Patient>(bench.provider(&bench.old))
            .delete("p_1")
            .send()
            .await
            .expect("it is deleted");
        bench.faults.release("UpdateItem");
    };
    let (moved, ()) = tokio::join!(moving, deleting);
    assert_eq!(moved.expect("nothing fails"), None);
    assert_eq!(bench.stored().await, None);
}

#[tokio::test]
async fn a_lost_reply_is_found_out_and_others_are_told() {
    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    bench.faults.fail_next("UpdateItem", Fault::LoseReply);
    let moved = table.rewrap("p_1").re_encrypt(&from, &to).send().await.expect("it was moved");
    assert_eq!(moved.expect("there is such a record").moved().len(), 2);
    assert_eq!((bench.faults.calls("UpdateItem"), bench.faults.calls("ReEncrypt")), (2, 2));

    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    bench.faults.fail_always("UpdateItem", Fault::LoseReply);
    let error = table.rewrap("p_1").re_encrypt(&from, &to).send().await;
    let error = error.expect_err("no reply comes, so nobody knows what was carried out");
    assert!(error.is_in_doubt() && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn who_is_overtaken_each_time_gives_up() {
    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    bench.faults.fail_always("UpdateItem", Fault::error("ConditionalCheckFailedException"));
    tokio::time::pause();
    let error =
        table.rewrap("p_1").re_encrypt(&from, &to).send().await.expect_err("others are faster");
    assert!(
        matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { tries: 16 })),
        "{error}"
    );
    assert!(!error.is_in_doubt());
}

#[tokio::test]
async fn a_group_under_another_key_stays_and_is_named() {
    let bench = Bench::new().await;
    let local = || LocalKeyProvider::new(RootKey::from_bytes(&[2; 32]).expect("a root key"));
    let provider = |key: &str| GroupKeyProvider::new(bench.provider(key)).group("medical", local());
    let table = bench.table::<Patient>(provider(&bench.old));
    table.put(&patient("Zoë")).send().await.expect("the record is stored");
    let (from, to) = (bench.provider(&bench.old), bench.to());
    let moved = table.rewrap("p_1").re_encrypt(&from, &to).send().await.expect("it is moved");
    let moved = moved.expect("there is such a record");
    assert_eq!(
        (moved.moved(), moved.left()),
        (&["encrypted_dek".into()][..], &["encrypted_dek_medical".into()][..])
    );
    let table = bench.table::<Patient>(provider(&bench.new));
    assert_eq!(table.get("p_1").send().await.expect("it opens"), Some(patient("Zoë")));

    let again = table
        .rewrap("p_1")
        .re_encrypt(&from, &to)
        .send()
        .await
        .expect_err("nothing is left to move");
    assert_eq!(
        again.key_error().map(|error| error.kind()),
        Some(KeyErrorKind::WrongKey),
        "{again}"
    );
}

#[tokio::test]
async fn keys_are_unwrapped_and_wrapped_here_for_providers_of_any_kind() {
    let bench = Bench::new().await;
    let partner = LocalKeyProvider::new(RootKey::from_bytes(&[2; 32]).expect("a root key"));
    let (from, to) = (bench.provider(&bench.old), bench.provider(&bench.new));
    let both: [&dyn envelope_dynamo::keys::Recipient; 2] = [&to, &partner];
    let table = bench.faulty::<Patient>();
    let moved =
        table.rewrap("p_1").unwrap_and_wrap(&from, &both).send().await.expect("it is moved");
    assert_eq!(moved.expect("there is such a record").moved().len(), 2);
    assert_eq!(bench.read(&bench.new).await.expect("it opens"), Some(patient("Zoë")));
    let partners = MultiKeyProvider::new(partner);
    let read = bench.table::<Patient>(partners).get("p_1").send().await;
    assert_eq!(read.expect("the partner reads it"), Some(patient("Zoë")));
}

#[tokio::test]
async fn what_is_not_sealed_or_refused_is_said_and_nothing_is_written() {
    let bench = Bench::new().await;
    let (from, to, table) = (bench.provider(&bench.old), bench.to(), bench.faulty::<Patient>());
    let none = table.rewrap("p_2").re_encrypt(&from, &to).send().await.expect("nothing fails");
    assert_eq!(none, None);

    bench.faults.fail_next("ReEncrypt", Fault::error("AccessDeniedException"));
    let error = table.rewrap("p_1").re_encrypt(&from, &to).send().await.expect_err("KMS refuses");
    assert_eq!(
        error.key_error().map(|error| error.kind()),
        Some(KeyErrorKind::AccessDenied),
        "{error}"
    );
    let plain = Item::from([("id".to_owned(), AttributeValue::S("p_3".into()))]);
    let put = bench.servers.dynamodb().put_item().table_name("patients").set_item(Some(plain));
    put.send().await.expect("the item is stored");
    let error =
        table.rewrap("p_3").re_encrypt(&from, &to).send().await.expect_err("it is not sealed");
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)), "{error}");
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

/// It can be sent from a task.
#[allow(dead_code)]
fn is_send(rewrap: RewrapTo<'_, Patient, dyn KeyProvider>) -> impl Send {
    rewrap.send()
}
