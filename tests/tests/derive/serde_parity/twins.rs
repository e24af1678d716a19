//! One shape of record as two structs, and what must hold for both.

use std::collections::BTreeSet;
use std::fmt::Debug;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Content, FieldWriter, seal_payload};
use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::item_context;
use envelope_dynamo::{Envelope, ErrorKind, LocalKeyProvider, from_item, to_item};
pub(crate) use envelope_tests::{Item, local_keys};
use serde::{Deserialize, Serialize};

pub(crate) const ID: &str = "r_1";
pub(crate) const ANCHOR: &str = "the one field that is always sealed";

pub(crate) fn provider() -> LocalKeyProvider {
    local_keys(7)
}

/// A struct that both libraries store.
pub(crate) trait Record:
    Envelope + Serialize + Deserialize<'static> + PartialEq + Debug
{
}

impl<T: Envelope + Serialize + Deserialize<'static> + PartialEq + Debug> Record for T {}

/// Declares `plain::Record` and `sealed::Record`, which differ only in the marks of their fields,
/// and a value of each if one is given.
macro_rules! twins {
    (@twin $twin:ident $unmarked:tt ($($attribute:tt)*) [$($parameter:tt)*] $arguments:tt { $($fields:tt)* } $($values:tt)?) => {
        pub(super) mod $twin {
            #[allow(unused_imports)]
            use super::*;

            #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::envelope_dynamo::Envelope)]
            #[envelope(table = "records", unmarked = $unmarked)]
            $($attribute)*
            pub(crate) struct Record<$($parameter)*> {
                #[partition_key]
                #[serde(rename = "id", default)]
                id: String,
                #[encrypted]
                #[serde(rename = "anchor", default)]
                anchor: String,
                $($fields)*
            }

            $(twins!(@value $arguments $values);)?
        }
    };
    (@value [$($argument:tt)*] { $($values:tt)* }) => {
        pub(crate) fn record() -> Record<$($argument)*> {
            Record { id: $crate::serde_parity::twins::ID.to_owned(), anchor: $crate::serde_parity::twins::ANCHOR.to_owned(), $($values)* }
        }
    };
    ($attributes:tt $parameters:tt $arguments:tt $fields:tt $($values:tt)?) => {
        twins!(@twin plain "plaintext" $attributes $parameters $arguments $fields $($values)?);
        twins!(@twin sealed "encrypted" $attributes $parameters $arguments $fields $($values)?);
    };
}

