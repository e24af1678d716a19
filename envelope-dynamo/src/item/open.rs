//! Opens an item as a record of a struct: opens payload and groups, and assembles the record.

use envelope_core::{FieldValue, Plaintext, UnwrapKey, ValueError, read_fields};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::assemble::assemble;
use crate::item::group::{Group, open_group};
use crate::item::open_own::{OpenedPayload, open_own};
use crate::item::question::Answer;
use crate::item::reconcile::reconcile;
use crate::item::split::keys_of;
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::record::schema::is_reserved;

/// An opened record, with its decrypted fields.
pub(crate) struct Opened<T> {
    pub(crate) record: T,
    /// The encrypted fields.
    pub(crate) plaintext: Plaintext,
    /// The encrypted fields of each group that was opened.
    pub(crate) groups: Vec<(&'static str, Plaintext)>,
    /// The names of the authenticated attributes.
    pub(crate) authenticated: Vec<String>,
}

/// An item whose payloads were opened, before its struct is assembled. It has no type.
pub(crate) struct OpenedItem {
    own: OpenedPayload,
    groups: Vec<(&'static str, Plaintext)>,
    withheld: Vec<&'static str>,
}

impl OpenedItem {
    /// The encrypted fields, without those of groups.
    pub(crate) fn fields(&self) -> Result<Vec<(&str, FieldValue<'_>)>, ValueError> {
        read_fields(self.own.plaintext.expose())
    }

    /// The names of the authenticated attributes.
    pub(crate) fn authenticated(&self) -> &[String] {
        &self.own.authenticated
    }
}

/// Records of an unprotected struct are read elsewhere.
const UNPROTECTED: UsageError =
    UsageError::Struct("the struct is unprotected, so its records are not sealed");

/// Opens `item`, and leaves its key attributes there: an error names the record with them. Finds
/// out the `answer` to a search.
pub(crate) async fn open<T: Envelope>(
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
    answer: Option<&Answer<'_>>,
) -> Result<Opened<T>, ErrorKind> {
    let kind = Kind::of::<T>();
    let opened = open_payloads(&kind, item, provider).await?;
    if let Some(answer) = answer {
        answer.find_out(&kind, item, &opened);
    }
    assemble_opened(item, opened)
}

/// Opens the payloads of `item`, and removes them.
///
/// `item` stays as it is while data keys are unwrapped. So a caller that drops the future can start
/// again with the same item.
pub(crate) async fn open_payloads(
    kind: &Kind,
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<OpenedItem, ErrorKind> {
    if let Some(mismatch) = kind.mismatch(item) {
        return Err(mismatch);
    }
    if kind.unprotected {
        return Err(ErrorKind::Usage(UNPROTECTED));
    }
    let names = kind.schema.groups();
    let (mut groups, mut withheld) = (Vec::new(), Vec::new());
    if names.is_empty() {
        let own = open_own(kind, item, provider).await?;
        return Ok(OpenedItem { own, groups, withheld });
    }
    // The record's own payload is opened before the keys of its groups are unwrapped.
    let mut opening = Restored::new(item);
    let own = open_own(kind, opening.item, provider).await?;
    for group in names {
        match open_group(kind, opening.item, group, &own.authenticated, provider).await? {
            Some(Group::Opened(plaintext)) => groups.push((group, plaintext)),
            Some(Group::Withheld) => withheld.push(group),
            None => {}
        }
    }
    opening.sealed.clear();
    Ok(OpenedItem { own, groups, withheld })
}

/// An item that gets its payloads and wrapped keys back on drop, unless all of it was opened.
struct Restored<'i> {
    item: &'i mut Item,
    /// Copies of the attributes that opening removes.
    sealed: Item,
}

impl<'i> Restored<'i> {
    fn new(item: &'i mut Item) -> Self {
        let sealed = item.iter().filter(|(name, _)| is_reserved(name));
        let sealed = sealed.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { item, sealed }
    }
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.item.extend(self.sealed.drain());
    }
}

/// The record of an opened item without its payloads. Leaves the key attributes in `item`.
pub(crate) fn assemble_opened<T: Envelope>(
    item: &mut Item,
    opened: OpenedItem,
) -> Result<Opened<T>, ErrorKind> {
    let OpenedItem { own: OpenedPayload { plaintext, authenticated }, groups, withheld } = opened;
    let mut sealed = read_fields(plaintext.expose())?;
    for (_, plaintext) in &groups {
        sealed.extend(read_fields(plaintext.expose())?);
    }
    let chosen = reconcile::<T>(item, sealed, &withheld, &authenticated)?;
    let record = assemble(chosen)?;
    match mismatched_key(&record, item)? {
        None => Ok(Opened { record, plaintext, groups, authenticated }),
        Some(attribute) => Err(ErrorKind::Data(DataError::KeyMismatch { attribute })),
    }
}

/// The composed key attribute whose value differs from what the record's fields make.
pub(crate) fn mismatched_key<T: Envelope>(
    record: &T,
    keys: &Item,
) -> Result<Option<&'static str>, ErrorKind> {
    let mut composed = T::SCHEMA.composed_keys().peekable();
    if composed.peek().is_none() {
        return Ok(None);
    }
    let made = keys_of(record)?;
    Ok(composed.find(|field| made.get(field.name) != keys.get(field.name)).map(|field| field.name))
}
