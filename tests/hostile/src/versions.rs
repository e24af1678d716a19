//! Two versions of a struct at the same time, as in a rolling deployment, with a group, views and
//! changed marks.

use std::array;
use std::fmt::Debug;
use std::sync::LazyLock;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{GroupKeyProvider, UnwrapKey};
use envelope_dynamo::item::view_item;
use envelope_dynamo::{Access, Envelope, View, from_item, to_item};

use crate::allocation::within;
use crate::input::{Item, item_bytes};
use crate::item::{FixedKey, Forgery, WIDE, allowed, one_line, read_by};
use crate::ready;

/// The group of the newer version.
pub(crate) const GROUP: &str = "g";

/// The values of a record that are compared between the versions.
const VALUES: usize = 8;
/// The value that is in a group in the newer version.
const GROUPED: usize = 4;

/// How a version reads a value.
#[derive(Clone, Copy, Debug)]
enum Seen<'r> {
    /// The version has no field for the value, or the reader may not see it.
    Nothing,
    Sealed(Option<&'r str>),
    Authenticated(Option<&'r str>),
    Plain,
}

impl<'r> Seen<'r> {
    fn protected(self) -> Option<Option<&'r str>> {
        match self {
            Self::Sealed(value) | Self::Authenticated(value) => Some(value),
            Self::Nothing | Self::Plain => None,
        }
    }
}

trait Version: Envelope + Debug {
    type Visible: View + Debug + PartialEq;
    /// The names of the plaintext attributes.
    const READABLE: &[&str];
    fn new(values: [Option<String>; VALUES]) -> Self;
    fn values(&self) -> [Seen<'_>; VALUES];
    /// The values that a view of the record shows.
    fn visible(&self) -> Self::Visible;
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile")]
struct Older {
    #[partition_key]
    id: String,
    #[encrypted]
    text: Option<String>,
    #[encrypted]
    #[serde(alias = "b", skip_serializing_if = "Option::is_none")]
    a: Option<String>,
    #[authenticated]
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[encrypted]
    c: Option<String>,
    #[encrypted]
    letter: Option<String>,
    #[plaintext]
    old: Option<String>,
    #[encrypted]
    unit: Option<String>,
    #[plaintext]
    #[serde(default)]
    count: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "hostile")]
struct Newer {
    #[partition_key]
    id: String,
    #[encrypted]
    text: Option<String>,
    #[encrypted]
    #[serde(alias = "a", skip_serializing_if = "Option::is_none")]
    b: Option<String>,
    #[encrypted]
    plan: Option<String>,
    #[authenticated]
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    #[encrypted(group = "g")]
    letter: Access<Option<String>>,
    #[encrypted(accept = "plaintext")]
    #[serde(alias = "old", skip_serializing_if = "Option::is_none")]
    t: Option<String>,
    #[encrypted]
    kind: Option<String>,
    #[plaintext]
    #[serde(default)]
    count: u64,
}

#[derive(Debug, PartialEq, View)]
#[view(of = Older)]
struct VisibleOfOlder {
    id: String,
    plan: Option<String>,
    old: Option<String>,
    count: u64,
}

#[derive(Debug, PartialEq, View)]
#[view(of = Newer)]
struct VisibleOfNewer {
    id: String,
    c: Option<String>,
    count: u64,
}

impl Version for Older {
    type Visible = VisibleOfOlder;
    const READABLE: &[&str] = &["id", "plan", "old", "count"];

    fn new([text, a, plan, c, letter, old, unit, _]: [Option<String>; VALUES]) -> Self {
        Self { id: "r_1".into(), text, a, plan, c, letter, old, unit, count: 3 }
    }

    fn values(&self) -> [Seen<'_>; VALUES] {
        let Self { text, a, plan, c, letter, unit, .. } = self;
        let [text, a, c, letter, unit] =
            [text, a, c, letter, unit].map(|value| Seen::Sealed(value.as_deref()));
        [text, a, Seen::Authenticated(plan.as_deref()), c, letter, Seen::Plain, unit, Seen::Nothing]
    }

    fn visible(&self) -> VisibleOfOlder {
        let Self { id, plan, old, count, .. } = self.clone();
        VisibleOfOlder { id, plan, old, count }
    }
}

impl Version for Newer {
    type Visible = VisibleOfNewer;
    const READABLE: &[&str] = &["id", "c", "count"];

    fn new([text, b, plan, c, letter, t, _, kind]: [Option<String>; VALUES]) -> Self {
        Self {
            id: "r_1".into(),
            text,
            b,
            plan,
            c,
            letter: Access::Granted(letter),
            t,
            kind,
            count: 3,
        }
    }

