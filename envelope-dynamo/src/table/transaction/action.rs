//! Turns a write into an action of a transaction.

use std::pin::Pin;

use aws_sdk_dynamodb::types;
use aws_sdk_dynamodb::types::TransactWriteItem;
use envelope_core::WrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::item::entity::Entity;
use crate::item::size::item_bytes;
use crate::record::Envelope;
use crate::table::transaction::target::{Action, Target, invalid};
use crate::table::write::check::Check;
use crate::table::write::put::PutRequest;
use crate::table::write::update::send::Prepared;
use crate::table::write::{Delete, Put, Update};

/// A write that is being prepared: its action, and the claims of its unique values.
pub(crate) type Preparing<'a> =
    Pin<Box<dyn Future<Output = Result<(Action, Vec<Action>), Error>> + Send + 'a>>;

/// A write that can be an action of a transaction.
pub(crate) trait IntoAction<'a> {
    fn into_action(self) -> Preparing<'a>;
}

impl<'a, T: Entity + Sync, P: WrapKey + ?Sized> IntoAction<'a> for Put<'a, T, P> {
    fn into_action(mut self) -> Preparing<'a> {
        Box::pin(async move {
            let PutRequest { request, id, search_keys, unique } = self.request().await?;
            let action = Action::put::<T::First>(&request, id, search_keys)?;
            let claims = self.claims(&action, &unique).await?;
            Ok((action, claims))
        })
    }
}

impl<'a, T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized> IntoAction<'a> for Delete<'a, T, P> {
    fn into_action(self) -> Preparing<'a> {
        Box::pin(async move {
            let (builder, key, id) = self.prepare()?;
            let call = builder.as_input().clone().build().map_err(|error| invalid(&id, error))?;
            let table = call.table_name.unwrap_or_default();
            let (target, bytes) = (
                Target::by_key::<T>(id, &table, key)?,
                item_bytes(call.key.as_ref().unwrap_or(&Item::new())),
            );
            let delete = types::Delete::builder()
                .table_name(table)
                .set_key(call.key)
                .set_condition_expression(call.condition_expression)
                .set_expression_attribute_names(call.expression_attribute_names)
                .set_expression_attribute_values(call.expression_attribute_values)
                .set_return_values_on_condition_check_failure(
                    call.return_values_on_condition_check_failure,
                )
                .build()
                .map_err(|error| invalid(&target.id, error))?;
            let item = TransactWriteItem::builder().delete(delete).build();
            Ok((Action { target, bytes, item }, Vec::new()))
        })
    }
}

impl<'a, T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized> IntoAction<'a> for Update<'a, T, P> {
    fn into_action(self) -> Preparing<'a> {
        Box::pin(async move {
            let Prepared { request, key, id, limits } = self.prepare()?;
            let mut action = Action::update::<T>(&request, id, key)?;
            action.target.limits = limits;
            Ok((action, Vec::new()))
        })
    }
}

impl<'a, T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized, C: 'a> IntoAction<'a>
    for Check<'a, T, P, C>
{
    fn into_action(self) -> Preparing<'a> {
        Box::pin(async move {
            let (request, key, id) = self.prepare()?;
            let check = request.build().map_err(|error| invalid(&id, error))?;
            let (target, bytes) =
                (Target::new::<T>(id, check.table_name(), key)?, item_bytes(check.key()));
            let item = TransactWriteItem::builder().condition_check(check).build();
            Ok((Action { target, bytes, item }, Vec::new()))
        })
    }
}