/// Tests that records are stored and read as by `serde_dynamo`, and come back unchanged.
///
/// Type parameters and arguments may precede the fields. `absent` names the fields that are listed
/// as sealed although they have no value.
macro_rules! alike {
    ($(
        $test:ident: $(#[$attribute:meta])* $([$($parameter:tt)*] [$($argument:tt)*])? { $($fields:tt)* }
        = { $($values:tt)* } $(absent $absent:tt)?;
    )*) => {$(
        alike!(@test $test [assert_comes_back] [$($absent)?] ($(#[$attribute])*)
            [$($($parameter)*)?] [$($($argument)*)?] { $($fields)* } { $($values)* });
    )*};
    (@absent) => { &[] };
    (@absent $absent:tt) => { &$absent };
    (@test $test:ident [$($also:ident)?] [$($absent:tt)?] $attributes:tt
        $parameters:tt $arguments:tt $fields:tt $values:tt) => {
        mod $test {
            #[allow(unused_imports)]
            use super::*;

            twins!($attributes $parameters $arguments $fields $values);

            #[tokio::test]
            async fn as_in_serde_dynamo() {
                let absent: &[&str] = alike!(@absent $($absent)?);
                $crate::serde_parity::twins::assert_alike(&plain::record(), &sealed::record(), absent).await;
                $($crate::serde_parity::twins::$also(&plain::record());)?
            }
        }
    };
}

/// Like [`alike`], for records that come back changed, or not at all, in both libraries.
macro_rules! alike_but_changed {
    ($($test:ident: $(#[$attribute:meta])* { $($fields:tt)* } = $values:tt $(absent $absent:tt)?;)*) => {$(
        alike!(@test $test [] [$($absent)?] ($(#[$attribute])*) [] [] { $($fields)* } $values);
    )*};
}

/// Tests that foreign items are read or refused as by `serde_dynamo`.
macro_rules! read_alike {
    ($(
        $test:ident: $(#[$attribute:meta])* { $($fields:tt)* } reads [$($read:tt),* $(,)?] refuses [$($refused:tt),* $(,)?];
    )*) => {$(
        mod $test {
            #[allow(unused_imports)]
            use super::*;

            twins!(($(#[$attribute])*) [] [] { $($fields)* });

            #[tokio::test]
            async fn as_in_serde_dynamo() {
                let read = vec![$(::serde_json::json!($read)),*];
                let refused = vec![$(::serde_json::json!($refused)),*];
                let written = read.iter().map(|written| (written, true));
                for (written, is_read) in written.chain(refused.iter().map(|written| (written, false))) {
                    let plain: Option<plain::Record> = $crate::serde_parity::twins::read_readable(written).await;
                    let sealed: Option<sealed::Record> = $crate::serde_parity::twins::read_sealed(written).await;
                    assert_eq!((plain.is_some(), sealed.is_some()), (is_read, is_read), "{written}");
                }
            }
        }
    )*};
}

#[track_caller]
pub(crate) fn assert_comes_back<T: Record>(record: &T) {
    let theirs: Item = serde_dynamo::to_item(record).unwrap();
    assert_eq!(&serde_dynamo::from_item::<_, T>(theirs).unwrap(), record);
}

/// Compares both twins of a record with `serde_dynamo`.
pub(crate) async fn assert_alike<P: Record, S: Record>(plain: &P, sealed: &S, absent: &[&str]) {
    assert_readable_alike(plain).await;
    assert_sealed_alike(sealed, absent).await;
}

/// Readable attributes equal those of `serde_dynamo`, and each library reads what the other wrote.
async fn assert_readable_alike<P: Record>(record: &P) {
    let theirs: Item = serde_dynamo::to_item(record).unwrap();
    let mut ours = to_item(record, &provider()).await.unwrap();
    let sealed = take_sealed(&mut ours);
    assert_eq!(ours, without_anchor(&theirs), "stored otherwise");

    let read_by_them = serde_dynamo::from_item::<_, P>(theirs.clone()).ok();
    let mut item = without_anchor(&theirs);
    item.extend(sealed);
    let read_by_us = from_item::<P>(item, &provider()).await.ok();
    assert_eq!(read_by_us, read_by_them, "read otherwise");
}

/// Sealed fields have the names of `serde_dynamo`, and open to the values that `serde_dynamo`
/// reads.
async fn assert_sealed_alike<S: Record>(record: &S, absent: &[&str]) {
    let theirs: Item = serde_dynamo::to_item(record).unwrap();
    let item = to_item(record, &provider()).await.unwrap();
    let readable: BTreeSet<_> = item.keys().map(String::as_str).collect();
    assert_eq!(
        readable,
        BTreeSet::from(["encrypted_dek", "encrypted_payload", "id"]),
        "not all is sealed"
    );

    let mut names: BTreeSet<_> =
        theirs.keys().map(String::as_str).filter(|name| *name != "id").collect();
    names.extend(absent);
    let sealed = sealed_names(&item).await;
    assert_eq!(
        sealed.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        names,
        "sealed under other names"
    );

    let read_by_them = serde_dynamo::from_item::<_, S>(theirs).ok();
    assert_eq!(from_item::<S>(item, &provider()).await.ok(), read_by_them, "opened otherwise");
}

/// The names of a record's sealed fields, absent ones included, taken from the error of a struct
/// that does not fit.
pub(crate) async fn sealed_names(item: &Item) -> Vec<String> {
    #[derive(Debug, Envelope)]
    #[envelope(table = "records")]
    #[allow(dead_code)]
    struct Probe {
        #[partition_key]
        id: String,
        #[encrypted]
        probe: String,
    }

    let mut item = item.clone();
    item.insert("probe".to_owned(), AttributeValue::Null(true));
    let error = from_item::<Probe>(item, &provider()).await.unwrap_err();
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
    marks.written().encrypted.clone()
}

fn take_sealed(item: &mut Item) -> Item {
    ["encrypted_payload", "encrypted_dek"]
        .map(|name| (name.to_owned(), item.remove(name).unwrap()))
        .into()
}

fn without_anchor(item: &Item) -> Item {
    let mut item = item.clone();
    item.remove("anchor").unwrap();
    item
}

/// Reads `written` as readable attributes; asserts that `serde_dynamo` reads the same.
pub(crate) async fn read_readable<P: Record>(written: &serde_json::Value) -> Option<P> {
    let mut item = sealed::<P>(&serde_json::json!({})).await;
    item.extend(serde_dynamo::to_item::<_, Item>(written).unwrap());
    read(item, written).await
}

/// Reads `written` as sealed fields; asserts that `serde_dynamo` reads the same where they are
/// readable.
pub(crate) async fn read_sealed<S: Record>(written: &serde_json::Value) -> Option<S> {
    read(sealed::<S>(written).await, written).await
}

/// A record with any fields, as another program might have sealed it.
pub(crate) async fn sealed<T: Envelope>(written: &serde_json::Value) -> Item {
    let mut item = Item::from([("id".to_owned(), AttributeValue::S(ID.to_owned()))]);
    let mut fields = FieldWriter::new(0, []);
    fields.field("anchor", ANCHOR).unwrap();
    written
        .as_object()
        .unwrap()
        .iter()
        .for_each(|(name, value)| fields.field(name, value).unwrap());
    let context = item_context::<T>(&item).unwrap();
    let sealed =
        seal_payload(fields.finish(), Content::Record, &context, &provider()).await.unwrap();
    item.insert(
        "encrypted_payload".to_owned(),
        AttributeValue::B(Blob::new(sealed.encrypted_payload)),
    );
    item.insert("encrypted_dek".to_owned(), AttributeValue::B(Blob::new(sealed.encrypted_dek)));
    item
}

async fn read<T: Record>(item: Item, written: &serde_json::Value) -> Option<T> {
    let ours = from_item::<T>(item, &provider()).await;
    let mut plain: Item = serde_dynamo::to_item(written).unwrap();
    plain.extend(
        [("id", ID), ("anchor", ANCHOR)]
            .map(|(name, text)| (name.to_owned(), AttributeValue::S(text.into()))),
    );
    let theirs = serde_dynamo::from_item::<_, T>(plain);
    assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok(), "{written}: {ours:?} {theirs:?}");
    ours.ok()
}
