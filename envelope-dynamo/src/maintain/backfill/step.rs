//! The step of a backfill: which items are due, and the update that seals one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Clock, EncryptedDek, KeyError, KeyErrorKind, OpenError, UntrustedPayload, UnwrapKey, WrapKey,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::item::layout::is_sealed;
use crate::item::modify_record::PlannedModification;
use crate::item::open::open_payloads;
use crate::item::open_own::take_sealed;
use crate::item::plaintext::is_plaintext;
use crate::item::search_tags::has_tags;
use crate::keys::SearchKeys;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::maintain::backfill::change::{update_of_converted, update_of_modification};
use crate::maintain::backfill::conversion::{Reader, Reading, Unread};
use crate::maintain::backfill::out_of_place::is_out_of_place;
use crate::maintain::backfill::record_type::RecordType;
use crate::maintain::backfill::rehearsal::{StandIn, kms_calls_of, rehearsed, rehearsed_resealing};
use crate::maintain::engine::error::{Refusal, RunErrorKind};
use crate::maintain::engine::part::Part;
use crate::maintain::engine::step::{self, Calls, Change, Rehearsed, Standing};
use crate::maintain::engine::update::Update;
use crate::maintain::stored_keys::{asks_kms, stored_keys};
use crate::maintain::stored_table::StoredTable;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_PAYLOAD;

const NOT_OURS: DataError = DataError::Malformed(
    "the item has attributes of this library's names, but no sealed record: another program wrote \
     them, or they were damaged (`Table::backfill_from` reads items of another program)",
);

/// The step of a [`Backfill`](crate::maintain::Backfill).
pub(crate) struct Step {
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// All kinds of record that the table may hold.
    kinds: Vec<Kind>,
    /// Those that the run seals.
    types: Vec<Box<dyn RecordType>>,
    readers: Vec<Reader>,
    problem: Option<String>,
    /// The calls to KMS that the last data key took; one as long as none was made.
    calls_for_key: AtomicUsize,
    stand_in: StandIn,
}

/// The keys of a backfill.
pub(crate) struct Keys {
    pub(crate) wrap: Arc<dyn WrapKey>,
    /// `None` if this process may not open records.
    pub(crate) unwrap: Option<Arc<dyn UnwrapKey>>,
    pub(crate) search: Option<SearchKeys>,
}

impl Step {
    pub(crate) fn new(
        keys: Keys,
        clock: Arc<dyn Clock>,
        kinds: Vec<Kind>,
        types: Vec<Box<dyn RecordType>>,
        readers: Vec<Reader>,
        problem: Option<String>,
    ) -> Self {
        let stand_in = StandIn::new(Arc::clone(&keys.wrap));
        let calls_for_key = AtomicUsize::new(1);
        Self { keys, clock, kinds, types, readers, problem, calls_for_key, stand_in }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backfill").field("entities", &self.types).finish_non_exhaustive()
    }
}

impl step::Step for Step {
    fn prepare<'s>(
        &'s mut self,
        table: &'s StoredTable,
        _: Part,
    ) -> BoxFuture<'s, Result<(), RunErrorKind>> {
        let problem = self.problem.clone().or_else(|| self.no_search_keys());
        let refused = problem.map(|problem| Refusal::Setting { problem });
        let checked = refused.map_or_else(|| table.require_claims(), Err);
        std::future::ready(checked.map_err(RunErrorKind::from)).boxed()
    }

    fn is_of_types(&self) -> bool {
        true
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
    ) -> BoxFuture<'s, Result<Change, Error>> {
        async move {
            match self.planned(item, Some(calls)).await? {
                Ok(planned) => planned.update(self, item, calls).await.map(Change::Update),
                Err(standing) => Ok(Change::Is(standing)),
            }
        }
        .boxed()
    }

    fn rehearse<'s>(
        &'s self,
        _: &'s StoredTable,
        item: &'s Item,
    ) -> BoxFuture<'s, Result<Rehearsed, Error>> {
        async move {
            if is_sealed(item) {
                if self.keys.unwrap.is_none() {
                    return Err(self.error(item, cannot_open()));
                }
                let (kind, fail) = (self.kind(item)?, |problem| self.error(item, problem));
                return rehearsed_resealing(&kind, item, &self.stand_in).await.map_err(fail);
            }
            match self.planned(item, None).await? {
                Ok(planned) => {
                    let update = planned.sealed(self, item, &self.stand_in).await?;
                    Ok(rehearsed(item, &update))
                }
                Err(standing) => Ok(Rehearsed::is(standing)),
            }
        }
        .boxed()
    }
}

/// A change that lacks its data keys.
enum Planned {
    Modification(Box<PlannedModification>),
    Converted(Box<Reading>),
}

