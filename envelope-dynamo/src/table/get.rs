use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use envelope_core::UnwrapKey;

use super::{Sending, Table, dynamodb_error};
use crate::error::Error;
use crate::item::from_item;
use crate::record::Envelope;

/// A get being built; see [`Table::get`].
#[must_use = "a get does nothing until it is sent"]
pub struct Get<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
    builder: GetItemFluentBuilder,
}

impl<'a, T: Envelope, P: UnwrapKey + ?Sized> Get<'a, T, P> {
    pub(super) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key, builder: table.client.get_item() }
    }

    /// Reads what was written last, at twice the price; by default a read may be a moment behind.
    pub fn consistent_read(mut self) -> Self {
        self.builder = self.builder.consistent_read(true);
        self
    }

    /// Sets what this library does not cover on the SDK's own builder; table, key and projection are set afterwards.
    pub fn customize(mut self, with: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// What is read, for a transaction.
    pub(super) fn into_parts(self) -> (&'a Table<T, P>, T::Key) {
        (self.table, self.key)
    }

    /// Reads and opens the record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`from_item`](crate::from_item()), and whatever DynamoDB answers.
    pub async fn send(self) -> Result<Option<T>, Error> {
        let provider = &*self.table.provider;
        let (item, id) = Table::<T, P>::key_item(self.key)?;
        let output = self
            .builder
            .table_name(&*self.table.name)
            .set_key(Some(item.clone()))
            // A record opens only whole.
            .set_projection_expression(None)
            .set_attributes_to_get(None)
            .send()
            .await
            .map_err(|error| dynamodb_error("GetItem", &self.table.name, id, error))?;
        match output.item {
            Some(found) => from_item_of(item, found, provider).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Opens `found` as the record that was asked for, whatever key it says it has.
pub(super) async fn from_item_of<T: Envelope>(
    asked: crate::binding::Item,
    mut found: crate::binding::Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, Error> {
    found.extend(asked);
    from_item(found, provider).await
}

/// `.await` without `.send()` sends as well.
impl<'a, T: Envelope<Key: Send> + 'a, P: UnwrapKey + ?Sized> IntoFuture for Get<'a, T, P> {
    type Output = Result<Option<T>, Error>;
    type IntoFuture = Sending<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
