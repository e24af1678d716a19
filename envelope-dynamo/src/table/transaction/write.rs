//! Writes that all happen or none.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use aws_sdk_dynamodb::types::TransactWriteItem;
use envelope_core::WrapKey;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::error::record_id::RecordId;
use crate::item::entity::Entity;
use crate::record::Envelope;
use crate::table::bounded::{CONCURRENCY, all};
use crate::table::transaction::action::{IntoAction, Preparing, Target};
use crate::table::transaction::error::{TransactionError, TransactionErrorKind};
use crate::table::transaction::retry::TransactionRetry;
use crate::table::transaction::token::new_token;
use crate::table::transaction::{MAX_BYTES, check, checked};
use crate::table::write::check::Check;
use crate::table::write::{Delete, Put, Update};

const NAME: &str = "transact_write";

/// Starts a transaction: writes of records of any types, in any tables of one account and region,
/// that all happen or none.
///
/// ```no_run
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
/// # use envelope_dynamo::{Envelope, KmsKeyProvider, Table, transact_write};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] orders: u64 }
/// # #[derive(Envelope)]
/// # #[envelope(table = "orders")]
/// # struct Order { #[partition_key] user_id: String, #[sort_key] number: u64, #[encrypted] card: String }
/// # let order = Order { user_id: "u_1".into(), number: 7, card: "4242".into() };
/// let users = Table::<User>::new(dynamodb.clone(), KmsKeyProvider::new(kms.clone(), "alias/users"));
/// let orders = Table::<Order>::new(dynamodb.clone(), KmsKeyProvider::new(kms, "alias/orders"));
///
/// let sent = transact_write(&dynamodb)
///     .put(orders.put(&order).if_not_exists())
///     .update(users.update("u_1").add(|user| user.orders, 1))
///     .delete(orders.delete(("u_1", 6)))
///     .check(users.check("u_2").condition(|user| user.orders.lt(100)))
///     .send()
///     .await;
/// if let Err(error) = sent {
///     for reason in error.reasons() {
///         println!("{} stood in the way: {}", reason.error().record(), reason.error().kind());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub fn transact_write<'a>(client: &Client) -> Transaction<'a> {
    Transaction { client: client.clone(), actions: Vec::new(), token: None, customize: None }
}

/// A transaction being built; see [`transact_write`].
///
/// DynamoDB takes at most 100 actions of 4 MB together, and one action on a record (Amazon DynamoDB
/// Developer Guide, "DynamoDB transactions: how it works"). Nothing is sealed before
/// [`prepare`](Self::prepare) or [`send`](Self::send).
#[must_use = "a transaction does nothing until it is sent"]
pub struct Transaction<'a> {
    client: Client,
    actions: Vec<Preparing<'a>>,
    token: Option<String>,
    customize: Option<Customize>,
}

type Customize =
    Box<dyn Fn(TransactWriteItemsFluentBuilder) -> TransactWriteItemsFluentBuilder + Send + Sync>;

impl<'a> Transaction<'a> {
    /// Stores a record, with the conditions of the put.
    pub fn put<T: Entity + Sync, P: WrapKey + ?Sized>(self, put: Put<'a, T, P>) -> Self {
        self.action(put)
    }

    /// Changes a record's plaintext attributes where it stands, with the conditions of the update.
    ///
    /// Carried out once: what may happen twice to an [`add`](Update::add) by itself cannot happen
    /// to it here.
    pub fn update<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized>(
        self,
        update: Update<'a, T, P>,
    ) -> Self {
        self.action(update)
    }

    /// Deletes a record, with the conditions of the delete.
    pub fn delete<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized>(
        self,
        delete: Delete<'a, T, P>,
    ) -> Self {
        self.action(delete)
    }

    /// Demands something of a record that the transaction does not write.
    pub fn check<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized>(
        self,
        check: Check<'a, T, P>,
    ) -> Self {
        self.action(check)
    }

    fn action(mut self, action: impl IntoAction<'a>) -> Self {
        self.actions.push(action.into_action());
        self
    }

    /// Names the transaction, in 1 to 36 characters, so that DynamoDB carries it out once however
    /// often it comes within ten minutes; by default a new random name.
    ///
    /// DynamoDB knows it again only if it is the same to the byte, and sealing is different each
    /// time: another transaction with the same records and the same token fails with
    /// [`TransactionErrorKind::TokenReused`]. To send one again, [`prepare`](Self::prepare) it
    /// once and keep that.
    pub fn client_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets what this library does not cover on the SDK's request; the token is set afterwards, and
    /// actions are refused ([`UsageError::Customized`](crate::error::UsageError::Customized)).
    pub fn customize(
        mut self,
        with: impl Fn(TransactWriteItemsFluentBuilder) -> TransactWriteItemsFluentBuilder
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.customize = Some(Box::new(with));
        self
    }

