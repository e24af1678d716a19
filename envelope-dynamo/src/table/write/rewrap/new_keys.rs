//! The data keys of a record, unwrapped and wrapped again by another key.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Context, GROUP_PAIR, KeyErrorKind, OpenError, Recipient, RewrapError, Sealed, UnwrapKey, rewrap,
};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::expression::Clauses;
use crate::expression::placeholders::Placeholders;
use crate::item::context::bare_context;
use crate::item::layout::{binary, dek_attribute, payload_attribute};
use crate::item::modify_record::payload_unchanged;
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};

/// The wrapped keys of a record, after [`Table::rewrap`](crate::Table::rewrap).
///
/// Each key is named by its attribute: `encrypted_dek`, and `encrypted_dek_` with the name of a
/// group.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// # use envelope_dynamo::{Envelope, KmsKeyProvider, KmsKeyWrapper, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[encrypted(group = "billing")] iban: envelope_dynamo::Access<String>,
/// # }
/// # let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms.clone(), "alias/2026"));
/// let old = KmsKeyProvider::new(kms.clone(), "alias/2025");
/// let new = KmsKeyWrapper::new(kms, "alias/2026");
/// if let Some(keys) = users.rewrap("u_1").re_encrypt(&old, &new).send().await? {
///     // Not under `old`: a group with a key of its own, or a key that was moved before.
///     for attribute in keys.left() {
///         println!("{attribute} stays under its key");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    moved: Vec<String>,
    left: Vec<String>,
}

impl Rewrapped {
    /// The attributes of the keys that were moved. There is at least one.
    #[must_use]
    pub fn moved(&self) -> &[String] {
        &self.moved
    }

    /// The attributes of the keys that were left: the key to move from has not wrapped them.
    #[must_use]
    pub fn left(&self) -> &[String] {
        &self.left
    }
}

/// Who wraps the data keys again.
pub(crate) enum Way<'a> {
    ReEncrypt { from: &'a KmsKeyProvider, to: &'a KmsKeyWrapper },
    Here { from: &'a dyn UnwrapKey, to: &'a [&'a dyn Recipient] },
}

impl Way<'_> {
    async fn wrap_again(
        &self,
        sealed: &Sealed,
        context: &Context<'_>,
    ) -> Result<Vec<u8>, RewrapError> {
        match self {
            Self::ReEncrypt { from, to } => {
                from.rewrap(&sealed.encrypted_dek, context, to, context).await
            }
            Self::Here { from, to } => rewrap(sealed, *from, context, to, context).await,
        }
    }
}

/// A payload with its wrapped key, and the names of their attributes.
struct Part {
    group: Option<String>,
    payload: String,
    dek: String,
    sealed: Sealed,
}

impl Part {
    /// The record's own part, and the parts of its groups, which include groups of newer versions
    /// of the struct.
    fn all(item: &Item) -> Result<Vec<Self>, ErrorKind> {
        let own = Self::of(item, None, ENCRYPTED_PAYLOAD.to_owned(), ENCRYPTED_DEK.to_owned())?;
        let mut groups: Vec<_> = item
            .keys()
            .filter_map(|name| name.strip_prefix(ENCRYPTED_DEK)?.strip_prefix('_'))
            .collect();
        groups.sort_unstable();
        let groups =
            groups.into_iter().filter(|group| item.contains_key(&payload_attribute(group)));
        let groups = groups.map(|group| {
            Self::of(item, Some(group.to_owned()), payload_attribute(group), dek_attribute(group))
        });
        std::iter::once(Ok(own)).chain(groups).collect()
    }

    fn of(
        item: &Item,
        group: Option<String>,
        payload: String,
        dek: String,
    ) -> Result<Self, ErrorKind> {
        let bytes = |name: &str| match item.get(name) {
            Some(attribute) => binary(name, attribute.clone()),
            None => Err(DataError::NotSealed.into()),
        };
        let sealed = Sealed { encrypted_payload: bytes(&payload)?, encrypted_dek: bytes(&dek)? };
        Ok(Self { group, payload, dek, sealed })
    }

    fn context<'i, T: Envelope>(&self, item: &'i Item) -> Result<Context<'i>, ErrorKind> {
        let context = bare_context(&Kind::of::<T>(), item)?;
        match &self.group {
            None => Ok(context),
            Some(group) => Ok(context.pair(GROUP_PAIR, group.clone())?),
        }
    }
}

/// The wrapped keys to write, and the parts that they belong to.
pub(crate) struct NewKeys {
    moved: Vec<(Part, AttributeValue)>,
    left: Vec<Part>,
}

impl NewKeys {
    pub(crate) async fn wrap<T: Envelope>(item: &Item, way: &Way<'_>) -> Result<Self, ErrorKind> {
        if let Some(other_type) = Kind::of::<T>().mismatch(item) {
            return Err(other_type);
        }
        let mut keys = Self { moved: Vec::new(), left: Vec::new() };
        let mut refusal = None;
        for part in Part::all(item)? {
            match way.wrap_again(&part.sealed, &part.context::<T>(item)?).await {
                Ok(dek) => keys.moved.push((part, AttributeValue::B(Blob::new(dek)))),
                Err(RewrapError::Key(error)) if error.kind() == KeyErrorKind::WrongKey => {
                    refusal.get_or_insert(error);
                    keys.left.push(part);
                }
                Err(error) => return Err(error.into()),
            }
        }
        match refusal {
            Some(error) if keys.moved.is_empty() => Err(OpenError::Key(error).into()),
            _ => Ok(keys),
        }
    }

    /// Adds the clauses that write the keys. Returns the condition that the record is still as it
    /// was read.
    pub(crate) fn render(&self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> String {
        let mut conditions = Vec::new();
        for (part, new) in &self.moved {
            conditions.push(payload_unchanged(
                &part.payload,
                &part.sealed.encrypted_payload,
                placeholders,
            ));
            let name = placeholders.name(&part.dek);
            let old =
                placeholders.value(AttributeValue::B(Blob::new(part.sealed.encrypted_dek.clone())));
            conditions.push(format!("{name} = {old}"));
            clauses.set.push(format!("{name} = {}", placeholders.value(new.clone())));
        }
        conditions.join(" AND ")
    }

    /// Whether `item` has the new keys.
    pub(crate) fn are_in(&self, item: &Item) -> bool {
        self.moved.iter().all(|(part, new)| item.get(&part.dek) == Some(new))
    }

    pub(crate) fn outcome(self) -> Rewrapped {
        let moved = self.moved.into_iter().map(|(part, _)| part.dek).collect();
        Rewrapped { moved, left: self.left.into_iter().map(|part| part.dek).collect() }
    }
}
