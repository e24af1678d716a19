//! Brings the items of a table to the marks of today's structs: plain items, items that another
//! program encrypted, and sealed records with a field in the clear.

mod change;
mod conversion;
mod out_of_place;
mod record_type;
mod rehearsal;
mod step;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use envelope_core::{Clock, UnwrapKey, WrapKey};

use crate::dynamodb::Item;
use crate::item::entity::Entity;
pub use crate::maintain::backfill::conversion::Converted;
use crate::maintain::backfill::conversion::Reader;
use crate::maintain::backfill::record_type::{RecordType, TransformedTypes, Types};
use crate::maintain::backfill::step::{Keys, Step};
use crate::maintain::engine::run::Run;
use crate::maintain::schema_file::{SchemaFile, not_apart};
use crate::maintain::stored_table::StoredTable;
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::table::Table;

impl<T: Entity + 'static> Table<T> {
    /// Seals the items of this table that are not sealed, as this handle would put them: the last
    /// step before a table that was stored in plaintext refuses plain items. Of an enum, each item
    /// becomes a record of its type, all in one scan.
    ///
    /// A sealed record is brought to the marks of today's struct: a field that became
    /// `#[encrypted(accept = "plaintext")]` is sealed, and one that became
    /// `#[authenticated(accept = "plaintext")]` is bound. After a run without failures, `accept`
    /// can be removed. A field that became `#[searchable]` gets its search tag, if the table has
    /// its search keys ([`with_search_keys`](Self::with_search_keys)).
    ///
    /// Each item is changed by one update, on condition that it exists and that every value that
    /// is sealed, bound, changed or removed is as it was read, or still absent. `#[version]` and
    /// timestamps stay as they are. Attributes that belong to no field stay too.
    ///
    /// | counted as | the item |
    /// |---|---|
    /// | `changed` | was sealed by this run |
    /// | `already` | was as the struct wants it |
    /// | `other_entity` | is of no type that this handle has. It was not touched |
    /// | `failed` | does not read as its type, holds values that the type does not read, would be larger than DynamoDB stores, or has more attributes than a condition can name. It stays as it was, and is reported by name |
    ///
    /// `kms_calls` counts the calls for data keys whose headers name KMS keys. Caches in the
    /// provider can make the true number smaller. A dry run ([`Run::estimate`]) asks the provider
    /// for one data key of the record and of each group, to learn how long a wrapped key is.
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
    /// data keys. Only sealed records that must be brought to new marks are opened.
    ///
    /// Backups, streams, exports and replicas keep the old plaintext.
    pub fn backfill(&self) -> Run<'static> {
        Backfill::new(self).run()
    }

    /// As [`backfill`](Self::backfill), and changes each record before it is sealed, such as to
    /// write a value in a new form.
    ///
    /// A run may be killed and started again, so `transform` may be called several times for one
    /// item, but each time with the item as it is stored. It cannot change the key, nor the type
    /// of a record of an enum. A record that it changes counts its `#[version]` and sets
    /// `#[updated]`. Sealed records that are as the struct wants them are not changed.
    pub fn backfill_with(
        &self,
        transform: impl Fn(&mut T) + Send + Sync + 'static,
    ) -> Run<'static> {
        Backfill::new(self).transform(transform).run()
    }

    /// As [`backfill`](Self::backfill), for items that another program wrote: under other names,
    /// in another form, or encrypted by itself.
    ///
    /// `read` gets each item that has no sealed record of this library
    /// ([`is_sealed`](crate::item::is_sealed) decides), and returns the record, and the attributes
    /// that must go. `None` says that the item is none of its own: it is counted as `other_entity`
    /// and not touched. An error fails the item, which is reported by name; a
    /// [`KeyError`](crate::error::KeyError) says whether another try may help.
    ///
    /// The record is written as it is, with its version and timestamps. Its key must be that of the
    /// item. Attributes that belong to no field stay, unless they are named.
    ///
    /// The update has the condition that the item exists, and that all attributes are as they were
    /// read, except those of `#[plaintext]` fields that do not change: they may be updated in place
    /// meanwhile. So make no other field from such an attribute. Attributes that are named to be
    /// removed, and those of encrypted and authenticated fields, must still be absent if they were.
    /// The condition has room for about 100 attributes.
    ///
    /// A run may be killed and started again, and an item that somebody else changes is read again,
    /// so `read` may be called several times for one item. A dry run calls it too.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::item::Item;
    /// use envelope_dynamo::maintain::Converted;
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
    /// async fn decrypt(item: &Item) -> Result<String, std::io::Error> {
    ///     # let _ = item;
    ///     # Ok(String::new())
    ///     // as the other program does it
    /// }
    ///
    /// async fn read(item: Item) -> Result<Option<Converted<User>>, std::io::Error> {
    ///     let Some(user_id) = item.get("user_id").and_then(|id| id.as_s().ok()) else {
    ///         return Ok(None);
    ///     };
    ///     let user = User { user_id: user_id.clone(), email: decrypt(&item).await? };
    ///     Ok(Some(Converted::new(user).remove("email_ciphertext").remove("email_nonce")))
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider).named("prod-users");
    /// let counts = users.backfill_from(read).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// As [`backfill`](Self::backfill). The text of the error of `read` is printed with the record
    /// that failed: it must hold no value.
    pub fn backfill_from<Fut, E>(
        &self,
        read: impl Fn(Item) -> Fut + Send + Sync + 'static,
    ) -> Run<'static>
    where
        Fut: Future<Output = Result<Option<Converted<T>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Backfill::new(self).convert(read).run()
    }
}