impl Planned {
    const fn data_keys(&self) -> usize {
        match self {
            Self::Modification(planned) => planned.data_keys(),
            Self::Converted(reading) => reading.record.data_keys(),
        }
    }

    /// The update, with data keys of the step's provider, whose calls are counted.
    async fn update(self, step: &Step, item: &Item, calls: &Calls<'_>) -> Result<Update, Error> {
        let expected = self.data_keys() * step.calls_for_key.load(Ordering::Relaxed);
        for _ in 0..expected {
            calls.pace_kms().await;
        }
        let data_keys = self.data_keys();
        let update = match self.sealed(step, item, &*step.keys.wrap).await {
            Ok(update) => update,
            Err(error) => {
                calls.count_kms(if error.key_error().is_some() { expected } else { 0 });
                return Err(error);
            }
        };
        let found = kms_calls_of(&update).unwrap_or_default();
        step.calls_for_key.store(found.div_ceil(data_keys), Ordering::Relaxed);
        calls.count_kms(found);
        Ok(update)
    }

    async fn sealed(self, step: &Step, item: &Item, wrap: &dyn WrapKey) -> Result<Update, Error> {
        let update = match self {
            Self::Modification(planned) => update_of_modification(planned.seal(item, wrap).await?),
            Self::Converted(mut reading) => {
                let mut unique = Vec::new();
                if let Some(keys) = step.search_keys(reading.record.kind()).await {
                    let keys = keys.map_err(|problem| step.error(item, problem))?;
                    reading.record.add_search_tags(keys.tag_key())?;
                    unique = reading.record.unique_values(keys.tag_key())?;
                }
                update_of_converted(*reading, item, &step.kinds, unique, wrap).await?
            }
        };
        update.check_length().map_err(|problem| step.error(item, problem))?;
        Ok(update)
    }
}

impl Step {
    fn judge(&self, item: &Item) -> Result<Standing, Error> {
        if let Some(kind) = Kind::unprotected_of(&self.kinds, item) {
            return match kind.sealed_nevertheless(item) {
                None => Ok(Standing::OtherEntity),
                Some(problem) => Err(self.error(item, problem)),
            };
        }
        match (is_sealed(item), self.readers.is_empty()) {
            (true, _) => self.sealed_standing(item),
            // Only the reader knows.
            (false, false) => Ok(Standing::Due),
            (false, true) => self.plain_standing(item),
        }
    }

    /// The types of this run that the item can be, by its keys and its entity type.
    fn types_of(&self, item: &Item) -> impl Iterator<Item = &dyn RecordType> {
        let types = self.types.iter().map(|ty| &**ty);
        types.filter(|ty| ty.kind().mismatch(item).is_none())
    }

    fn sealed_standing(&self, item: &Item) -> Result<Standing, Error> {
        let mut standing = Standing::OtherEntity;
        for ty in self.types_of(item) {
            let is_due = is_out_of_place(ty.kind(), item);
            standing = match is_due.map_err(|problem| self.error(item, problem))? {
                true => {
                    self.kind(item)?;
                    return Ok(Standing::Due);
                }
                false => Standing::Already,
            };
        }
        Ok(standing)
    }

    /// Where an item stands that is not sealed and that no reader takes.
    fn plain_standing(&self, item: &Item) -> Result<Standing, Error> {
        let is_read = |ty: &dyn RecordType| {
            self.readers.iter().any(|reader| reader.entities.contains(&ty.kind().name))
        };
        let mut types = self.types_of(item).peekable();
        // No reader has taken it; so it must not be a record of ours that lost its wrapped key.
        if types.peek().is_some() && has_our_payload(item) {
            return Err(self.error(item, damaged(item)));
        }
        if types.all(is_read) {
            return Ok(Standing::OtherEntity);
        }
        if !is_plaintext(item) {
            return Err(self.error(item, damaged(item)));
        }
        self.kind(item)?;
        Ok(Standing::Due)
    }

    /// The one kind of record that the item is.
    fn kind(&self, item: &Item) -> Result<Kind, Error> {
        let matching: Vec<_> = Kind::matching(&self.kinds, item).map(|(_, kind)| kind).collect();
        match matching.as_slice() {
            [kind] => Ok(**kind),
            several => {
                let entities = several.iter().map(|kind| kind.name).collect();
                Err(self.error(item, DataError::SeveralEntities { entities }))
            }
        }
    }

    fn error(&self, item: &Item, problem: impl Into<ErrorKind>) -> Error {
        Error::new(id(&self.kinds, item), problem)
    }