    /// Seals the records, once: the result can be sent again and again, and is carried out once.
    ///
    /// # Errors
    ///
    /// [`TransactionErrorKind::Record`] if an action is none that could be sent by itself;
    /// [`TooManyActions`](TransactionErrorKind::TooManyActions),
    /// [`TooLarge`](TransactionErrorKind::TooLarge) and
    /// [`SameRecord`](TransactionErrorKind::SameRecord).
    pub async fn prepare(self) -> Result<PreparedTransaction, TransactionError> {
        let error = |kind| TransactionError::new(NAME, kind);
        let actions: Result<Vec<_>, _> = all(CONCURRENCY, self.actions).await.into_iter().collect();
        let actions = actions.map_err(|source| error(TransactionErrorKind::Record(source)))?;
        check(&actions.iter().map(|action| &action.target).collect::<Vec<_>>()).map_err(error)?;
        let bytes = actions.iter().map(|action| action.bytes).sum();
        if bytes > MAX_BYTES {
            return Err(error(TransactionErrorKind::TooLarge { bytes }));
        }
        let token = self.token.unwrap_or_else(new_token);
        let (targets, actions) =
            actions.into_iter().map(|action| (action.target, action.item)).unzip();
        let (client, customize, outcome) = (self.client, self.customize, AttemptOutcome::default());
        Ok(PreparedTransaction { client, token, customize, targets, actions, outcome })
    }

    /// Seals the records and sends the transaction; without actions, nothing is sent.
    ///
    /// A transaction that meets another one on the way, or a throttled table, is tried again after
    /// a pause as it was sealed, ten times in all; one that DynamoDB says is still in progress,
    /// five times.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare); [`TransactionErrorKind::Cancelled`] with the
    /// [reasons](TransactionError::reasons) of each record,
    /// [`TokenReused`](TransactionErrorKind::TokenReused), and whatever else DynamoDB answers.
    pub async fn send(self) -> Result<(), TransactionError> {
        self.prepare().await?.send().await.map_err(TransactionError::sent_once)
    }
}

/// A transaction that is sealed and ready to be sent, however often; see [`Transaction::prepare`].
///
/// ```no_run
/// # async fn example<U: envelope_dynamo::Envelope + Sync>(dynamodb: aws_sdk_dynamodb::Client, user: U, users: envelope_dynamo::Table<U>) -> Result<(), envelope_dynamo::transaction::TransactionError> {
/// # use envelope_dynamo::transact_write;
/// let transaction = transact_write(&dynamodb).put(users.put(&user).if_not_exists()).prepare().await?;
/// let mut sent = transaction.send().await;
/// if sent.as_ref().is_err_and(|error| error.is_in_doubt()) {
///     sent = transaction.send().await; // what was carried out already is not carried out again, and succeeds
/// }
/// sent
/// # }
/// ```
#[must_use = "a transaction does nothing until it is sent"]
pub struct PreparedTransaction {
    client: Client,
    token: String,
    customize: Option<Customize>,
    targets: Vec<Target>,
    actions: Vec<TransactWriteItem>,
    /// Of all the sends: a refusal of a later one says nothing of what an earlier one has done.
    outcome: AttemptOutcome,
}

impl PreparedTransaction {
    /// The name by which DynamoDB knows the transaction again.
    #[must_use]
    pub fn client_token(&self) -> &str {
        &self.token
    }

    /// The records that its actions are on, in their order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &RecordId> {
        self.targets.iter().map(|target| &target.id)
    }

    /// Sends the transaction; if it was carried out in the last ten minutes, it succeeds and
    /// nothing is done.
    ///
    /// Where an earlier send was not answered, or was dropped on its way, the errors of a later one
    /// say that the transaction is in doubt, until it succeeds or is cancelled.
    ///
    /// # Errors
    ///
    /// [`TransactionErrorKind::Cancelled`], [`TokenReused`](TransactionErrorKind::TokenReused), and
    /// whatever else DynamoDB answers.
    pub async fn send(&self) -> Result<(), TransactionError> {
        if self.actions.is_empty() {
            return Ok(());
        }
        let operation = [NAME, "TransactWriteItems"];
        let mut tries = TransactionRetry::new(
            &self.client,
            operation,
            self.targets.iter().collect(),
            self.outcome.clone(),
        );
        loop {
            match self.request()?.customize().interceptor(tries.outcome.clone()).send().await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    fn request(&self) -> Result<TransactWriteItemsFluentBuilder, TransactionError> {
        let request = self.client.transact_write_items();
        let request = match &self.customize {
            Some(customize) => checked(NAME, customize(request), self.targets.iter())?,
            None => request,
        };
        Ok(request.set_transact_items(Some(self.actions.clone())).client_request_token(&self.token))
    }
}

/// Without the items.
impl fmt::Debug for PreparedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedTransaction")
            .field("client_token", &self.token)
            .field("records", &self.records().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
