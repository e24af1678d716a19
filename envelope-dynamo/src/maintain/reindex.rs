//! Gives the records of a whole table the search tags that writers compute now.

mod fields;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use envelope_core::{EncryptedDek, OpenError, Sealed, UnwrapKey, WrapKey};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::item::context::context;
use crate::item::group::{Group, open_group, take_group, unknown_groups};
use crate::item::layout::dek_attribute;
use crate::item::open_own::{open_own, take_sealed};
use crate::item::pending_item::insert;
use crate::item::search_tags::has_tags;
use crate::item::size::item_bytes;
use crate::keys::SearchKeys;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::maintain::engine::error::{Refusal, RunErrorKind};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::run::Run;
use crate::maintain::engine::step::{Calls, Change, KmsCall, Rehearsed, Standing, Step};
use crate::maintain::engine::update::Update;
use crate::maintain::reindex::fields::Fields;
use crate::maintain::sealed_again::{
    check_size, count_unwrap, is_for_others, sealed_kind, update_to,
};
use crate::maintain::stored_keys::{asks_kms, kms_calls};
use crate::maintain::stored_table::StoredTable;
use crate::maintain::tag_state::{TagState, tag_states};
use crate::record::item_key::record_id;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;
use crate::record::schema::{ENCRYPTED_DEK, RESERVED};
use crate::record::search_tag::{SearchTag, is_search_tag};

impl StoredTable {
    /// Gives records the search tags that writers compute now with `keys`: after a search key was
    /// rotated, or after fields became searchable.
    ///
    /// `from` opens each record that is due. Its tags are computed from its sealed fields, and from
    /// readable ones where a tag has some. `to` seals the same values again, with the new tags. No
    /// value changes. Groups stay as they are. No older search key is needed.
    ///
    /// A field of a tag whose value stands under an alias moves to its present name, as `modify`
    /// and a backfill move it. A program that knows only the alias does not see the value any
    /// more, so run this when no such program is left.
    ///
    /// A record is due if it does not list one of its tags (it was written before the mark), or if
    /// one is of another generation than writers use. Which generation a tag has can be seen
    /// without a key, so a record with current tags is not opened.
    ///
    /// Each record is changed by one update, on condition that its payload and all that it is bound
    /// to are as they were read. `#[version]` and `#[updated]` fields do not count the run.
    ///
    /// | counted as | the record |
    /// |---|---|
    /// | `already` | has current tags, or lists a tag that it does not have since the value is absent; and has the claims of its unique values |
    /// | `other_entity` | is of a type without search tags |
    /// | `other_key` | is due, but `from` has no key for it, or none for a group that has to be opened |
    /// | `failed` | does not open or not seal, has a field of a tag in plaintext, in a group or under two names, or has a unique value that another record has; it stays as it is |
    ///
    /// Groups are opened only in records of which a field of an unlisted tag has no value outside of
    /// groups and no mark that it has none, or has to move. An older struct may have had it in a
    /// group. A backfill moves it from there. A dry run does not count the keys of groups. A record
    /// with a group that the schema does not have counts as `other_key`.
    ///
    /// With unique fields, it needs [`with_claims`](Self::with_claims). A record whose values are
    /// not claimed is due, too: this also claims the values of records that were written before
    /// a field became unique. The update and the claims are one transaction.
    ///
    /// During a rotation, run it after [`retire_from`](crate::keys::SearchBranch::retire_from):
    /// from then on no process writes tags of the older version.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
    /// use envelope_dynamo::maintain::{SchemaFile, StoredTable};
    /// use envelope_dynamo::KmsKeyProvider;
    ///
    /// let schema: SchemaFile = std::fs::read_to_string("envelope.schema.json")?.parse()?;
    /// let table = StoredTable::new(dynamodb.clone(), &schema, "users")?.named("prod-users");
    /// let store = KmsKeyProvider::new(kms.clone(), "alias/search-keys");
    /// let keys = SearchKeys::per_table(SearchKeyTable::new(dynamodb, "search-keys", store));
    /// let records = || KmsKeyProvider::new(kms.clone(), "alias/users");
    /// let counts = table.reindex(records(), records(), &keys).send().await?;
    /// assert_eq!((counts.other_key, counts.failed), (0, 0));
    /// assert!(table.stale(&keys).send().await?.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The run fails before it begins if no type of the table has search tags, and if the search
    /// keys cannot be read.
    ///
    /// # Security
    ///
    /// This process sees every record that is due, and holds the search key. It needs
    /// `dynamodb:Scan` of whole items, `dynamodb:UpdateItem`, `dynamodb:DescribeTable` and
    /// `dynamodb:DescribeContinuousBackups`, what `from` needs to unwrap and `to` to generate data
    /// keys, and what reading search keys needs.
    ///
    /// A tag that somebody added to a record which does not list it is replaced. A record whose
    /// listed tag was changed does not open: it fails if the tag names another generation, and is
    /// not looked at if it names the current one. Readers do not open such a record either.
    ///
    /// After a leak of a search key, the new tags protect what is written later: whoever has the
    /// old key and an old copy of the table links the old values to the new tags by primary
    /// key.
    pub fn reindex<'a>(
        &'a self,
        from: impl UnwrapKey + 'a,
        to: impl WrapKey + 'a,
        keys: &SearchKeys,
    ) -> Run<'a> {
        Run::new(self, Reindex { from, to, keys: keys.clone(), calls_of_to: AtomicUsize::new(1) })
    }
}

