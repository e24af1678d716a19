//! Reads several records in one transaction.

use std::pin::Pin;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_get_items::builders::TransactGetItemsFluentBuilder;
use aws_sdk_dynamodb::types::{Get as GetAction, TransactGetItem};
use envelope_core::UnwrapKey;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::record::Envelope;
use crate::table::Table;
use crate::table::bounded::{CONCURRENCY, all};
use crate::table::customized::RefusedSetting;
use crate::table::read::Get;
use crate::table::read::get::Reader;
use crate::table::transaction::error::{TransactionError, TransactionErrorKind};
use crate::table::transaction::retry::TransactionRetry;
use crate::table::transaction::target::Target;
use crate::table::transaction::{check, checked};

const NAME: &str = "transact_get";

/// Reads several records at one moment: a write of another transaction is seen in full or not at
/// all.
///
/// `gets` is a tuple of up to eight gets of any types, in any tables of one account and region; or
/// a `Vec` of up to 100 gets of one type. All are sent through the client of the first one's table.
/// Each get returns the same as by itself: an `Option` of its record.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// # use envelope_dynamo::{Envelope, KmsKeyProvider, Table, transact_get};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// # #[derive(Envelope)]
/// # #[envelope(table = "orders")]
/// # struct Order {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[sort_key]
/// #     number: u64,
/// #     #[encrypted]
/// #     card: String,
/// # }
/// let user_keys = KmsKeyProvider::new(kms.clone(), "alias/users");
/// let users = Table::<User>::new(dynamodb.clone(), user_keys);
/// let orders = Table::<Order>::new(dynamodb, KmsKeyProvider::new(kms, "alias/orders"));
///
/// let (user, order) = transact_get((users.get("u_1"), orders.get(("u_1", 7)))).send().await?;
///
/// let gets = vec![users.get("u_1"), users.get("u_2")];
/// let several: Vec<Option<User>> = transact_get(gets).send().await?;
/// # let _: (Option<User>, Option<Order>) = (user, order);
/// # Ok(())
/// # }
/// ```
pub const fn transact_get<'a, G: GetList + 'a>(gets: G) -> TransactGet<'a, G> {
    TransactGet { gets, customize: None }
}

/// A transaction that reads, being built; see [`transact_get`].
#[must_use = "a transaction does nothing until it is sent"]
pub struct TransactGet<'a, G> {
    gets: G,
    customize: Option<Customize<'a>>,
}

type Customize<'a> =
    Box<dyn FnOnce(TransactGetItemsFluentBuilder) -> TransactGetItemsFluentBuilder + Send + 'a>;

impl<'a, G: GetList> TransactGet<'a, G> {
    /// Sets other parameters of the SDK's request. Actions are refused
    /// ([`UsageError::Customized`]).
    ///
    /// Settings that were made on the builder of a single get are ignored: a transaction has no
    /// place for them.
    ///
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    pub fn customize(
        mut self,
        with: impl FnOnce(TransactGetItemsFluentBuilder) -> TransactGetItemsFluentBuilder + Send + 'a,
    ) -> Self {
        self.customize = Some(Box::new(with));
        self
    }

    /// Reads and opens the records. Without gets, sends nothing.
    ///
    /// If another transaction is writing one of the records, or the table is throttled, all are
    /// read again after a pause, ten times in all.
    ///
    /// # Errors
    ///
    /// [`TransactionErrorKind::Record`] if DynamoDB does not accept a key, or a record does not
    /// open; [`TooManyActions`](TransactionErrorKind::TooManyActions),
    /// [`SameRecord`](TransactionErrorKind::SameRecord);
    /// [`Cancelled`](TransactionErrorKind::Cancelled) with the [reasons](TransactionError::reasons)
    /// of each record, and every other error of DynamoDB.
    pub async fn send(self) -> Result<G::Records, TransactionError> {
        let error = |kind| TransactionError::new(NAME, kind);
        let record_error = |source| error(TransactionErrorKind::Record(source));
        let (asked, readers) = self.gets.into_parts();
        let asked = asked.into_iter().collect::<Result<Vec<_>, _>>().map_err(record_error)?;
        check(&asked.iter().map(|asked| &asked.target).collect::<Vec<_>>()).map_err(error)?;
        let found = match asked.first() {
            Some(first) => read(&first.client, &asked, self.customize).await?,
            None => Vec::new(),
        };
        let found = asked.into_iter().zip(found).map(|(asked, found)| (asked.target.key, found));
        G::open(readers, found.collect()).await.map_err(record_error)
    }
}

