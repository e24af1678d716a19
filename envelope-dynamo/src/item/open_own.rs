//! Opens the payload of an item: parses it, unwraps the data key, and verifies. The kind of the
//! record is enough; its struct need not be known.

use envelope_core::{Content, OpenError, Plaintext, UntrustedPayload, UnwrapKey, open_payload};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::context::context;
use crate::item::layout::binary;
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
/// The payload authenticates the payloads of groups, which
/// [`open_group`](crate::item::group::open_group) opens.
pub(crate) async fn open_own(
    kind: &Kind,
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<OpenedPayload, ErrorKind> {
    let (payload, dek) = take_sealed(item)?;
    let payload = UntrustedPayload::parse(payload).map_err(OpenError::from)?;
    let authenticated = payload.authenticated_names().to_vec();
    let opened = {
        let context = context(kind, item, authenticated.iter().map(String::as_str))?;
        open_payload(payload, &dek, Content::Record, &context, provider).await
    };
    match opened {
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
