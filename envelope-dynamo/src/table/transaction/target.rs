//! An action of a transaction, and the record that it is on.

use std::sync::Arc;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types;
use aws_sdk_dynamodb::types::TransactWriteItem;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::Limit;
use crate::item::size::item_bytes;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::Envelope;
use crate::record::item_key::key_attributes;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;

/// A write that is ready to be an action. Its record is sealed once, however often it is sent.
#[derive(Clone)]
pub(crate) struct Action {
    pub(crate) target: Target,
    /// Bytes of the item, or of its key if the item is not sent.
    pub(crate) bytes: usize,
    pub(crate) item: TransactWriteItem,
}

/// The record that an action is on.
#[derive(Clone)]
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
    /// Set if the action claims a unique value of a record, which another action writes.
    pub(crate) claim: Option<ClaimFor>,
}

/// The record that an action claims a value for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimFor {
    /// The position of the action that writes the record.
    pub(crate) position: usize,
    /// The name of the value's search tag.
    pub(crate) name: &'static str,
}

impl Target {
    pub(crate) fn new<T: Envelope>(id: RecordId, table: &str, key: Item) -> Result<Self, Error> {
        let identity = KeyIdentity::of::<T>(&key).map_err(|kind| Error::new(id.clone(), kind))?;
        Ok(Self::at(id, (table.to_owned(), identity), key))
    }

    /// The record at a place, with this key.
    pub(crate) fn at(id: RecordId, place: Place, key: Item) -> Self {
        Self {
            id,
            place,
            key,
            must_exist: false,
            limits: Vec::new(),
            kind: None,
            search_keys: None,
            claim: None,
        }
    }

    /// As [`new`](Self::new), of an action by key.
    pub(crate) fn by_key<T: Envelope>(id: RecordId, table: &str, key: Item) -> Result<Self, Error> {
        Ok(Self { kind: Some(Kind::of::<T>()), ..Self::new::<T>(id, table, key)? })
    }

    /// Whether the search keys of the tags were read so long ago that others may search for others.
    pub(crate) fn has_old_tags(&self) -> bool {
        self.search_keys.as_ref().is_some_and(|keys| !keys.is_fresh())
    }
}

impl Action {
    /// Stores the record of a put whose request is ready.
    pub(crate) fn put<T: Envelope>(
        request: &PutItemFluentBuilder,
        id: RecordId,
        search_keys: Option<Arc<LiveSearchKeys>>,
    ) -> Result<Self, Error> {
        let call = request.as_input().clone().build().map_err(|error| invalid(&id, error))?;
        let item = call.item.unwrap_or_default();
        let table = call.table_name.unwrap_or_default();
        let target = Target::new::<T>(id, &table, key_attributes::<T>(&item))?;
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
        Ok(Self { target, bytes, item: TransactWriteItem::builder().put(put).build() })
    }

    /// Changes the record with this key by an update whose request is ready.
    pub(crate) fn update<T: Envelope>(
        request: &UpdateItemFluentBuilder,
        id: RecordId,
        key: Item,
    ) -> Result<Self, Error> {
        let call = request.as_input().clone().build().map_err(|error| invalid(&id, error))?;
        let table = call.table_name.unwrap_or_default();
        let values = call.expression_attribute_values;
        let bytes = item_bytes(&key) + values.as_ref().map_or(0, item_bytes);
        let target = Target::by_key::<T>(id, &table, key)?;
        let target = Target { must_exist: true, ..target };
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
        Ok(Self { target, bytes, item: TransactWriteItem::builder().update(update).build() })
    }
}

/// Every field that the SDK requires has been set.
pub(crate) fn invalid(id: &RecordId, _: BuildError) -> Error {
    Error::new(
        id.clone(),
        ErrorKind::Data(DataError::Malformed("the SDK did not take the request")),
    )
}

/// The place of a record: the physical table and the key.
pub(crate) type Place = (String, KeyIdentity);