    fn values(&self) -> [Seen<'_>; VALUES] {
        let Self { text, b, plan, c, letter, t, kind, .. } = self;
        let [text, b, plan, t, kind] =
            [text, b, plan, t, kind].map(|value| Seen::Sealed(value.as_deref()));
        let letter =
            letter.as_ref().granted().map_or(Seen::Nothing, |value| Seen::Sealed(value.as_deref()));
        [text, b, plan, Seen::Authenticated(c.as_deref()), letter, t, Seen::Nothing, kind]
    }

    fn visible(&self) -> VisibleOfNewer {
        let Self { id, c, count, .. } = self.clone();
        VisibleOfNewer { id, c, count }
    }
}

/// Reads `item` as each version and as its view, and puts its attributes into honest records.
pub(crate) fn read_versions(item: &Item, forgery: Option<&Forgery<'_>>) {
    read::<Older, Newer>(item, forgery);
    read::<Newer, Older>(item, forgery);
    if forgery.is_none() {
        plant::<Older, Newer>(item);
        plant::<Newer, Older>(item);
    }
}

/// A record that `V` reads and stores is readable by the other version.
fn read<V: Version, Other: Version>(item: &Item, forgery: Option<&Forgery<'_>>) {
    if let Err(error) = within(WIDE, item_bytes(item), || view_item::<V::Visible>(item.clone())) {
        one_line(&error);
    }
    if read_by::<V>(item, forgery, 0, &*WITHOUT_GROUPS).is_some_and(|record| is_withheld(&record)) {
        return;
    }
    let Some(record) = read_by::<V>(item, forgery, 0, &FixedKey) else { return };
    let Some(stored) = store(&record) else { return };
    let other = ready(from_item::<Other>(stored, &FixedKey)).unwrap();
    assert_same(&record, &other);
    store(&other);
}

/// Adding and removing attributes without the key changes no protected value, for either version.
fn plant<V: Version, Other: Version>(item: &Item) {
    for is_present in [true, false] {
        let record = V::new(array::from_fn(|i| is_present.then(|| value(i))));
        let mut stored = store(&record).unwrap();
        for (name, value) in item.iter().filter(|(name, _)| *name != "id") {
            match value {
                AttributeValue::Null(false) => stored.remove(name), /* stands for that: DynamoDB */
                // has no such null
                _ => stored.insert(name.clone(), value.clone()),
            };
        }
        for keys in [&FixedKey as &dyn UnwrapKey, &*WITHOUT_GROUPS] {
            read_planted::<V, V>(&record, &stored, keys);
            read_planted::<V, Other>(&record, &stored, keys);
        }
    }
}

fn read_planted<V: Version, Reader: Version>(record: &V, stored: &Item, keys: &dyn UnwrapKey) {
    match within(1, allowed(stored, 0), || ready(from_item::<Reader>(stored.clone(), keys))) {
        Ok(read) => {
            assert_same(record, &read);
            store(&read);
        }
        Err(error) => one_line(&error),
    }
}

/// A value that occurs nowhere else.
fn value(i: usize) -> String {
    format!("value number {i}")
}

/// The stored record; `None` if it cannot be stored, because a group is withheld or it is too
/// large.
fn store<V: Version>(record: &V) -> Option<Item> {
    let stored = match ready(to_item(record, &FixedKey)) {
        Ok(stored) => stored,
        Err(error) => {
            one_line(&error);
            return None;
        }
    };
    assert!(!is_withheld(record), "a withheld value was stored");
    let is_sealed =
        |name: &str| name.starts_with("encrypted_payload") || name.starts_with("encrypted_dek");
    let clear: Item = stored.clone().into_iter().filter(|(name, _)| !is_sealed(name)).collect();
    assert!(
        clear.keys().all(|name| V::READABLE.contains(&&**name)),
        "in the clear: {:?}",
        clear.keys()
    );
    let shown = format!("{clear:?}");
    for (i, seen) in record.values().into_iter().enumerate() {
        let is_shown = matches!(seen, Seen::Authenticated(_) | Seen::Plain);
        assert!(is_shown || !shown.contains(&value(i)), "value {i} stands in the clear");
    }
    assert_eq!(view_item::<V::Visible>(stored.clone()).unwrap(), record.visible());
    Some(stored)
}

/// Both versions read the same protected values, except that the version without the group does not
/// see the values of the group.
#[track_caller]
fn assert_same(written: &impl Version, read: &impl Version) {
    for (i, (written, read)) in written.values().into_iter().zip(read.values()).enumerate() {
        if let (Some(written), Some(read)) = (written.protected(), read.protected()) {
            assert!(
                written == read || i == GROUPED && read.is_none(),
                "value {i} was {written:?} and is {read:?}"
            );
        }
    }
}

fn is_withheld<V: Version>(record: &V) -> bool {
    record.withheld().iter().any(|(_, is_withheld)| *is_withheld)
}

/// Opens records, but not their groups.
static WITHOUT_GROUPS: LazyLock<GroupKeyProvider> =
    LazyLock::new(|| GroupKeyProvider::new(FixedKey));
