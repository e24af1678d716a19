//! Moves the data keys of a whole table from one KMS key to another.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::Client as KmsClient;
use envelope_core::{Context, ContextForm, EncryptedDek, EncryptionContext, KmsKeyHint};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::keys::kms::entries::{Standing as KeyStanding, names, standing};
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};
use crate::maintain::engine::error::{Refusal, RunErrorKind};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::run::Run;
use crate::maintain::engine::step::{Calls, Change, KmsCall, Standing, Step};
use crate::maintain::engine::update::{Expected, Update};
use crate::maintain::stored_keys::{StoredKey, stored_keys};
use crate::maintain::stored_table::{StoredTable, key_context};
use crate::record::item_key::record_id;
use crate::record::schema::ENCRYPTED_DEK;

/// How many wrapped keys that records share are remembered.
const SHARED_KEYS: usize = 4_096;

impl StoredTable {
    /// Moves the data keys of all records, and of their groups, from the KMS key `from` to the KMS
    /// key `to`, inside KMS. This process sees no data key, and needs no permission to decrypt.
    ///
    /// Each record is changed by one update of its wrapped keys, on condition that they are as they
    /// were read; the sealed fields stay as they are. If a data key is wrapped for several
    /// recipients, the other recipients keep theirs. Items that share a wrapped key and its
    /// context (form `table`) share one call to KMS.
    ///
    /// Keys are named by key id, key ARN, alias name or alias ARN; for parts by ARN.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::maintain::{Limits, RunEvent, SchemaFile, StoredTable};
    ///
    /// let schema: SchemaFile = std::fs::read_to_string("envelope.schema.json")?.parse()?;
    /// let table = StoredTable::new(dynamodb, &schema, "users")?.named("prod-users");
    /// let counts = table
    ///     .rewrap(kms, "alias/users-2025", "alias/users-2026")
    ///     .limits(Limits::new().kms(5_000.0))
    ///     .observed_by(|event| match event {
    ///         RunEvent::Failed(error) => eprintln!("{error}"),
    ///         _ => {}
    ///     })
    ///     .send()
    ///     .await?;
    /// assert_eq!(counts.failed, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Needs `dynamodb:Scan` and `dynamodb:UpdateItem` on keys, entity types, context pairs and
    /// wrapped keys, `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`;
    /// `kms:ReEncryptFrom` on `from` and `kms:ReEncryptTo` on `to`; for an alias also
    /// `kms:DescribeKey`.
    ///
    /// Whoever may call `ReEncrypt` can give a data key another encryption context. So the role
    /// that rewraps must not also read records, and `kms:ReEncryptTo` must be pinned to `to`.
    /// Copies of the old wrapped keys (backups, streams) still open with the old key. Groups that
    /// the schema file does not know stay under the old key, unseen.
    pub fn rewrap(
        &self,
        kms: KmsClient,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Run<'_> {
        Run::new(self, Rewrap::new(kms, from.into(), to.into()))
    }
}

/// The step of [`StoredTable::rewrap`].
#[derive(Debug)]
pub(crate) struct Rewrap {
    from: KmsKeyProvider,
    to: KmsKeyWrapper,
    /// The hints of both keys, once they are known.
    hints: Option<[KmsKeyHint; 2]>,
    /// Keys that were moved, for the other records that have them.
    shared: Mutex<HashMap<(Vec<u8>, EncryptionContext), SharedKey>>,
}

/// A wrapped key that is being moved, or was moved: `None` if that failed.
type SharedKey = Arc<tokio::sync::OnceCell<Vec<u8>>>;

impl Step for Rewrap {
    fn prepare<'s>(
        &'s mut self,
        _: &'s StoredTable,
        part: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>> {
        async move {
            if !part.is_whole()
                && let Some(alias) = self.from.alias().or_else(|| self.to.alias())
            {
                return Err(Refusal::AliasInParts { alias: alias.to_owned() }.into());
            }
            let hints = [self.from.resolve().await?, self.to.resolve().await?];
            let [from, to] = hints;
            if from.key() == to.key() {
                return Err(Refusal::SameKey { key: self.to.key_id().to_owned() }.into());
            }
            self.hints = Some(hints);
            Ok(())
        }
        .boxed()
    }

    fn attributes(&self, table: &StoredTable) -> Option<Vec<String>> {
        Some(table.context_attributes())
    }

    fn standing<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Standing, Error>> {
        std::future::ready(self.judge(table, item)).boxed()
    }