/// The step of [`StoredTable::reindex`].
#[derive(Debug)]
struct Reindex<F, T> {
    from: F,
    to: T,
    keys: SearchKeys,
    /// The calls to KMS that the last data key took; one as long as none was made.
    calls_of_to: AtomicUsize,
}

impl<F: UnwrapKey, T: WrapKey> Step for Reindex<F, T> {
    fn prepare<'s>(
        &'s mut self,
        table: &'s StoredTable,
        _: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>> {
        async move {
            require_tags(table)?;
            table.require_claims()?;
            self.keys.prefetch(table.logical()).await?;
            Ok(())
        }
        .boxed()
    }

    fn is_of_types(&self) -> bool {
        true
    }

    /// Payloads name the attributes that they are bound to, so all are read.
    fn attributes(&self, _: &StoredTable) -> Option<Vec<String>> {
        None
    }

    fn changed_attributes(&self, table: &StoredTable) -> Vec<String> {
        tag_attributes(table)
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
            let standing = self.judge(table, kind, item).await;
            standing.map_err(|problem| Error::new(record_id(kind, item), problem))
        }
        .boxed()
    }

    fn rehearse<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Rehearsed, Error>> {
        let rehearsed = table.kind_of(item).and_then(|kind| {
            let rehearsed = rehearsed(kind, item);
            rehearsed.map_err(|problem| Error::new(record_id(kind, item), problem))
        });
        std::future::ready(rehearsed).boxed()
    }

    fn update<'s>(
        &'s self,
        table: &'s StoredTable,
        item: &'s Item,
        calls: &'s Calls<'_>,
    ) -> BoxFuture<'s, Result<Change, Error>> {
        async move {
            let kind = table.kind_of(item)?;
            let update = self.reindexed(kind, item, calls).await;
            update.map(Change::from).map_err(|problem| Error::new(record_id(kind, item), problem))
        }
        .boxed()
    }
}

impl<F: UnwrapKey, T: WrapKey> Reindex<F, T> {
    async fn live(&self, kind: &Kind) -> Result<Arc<LiveSearchKeys>, ErrorKind> {
        self.keys.live(kind.table).await.map_err(|error| DataKeyError::Search(error).into())
    }

    async fn judge(
        &self,
        table: &StoredTable,
        kind: &Kind,
        item: &Item,
    ) -> Result<Standing, ErrorKind> {
        if !has_tags(kind.schema) {
            return Ok(Standing::OtherEntity);
        }
        // Refuses a record that lacks its payload or its key.
        take_sealed(&mut sealed_attributes(item))?;
        let live = self.live(kind).await?;
        let is_current = |(_, tag, state): (_, SearchTag, TagState)| {
            state.is_current(live.tag_key().generation(kind.table, tag))
        };
        let is_current = tag_states(kind, item)?.all(is_current);
        Ok(match is_current && self.is_claimed(table, kind, item).await? {
            true => Standing::Already,
            false => Standing::Due,
        })
    }

