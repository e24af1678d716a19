//! Where `modify` leaves or puts a field that another version of the struct stored, and which marks
//! the record has afterwards.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::UsageError;
use envelope_dynamo::record::Partition;
use envelope_dynamo::{Access, Envelope, ErrorKind, GroupKeyProvider, from_item, to_item};

use crate::setup::{Item, Setup};

/// Declares versions of a struct that share a table.
macro_rules! versions {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "placement")]
        struct $name {
            #[partition_key]
            id: String,
            #[encrypted]
            note: String,
            $($(#[$attribute])* $field: $type,)*
        }

        impl Noted for $name {
            fn note(&mut self) -> &mut String {
                &mut self.note
            }
        }
    )*};
}

/// A record with a note to change, so that the change leaves the other fields alone.
trait Noted: Envelope<Key = Partition<String>> + Send + 'static {
    fn note(&mut self) -> &mut String;
}

versions! {
    Without {}
    Sealed { #[encrypted] value: Option<String>, }
    SealedIfAny { #[encrypted] #[serde(skip_serializing_if = "Option::is_none")] value: Option<String>, }
    LeftOut {
        #[encrypted] #[serde(skip_serializing_if = "Option::is_none")] a: Option<String>,
        #[encrypted] b: String,
        #[encrypted] #[serde(skip_serializing_if = "Option::is_none")] c: Option<String>,
    }
    Groups {
        #[encrypted(group = "g", accept = "plaintext")] #[serde(default = "none", skip_serializing_if = "is_none")]
        a: Access<Option<String>>,
        #[encrypted(group = "h", accept = "plaintext")] #[serde(default = "none", skip_serializing_if = "is_none")]
        b: Access<Option<String>>,
    }
    SealedReadOnly { #[encrypted(accept = "plaintext")] #[serde(skip_serializing)] value: Option<String>, }
    SealedRenamed { #[encrypted(accept = "plaintext")] #[serde(alias = "value")] renamed: Option<String>, }
    Grouped { #[encrypted(group = "g")] #[serde(default)] value: Access<Option<String>>, }
    Bound { #[authenticated] #[serde(skip_serializing_if = "Option::is_none")] value: Option<String>, }
    BoundReadOnly { #[authenticated] #[serde(skip_serializing)] value: Option<String>, }
    Plain { #[plaintext] #[serde(skip_serializing_if = "Option::is_none")] value: Option<String>, }
    PlainReadOnly { #[plaintext] #[serde(skip_serializing)] value: Option<String>, }
    PlainRenamed { #[plaintext] #[serde(alias = "value")] renamed: Option<String>, }
    PlainDefault { #[plaintext] #[serde(default)] value: String, }
}

/// A version that cannot read a record with a planted `probe`: its error lists the record's marks.
#[derive(Debug, Envelope)]
#[envelope(table = "placement")]
struct Probe {
    #[partition_key]
    id: String,
    #[encrypted]
    note: String,
    #[authenticated]
    probe: Option<String>,
}

/// The record as it is stored.
struct Stored {
    item: Item,
    /// The names of the fields that are sealed in the record itself, absent ones included.
    encrypted: Vec<String>,
    authenticated: Vec<String>,
}

impl Stored {
    fn text(&self, name: &str) -> Option<&str> {
        self.item.get(name).map(|value| value.as_s().expect("it is text").as_str())
    }
}

async fn stored(setup: &Setup) -> Stored {
    let id = AttributeValue::S("1".to_owned());
    let get = setup.dynamodb.get_item().table_name("placement").key("id", id).consistent_read(true);
    let item = get.send().await.expect("the item is read").item.expect("there is an item");
    let marks = marks(item.clone(), setup).await;
    Stored { item, ..marks }
}

/// How an item was written.
async fn marks(item: Item, setup: &Setup) -> Stored {
    let mut probed = item.clone();
    probed.insert("probe".to_owned(), AttributeValue::S("x".to_owned()));
    let error = from_item::<Probe>(probed, &setup.keys).await.expect_err("it was planted");
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
    let (encrypted, authenticated) =
        (sorted(&marks.written().encrypted), sorted(&marks.written().authenticated));
    Stored { item, encrypted, authenticated }
}

/// Stores `written`, changes its note as a `T`, and returns the item that is stored then.
async fn after_change_of_note<T: Noted>(written: impl Noted) -> (Setup, Stored) {
    let setup = Setup::new().await;
    put(&setup, &written).await;
    let changed =
        setup.table::<T>().await.update("1").modify(|record| record.note().push('!')).send().await;
    assert!(changed.expect("the change is written").is_some());
    let stored = stored(&setup).await;
    (setup, stored)
}

async fn put<T: Noted>(setup: &Setup, record: &T) {
    setup.table::<T>().await.put(record).send().await.expect("the record is stored");
}

async fn get<T: Noted>(setup: &Setup) -> T {
    let get = setup.table::<T>().await.get("1").send().await;
    get.expect("the record opens").expect("there is a record")
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn none() -> Access<Option<String>> {
    Access::Granted(None)
}

fn is_none(value: &Access<Option<String>>) -> bool {
    *value == none()
}

fn without() -> Without {
    Without { id: "1".into(), note: "n".into() }
}

fn sealed() -> Sealed {
    Sealed { id: "1".into(), note: "n".into(), value: Some("v".into()) }
}

fn bound() -> Bound {
    Bound { id: "1".into(), note: "n".into(), value: Some("v".into()) }
}

fn plain() -> Plain {
    Plain { id: "1".into(), note: "n".into(), value: Some("v".into()) }
}

/// FORMAT 4.5-2. The place of the field in the struct does not matter.
#[tokio::test]
async fn a_put_marks_the_fields_that_it_leaves_out() {
    let setup = Setup::new().await;
    put(&setup, &SealedIfAny { id: "1".into(), note: "n".into(), value: None }).await;
    assert_eq!(stored(&setup).await.encrypted, names(["note", "value"]));
    let none = LeftOut { id: "2".into(), note: "n".into(), a: None, b: "b".into(), c: None };
    let item = to_item(&none, &setup.keys).await.expect("it is sealed");
    assert_eq!(marks(item, &setup).await.encrypted, names(["a", "b", "c", "note"]));
}

/// Without the mark, a reader that accepts plaintext would take a value that somebody planted.
#[tokio::test]
async fn a_put_marks_the_fields_of_groups_that_it_leaves_out() {
    let setup = Setup::new().await;
    let none = Groups {
        id: "1".into(),
        note: "n".into(),
        a: Access::Granted(None),
        b: Access::Granted(None),
    };
    let item = to_item(&none, &setup.keys).await.expect("it is sealed");
    assert_eq!(from_item::<Groups>(item.clone(), &setup.keys).await.expect("it opens"), none);
    for name in ["a", "b"] {
        let mut planted = item.clone();
        planted.insert(name.to_owned(), AttributeValue::S("v".to_owned()));
        let error = from_item::<Groups>(planted, &setup.keys).await.expect_err("it was planted");
        let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
        assert_eq!(marks.attribute(), name);
        assert_eq!(sorted(&marks.written().encrypted), names(["a", "b", "note"]));
    }
    // Each mark is in its own group: a reader that may not open `h` still opens the rest.
    let outside = GroupKeyProvider::new(setup.keys.clone()).group("g", setup.keys.clone());
    let read = from_item::<Groups>(item, &outside).await.expect("the rest opens");
    assert_eq!((read.a, read.b), (Access::Granted(None), Access::Withheld));
}

#[tokio::test]
async fn a_change_marks_the_fields_that_the_record_did_not_have() {
    let (_, stored) = after_change_of_note::<Sealed>(without()).await;
    assert_eq!((stored.encrypted, stored.authenticated), (names(["note", "value"]), names([])));
    let (_, stored) = after_change_of_note::<Bound>(without()).await;
    assert_eq!((stored.encrypted, stored.authenticated), (names(["note"]), names(["value"])));
}

#[tokio::test]
async fn a_change_does_not_store_the_default_of_an_absent_field() {
    let (setup, stored) = after_change_of_note::<PlainDefault>(without()).await;
    assert_eq!(stored.text("value"), None);
    assert_eq!(get::<PlainDefault>(&setup).await.value, "");
}

/// The struct reads the field but does not serialize it, so there is no value to write elsewhere.
#[tokio::test]
async fn a_sealed_value_that_is_never_written_stays_sealed() {
    for (setup, stored) in [
        after_change_of_note::<PlainReadOnly>(sealed()).await,
        after_change_of_note::<BoundReadOnly>(sealed()).await,
    ] {
        assert_eq!((stored.text("value"), &*stored.authenticated), (None, &*names([])));
        assert_eq!(stored.encrypted, names(["note", "value"]));
        assert_eq!(get::<Sealed>(&setup).await, Sealed { note: "n!".into(), ..sealed() });
    }
}

#[tokio::test]
async fn a_readable_value_that_is_never_written_stays_as_it_is() {
    let (setup, stored) = after_change_of_note::<SealedReadOnly>(bound()).await;
    assert_eq!((stored.text("value"), &*stored.authenticated), (Some("v"), &*names(["value"])));
    assert_eq!(get::<Bound>(&setup).await, Bound { note: "n!".into(), ..bound() });

    let (_, stored) = after_change_of_note::<SealedReadOnly>(plain()).await;
    assert_eq!((stored.text("value"), &*stored.authenticated), (Some("v"), &*names([])));
}

/// An update in place changes a plaintext attribute. If the record still authenticated it, the
/// record would not open afterwards.
#[tokio::test]
async fn an_attribute_that_became_plaintext_is_not_authenticated() {
    let (setup, stored) = after_change_of_note::<Plain>(bound()).await;
    assert_eq!(stored.authenticated, names([]));
    let plain = setup.table::<Plain>().await;
    plain.update("1").set(|p| p.value, "new".to_owned()).send().await.expect("it is updated");
    assert_eq!(get::<Plain>(&setup).await.value.as_deref(), Some("new"));
}

#[tokio::test]
async fn an_absent_field_loses_its_mark_with_its_encryption() {
    let absent = || SealedIfAny { id: "1".into(), note: "n".into(), value: None };
    let (_, stored) = after_change_of_note::<SealedIfAny>(absent()).await;
    assert_eq!((stored.encrypted, stored.authenticated), (names(["note", "value"]), names([])));
    let (_, stored) = after_change_of_note::<Plain>(absent()).await;
    assert_eq!((stored.encrypted, stored.authenticated), (names(["note"]), names([])));
    let (_, stored) = after_change_of_note::<Bound>(absent()).await;
    assert_eq!((stored.encrypted, stored.authenticated), (names(["note"]), names(["value"])));
}

#[tokio::test]
async fn a_value_whose_field_joined_a_group_moves_into_it() {
    let (setup, stored) = after_change_of_note::<Grouped>(sealed()).await;
    assert_eq!(stored.encrypted, names(["note"]));
    assert_eq!(stored.authenticated, names(["encrypted_payload_g"]));
    assert_eq!(get::<Grouped>(&setup).await.value, Access::Granted(Some("v".into())));
}

/// Older readers know the field only by that name.
#[tokio::test]
async fn a_value_that_moves_keeps_its_name() {
    let (setup, stored) = after_change_of_note::<SealedRenamed>(plain()).await;
    assert_eq!((stored.text("value"), &*stored.encrypted), (None, &*names(["note", "value"])));
    assert_eq!(get::<Sealed>(&setup).await, Sealed { note: "n!".into(), ..sealed() });

    let (setup, stored) = after_change_of_note::<PlainRenamed>(sealed()).await;
    assert_eq!((stored.text("value"), stored.text("renamed")), (Some("v"), None));
    assert_eq!(get::<Plain>(&setup).await, Plain { note: "n!".into(), ..plain() });
}

/// `Access::Withheld` in a record deletes nothing: the group stays sealed as it is.
#[tokio::test]
async fn a_change_that_only_withholds_a_group_writes_nothing() {
    let setup = Setup::new().await;
    let record =
        Grouped { id: "1".into(), note: "n".into(), value: Access::Granted(Some("v".into())) };
    put(&setup, &record).await;
    let table = setup.table::<Grouped>().await;
    let changed = table.update("1").modify(|record| record.value = Access::Withheld).send().await;
    changed.expect("there is nothing to write").expect("there is a record");
    assert_eq!(setup.faults.calls("UpdateItem"), 0);
    assert_eq!(get::<Grouped>(&setup).await, record);
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}
