//! Writes several records in one transaction.

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
use crate::table::transaction::action::{IntoAction, Preparing};
use crate::table::transaction::error::{TransactionError, TransactionErrorKind};
use crate::table::transaction::retry::TransactionRetry;
use crate::table::transaction::target::{Action, ClaimFor, Target};
use crate::table::transaction::token::new_token;
use crate::table::transaction::{MAX_BYTES, check, checked};
use crate::table::write::check::{Check, Conditional};
use crate::table::write::{Delete, Put, Update};

const NAME: &str = "transact_write";

/// Starts a transaction: either all of its writes happen, or none. The writes are of records of any
/// types, in any tables of one account and region.
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// # use envelope_dynamo::{Envelope, KmsKeyProvider, Table, transact_write};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// #     #[plaintext]
/// #     orders: u64,
/// # }
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
/// # let order = Order { user_id: "u_1".into(), number: 7, card: "4242".into() };
/// let user_keys = KmsKeyProvider::new(kms.clone(), "alias/users");
/// let users = Table::<User>::new(dynamodb.clone(), user_keys);
/// let order_keys = KmsKeyProvider::new(kms, "alias/orders");
/// let orders = Table::<Order>::new(dynamodb.clone(), order_keys);
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
///         println!("{}: {}", reason.error().record(), reason.error().kind());
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
/// DynamoDB accepts at most 100 actions of 4 MB together, and one action per record (Amazon
/// DynamoDB Developer Guide, "DynamoDB transactions: how it works"). No record is sealed before
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
    /// Stores a record, under the conditions of the put. A `#[version]` is compared and counted in
    /// the table; `put_mut`, which changes the record as well, is no action of a transaction.
    pub fn put<T: Entity + Sync, P: WrapKey + ?Sized>(self, put: Put<'a, T, P>) -> Self {
        self.action(put)
    }

    /// Changes a record's plaintext attributes in place, under the conditions of the update.
    ///
    /// It is carried out once: an [`add`](Update::add) by itself may happen twice, but not here.
    pub fn update<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized>(
        self,
        update: Update<'a, T, P>,
    ) -> Self {
        self.action(update)
    }

    /// Deletes a record, under the conditions of the delete.
    pub fn delete<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized>(
        self,
        delete: Delete<'a, T, P>,
    ) -> Self {
        self.action(delete)
    }

    /// Checks a condition on a record that the transaction does not write.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Table, transact_write, transaction::TransactionError};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "doctors")]
    /// # struct Doctor {
    /// #     #[partition_key] id: String,
    /// #     #[encrypted] name: String,
    /// #     #[plaintext] on_leave: bool,
    /// # }
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "visits")]
    /// # struct Visit { #[partition_key] id: String, #[encrypted] notes: String }
    /// # async fn example(
    /// #     doctors: Table<Doctor>, visits: Table<Visit>, visit: Visit,
    /// # ) -> Result<(), TransactionError> {
    /// // Stores the visit only if the doctor, a record of another table, is not on leave.
    /// transact_write(visits.client())
    ///     .check(doctors.check("d_1").condition(|doctor| doctor.on_leave.eq(false)))
    ///     .put(visits.put(&visit))
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check<T: Envelope<Key: Send> + 'a, P: Send + Sync + ?Sized, C: Conditional + 'a>(
        self,
        check: Check<'a, T, P, C>,
    ) -> Self {
        self.action(check)
    }

    fn action(mut self, action: impl IntoAction<'a>) -> Self {
        self.actions.push(action.into_action());
        self
    }

    /// Sets the token by which DynamoDB recognizes the transaction, 1 to 36 characters long:
    /// DynamoDB carries it out once, however often it is sent within ten minutes. By default
    /// the token is random.
    ///
    /// DynamoDB compares the bytes of the request, and each sealing gives other bytes. Another
    /// transaction with the same records and the same token fails with
    /// [`TransactionErrorKind::TokenReused`]. To send one transaction several times,
    /// [`prepare`](Self::prepare) it once and keep the result.
    pub fn client_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets other parameters of the SDK's request. The token is set afterwards, and actions are
    /// refused ([`UsageError::Customized`]).
    ///
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
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

    /// Seals the records, once. The result can be sent again and again, and is carried out once.
    ///
    /// # Errors
    ///
    /// [`TransactionErrorKind::Record`] if an action could not be sent by itself either;
    /// [`TooManyActions`](TransactionErrorKind::TooManyActions),
    /// [`TooLarge`](TransactionErrorKind::TooLarge) and
    /// [`SameRecord`](TransactionErrorKind::SameRecord).
    pub async fn prepare(self) -> Result<PreparedTransaction, TransactionError> {
        let error = |kind| TransactionError::new(NAME, kind);
        let actions: Result<Vec<_>, _> = all(CONCURRENCY, self.actions).await.into_iter().collect();
        let actions = actions.map_err(|source| error(TransactionErrorKind::Record(source)))?;
        let actions = with_claims(actions);
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

    /// Seals the records and sends the transaction. Without actions, sends nothing.
    ///
    /// If another transaction is writing one of the records, or a table is throttled, the sealed
    /// transaction is sent again after a pause, ten times in all. If DynamoDB says that the
    /// transaction is still in progress, it is sent five times.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare); [`TransactionErrorKind::Cancelled`] with the
    /// [reasons](TransactionError::reasons) of each record,
    /// [`TokenReused`](TransactionErrorKind::TokenReused), and every other error of DynamoDB.
    pub async fn send(self) -> Result<(), TransactionError> {
        self.prepare().await?.send().await.map_err(TransactionError::sent_once)
    }
}

