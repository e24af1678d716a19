//! Moves the data keys of a record to another key.

use std::time::Instant;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use envelope_core::{
    Context, GROUP_PAIR, KeyErrorKind, OpenError, Recipient, RewrapError, Sealed, UnwrapKey, rewrap,
};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::expression::Clauses;
use crate::expression::placeholders::Placeholders;
use crate::item::context::bare_context;
use crate::item::layout::{binary, dek_attribute, payload_attribute};
use crate::item::modify_record::still_stands;
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};
use crate::record::Envelope;
use crate::record::item_key::with_requested_key;
use crate::record::key::IntoKey;
use crate::record::schema::{ENCRYPTED_DEK, ENCRYPTED_PAYLOAD};
use crate::table::Table;
use crate::table::write::condition_failure::{WriteAttempt, found};
use crate::table::write::update::is_failed_condition;

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// Moves the data key of a record, and those of its groups, to another key; what they seal
    /// stays as it is.
    ///
    /// The record is read, its data keys are wrapped again, and written on condition that each
    /// payload and each wrapped key is still the one that was read. If another writer was
    /// faster, all of that is done again.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # use envelope_dynamo::{Envelope, KmsKeyProvider, KmsKeyWrapper, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let (old, new) = (KmsKeyProvider::new(kms.clone(), "alias/2025"), KmsKeyWrapper::new(kms.clone(), "alias/2026"));
    /// let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/2026").also_decrypts("alias/2025"));
    /// let moved = users.rewrap("u_1").re_encrypt(&old, &new).send().await?;
    /// assert!(moved.is_some(), "there is such a user");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Copies of the old wrapped keys (backups, streams) still open with the old key. In a global
    /// table the condition looks at one replica: run this in the region that writes.
    pub fn rewrap(&self, key: impl IntoKey<T::Key>) -> Rewrap<'_, T, P> {
        Rewrap::new(self, key.into_key())
    }
}

/// How often it is tried when others are faster.
const TRIES: u32 = 16;

/// The record whose data keys are to be moved; see [`Table::rewrap`].
#[must_use = "nothing is moved until it is said how, and sent"]
pub struct Rewrap<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
}

/// Data keys to be moved, and how; see [`Table::rewrap`].
#[must_use = "nothing is moved until it is sent"]
pub struct RewrapTo<'a, T: Envelope, P: ?Sized> {
    rewrap: Rewrap<'a, T, P>,
    way: Way<'a>,
}

/// What became of a record's wrapped keys.
///
/// Each is named by its attribute: `encrypted_dek`, and `encrypted_dek_` with the name of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    moved: Vec<String>,
    left: Vec<String>,
}

impl Rewrapped {
    /// The attributes of the keys that were moved, at least one.
    #[must_use]
    pub fn moved(&self) -> &[String] {
        &self.moved
    }

    /// Those that stayed: another key than the one to move from has wrapped them.
    #[must_use]
    pub fn left(&self) -> &[String] {
        &self.left
    }
}

/// Who wraps the data keys again.
enum Way<'a> {
    ReEncrypt { from: &'a KmsKeyProvider, to: &'a KmsKeyWrapper },
    Here { from: &'a dyn UnwrapKey, to: &'a [&'a dyn Recipient] },
}

impl Way<'_> {
    async fn wrap_anew(
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

impl<'a, T: Envelope, P: ?Sized> Rewrap<'a, T, P> {
    pub(crate) const fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key }
    }

    /// Moves them inside KMS, as [`KmsKeyProvider::rewrap`] does: this process sees no data key,
    /// and needs no right to decrypt. What other parties have in a wrapped key stays.
    pub const fn re_encrypt(
        self,
        from: &'a KmsKeyProvider,
        to: &'a KmsKeyWrapper,
    ) -> RewrapTo<'a, T, P> {
        RewrapTo { rewrap: self, way: Way::ReEncrypt { from, to } }
    }

    /// Unwraps them with `from`, and wraps them for every one of `to` and for nobody else, as
    /// [`rewrap()`](crate::keys::rewrap()) does. The data keys pass through this process.
    pub const fn unwrap_and_wrap(
        self,
        from: &'a dyn UnwrapKey,
        to: &'a [&'a dyn Recipient],
    ) -> RewrapTo<'a, T, P> {
        RewrapTo { rewrap: self, way: Way::Here { from, to } }
    }
}