    /// The change of an item that is due, or where it stands after all.
    async fn planned(
        &self,
        item: &Item,
        calls: Option<&Calls<'_>>,
    ) -> Result<Result<Planned, Standing>, Error> {
        let opened = if is_sealed(item) {
            let (kind, mut rest) = (self.kind(item)?, item.clone());
            let Some(unwrap) = &self.keys.unwrap else {
                return Err(self.error(item, cannot_open()));
            };
            if let Some(calls) = calls {
                count_unwraps(&kind, item, calls).await;
            }
            let opened = open_payloads(&kind, &mut rest, &**unwrap).await;
            Some(opened.map_err(|problem| self.error(item, problem))?)
        } else {
            for reader in &self.readers {
                match reader.read(item).await {
                    Ok(None) => {}
                    Ok(Some(reading)) => return Ok(Ok(Planned::Converted(Box::new(reading)))),
                    Err(Unread::Named(error)) => return Err(error),
                    Err(Unread::Unnamed(problem)) => return Err(self.error(item, problem)),
                }
            }
            match self.plain_standing(item)? {
                Standing::Due => None,
                standing => return Ok(Err(standing)),
            }
        };
        let kind = self.kind(item)?;
        let Some(ty) = self.types.iter().find(|ty| ty.kind().name == kind.name) else {
            return Ok(Err(Standing::OtherEntity));
        };
        let (keys, no_keys) = match self.search_keys(&kind).await.transpose() {
            Ok(keys) => (keys, None),
            Err(no_keys) => (None, Some(no_keys)),
        };
        let key = no_keys.map_or_else(|| Ok(keys.as_deref().map(LiveSearchKeys::tag_key)), Err);
        let planned = ty.plan(item, opened, self.clock.system_time(), key)?;
        Ok(planned.map(Box::new).map(Planned::Modification).ok_or(Standing::Already))
    }
}

impl Step {
    /// What is wrong with a run that seals records with search tags and has no search keys.
    fn no_search_keys(&self) -> Option<String> {
        let mut kinds = self.types.iter().map(|ty| ty.kind());
        let kind = kinds.find(|kind| has_tags(kind.schema))?;
        self.keys.search.is_none().then(|| {
            format!(
                "`{}` has searchable fields, and the table of this backfill has no search keys: \
                 give it its keys with `Table::with_search_keys` (the command: \
                 `--search-kms-key`)",
                kind.name
            )
        })
    }

    /// The search keys for records of this kind; `None` if they have no search tags.
    async fn search_keys(&self, kind: &Kind) -> Option<Result<Arc<LiveSearchKeys>, ErrorKind>> {
        let keys = self.keys.search.as_ref().filter(|_| has_tags(kind.schema))?;
        let live = keys.live(kind.table).await;
        Some(live.map_err(|error| DataKeyError::Search(error).into()))
    }
}

/// The record in errors: by the kind that it is, if that is known.
fn id(kinds: &[Kind], item: &Item) -> RecordId {
    let mut matching = Kind::matching(kinds, item).map(|(_, kind)| kind);
    match (matching.next(), matching.next(), kinds) {
        (Some(kind), None, _) | (_, _, [kind]) => record_id(kind, item),
        (_, _, [first, others @ ..]) if others.iter().all(|kind| kind.form == first.form) => {
            record_id(first, item)
        }
        (_, _, kinds) => RecordId::of_table(kinds.first().map_or("", |kind| kind.table)),
    }
}

/// Whether the item has a payload of this library's layout, with whatever wrapped key.
fn has_our_payload(item: &Item) -> bool {
    match item.get(ENCRYPTED_PAYLOAD) {
        Some(AttributeValue::B(payload)) => UntrustedPayload::names_in(payload.as_ref()).is_ok(),
        _ => false,
    }
}

/// What is wrong with an item that has attributes of this library and is not sealed.
fn damaged(item: &Item) -> ErrorKind {
    let (payload, dek) = match take_sealed(&mut item.clone()) {
        Ok(sealed) => sealed,
        Err(ErrorKind::Data(DataError::NotSealed)) => return NOT_OURS.into(),
        Err(problem) => return problem,
    };
    let parsed = UntrustedPayload::parse(payload).map(drop);
    match parsed.and_then(|()| EncryptedDek::parse(&dek).map(drop)) {
        Ok(()) => NOT_OURS.into(),
        Err(error) => OpenError::Format(error).into(),
    }
}

fn cannot_open() -> ErrorKind {
    DataKeyError::Unwrap(KeyError::new(
        KeyErrorKind::Configuration,
        "a field of the sealed record must be brought to a new mark, and this handle may not open \
         records: run the backfill with a handle that reads too",
    ))
    .into()
}

/// Counts the calls that unwrap the data keys of a record.
async fn count_unwraps(kind: &Kind, item: &Item, calls: &Calls<'_>) {
    for key in stored_keys(kind, item).flatten() {
        if asks_kms(&key.dek) {
            calls.kms().await;
        }
    }
}