impl<T: Entity + 'static> Table<T, dyn WrapKey> {
    /// As [`backfill`](Table::backfill) of a handle that reads too, but without the right to open
    /// records: a sealed record that must be brought to new marks fails, and is reported by name.
    pub fn backfill(&self) -> Run<'static> {
        Backfill::write_only(self).run()
    }
}

/// A backfill with several settings: of types that share a table without an enum, with changes of
/// some types, or with items of another program among plain ones.
///
/// [`Table::backfill`], [`Table::backfill_with`] and [`Table::backfill_from`] say what a run does.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     provider: envelope_dynamo::LocalKeyProvider,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// # use envelope_dynamo::{Envelope, Table};
/// use envelope_dynamo::maintain::Backfill;
/// # #[derive(Envelope)]
/// # #[envelope(table = "shop")]
/// # #[partition_key(name = "pk", format = "USER#{user_id}")]
/// # struct User { #[key] user_id: String, #[encrypted] email: String }
/// # #[derive(Envelope)]
/// # #[envelope(table = "shop")]
/// # #[partition_key(name = "pk", format = "ORDER#{order_id}")]
/// # struct Order { #[key] order_id: String, #[encrypted] card: String }
///
/// let users = Table::<User>::new(dynamodb, provider).named("prod-shop");
/// let backfill = Backfill::new(&users)
///     .also::<Order>()
///     .transform(|user: &mut User| user.email.make_ascii_lowercase());
/// let counts = backfill.run().send().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a backfill does nothing until its run is sent"]
pub struct Backfill {
    client: Client,
    name: String,
    logical: &'static str,
    keys: Keys,
    /// The physical table of claims.
    claims: Option<Arc<str>>,
    clock: Arc<dyn Clock>,
    schema: SchemaFile,
    /// All kinds of record that the table may hold.
    kinds: Vec<Kind>,
    /// Those that the run seals.
    types: Vec<Box<dyn RecordType>>,
    readers: Vec<Reader>,
    /// The first setting that makes no sense.
    problem: Option<String>,
}

