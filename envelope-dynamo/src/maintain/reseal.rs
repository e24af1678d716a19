//! Gives the records of a whole table new data keys.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Content, Context, EncryptedDek, OpenError, Plaintext, SealError, Sealed, UnwrapKey, WrapKey,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::item::context::context;
use crate::item::group::{Group, group_context, open_group, take_group};
use crate::item::layout::{dek_attribute, payload_attribute};
use crate::item::open_own::{OpenedPayload, open_own, take_sealed};
use crate::item::pending_item::insert;
use crate::maintain::engine::error::RunErrorKind;
use crate::maintain::engine::part::Part;
use crate::maintain::engine::run::Run;
use crate::maintain::engine::step::{Calls, Change, Standing, Step};
use crate::maintain::engine::update::Update;
use crate::maintain::sealed_again::{
    check_size, count_unwrap, is_for_others, seal, sealed_kind, update_to,
};
use crate::maintain::stored_keys::{StoredKey, stored_keys};
use crate::maintain::stored_table::{StoredTable, key_context};
use crate::maintain::target::Target;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, RESERVED};

impl StoredTable {
    /// Gives records a new data key of the provider `to`: from another kind of provider, from the
    /// active version of their branch, or after a suspected leak.
    ///
    /// `from` opens each record that is due by `target`, and `to` seals the same bytes again.
    /// Names, values and the list of authenticated attributes stay the same, and readable
    /// attributes do not change. A group that `from` may not open stays as it is, under its old
    /// data key.
    ///
    /// Each record is changed by one update, on condition that its payloads and all that they are
    /// bound to are as they were read. `#[version]` and `#[updated]` fields do not count the run:
    /// no value of the record has changed.
    ///
    /// | counted as | the record |
    /// |---|---|
    /// | `already` | has all its wrapped keys where `target` wants them |
    /// | `other_key` | is due, but `from` has no key for it, or only for parts that are done |
    /// | `failed` | does not open, or not seal; it stays as it is, and is reported by name |
    ///
    /// `kms_calls` counts the calls to providers for records whose headers name KMS keys. Caches in
    /// the providers can make the true number smaller.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use envelope_dynamo::keys::CacheLimits;
    /// use envelope_dynamo::maintain::{SchemaFile, StoredTable, Target};
    /// use envelope_dynamo::{BranchKeyTable, HierarchicalKeyProvider, KmsKeyProvider};
    ///
    /// let schema: SchemaFile = std::fs::read_to_string("envelope.schema.json")?.parse()?;
    /// let table = StoredTable::new(dynamodb.clone(), &schema, "users")?.named("prod-users");
    /// let keys = KmsKeyProvider::new(kms, "alias/branch-keys");
    /// let keys = BranchKeyTable::new(dynamodb, "branch-keys", keys);
    /// let limits = CacheLimits::new(Duration::from_secs(60));
    /// let branches = Arc::new(HierarchicalKeyProvider::per_table(keys, limits));
    /// let target = Target::active_branch_version(branches.clone());
    /// let counts = table.reseal(branches.clone(), branches, target).send().await?;
    /// assert_eq!((counts.other_key, counts.failed), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// This process sees every record that is due. It needs `dynamodb:Scan` of whole items,
    /// `dynamodb:UpdateItem`, `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`,
    /// and what `from` needs to unwrap and `to` to generate data keys.
    ///
    /// Copies of the old records (backups, streams) still open with the old keys. Groups that the
    /// schema file does not know stay under the old key, unseen.
    pub fn reseal<'a>(
        &'a self,
        from: impl UnwrapKey + 'a,
        to: impl WrapKey + 'a,
        target: Target,
    ) -> Run<'a> {
        Run::new(self, Reseal { from, to, target })
    }
}

/// The step of [`StoredTable::reseal`].
#[derive(Debug)]
struct Reseal<F, T> {
    from: F,
    to: T,
    target: Target,
}

impl<F: UnwrapKey, T: WrapKey> Step for Reseal<F, T> {
    fn prepare<'s>(
        &'s mut self,
        _: &'s StoredTable,
        part: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>> {
        self.target.prepare(part).boxed()
    }

    /// Payloads name the attributes that they are bound to, so all are read.
    fn attributes(&self, _: &StoredTable) -> Option<Vec<String>> {
        None
    }

    fn standing<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Standing, Error>> {
        async move {
            let kind = match sealed_kind(table, item)? {
                Ok(kind) => kind,
                Err(standing) => return Ok(standing),
            };
            let standing = self.judge(kind, item).await;
            standing.map_err(|problem| Error::new(record_id(kind, item), problem))
        }
        .boxed()
    }

    fn update<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
        calls: &'s Calls<'_>,
    ) -> BoxFuture<'s, Result<Change, Error>> {
        async move {
            let kind = table.kind_of(item)?;
            let update = Resealing { step: self, kind, item, calls }.update().await;
            update.map(Change::from).map_err(|problem| Error::new(record_id(kind, item), problem))
        }
        .boxed()
    }
}