    /// Whether the record has the claims of its unique values, under the tags that it carries.
    async fn is_claimed(
        &self,
        table: &StoredTable,
        kind: &Kind,
        item: &Item,
    ) -> Result<bool, ErrorKind> {
        let Some(claims) = table.claims(kind) else { return Ok(true) };
        let own = KeyIdentity::in_schema(kind.schema, item)?;
        for (field, _) in kind.schema.unique_tags() {
            let Some(tag) = item.get(field.name) else { continue };
            let owner = claims.owner(tag, &record_id(kind, item)).await;
            let owner = owner.map_err(Error::into_kind)?;
            let owner =
                owner.map(|owner| KeyIdentity::in_schema(kind.schema, &owner)).transpose()?;
            if owner.is_none_or(|owner| owner != own) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The update of the record; an empty one if `from` has no key for it.
    async fn reindexed(
        &self,
        kind: &Kind,
        item: &Item,
        calls: &Calls<'_>,
    ) -> Result<Update, ErrorKind> {
        let mut rest = item.clone();
        count_unwrap(item, ENCRYPTED_DEK, calls).await;
        let opened = match open_own(kind, &mut rest, &self.from).await {
            Err(error) if is_for_others(&error) => return Ok(Update::default()),
            opened => opened?,
        };
        let mut fields = Fields::new(kind, item, &opened)?;
        let are_out_of_groups = fields.are_out_of_groups(kind.schema);
        if !are_out_of_groups && !unknown_groups(kind.schema, &opened.authenticated).is_empty() {
            return Ok(Update::default());
        }
        for group in kind.schema.groups() {
            if are_out_of_groups {
                // Groups are checked as far as that is possible without their keys.
                take_group(&mut rest, group, &opened.authenticated)?;
                continue;
            }
            count_unwrap(item, &dek_attribute(group), calls).await;
            match open_group(kind, &mut rest, group, &opened.authenticated, &self.from).await? {
                Some(Group::Opened(plaintext)) => fields.check_not_in(&plaintext, kind.schema)?,
                Some(Group::Withheld) => return Ok(Update::default()),
                None => {}
            }
        }
        let live = self.live(kind).await?;
        let unique = fields.set_tags(kind, live.tag_key())?;
        let sealed = self.seal(kind, &fields, calls).await?;
        let Fields { item: mut new, bound, .. } = fields;
        insert(&mut new, RESERVED.map(str::to_owned), sealed);
        check_size(&new)?;
        let was_bound = opened.authenticated.iter().map(String::as_str);
        let update = Update { unique, ..update_to(kind, item, &new, was_bound.chain(bound)) };
        update.check_length()?;
        Ok(update)
    }

    async fn seal(
        &self,
        kind: &Kind,
        fields: &Fields<'_>,
        calls: &Calls<'_>,
    ) -> Result<Sealed, ErrorKind> {
        let expected = self.calls_of_to.load(Ordering::Relaxed);
        for _ in 0..expected {
            calls.pace_kms().await;
        }
        let context = context(kind, &fields.item, fields.bound.iter().copied())?;
        let sealed = match fields.seal(&context, &self.to).await {
            Ok(sealed) => sealed,
            Err(error) => {
                calls.count_kms(if matches!(error, ErrorKind::Key(_)) { expected } else { 0 });
                return Err(error);
            }
        };
        let dek = EncryptedDek::parse(&sealed.encrypted_dek).map_err(OpenError::Format)?;
        let made = kms_calls(&dek).unwrap_or_default();
        self.calls_of_to.store(made, Ordering::Relaxed);
        calls.count_kms(made);
        Ok(sealed)
    }
}

/// What the change of a record costs. It is not opened.
fn rehearsed(kind: &Kind, item: &Item) -> Result<Rehearsed, ErrorKind> {
    let added = tag_states(kind, item)?
        .filter(|(_, _, state)| *state == TagState::Unlisted)
        // The name stands in the item and in the payload's list.
        .map(|(field, ..)| 2 * field.name.len() + envelope_core::search::TAG_BYTES);
    let bytes = item_bytes(item) + added.sum::<usize>();
    let (_, dek) = take_sealed(&mut sealed_attributes(item))?;
    let dek = EncryptedDek::parse(&dek).map_err(OpenError::Format)?;
    // A new data key takes as many calls as the old one, as long as it is of the same kind.
    let calls = usize::from(asks_kms(&dek)) + kms_calls(&dek).unwrap_or_default();
    let kms_calls = Some(vec![KmsCall::Own; calls]);
    Ok(Rehearsed { standing: Standing::Due, bytes: Some(bytes as u64), kms_calls })
}

/// Payload and wrapped key, if the item has them.
fn sealed_attributes(item: &Item) -> Item {
    let entry = |name: &&str| Some(((*name).to_owned(), item.get(*name)?.clone()));
    RESERVED.iter().filter_map(entry).collect()
}

/// The attributes of all search tags of the table's types.
pub(crate) fn tag_attributes(table: &StoredTable) -> Vec<String> {
    let tags = table.kinds().iter().flat_map(|kind| kind.schema.search_tags());
    let mut names: Vec<_> = tags.map(|(field, _)| field.name.to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    debug_assert!(names.iter().all(|name| is_search_tag(name)));
    names
}

/// Refuses a table none of whose types has search tags.
pub(crate) fn require_tags(table: &StoredTable) -> Result<(), Refusal> {
    if table.kinds().iter().any(|kind| has_tags(kind.schema)) {
        return Ok(());
    }
    let problem = format!(
        "no record type of the table `{}` has search tags in the schema file: name another table, \
         or write the schema file again",
        table.logical()
    );
    Err(Refusal::Setting { problem })
}