    fn kms_calls(&self, table: &StoredTable, item: &Item) -> Option<Vec<KmsCall>> {
        let Ok(kind) = table.kind_of(item) else { return Some(Vec::new()) };
        let needs_call = |part: &StoredKey<'_>| {
            self.standing_of(&part.dek) == KeyStanding::Due
                && !self.hints.is_some_and(|[_, to]| names(&part.dek, to))
        };
        let due = stored_keys(kind, item).flatten().filter(needs_call);
        let call = |part: StoredKey<'_>| {
            let pairs = key_context(kind, item, part.group).ok()?.encryption_context();
            if pairs.form() != ContextForm::Table {
                return Some(KmsCall::Own);
            }
            let mut hasher = DefaultHasher::new();
            (part.bytes, pairs).hash(&mut hasher);
            Some(KmsCall::Shared(hasher.finish()))
        };
        Some(due.filter_map(call).collect())
    }

    fn update<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
        calls: &'s Calls<'_>,
    ) -> BoxFuture<'s, Result<Change, Error>> {
        async move { self.moved(table, item, calls).await.map(Change::from) }.boxed()
    }
}

impl Rewrap {
    pub(crate) fn new(kms: KmsClient, from: String, to: String) -> Self {
        Self {
            from: KmsKeyProvider::new(kms.clone(), from),
            to: KmsKeyWrapper::new(kms, to),
            hints: None,
            shared: Mutex::default(),
        }
    }

    fn judge(&self, table: &StoredTable, item: &Item) -> Result<Standing, Error> {
        if table.is_unprotected(item)? {
            return Ok(Standing::OtherEntity);
        }
        if !item.contains_key(ENCRYPTED_DEK) {
            return Ok(Standing::NotSealed);
        }
        let kind = table.kind_of(item)?;
        let (mut is_due, mut is_other) = (false, false);
        for part in stored_keys(kind, item) {
            let part = part.map_err(|problem| Error::new(record_id(kind, item), problem))?;
            match self.standing_of(&part.dek) {
                KeyStanding::Due => is_due = true,
                KeyStanding::Already => {}
                KeyStanding::Other => is_other = true,
            }
        }
        Ok(match (is_due, is_other) {
            (true, _) => Standing::Due,
            (false, true) => Standing::OtherKey,
            (false, false) => Standing::Already,
        })
    }

    fn standing_of(&self, dek: &EncryptedDek) -> KeyStanding {
        match self.hints {
            Some([from, to]) => standing(dek, from, to),
            None => KeyStanding::Other,
        }
    }

    async fn moved(
        &self,
        table: &StoredTable,
        item: &Item,
        calls: &Calls<'_>,
    ) -> Result<Update, Error> {
        let kind = table.kind_of(item)?;
        let fail = |problem: ErrorKind| Error::new(record_id(kind, item), problem);
        let mut update = Update::default();
        for part in stored_keys(kind, item) {
            let part = part.map_err(fail)?;
            if self.standing_of(&part.dek) != KeyStanding::Due {
                continue;
            }
            let context = key_context(kind, item, part.group).map_err(fail)?;
            let new = self.wrapped_again(&part, &context, calls).await.map_err(fail)?;
            let old = AttributeValue::B(Blob::new(part.bytes));
            update.expected.push((part.attribute.clone(), Expected::Value(old)));
            update.set.push((part.attribute, AttributeValue::B(Blob::new(new))));
        }
        Ok(update)
    }

    /// The wrapped key under the new KMS key. Records with the same wrapped key and context have
    /// the same data key, and share a call.
    async fn wrapped_again(
        &self,
        part: &StoredKey<'_>,
        context: &Context<'_>,
        calls: &Calls<'_>,
    ) -> Result<Vec<u8>, ErrorKind> {
        let pairs = context.encryption_context();
        // In the other forms, each record has a context of its own.
        if pairs.form() != ContextForm::Table {
            return self.re_encrypt(part, context, calls).await;
        }
        let cell = self.shared_key((part.bytes.to_vec(), pairs));
        let moved = cell.get_or_try_init(|| self.re_encrypt(part, context, calls)).await?;
        Ok(moved.clone())
    }

    fn shared_key(&self, key: (Vec<u8>, EncryptionContext)) -> SharedKey {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.len() >= SHARED_KEYS && !shared.contains_key(&key) {
            shared.clear();
        }
        Arc::clone(shared.entry(key).or_default())
    }

    async fn re_encrypt(
        &self,
        part: &StoredKey<'_>,
        context: &Context<'_>,
        calls: &Calls<'_>,
    ) -> Result<Vec<u8>, ErrorKind> {
        // The old entry of a key that the new KMS key wraps as well is dropped without a call.
        if !self.hints.is_some_and(|[_, to]| names(&part.dek, to)) {
            calls.kms().await;
        }
        Ok(self.from.rewrap(part.bytes, context, &self.to, context).await?)
    }
}