impl Backfill {
    /// A backfill of the types of this handle.
    pub fn new<T: Entity + 'static>(table: &Table<T>) -> Self {
        let provider = &table.provider;
        Self::of(table, Arc::clone(provider) as _, Some(Arc::clone(provider) as _))
    }

    /// A backfill of the types of this handle, in a process that may not open records.
    pub fn write_only<T: Entity + 'static>(table: &Table<T, dyn WrapKey>) -> Self {
        Self::of(table, Arc::clone(&table.provider), None)
    }

    fn of<T: Entity + 'static, P: ?Sized>(
        table: &Table<T, P>,
        wrap: Arc<dyn WrapKey>,
        unwrap: Option<Arc<dyn UnwrapKey>>,
    ) -> Self {
        Self {
            client: table.client().clone(),
            name: table.name().to_owned(),
            logical: T::First::TABLE,
            keys: Keys { wrap, unwrap, search: table.tag_source.keys().cloned() },
            claims: table.claims.clone(),
            clock: Arc::clone(&table.clock),
            schema: SchemaFile::new().with::<T>(),
            kinds: table.kinds.to_vec(),
            types: Types::of::<T>(),
            readers: Vec::new(),
            problem: None,
        }
    }

    /// Also seals the items of type `T`, which must be of the same table. A type that is there
    /// already is not added again.
    ///
    /// # Panics
    ///
    /// If another struct of the same name is there already.
    pub fn also<T: Entity + 'static>(mut self) -> Self {
        let keys = |kind: &Kind| kind.schema.keys().map(|field| field.name).collect::<Vec<_>>();
        let own = self.kinds.first().map(keys);
        let (entity, table) = (T::First::NAME, T::First::TABLE);
        if table != self.logical || own != Some(keys(&Kind::of::<T::First>())) {
            let logical = self.logical;
            return self.with_problem(format!(
                "`{entity}` is a record of the table `{table}`, and this backfill is one of the \
                 table `{logical}`, or the two have other keys: run them one after the other"
            ));
        }
        self.schema = self.schema.with::<T>();
        for kind in T::KINDS {
            if self.kinds.iter().all(|known| known.name != kind.name) {
                self.kinds.push(*kind);
            }
        }
        if let Some(problem) = not_apart(&self.kinds) {
            return self.with_problem(problem);
        }
        for added in Types::of::<T>() {
            if self.types.iter().all(|known| known.kind().name != added.kind().name) {
                self.types.push(added);
            }
        }
        self
    }

    /// Changes each record of type `T` before it is sealed; see [`Table::backfill_with`].
    pub fn transform<T: Entity + 'static>(
        mut self,
        transform: impl Fn(&mut T) + Send + Sync + 'static,
    ) -> Self {
        match TransformedTypes::add(&mut self.types, transform) {
            true => self,
            false => self.with_problem(not_there::<T>("a transform")),
        }
    }

    /// Reads items of another program as records of type `T`; see [`Table::backfill_from`].
    ///
    /// All items that are not sealed are given to `read`. Items that it does not take are given to
    /// the next `convert`, then sealed as plain items of the types that have none.
    pub fn convert<T, Fut, E>(mut self, read: impl Fn(Item) -> Fut + Send + Sync + 'static) -> Self
    where
        T: Entity + 'static,
        Fut: Future<Output = Result<Option<Converted<T>>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let is_there = |kind: &Kind| self.types.iter().any(|known| known.kind().name == kind.name);
        if !T::KINDS.iter().all(is_there) {
            return self.with_problem(not_there::<T>("a conversion"));
        }
        self.readers.push(Reader::new(read));
        self
    }

    /// The run.
    pub fn run(self) -> Run<'static> {
        let Self { client, name, logical, keys, claims, clock, schema, kinds, .. } = self;
        let own = self.types.iter().map(|ty| *ty.kind()).collect();
        let table = StoredTable::of_records(client, &schema, logical, own).named(name);
        let table = match claims {
            Some(claims) => table.with_claims(&*claims),
            None => table,
        };
        let (types, readers, problem) = (self.types, self.readers, self.problem);
        let step = Step::new(keys, clock, kinds, types, readers, problem);
        Run::of(Cow::Owned(table), step)
    }

    fn with_problem(mut self, problem: String) -> Self {
        self.problem.get_or_insert(problem);
        self
    }
}

fn not_there<T: Entity>(what: &str) -> String {
    let names: Vec<_> = T::KINDS.iter().map(|kind| kind.name).collect();
    format!(
        "{what} names {}, which is no record type of this backfill: add the type",
        names.join(", ")
    )
}

impl fmt::Debug for Backfill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entities: Vec<_> = self.types.iter().map(|ty| ty.kind().name).collect();
        f.debug_struct("Backfill")
            .field("table", &self.name)
            .field("entities", &entities)
            .finish_non_exhaustive()
    }
}