impl<F, T> Reseal<F, T> {
    async fn judge(&self, kind: &Kind, item: &Item) -> Result<Standing, ErrorKind> {
        // Refuses a record that lacks its payload or its key.
        take_sealed(&mut RESERVED.iter().filter_map(|name| entry(item, name)).collect())?;
        for key in stored_keys(kind, item) {
            if !self.is_done(kind, item, &key?).await? {
                return Ok(Standing::Due);
            }
        }
        Ok(Standing::Already)
    }

    async fn is_done(
        &self,
        kind: &Kind,
        item: &Item,
        key: &StoredKey<'_>,
    ) -> Result<bool, ErrorKind> {
        let context = key_context(kind, item, key.group)?.encryption_context();
        Ok(self.target.is_reached(&key.dek, &context).await.map_err(SealError::Key)?)
    }
}

/// One record that is sealed again.
struct Resealing<'r, F, T> {
    step: &'r Reseal<F, T>,
    kind: &'r Kind,
    item: &'r Item,
    calls: &'r Calls<'r>,
}

impl<F: UnwrapKey, T: WrapKey> Resealing<'_, F, T> {
    /// The update of the record; an empty one if `from` has no key for what is due.
    async fn update(&self) -> Result<Update, ErrorKind> {
        let (mut due_groups, mut own_is_due) = (BTreeSet::new(), false);
        for key in stored_keys(self.kind, self.item) {
            let key = key?;
            if self.step.is_done(self.kind, self.item, &key).await? {
                continue;
            }
            match key.group {
                None => own_is_due = true,
                Some(group) => {
                    due_groups.insert(group);
                }
            }
        }
        let mut rest = self.item.clone();
        count_unwrap(self.item, ENCRYPTED_DEK, self.calls).await;
        let opened = match open_own(self.kind, &mut rest, &self.step.from).await {
            Err(error) if is_for_others(&error) => return Ok(Update::default()),
            opened => opened?,
        };
        let groups = self.open_groups(&mut rest, &due_groups, &opened.authenticated).await?;
        if !own_is_due && groups.is_empty() {
            return Ok(Update::default());
        }
        let new = self.sealed(&opened, groups).await?;
        let bound = opened.authenticated.iter().map(String::as_str);
        let update = update_to(self.kind, self.item, &new, bound);
        update.check_length()?;
        Ok(update)
    }

    /// Opens the groups that are due and that `from` may open. The others are checked as far as
    /// that is possible without their keys.
    async fn open_groups(
        &self,
        rest: &mut Item,
        due: &BTreeSet<&str>,
        authenticated: &[String],
    ) -> Result<Vec<(&'static str, Plaintext)>, ErrorKind> {
        let mut opened = Vec::new();
        for group in self.kind.schema.groups() {
            if !due.contains(group) {
                take_group(rest, group, authenticated)?;
                continue;
            }
            count_unwrap(self.item, &dek_attribute(group), self.calls).await;
            let from = &self.step.from;
            if let Some(Group::Opened(plaintext)) =
                open_group(self.kind, rest, group, authenticated, from).await?
            {
                opened.push((group, plaintext));
            }
        }
        Ok(opened)
    }

    /// The item with new payloads and data keys.
    async fn sealed(
        &self,
        opened: &OpenedPayload,
        groups: Vec<(&'static str, Plaintext)>,
    ) -> Result<Item, ErrorKind> {
        let mut new = self.item.clone();
        for (group, plaintext) in groups {
            let sealed = {
                let context = group_context(self.kind, &new, group)?;
                self.seal(&plaintext, Content::Group, &context).await?
            };
            insert(&mut new, [payload_attribute(group), dek_attribute(group)], sealed);
        }
        // The record's own payload is sealed last: it is bound to the payloads of the groups.
        let sealed = {
            let names = opened.authenticated.iter().map(String::as_str);
            let context = context(self.kind, &new, names)?;
            self.seal(&opened.plaintext, Content::Record, &context).await?
        };
        insert(&mut new, RESERVED.map(str::to_owned), sealed);
        check_size(&new)?;
        Ok(new)
    }

    async fn seal(
        &self,
        plaintext: &Plaintext,
        content: Content,
        context: &Context<'_>,
    ) -> Result<Sealed, ErrorKind> {
        let target = &self.step.target;
        if target.is_of_kms() {
            self.calls.kms().await;
        }
        let sealed = seal(plaintext, content, context, &self.step.to).await?;
        let dek = EncryptedDek::parse(&sealed.encrypted_dek).map_err(OpenError::Format)?;
        let reached = target.is_reached(&dek, &context.encryption_context()).await;
        match reached.map_err(SealError::Key)? {
            true => Ok(sealed),
            false => Err(SealError::Key(target.not_reached(&dek)).into()),
        }
    }
}

fn entry(item: &Item, name: &str) -> Option<(String, AttributeValue)> {
    Some((name.to_owned(), item.get(name)?.clone()))
}
