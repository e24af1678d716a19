//! Opens an item: parses the payload, unwraps the data key, verifies, and assembles the record.

use envelope_core::{
    Content, OpenError, Plaintext, UntrustedPayload, UnwrapKey, open_payload, read_fields,
};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::assemble::assemble;
use crate::item::context::context;
use crate::item::group::{Group, open_group};
use crate::item::layout::binary;
use crate::item::reconcile::reconcile;
use crate::item::split::keys_of;
use crate::record::Envelope;
use crate::record::field::Mark;
use crate::record::item_key::key_attributes;
use crate::record::kind::Kind;
use crate::record::schema::RESERVED;

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

/// Opens `item`, and leaves its key attributes there: an error names the record with them.
pub(crate) async fn open<T: Envelope>(
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Opened<T>, ErrorKind> {
    if let Some(mismatch) = Kind::of::<T>().mismatch(item) {
        return Err(mismatch);
    }
    let (payload, dek) = take_sealed(item)?;
    let payload = UntrustedPayload::parse(payload).map_err(OpenError::from)?;
    let authenticated = payload.authenticated_names().to_vec();
    let opened = {
        let context = context(&Kind::of::<T>(), item, authenticated.iter().map(String::as_str))?;
        open_payload(payload, &dek, Content::Record, &context, provider).await
    };
    let plaintext = match opened {
        Err(OpenError::Authentication) => return Err(not_authentic::<T>(authenticated)),
        opened => opened?,
    };
    let mut opened = Vec::new();
    let mut withheld = Vec::new();
    for group in T::SCHEMA.groups() {
        match open_group::<T>(item, group, &authenticated, provider).await? {
            Some(Group::Opened(plaintext)) => opened.push((group, plaintext)),
            Some(Group::Withheld) => withheld.push(group),
            None => {}
        }
    }
    let mut sealed = read_fields(plaintext.expose())?;
    for (_, plaintext) in &opened {
        sealed.extend(read_fields(plaintext.expose())?);
    }
    let keys = key_attributes::<T>(item);
    let chosen =
        reconcile::<T>(std::mem::replace(item, keys), sealed, &withheld, authenticated.clone())?;
    let record = assemble(chosen)?;
    match mismatched_key(&record, item)? {
        None => Ok(Opened { record, plaintext, groups: opened, authenticated }),
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

pub(crate) fn not_authentic<T: Envelope>(authenticated: Vec<String>) -> ErrorKind {
    let is_plaintext =
        |name: &&String| T::SCHEMA.owner(name).is_some_and(|field| field.mark == Mark::Plaintext);
    let now_plaintext = authenticated.iter().filter(is_plaintext).cloned().collect();
    ErrorKind::Data(DataError::NotAuthentic { authenticated, now_plaintext })
}

/// Removes payload and wrapped key from the item, and returns them.
pub(crate) fn take_sealed(item: &mut Item) -> Result<(Vec<u8>, Vec<u8>), ErrorKind> {
    let [payload, dek] =
        RESERVED.map(|name| item.remove(name).map(|attribute| binary(name, attribute)));
    match [payload.transpose()?, dek.transpose()?] {
        [Some(payload), Some(dek)] => Ok((payload, dek)),
        [None, None] => Err(ErrorKind::Data(DataError::NotSealed)),
        [Some(_), None] => Err(ErrorKind::Data(DataError::Malformed(
            "the record has `encrypted_payload` but no `encrypted_dek`",
        ))),
        [None, Some(_)] => Err(ErrorKind::Data(DataError::Malformed(
            "the record has `encrypted_dek` but no `encrypted_payload`",
        ))),
    }
}
