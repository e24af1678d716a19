//! Turns a write into an action of a transaction.

use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types;
use aws_sdk_dynamodb::types::TransactWriteItem;
use envelope_core::WrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::Limit;
use crate::item::entity::Entity;
use crate::item::size::item_bytes;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::Envelope;
use crate::record::item_key::key_attributes;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;
use crate::table::write::check::Check;
use crate::table::write::update::send::Prepared;
use crate::table::write::{Delete, Put, Update};

/// A write that is ready to be an action. Its record is sealed once, however often it is sent.
pub(crate) struct Action {
    pub(crate) target: Target,
    /// Bytes of the item, or of its key if the item is not sent.
    pub(crate) bytes: usize,
    pub(crate) item: TransactWriteItem,
}

/// The record that an action is on.
pub(crate) struct Target {
    pub(crate) id: RecordId,
    pub(crate) place: Place,
    /// Its key attributes.
    pub(crate) key: Item,
    /// Whether the action is an update. An update requires that the record exists.
    pub(crate) must_exist: bool,
    /// The limits of the numbers that an update adds to.
    pub(crate) limits: Vec<Limit>,
    /// The type of the record, if the action is by its key.
    pub(crate) kind: Option<Kind>,
    /// The search keys of the tags that the action writes.
    pub(crate) search_keys: Option<Arc<LiveSearchKeys>>,
}

impl Target {
    pub(crate) fn new<T: Envelope>(id: RecordId, table: &str, key: Item) -> Result<Self, Error> {
        let identity = KeyIdentity::of::<T>(&key).map_err(|kind| Error::new(id.clone(), kind))?;
        Ok(Self {
            id,
            place: (table.to_owned(), identity),
            key,
            must_exist: false,
            limits: Vec::new(),
            kind: None,
            search_keys: None,
        })
    }

    /// As [`new`](Self::new), of an action by key.
    fn by_key<T: Envelope>(id: RecordId, table: &str, key: Item) -> Result<Self, Error> {
        Ok(Self { kind: Some(Kind::of::<T>()), ..Self::new::<T>(id, table, key)? })
    }

    /// Whether the search keys of the tags were read so long ago that others may search for others.
    pub(crate) fn has_old_tags(&self) -> bool {
        self.search_keys.as_ref().is_some_and(|keys| !keys.is_fresh())
    }
}

/// A write that is being prepared as an action.
pub(crate) type Preparing<'a> = Pin<Box<dyn Future<Output = Result<Action, Error>> + Send + 'a>>;

/// A write that can be an action of a transaction.
pub(crate) trait IntoAction<'a> {
    fn into_action(self) -> Preparing<'a>;
}

impl<'a, T: Entity + Sync, P: WrapKey + ?Sized> IntoAction<'a> for Put<'a, T, P> {
    fn into_action(mut self) -> Preparing<'a> {
        Box::pin(async move {
            let (request, id, search_keys) = self.request().await?;
            let call = request.as_input().clone().build().map_err(|error| invalid(&id, error))?;
            let item = call.item.unwrap_or_default();
            let table = call.table_name.unwrap_or_default();
            let target = Target::new::<T::First>(id, &table, key_attributes::<T::First>(&item))?;
            let target = Target { search_keys, ..target };
            let bytes = item_bytes(&item);
            let put = types::Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .set_condition_expression(call.condition_expression)
                .set_expression_attribute_names(call.expression_attribute_names)
                .set_expression_attribute_values(call.expression_attribute_values)
                .set_return_values_on_condition_check_failure(
                    call.return_values_on_condition_check_failure,
                )
                .build()
                .map_err(|error| invalid(&target.id, error))?;
            Ok(Action { target, bytes, item: TransactWriteItem::builder().put(put).build() })
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
            Ok(Action { target, bytes, item: TransactWriteItem::builder().delete(delete).build() })
        })
    }
}

impl<'a, T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized> IntoAction<'a> for Update<'a, T, P> {
    fn into_action(self) -> Preparing<'a> {
        Box::pin(async move {
            let Prepared { request, key, id, limits } = self.prepare()?;
            let call = request.as_input().clone().build().map_err(|error| invalid(&id, error))?;
            let table = call.table_name.unwrap_or_default();
            let values = call.expression_attribute_values;
            let bytes = item_bytes(&key) + values.as_ref().map_or(0, item_bytes);
            let target = Target::by_key::<T>(id, &table, key)?;
            let target = Target { must_exist: true, limits, ..target };
            let update = types::Update::builder()
                .table_name(table)
                .set_key(call.key)
                .set_update_expression(call.update_expression)
                .set_condition_expression(call.condition_expression)
                .set_expression_attribute_names(call.expression_attribute_names)
                .set_expression_attribute_values(values)
                .set_return_values_on_condition_check_failure(
                    call.return_values_on_condition_check_failure,
                )
                .build()
                .map_err(|_| {
                    Error::new(target.id.clone(), ErrorKind::Usage(UsageError::UpdateWithoutChange))
                })?;
            Ok(Action { target, bytes, item: TransactWriteItem::builder().update(update).build() })
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
            Ok(Action {
                target,
                bytes,
                item: TransactWriteItem::builder().condition_check(check).build(),
            })
        })
    }
}

/// Every field that the SDK requires has been set.
fn invalid(id: &RecordId, _: BuildError) -> Error {
    Error::new(
        id.clone(),
        ErrorKind::Data(DataError::Malformed("the SDK did not take the request")),
    )
}

/// The place of a record: the physical table and the key.
pub(crate) type Place = (String, KeyIdentity);