impl<T: Envelope, P: ?Sized> RewrapTo<'_, T, P> {
    /// Moves the wrapped keys, all in one write; `None` if there is no such record.
    ///
    /// # Errors
    ///
    /// When the record is not sealed, or a key provider refuses;
    /// [`WrongKey`](crate::error::KeyErrorKind::WrongKey) when none of the record's keys is wrapped
    /// by the key to move from; [`WriteError::Conflict`](crate::error::WriteError::Conflict) when others were faster 16 times; and
    /// whatever DynamoDB answers. All wrapped keys are as they were then, unless the error says
    /// that it is in doubt; it does no harm to move them again.
    pub async fn send(self) -> Result<Option<Rewrapped>, Error> {
        let Self { rewrap: Rewrap { table, key }, way } = self;
        let (key, id) = table.key_item(key)?;
        let target = Target { table, key, id };
        let mut retry = Retry::new(&table.client);
        let mut unanswered: Option<Anew> = None;
        for tries in 1.. {
            let started = Instant::now();
            let in_doubt = unanswered.is_some();
            let Some(item) = target.read().await.map_err(|error| told(error, in_doubt))? else {
                break;
            };
            // Asked first: what has been moved is not wrapped by the key to move from any more.
            if let Some(anew) = unanswered.take_if(|anew| anew.is_in(&item)) {
                return Ok(Some(anew.outcome()));
            }
            let fail = |kind| told(Error::new(target.id.clone(), kind), in_doubt);
            let anew = Anew::wrap::<T>(&item, &way).await.map_err(fail)?;
            let outcome = match target.write(&anew).await.map_err(|error| told(error, in_doubt))? {
                Written::Done => return Ok(Some(anew.outcome())),
                Written::Overtaken(outcome) => outcome,
            };
            retry.adopt(outcome.sleep());
            if outcome.is_unknown() {
                unanswered = Some(anew);
            }
            if tries >= TRIES {
                return Err(told(
                    Error::new(target.id, ErrorKind::Write(WriteError::Conflict { tries })),
                    unanswered.is_some(),
                ));
            }
            retry.pause_after(started.elapsed()).await;
        }
        Ok(None)
    }
}

/// A payload, its wrapped key, and the names of their attributes.
struct Part {
    group: Option<String>,
    payload: String,
    dek: String,
    sealed: Sealed,
}

impl Part {
    /// The record's own part, and those of its groups, which a newer version of the struct may have
    /// added.
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
            None => Err(ErrorKind::Data(DataError::NotSealed)),
        };
        let sealed = Sealed { encrypted_payload: bytes(&payload)?, encrypted_dek: bytes(&dek)? };
        Ok(Self { group, payload, dek, sealed })
    }

    fn context<'i, T: Envelope>(&self, item: &'i Item) -> Result<Context<'i>, ErrorKind> {
        let context = bare_context::<T>(item)?;
        match &self.group {
            None => Ok(context),
            Some(group) => Ok(context.pair(GROUP_PAIR, group.clone())?),
        }
    }
}

/// The wrapped keys of a record as they are to be written, and what they replace.
struct Anew {
    moved: Vec<(Part, AttributeValue)>,
    left: Vec<Part>,
}

impl Anew {
    async fn wrap<T: Envelope>(item: &Item, way: &Way<'_>) -> Result<Self, ErrorKind> {
        let mut anew = Self { moved: Vec::new(), left: Vec::new() };
        let mut refusal = None;
        for part in Part::all(item)? {
            match way.wrap_anew(&part.sealed, &part.context::<T>(item)?).await {
                Ok(dek) => anew.moved.push((part, AttributeValue::B(Blob::new(dek)))),
                Err(RewrapError::Key(error)) if error.kind() == KeyErrorKind::WrongKey => {
                    refusal.get_or_insert(error);
                    anew.left.push(part);
                }
                Err(error) => return Err(kind(error)),
            }
        }
        match refusal {
            Some(error) if anew.moved.is_empty() => Err(OpenError::Key(error).into()),
            _ => Ok(anew),
        }
    }