async fn read(
    client: &Client,
    asked: &[Asked],
    customize: Option<Customize<'_>>,
) -> Result<Vec<Option<Item>>, TransactionError> {
    let request = client.transact_get_items();
    let request = match customize {
        Some(customize) => {
            checked(NAME, customize(request), asked.iter().map(|asked| &asked.target))?
        }
        None => request,
    };
    let items = asked.iter().filter_map(|Asked { target, .. }| {
        let get = GetAction::builder()
            .table_name(&target.place.0)
            .set_key(Some(target.key.clone()))
            .build()
            .ok()?;
        Some(TransactGetItem::builder().get(get).build())
    });
    let request = request.set_transact_items(Some(items.collect()));
    let targets = asked.iter().map(|asked| &asked.target).collect();
    let mut tries = TransactionRetry::new(
        client,
        [NAME, "TransactGetItems"],
        targets,
        AttemptOutcome::default(),
    );
    loop {
        match request.clone().send().await {
            Ok(output) => {
                let mut found: Vec<_> =
                    output.responses.into_iter().flatten().map(|response| response.item).collect();
                found.resize(asked.len(), None);
                return Ok(found);
            }
            Err(error) => tries.again(error).await?,
        }
    }
}

/// The gets that [`transact_get`] takes: a tuple of up to eight [`Get`]s, or a `Vec` of them.
/// Sealed: no other type implements it.
pub trait GetList: sealed::Sealed {
    /// The result: a tuple or a `Vec` of `Option`s.
    type Records;

    #[doc(hidden)]
    type Readers: Send;

    /// The keys to read, and the readers that open the records.
    #[doc(hidden)]
    fn into_parts(self) -> (Vec<Result<Asked, Error>>, Self::Readers);

    /// Opens what was found, beside the key that was asked for.
    #[doc(hidden)]
    fn open(
        readers: Self::Readers,
        found: Vec<Found>,
    ) -> impl Future<Output = Result<Self::Records, Error>> + Send;
}

/// A record to read.
#[doc(hidden)]
pub struct Asked {
    client: Client,
    target: Target,
}

impl Asked {
    fn of<T: Envelope, P: ?Sized>(
        table: &Table<T, P>,
        key: T::Key,
        refused: Option<RefusedSetting>,
    ) -> Result<Self, Error> {
        let (key, id) = table.key_item(key)?;
        if let Some(refused) = refused {
            return Err(Error::new(id, refused));
        }
        Ok(Self { client: table.client.clone(), target: Target::new::<T>(id, &table.name, key)? })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// The key that was asked for, and the item that was found, if any.
type Found = (Item, Option<Item>);

type Opened<T> = Result<Option<T>, Error>;

impl<T: Envelope, P: ?Sized> sealed::Sealed for Vec<Get<'_, T, P>> {}

impl<'a, T: Envelope + Send, P: UnwrapKey + ?Sized> GetList for Vec<Get<'a, T, P>> {
    type Records = Vec<Option<T>>;
    type Readers = Vec<Reader<'a, T, P>>;

    fn into_parts(self) -> (Vec<Result<Asked, Error>>, Self::Readers) {
        let parts = self.into_iter().map(Get::into_parts);
        parts.map(|(reader, key, refused)| (Asked::of(reader.table, key, refused), reader)).unzip()
    }

    async fn open(readers: Self::Readers, found: Vec<Found>) -> Result<Self::Records, Error> {
        let opening =
            readers.iter().zip(found).map(|(reader, (asked, found))| reader.open(asked, found));
        let opening: Vec<_> = opening.collect();
        all(CONCURRENCY, opening).await.into_iter().collect()
    }
}

macro_rules! tuple {
    ($($life:lifetime $record:ident $capability:ident $get:ident),*) => {
        impl<$($record: Envelope, $capability: ?Sized),*> sealed::Sealed for ($(Get<'_, $record, $capability>,)*) {}

        impl<$($life,)* $($record: Envelope + Send, $capability: UnwrapKey + ?Sized),*> GetList
            for ($(Get<$life, $record, $capability>,)*)
        {
            type Records = ($(Option<$record>,)*);
            type Readers = ($(Reader<$life, $record, $capability>,)*);

            fn into_parts(self) -> (Vec<Result<Asked, Error>>, Self::Readers) {
                let ($($get,)*) = self;
                $(let $get = $get.into_parts();)*
                (vec![$(Asked::of($get.0.table, $get.1, $get.2)),*], ($($get.0,)*))
            }

            async fn open(readers: Self::Readers, found: Vec<Found>) -> Result<Self::Records, Error> {
                let ($($get,)*) = readers;
                let mut found = found.into_iter();
                $(let mut $get: (_, _, Opened<$record>) = ($get, found.next(), Ok(None));)*
                let opening: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> =
                    vec![$(Box::pin(async {
                        if let Some((asked, found)) = $get.1.take() {
                            $get.2 = $get.0.open(asked, found).await;
                        }
                    })),*];
                all(CONCURRENCY, opening).await;
                Ok(($($get.2?,)*))
            }
        }
    };
}

tuple!('a A P1 a);

tuple!('a A P1 a, 'b B P2 b);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c, 'd D P4 d);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c, 'd D P4 d, 'e E P5 e);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c, 'd D P4 d, 'e E P5 e, 'f F P6 f);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c, 'd D P4 d, 'e E P5 e, 'f F P6 f, 'g G P7 g);

tuple!('a A P1 a, 'b B P2 b, 'c C P3 c, 'd D P4 d, 'e E P5 e, 'f F P6 f, 'g G P7 g, 'h H P8 h);
