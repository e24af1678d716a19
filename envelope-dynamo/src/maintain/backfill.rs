//! Seals the items of a table that are not sealed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use envelope_core::{Clock, WrapKey};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::modify_record::{Modification, SealWhen, Stored};
use crate::item::plaintext::is_plaintext;
use crate::maintain::engine::error::RunErrorKind;
use crate::maintain::engine::part::Part;
use crate::maintain::engine::run::{Calls, Run, Standing, Step};
use crate::maintain::engine::update::{Expected, Update};
use crate::maintain::stored_table::StoredTable;
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::table::Table;

impl<T: Envelope + Send + Sync + 'static, P: WrapKey + ?Sized> Table<T, P> {
    /// Seals the items of type `T` that are not sealed, as this handle would put them: the last
    /// step before a table that was stored in plaintext refuses plain items.
    ///
    /// Each item is changed by one update, on condition that it exists, is still not sealed, and
    /// has every value that is sealed or bound as it was read, or still absent. `#[version]` and
    /// timestamps stay as they are. Attributes that belong to no field stay too.
    ///
    /// | counted as | the item |
    /// |---|---|
    /// | `changed` | was sealed by this run |
    /// | `already` | was sealed before |
    /// | `other_entity` | is of another type; `Table::of` makes the handle for each type of an enum |
    /// | `failed` | does not read as `T`, holds values that `T` does not read, would be larger than DynamoDB stores, or has more attributes than a condition can name. It stays as it was, and is reported by name |
    ///
    /// `kms_calls` counts one call for each data key. Shared data keys and branch keys make the
    /// true number smaller.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::maintain::{Limits, Part};
    /// use envelope_dynamo::{Envelope, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider).named("prod-users");
    /// let counts = users.backfill().part(Part::of(17, 256)?).limits(Limits::new()).send().await?;
    /// assert_eq!(counts.failed, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// This seals whatever stands in the table. A plain item that somebody planted in place of a
    /// record becomes a record. It needs `dynamodb:Scan` of whole items, `dynamodb:UpdateItem`,
    /// `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`, and the right to generate
    /// data keys.
    ///
    /// Backups, streams, exports and replicas keep the old plaintext.
    pub fn backfill(&self) -> Run<'_> {
        self.backfill_run(None)
    }

    /// As [`backfill`](Self::backfill), and changes each record before it is sealed, such as to
    /// write a value in a new form.
    ///
    /// A run may be killed and started again, so `transform` may be called several times for one
    /// item, but each time with the item as it is stored. It cannot change the key. A record that
    /// it changes counts its `#[version]` and sets `#[updated]`. Records that are sealed already
    /// are not changed.
    pub fn backfill_with(&self, transform: impl Fn(&mut T) + Send + Sync + 'static) -> Run<'_> {
        self.backfill_run(Some(Box::new(transform)))
    }

    fn backfill_run(&self, transform: Option<Transform<T>>) -> Run<'_> {
        let table = StoredTable::of_type::<T>(self.client().clone()).named(self.name());
        let (provider, clock) = (Arc::clone(&self.provider), Arc::clone(&self.clock));
        Run::of(Cow::Owned(table), Backfill { provider, clock, kinds: self.kinds, transform })
    }
}

type Transform<T> = Box<dyn Fn(&mut T) + Send + Sync>;

/// The step of [`Table::backfill`].
struct Backfill<T, P: ?Sized> {
    provider: Arc<P>,
    clock: Arc<dyn Clock>,
    /// The kinds of record that the table holds.
    kinds: &'static [Kind],
    transform: Option<Transform<T>>,
}

impl<T: Envelope, P: ?Sized> fmt::Debug for Backfill<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backfill").field("entity", &T::NAME).finish_non_exhaustive()
    }
}

impl<T: Envelope + Send + Sync, P: WrapKey + ?Sized> Step for Backfill<T, P> {
    fn prepare<'s>(
        &'s mut self,
        _: &'s StoredTable,
        _: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>> {
        std::future::ready(Ok(())).boxed()
    }

    /// A record may need every attribute, and an item without payload is plain only if it is whole.
    fn attributes(&self, _: &StoredTable) -> Option<Vec<String>> {
        None
    }

    fn standing<'s>(
        &'s self,
        _: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Standing, Error>> {
        std::future::ready(self.judge(item)).boxed()
    }

    fn update<'s>(
        &'s self,
        _: &'s StoredTable,
        item: &'s Item,
        calls: &'s Calls<'_>,
    ) -> BoxFuture<'s, Result<Update, Error>> {
        self.sealed(item, calls).boxed()
    }
}

impl<T: Envelope + Send + Sync, P: WrapKey + ?Sized> Backfill<T, P> {
    fn judge(&self, item: &Item) -> Result<Standing, Error> {
        let kind = Kind::of::<T>();
        if kind.mismatch(item).is_some() {
            return Ok(Standing::OtherEntity);
        }
        if !is_plaintext(item) {
            return Ok(Standing::Already);
        }
        let entities: Vec<_> =
            Kind::matching(self.kinds, item).map(|(_, kind)| kind.name).collect();
        if entities.len() > 1 {
            let several = ErrorKind::Data(DataError::SeveralEntities { entities });
            return Err(Error::new(record_id(&kind, item), several));
        }
        Ok(Standing::Due)
    }

    async fn sealed(&self, item: &Item, calls: &Calls<'_>) -> Result<Update, Error> {
        let fail = |problem| Error::new(record_id(&Kind::of::<T>(), item), problem);
        let mut stored = Stored::<T>::of_plain(item.clone()).map_err(fail)?;
        if let Some(transform) = &self.transform {
            transform(&mut stored.record);
        }
        for _ in 0..=T::SCHEMA.groups().len() {
            calls.kms().await;
        }
        let now = self.clock.system_time();
        let sealed = stored.seal_modified(now, SealWhen::NotSealed, &*self.provider).await?;
        let update = sealed.map(update_of).unwrap_or_default();
        update.check_length().map_err(fail)?;
        Ok(update)
    }
}

fn update_of(sealed: Modification) -> Update {
    let [expected, changes] = sealed.into_parts();
    let expected = expected.into_iter().map(|(name, value)| match value {
        Some(value) => (name, Expected::Value(value)),
        None => (name, Expected::Absent),
    });
    let mut update = Update { expected: expected.collect(), ..Update::default() };
    for (name, value) in changes {
        match value {
            Some(value) => update.set.push((name, value)),
            None => update.remove.push(name),
        }
    }
    update
}
