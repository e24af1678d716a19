//! Opens the payload of an item: parses it, unwraps the data key, and verifies. The kind of the
//! record is enough; its struct need not be known.

use envelope_core::{Content, OpenError, Plaintext, UntrustedHeader, UnwrapKey, unwrap_data_key};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::context::context;
use crate::item::layout::{binary, binary_ref};
use crate::record::field::Mark;
use crate::record::kind::Kind;
use crate::record::schema::RESERVED;

/// The payload of a record, opened.
pub(crate) struct OpenedPayload {
    /// The encrypted fields, without those of groups.
    pub(crate) plaintext: Plaintext,
    /// The names of the authenticated attributes.
    pub(crate) authenticated: Vec<String>,
}

/// Opens the record's own payload, and removes it and its wrapped key from `item`.
///
/// `item` stays as it is until the data key has arrived. So a caller that drops the future can
/// start again with the same item.
///
/// The payload authenticates the payloads of groups, which
/// [`open_group`](crate::item::group::open_group) opens.
pub(crate) async fn open_own(
    kind: &Kind,
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<OpenedPayload, ErrorKind> {
    let [payload, dek] = sealed(item)?;
    let header = UntrustedHeader::parse(payload).map_err(OpenError::from)?;
    let (data_key, bound) = {
        let names = header.authenticated_names().iter().map(String::as_str);
        let context = context(kind, item, names)?;
        let data_key = unwrap_data_key(dek, &context, provider).await?;
        (data_key, header.bind(Content::Record, &context)?)
    };
    let (payload, _) = take_sealed(item)?;
    let authenticated = header.into_authenticated_names();
    match bound.open(payload, &data_key) {
        Ok(plaintext) => Ok(OpenedPayload { plaintext, authenticated }),
        Err(OpenError::Authentication) => Err(not_authentic(kind, authenticated)),
        Err(error) => Err(error.into()),
    }
}

fn not_authentic(kind: &Kind, authenticated: Vec<String>) -> ErrorKind {
    let is_plaintext =
        |name: &&String| kind.schema.owner(name).is_some_and(|field| field.mark == Mark::Plaintext);
    let now_plaintext = authenticated.iter().filter(is_plaintext).cloned().collect();
    ErrorKind::Data(DataError::NotAuthentic { authenticated, now_plaintext })
}

/// Payload and wrapped key of the item.
fn sealed(item: &Item) -> Result<[&[u8]; 2], ErrorKind> {
    let [payload, dek] =
        RESERVED.map(|name| item.get(name).map(|attribute| binary_ref(name, attribute)));
    pair(payload.transpose()?, dek.transpose()?).map(|(payload, dek)| [payload, dek])
}

/// Removes payload and wrapped key from the item, and returns them.
pub(crate) fn take_sealed(item: &mut Item) -> Result<(Vec<u8>, Vec<u8>), ErrorKind> {
    let [payload, dek] =
        RESERVED.map(|name| item.remove(name).map(|attribute| binary(name, attribute)));
    pair(payload.transpose()?, dek.transpose()?)
}

fn pair<B>(payload: Option<B>, dek: Option<B>) -> Result<(B, B), ErrorKind> {
    match [payload, dek] {
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
