//! Gets the record that has the value of a unique field.

use std::fmt;

use envelope_core::UnwrapKey;

use crate::convert::searched::SearchedValues;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::error::{Error, dynamodb_error};
use crate::item::question::Question;
use crate::item::search_tags::tag_attribute;
use crate::record::item_key::with_requested_key;
use crate::record::key::IntoValue;
use crate::record::kind::Kind;
use crate::record::unique::{UniqueField, UniqueFields};
use crate::table::Table;
use crate::table::read::open::answer;

impl<T, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Selects a `#[searchable(unique)]` field, to get the record that has a value.
    ///
    /// It needs [`with_search_keys`](Self::with_search_keys) and
    /// [`with_claims`](Self::with_claims), and no index. This is the right way to log somebody
    /// in: no two records have one value, and no recent write is missed.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Error, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     #[searchable(normalize(trim, ascii_lowercase), unique)]
    ///     email: String,
    /// }
    /// # async fn example(users: Table<User>) -> Result<(), Error> {
    /// let zoe: Option<User> = users.unique(|u| u.email).get("Zoe@Example.com ").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unique<V>(
        &self,
        choose: impl FnOnce(&T::Uniques) -> UniqueField<T, V>,
    ) -> Unique<'_, T, P, V>
    where
        T: UniqueFields,
    {
        Unique { table: self, field: choose(&T::uniques()) }
    }
}

/// A unique field of a table; see [`Table::unique`].
pub struct Unique<'a, T: UniqueFields, P: ?Sized, V> {
    table: &'a Table<T, P>,
    field: UniqueField<T, V>,
}

impl<'a, T: UniqueFields, P: UnwrapKey + ?Sized, V> Unique<'a, T, P, V> {
    /// Reads the record that has a value.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Error, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key]
    /// #     user_id: String,
    /// #     #[encrypted]
    /// #     #[searchable(normalize(trim, ascii_lowercase), unique)]
    /// #     email: String,
    /// # }
    /// # async fn example(users: Table<User>) -> Result<(), Error> {
    /// let by_email = users.unique(|user| user.email);
    /// match by_email.get(" Zoe@Example.com").send().await? {
    ///     Some(user) => println!("welcome, {}", user.user_id), // the one user with this address
    ///     None => println!("no such user"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, value: impl IntoValue<V>) -> GetUnique<'a, T, P> {
        let (attribute, values) = self.field.asked(value);
        GetUnique { table: self.table, attribute, values }
    }
}

impl<T: UniqueFields, P: ?Sized, V> fmt::Debug for Unique<'_, T, P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unique").field("table", &self.table).field("field", &self.field).finish()
    }
}

/// A get by a unique value, being built; see [`Unique::get`].
#[must_use = "a get does nothing until it is sent"]
pub struct GetUnique<'a, T, P: ?Sized> {
    table: &'a Table<T, P>,
    attribute: &'static str,
    /// Secret.
    values: SearchedValues,
}

impl<T: UniqueFields, P: UnwrapKey + ?Sized> GetUnique<'_, T, P> {
    /// Reads the claim of the value, and opens the record that it names; `None` if no record has
    /// the value. Both are read consistently. An empty value, after the steps of the field, finds
    /// nothing.
    ///
    /// While a search key is rotated, there can be two claims to read.
    ///
    /// # Errors
    ///
    /// [`UsageError::NoClaims`] and [`UsageError::NoSearchKeys`] before anything is sent; the
    /// errors of [`from_item`](crate::from_item()); and every error of DynamoDB.
    ///
    /// # Security
    ///
    /// A claim is believed only as far as to look at the record that it names. The record is
    /// returned only if its own sealed value, after the steps, is the one that is asked for.
    /// Whoever can write the table of claims can make this find nothing.
    pub async fn send(self) -> Result<Option<T>, Error> {
        let (table, attribute, kind) = (self.table, self.attribute, Kind::of::<T>());
        let id = RecordId::of_table(T::TABLE);
        let fail = |problem: ErrorKind| Error::new(id.clone(), problem);
        let claims = table.claims_in(T::SCHEMA);
        let claims = claims.ok_or_else(|| fail(UsageError::NoClaims { attribute }.into()))?;
        let keys = table.search_keys_for(attribute).map_err(fail)?;
        let question = Question::new(&[kind], &[(attribute, self.values)]).map_err(fail)?;
        if question.is_empty() {
            return Ok(None);
        }
        let keys = keys.live(T::TABLE).await;
        let keys = keys.map_err(|error| fail(DataKeyError::Search(error).into()))?;
        for (_, tag) in question.lanes(&keys.search).into_iter().flatten() {
            let Some(owner) = claims.owner(&tag_attribute(&tag), &id).await? else { continue };
            let read = table
                .client
                .get_item()
                .table_name(&*table.name)
                .set_key(Some(owner.clone()))
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| dynamodb_error("GetItem", &table.name, id.clone(), error))?;
            let Some(item) = read.item else { continue };
            let mut item = with_requested_key(item, owner);
            if let Some(record) = answer(&mut item, &question, &*table.provider).await? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}
