//! A `modify` that gives a record other unique values, or other search tags of the same ones.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::write::WriteError;
use crate::expression::Limit;
use crate::expression::limit::name_limit;
use crate::item::modify_record::{Modification, Stored};
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::table::claims::NO_UNIQUE_FIELD;
use crate::table::claims::release::former;
use crate::table::claims::write::Claimed;
use crate::table::transaction::target::Action;
use crate::table::write::change_loop::{ChangeLoop, Written};
use crate::table::write::modify::run::Beside;

impl<T: Envelope> Beside<T> {
    /// Writes the record and claims its new values. Returns the item as it is stored afterwards, if
    /// the update has changes beside those of the closure.
    pub(super) async fn write_claimed<P: UnwrapKey + ?Sized>(
        &self,
        record: &ChangeLoop<'_, T, P>,
        stored: &Stored<T>,
        new: &Modification,
        request: &UpdateItemFluentBuilder,
        limits: &[Limit],
    ) -> Result<Written<Option<Item>>, Error> {
        let fail = |problem| Error::new(record.id.clone(), problem);
        let claims = record.table.claims_of(&Kind::of::<T>()).map_err(fail)?;
        let claims = claims.ok_or_else(|| Error::new(record.id.clone(), NO_UNIQUE_FIELD))?;
        let action = Action::update::<T>(request, record.id.clone(), record.key.clone())?;
        match claims.write(&action, &new.unique).await {
            Ok(Claimed::Done) if self.has_changes() => read_back(record, new).await,
            Ok(Claimed::Done) => Ok(Written::Done(None)),
            Ok(Claimed::Refused(error, outcome)) => match error.returned_item() {
                Some(item) if stored.is_as_read(item, Some(new)) => Err(name_limit(error, limits)),
                _ => Ok(Written::Overtaken(outcome)),
            },
            // The stored item may show that the transaction was carried out.
            Err(error) if error.is_in_doubt() => match record.read().await {
                Ok(Some(item)) if new.is_in(&item) => Ok(Written::Done(Some(item))),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Deletes the claims of the values that the record does not have any more.
    pub(super) async fn release<P: ?Sized>(
        &self,
        record: &ChangeLoop<'_, T, P>,
        stored: &Stored<T>,
        new: Option<&Modification>,
    ) {
        let former = new.map_or_else(Vec::new, |new| former(&new.unique, stored.item()));
        if let Some(claims) = record.table.claims_in(T::SCHEMA) {
            claims.release(&record.key, &record.id, &former).await;
        }
    }
}

/// The item as it is stored after the change: DynamoDB returns no item from a transaction.
async fn read_back<T: Envelope, P: ?Sized>(
    record: &ChangeLoop<'_, T, P>,
    new: &Modification,
) -> Result<Written<Option<Item>>, Error> {
    let item = record.read().await.map_err(|error| error.after_write(None))?;
    match item.filter(|item| new.is_in(item)) {
        Some(item) => Ok(Written::Done(Some(item))),
        None => Err(Error::new(record.id.clone(), WriteError::AnswerLost).after_write(None)),
    }
}
