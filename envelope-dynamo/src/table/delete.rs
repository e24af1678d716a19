use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;

use super::{Sending, Table, dynamodb_error};
use crate::error::Error;
use crate::expression::{refuse_encrypted_names, refuse_legacy_conditions};
use crate::record::Envelope;

/// A delete being built; see [`Table::delete`].
#[must_use = "a delete does nothing until it is sent"]
pub struct Delete<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
    builder: DeleteItemFluentBuilder,
}

impl<'a, T: Envelope, P: ?Sized> Delete<'a, T, P> {
    pub(super) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key, builder: table.client.delete_item() }
    }

    /// Sets what this library does not cover on the SDK's own builder; table and key are set afterwards.
    ///
    /// An expression that names an encrypted field is refused before anything is sent.
    pub fn customize(mut self, with: impl FnOnce(DeleteItemFluentBuilder) -> DeleteItemFluentBuilder) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Deletes the record; that there was none is not an error.
    ///
    /// # Errors
    ///
    /// When the key is none that DynamoDB takes, [`ConditionFailed`](crate::ErrorKind::ConditionFailed), and whatever DynamoDB answers.
    pub async fn send(self) -> Result<(), Error> {
        let (item, id) = Table::<T, P>::key_item(self.key)?;
        let condition = self.builder.get_condition_expression().as_deref().unwrap_or_default();
        refuse_encrypted_names::<T>(condition, self.builder.get_expression_attribute_names().as_ref())?;
        refuse_legacy_conditions::<T>(self.builder.get_expected().as_ref())?;
        self.builder
            .table_name(&*self.table.name)
            .set_key(Some(item))
            .send()
            .await
            .map_err(|error| dynamodb_error("DeleteItem", &self.table.name, id, error))?;
        Ok(())
    }
}

/// `.await` without `.send()` sends as well.
impl<'a, T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized> IntoFuture for Delete<'a, T, P> {
    type Output = Result<(), Error>;
    type IntoFuture = Sending<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