/// All actions, and behind them the claims, each with the position of the action that it is for.
fn with_claims(actions: Vec<(Action, Vec<Action>)>) -> Vec<Action> {
    let (mut all, mut claims) = (Vec::with_capacity(actions.len()), Vec::new());
    for (position, (action, claims_of_action)) in actions.into_iter().enumerate() {
        claims.extend(claims_of_action.into_iter().map(|mut claim| {
            let name = claim.target.claim.map_or("", |claim| claim.name);
            claim.target.claim = Some(ClaimFor { position, name });
            claim
        }));
        all.push(action);
    }
    all.extend(claims);
    all
}

/// A sealed transaction, which can be sent several times; see [`Transaction::prepare`].
///
/// ```no_run
/// # use envelope_dynamo::transaction::TransactionError;
/// # use envelope_dynamo::{Envelope, Table, transact_write};
/// # async fn example<U: Envelope + Sync>(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     user: U,
/// #     users: Table<U>,
/// # ) -> Result<(), TransactionError> {
/// let put = users.put(&user).if_not_exists();
/// let transaction = transact_write(&dynamodb).put(put).prepare().await?;
/// let mut sent = transaction.send().await;
/// if sent.as_ref().is_err_and(|error| error.is_in_doubt()) {
///     // If the first send was carried out, this one succeeds and changes nothing.
///     sent = transaction.send().await;
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
    /// The outcome of all sends: if a later send is refused, an earlier one may still have
    /// succeeded.
    outcome: AttemptOutcome,
}

impl PreparedTransaction {
    /// The token by which DynamoDB recognizes the transaction.
    #[must_use]
    pub fn client_token(&self) -> &str {
        &self.token
    }

    /// The records of the actions, in their order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &RecordId> {
        // Claims come after all writes.
        let writes = self.targets.iter().filter(|target| target.claim.is_none()).count();
        self.targets.iter().take(writes).map(|target| &target.id)
    }

    /// Sends the transaction. If it was carried out in the last ten minutes, this succeeds and
    /// changes nothing.
    ///
    /// If an earlier send was not answered, or its future was dropped, the errors of later sends
    /// say that the transaction is in doubt, until it succeeds or is cancelled.
    ///
    /// # Errors
    ///
    /// [`TransactionErrorKind::Cancelled`], [`TokenReused`](TransactionErrorKind::TokenReused),
    /// [`OldSearchTags`](TransactionErrorKind::OldSearchTags), and every other error of DynamoDB.
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
            if let Some(old) = self.targets.iter().find(|target| target.has_old_tags()) {
                let kind = TransactionErrorKind::OldSearchTags { record: old.id.clone() };
                let error = TransactionError::new(NAME, kind);
                return Err(error.or_in_doubt(self.outcome.is_unknown()));
            }
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
