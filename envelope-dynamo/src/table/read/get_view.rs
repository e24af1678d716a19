//! Reads readable attributes of one record, without its data key.

use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;

use crate::error::{Error, dynamodb_error};
use crate::expression::placeholders::Placeholders;
use crate::record::Envelope;
use crate::record::item_key::with_requested_key;
use crate::record::key::IntoKey;
use crate::record::kind::Kind;
use crate::record::view::{View, projected_names, view_item};
use crate::table::Table;
use crate::table::customized::Customized as _;

impl<T, P: ?Sized> Table<T, P> {
    /// Reads some readable attributes of the record under a key. This needs no data key.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, LocalKeyProvider, Table, View};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key] user_id: String,
    /// #     #[encrypted] email: String,
    /// #     #[plaintext] logins: u64,
    /// # }
    /// #[derive(View)]
    /// #[view(of = User)]
    /// struct Usage {
    ///     logins: u64,
    /// }
    ///
    /// # async fn example(users: Table<User>) -> Result<(), envelope_dynamo::Error> {
    /// let usage: Option<Usage> = users.view::<Usage>("u_1").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Nothing is verified; see [`View`].
    pub fn view<V: View<Record = T>>(&self, key: impl IntoKey<T::Key>) -> GetView<'_, V, P>
    where
        T: Envelope,
    {
        GetView::new(self, key.into_key())
    }
}

/// Builds a read of a view; see [`Table::view`].
#[must_use = "a read does nothing until it is sent"]
pub struct GetView<'a, V: View, P: ?Sized> {
    table: &'a Table<V::Record, P>,
    key: <V::Record as Envelope>::Key,
    builder: GetItemFluentBuilder,
    view: PhantomData<fn() -> V>,
}

impl<'a, V: View, P: ?Sized> GetView<'a, V, P> {
    pub(crate) fn new(table: &'a Table<V::Record, P>, key: <V::Record as Envelope>::Key) -> Self {
        Self { table, key, builder: table.client.get_item(), view: PhantomData }
    }

    /// Reads the latest write, at twice the price. By default a read may miss the latest writes.
    pub fn consistent_read(mut self) -> Self {
        self.builder = self.builder.consistent_read(true);
        self
    }

    /// Sets what this library does not cover on the SDK's own builder. Table and key are set
    /// afterwards.
    ///
    /// A projection is refused ([`UsageError::Customized`](crate::error::UsageError::Customized)):
    /// the fields of the view are the projection.
    pub fn customize(
        mut self,
        with: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Reads the attributes of the view alone; `None` if there is no record.
    ///
    /// # Errors
    ///
    /// The errors of [`view_item`](crate::item::view_item()),
    /// [`DataError::WrongEntity`](crate::error::DataError::WrongEntity),
    /// [`UsageError::Customized`](crate::error::UsageError::Customized) and
    /// [`ErrorKind::DynamoDb`](crate::ErrorKind::DynamoDb).
    pub async fn send(self) -> Result<Option<V>, Error> {
        let (item, id) = self.table.key_item(self.key)?;
        let mut placeholders = Placeholders::of(self.table.kinds);
        let kind = Kind::of::<V::Record>();
        let entity = kind.schema.constants().map(|(name, _)| name);
        let names = projected_names::<V>().into_iter().chain(entity);
        let projection: Vec<_> = names.map(|name| placeholders.name(name)).collect();
        let (names, _) = placeholders.into_maps();
        let builder = self.builder.checked().map_err(|kind| Error::new(id.clone(), kind))?;
        let output = builder
            .table_name(&*self.table.name)
            .set_key(Some(item.clone()))
            .projection_expression(projection.join(", "))
            .set_expression_attribute_names(names)
            .send()
            .await
            .map_err(|error| dynamodb_error("GetItem", &self.table.name, id.clone(), error))?;
        let Some(found) = output.item.map(|found| with_requested_key(found, item)) else {
            return Ok(None);
        };
        match kind.mismatch(&found) {
            Some(other_type) => Err(Error::new(id, other_type)),
            None => view_item(found).map(Some),
        }
    }
}