    /// The clauses that write them; returns the condition that the record is still as it was read.
    fn render(&self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> String {
        let mut conditions = Vec::new();
        for (part, new) in &self.moved {
            conditions.push(still_stands(
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

    fn is_in(&self, item: &Item) -> bool {
        self.moved.iter().all(|(part, new)| item.get(&part.dek) == Some(new))
    }

    fn outcome(self) -> Rewrapped {
        let moved = self.moved.into_iter().map(|(part, _)| part.dek).collect();
        Rewrapped { moved, left: self.left.into_iter().map(|part| part.dek).collect() }
    }
}

/// The error of a call of which an earlier try may have been carried out. Moving keys twice does no
/// harm.
fn told(error: Error, in_doubt: bool) -> Error {
    error.or_in_doubt(in_doubt).repeatable_if(true)
}

/// What came of a write.
enum Written {
    Done,
    /// Another writer was faster.
    Overtaken(AttemptOutcome),
}

/// The record whose keys are moved.
struct Target<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    /// The key attributes.
    key: Item,
    id: RecordId,
}

impl<T: Envelope, P: ?Sized> Target<'_, T, P> {
    /// The item as it was written last.
    async fn read(&self) -> Result<Option<Item>, Error> {
        let get = self
            .table
            .client
            .get_item()
            .table_name(&*self.table.name)
            .set_key(Some(self.key.clone()));
        let output = get.consistent_read(true).send().await;
        let output = output
            .map_err(|error| dynamodb_error("GetItem", &self.table.name, self.id.clone(), error))?;
        Ok(output.item.map(|item| with_requested_key(item, self.key.clone())))
    }

    async fn write(&self, anew: &Anew) -> Result<Written, Error> {
        let outcome = AttemptOutcome::default();
        let error = match self.request(anew).customize().interceptor(outcome.clone()).send().await {
            Ok(_) => return Ok(Written::Done),
            Err(error) => error,
        };
        if !is_overtaken(&error) {
            let (operation, table) = ("UpdateItem", &*self.table.name);
            let (id, key) = (self.id.clone(), self.key.clone());
            return Err(WriteAttempt { operation, table, id, key, is_repeatable: true, outcome }
                .error(error));
        }
        // A try whose answer was lost may have been carried out: then the item has what it wrote.
        let is_written = outcome.is_unknown() && found(&error).is_some_and(|item| anew.is_in(item));
        Ok(if is_written { Written::Done } else { Written::Overtaken(outcome) })
    }

    fn request(&self, anew: &Anew) -> UpdateItemFluentBuilder {
        let (mut clauses, mut placeholders) =
            (Clauses::default(), Placeholders::of(self.table.kinds));
        let condition = anew.render(&mut clauses, &mut placeholders);
        let (names, values) = placeholders.into_maps();
        let update = self.table.client.update_item().table_name(&*self.table.name);
        update
            .set_key(Some(self.key.clone()))
            .set_update_expression(clauses.expression())
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// Whether the record is no longer as it was read, or a transaction was writing it.
fn is_overtaken(error: &SdkError<UpdateItemError>) -> bool {
    is_failed_condition(error) || error.code() == Some("TransactionConflictException")
}

fn kind(error: RewrapError) -> ErrorKind {
    match error {
        RewrapError::Format(error) => OpenError::Format(error).into(),
        RewrapError::ContextForm { written, expected } => {
            OpenError::ContextForm { written, expected }.into()
        }
        RewrapError::Key(error) => OpenError::Key(error).into(),
        RewrapError::OtherDataKey => ErrorKind::Data(DataError::NotAuthentic {
            authenticated: Vec::new(),
            now_plaintext: Vec::new(),
        }),
        _ => ErrorKind::Data(DataError::Malformed(
            "the wrapped key cannot be moved to another context",
        )),
    }
}
