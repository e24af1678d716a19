//! Puts of records with unique fields: the record and its claims in one transaction.

use envelope_core::WrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::write::WriteError;
use crate::expression::Condition;
use crate::item::entity::Entity;
use crate::item::unique_value::UniqueValue;
use crate::record::item_key::key_attributes;
use crate::table::claims::action::claims_of;
use crate::table::claims::release::former;
use crate::table::claims::write::Claimed;
use crate::table::claims::{Claims, NO_UNIQUE_FIELD};
use crate::table::transaction::target::Action;
use crate::table::write::put::{Put, PutRequest, RecordRef, SealedPut};

/// How often the stored record may get other unique values between two tries.
const MAX_TRIES: u32 = 10;

impl<T> SealedPut<T> {
    /// Whether records of this kind have unique fields.
    pub(super) fn is_claimed(&self) -> bool {
        !self.record.unique.is_empty()
    }
}

impl<'a, T: Entity, P: WrapKey + ?Sized, R: RecordRef<T>> Put<'a, T, P, R> {
    /// Stores the record and claims its unique values.
    ///
    /// If it replaces a record with other unique values, their claims are deleted. DynamoDB does
    /// not return the old record from a transaction. So the first try demands that the stored
    /// record has no other values, and a refusal shows which ones it has.
    pub(super) async fn deliver_claimed(mut self, sealed: SealedPut<T>) -> Result<(), Error> {
        let (table, record) = (self.table, sealed.record.clone());
        let id = || record.id.clone();
        let fail = |problem| Error::new(id(), problem);
        let claims = table.claims_of(&record.kind).map_err(fail)?;
        let claims = claims.ok_or_else(|| Error::new(id(), NO_UNIQUE_FIELD))?;
        let is_repeatable = sealed.condition.is_none();
        let (key, mut replaced) = (key_attributes::<T::First>(&record.item), Item::new());
        let mut tries = 0;
        loop {
            let of_values = stored_values(&record.unique, &replaced);
            let request = sealed.clone().request(table, of_values)?;
            let PutRequest { request, id: of_request, unique, .. } = request;
            let action = Action::put::<T::First>(&request, of_request, None)?;
            let written = claims.write(&action, &unique).await;
            let refused = match written.map_err(|error| error.repeatable_if(is_repeatable))? {
                Claimed::Done => break,
                Claimed::Refused(error, _) => error,
            };
            tries += 1;
            let stored = tags_of(&record.unique, refused.returned_item());
            if record.unique.iter().all(|value| is_expected(value, &replaced, &stored)) {
                // So a condition of the caller did not hold.
                return Err(refused);
            }
            if tries >= MAX_TRIES {
                return Err(Error::new(id(), WriteError::Conflict { tries }));
            }
            replaced = stored;
        }
        let former = former(&record.unique, &replaced);
        claims.release(&key, &record.id, &former).await;
        let generated = R::generated(&record.item);
        let applied = self.record.apply_generated(&generated);
        applied.map_err(|source| Error::new(id(), source).after_write(None))
    }
}

impl<'a, T: Entity, P: WrapKey + ?Sized> Put<'a, T, P> {
    /// The claims of a put that is an action of a transaction, as they stand now.
    pub(crate) async fn claims(
        &self,
        action: &Action,
        unique: &[UniqueValue],
    ) -> Result<Vec<Action>, Error> {
        let target = &action.target;
        let Some(claims) = self.claims_for(unique) else { return Ok(Vec::new()) };
        let mut of_values = claims_of(unique);
        claims.judge(&mut of_values, &target.key, &target.id).await?;
        claims.actions(&of_values, target)
    }

    fn claims_for(&self, unique: &[UniqueValue]) -> Option<Claims<'_>> {
        use crate::record::Envelope as _;
        self.table.claims_in(T::First::SCHEMA).filter(|_| !unique.is_empty())
    }
}

/// The condition that the stored record has none of the unique values, or those of the record, or
/// those in `replaced`.
fn stored_values<T>(unique: &[UniqueValue], replaced: &Item) -> Option<Condition<T>> {
    let of_value = |value: &UniqueValue| {
        let equals = |tag: &_| Condition::equals(value.attribute, Clone::clone(tag));
        match replaced.get(value.attribute).filter(|tag| !value.is_in(Some(tag))) {
            Some(tag) => equals(tag),
            None => {
                let absent = Condition::not_exists(value.attribute);
                value.tags.iter().map(equals).fold(absent, Condition::or)
            }
        }
    };
    unique.iter().map(of_value).reduce(Condition::and)
}

/// Whether the tag in `stored` fulfils the condition of [`stored_values`].
fn is_expected(value: &UniqueValue, replaced: &Item, stored: &Item) -> bool {
    let stored = stored.get(value.attribute);
    match replaced.get(value.attribute).filter(|tag| !value.is_in(Some(tag))) {
        Some(former) => stored == Some(former),
        None => stored.is_none() || value.is_in(stored),
    }
}

/// The search tags of unique values that a stored item has.
fn tags_of(unique: &[UniqueValue], stored: Option<&Item>) -> Item {
    let tag = |value: &UniqueValue| {
        let tag = stored?.get(value.attribute)?;
        Some((value.attribute.to_owned(), tag.clone()))
    };
    unique.iter().filter_map(tag).collect()
}
