//! A search by encrypted fields: one query for each search key that is in use, one after the other.
//!
//! While a search key is rotated, records move from the tags of the old key to those of the new
//! one. So the old tag is queried first, to its end, and then the new one: a record that moves
//! meanwhile is seen under one of them or under both. Two queries at the same time, or in the other
//! order, would miss records that move between them.
//!
//! The keys are asked for when the search starts, and again when the query of a tag has ended. So
//! keys that come into use during a long search are queried too.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::KeyError;
use envelope_core::search::Tag;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::placeholders::TagPlaceholders;
use crate::item::question::{Lane, Question};
use crate::keys::SearchKeys;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::key_identity::KeyIdentity;
use crate::table::read::read_request::ReadRequest;
use crate::table::read::resume_token::Position;

/// What is searched for, and the query without its tags.
pub(crate) struct SearchQuery {
    pub(crate) keys: SearchKeys,
    /// The logical table.
    pub(crate) table: &'static str,
    pub(crate) question: Arc<Question>,
    pub(crate) query: QueryFluentBuilder,
    /// The attributes of the tags, in the order of a lane, and their placeholders in the query.
    pub(crate) tags: Vec<TagPlaceholders>,
}

impl SearchQuery {
    /// Whether a position of a resume token is the end of a tag's query, and not a record.
    pub(crate) fn is_end_of_lane(&self, key: &Item) -> bool {
        key.len() == self.tags.len() && self.tags.iter().all(|tag| key.contains_key(tag.attribute))
    }

    fn keys_in_use(&self) -> KeysInUse {
        let (keys, table) = (self.keys.clone(), self.table);
        async move { keys.live(table).await }.boxed()
    }

    fn request(&self, lane: &Lane) -> ReadRequest {
        let mut values = self.query.get_expression_attribute_values().clone().unwrap_or_default();
        let tags = self.tags.iter().zip(lane);
        values
            .extend(tags.map(|(placeholders, (_, tag))| (placeholders.value.clone(), binary(tag))));
        ReadRequest::Query(self.query.clone().set_expression_attribute_values(Some(values)))
    }
}

/// Queries the tags of a search, one after the other.
pub(crate) struct Search {
    of: SearchQuery,
    /// The tags under the keys that were in use when they were last asked for.
    lanes: Vec<Lane>,
    /// The tags that were queried to the end.
    done: Vec<Lane>,
    /// The tags that are queried now.
    current: Option<Lane>,
    /// Where an earlier search stopped, until the keys are known: the end of each tag that it
    /// queried to the end, and its position under the tag after them.
    resumed: Vec<Position>,
    state: State,
    keys: Option<KeysInUse>,
    /// Whether a request for keys was cancelled since one was answered.
    was_cancelled: bool,
    /// The records that were returned.
    returned: HashSet<KeyIdentity>,
    passed_over: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// More tags may have to be queried.
    Searching,
    /// All tags were queried.
    Ended,
    /// The keys could not be had, or the resume token belongs to another search.
    Failed,
}

/// A request for the keys that are in use.
type KeysInUse = BoxFuture<'static, Result<Arc<LiveSearchKeys>, KeyError>>;

impl Search {
    pub(crate) fn new(of: SearchQuery, from: Vec<Position>) -> Self {
        Self {
            of,
            lanes: Vec::new(),
            done: Vec::new(),
            current: None,
            resumed: from,
            state: State::Searching,
            keys: None,
            was_cancelled: false,
            returned: HashSet::new(),
            passed_over: 0,
        }
    }

    /// The query of the next tag, and where it starts. The query before it must have been read to
    /// the end. `None` if all tags were queried.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<(ReadRequest, Position)>, Error>> {
        self.done.extend(self.current.take());
        if self.state != State::Searching {
            return Poll::Ready(Ok(None));
        }
        let keys = ready!(self.poll_keys(context));
        let next = keys.and_then(|keys| self.next_lane(&keys));
        Poll::Ready(next.map_err(|kind| {
            self.state = State::Failed;
            Error::new(RecordId::of_table(self.of.table), kind)
        }))
    }

    fn poll_keys(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Arc<LiveSearchKeys>, ErrorKind>> {
        let keys = self.keys.get_or_insert_with(|| self.of.keys_in_use());
        let keys = ready!(keys.poll_unpin(context));
        (self.keys, self.was_cancelled) = (None, false);
        Poll::Ready(keys.map_err(|error| ErrorKind::Key(DataKeyError::Search(error))))
    }

    fn next_lane(
        &mut self,
        keys: &LiveSearchKeys,
    ) -> Result<Option<(ReadRequest, Position)>, ErrorKind> {
        self.lanes = self.of.question.lanes(&keys.search);
        let from = std::mem::take(&mut self.resumed);
        let resumed = self.resume(from)?;
        let next = || Some((self.remaining().next()?.clone(), Position::Start));
        let Some((lane, start)) = resumed.or_else(next) else {
            self.state = State::Ended;
            return Ok(None);
        };
        let request = self.of.request(&lane);
        self.current = Some(lane);
        Ok(Some((request, start)))
    }

    /// The tags that were neither queried to the end nor are queried now.
    fn remaining(&self) -> impl Iterator<Item = &Lane> {
        let is_known =
            |lane: &&Lane| self.done.contains(lane) || self.current.as_ref() == Some(lane);
        self.lanes.iter().filter(move |lane| !is_known(lane))
    }

    /// Continues where an earlier search stopped. Returns the tags that it was querying, and the
    /// position under them.
    ///
    /// Positions under a key that is not in use any more are dropped. Then its records are under
    /// the other key, which is queried from its beginning.
    fn resume(&mut self, from: Vec<Position>) -> Result<Option<(Lane, Position)>, ErrorKind> {
        let mut resumed = None;
        for position in from {
            let Position::After(key) = &position else { continue };
            match self.lanes.iter().find(|lane| is_under(key, lane)) {
                Some(lane) if self.of.is_end_of_lane(key) => self.done.push(lane.clone()),
                Some(lane) => resumed = Some((lane.clone(), position)),
                None if self.lanes.iter().any(|lane| is_of_generation(key, lane)) => {
                    return Err(ErrorKind::Usage(UsageError::ForeignResumeToken));
                }
                None => {}
            }
        }
        Ok(resumed)
    }

    /// The positions of a resume token, if the query of the current tag was read up to `taken`.
    /// `None` if nothing is left.
    pub(crate) fn positions(&self, taken: Option<&Position>) -> Option<Vec<Position>> {
        let ends_here = taken == Some(&Position::End);
        let is_ended = match &self.current {
            Some(_) => ends_here && self.remaining().next().is_none(),
            None => self.state == State::Ended,
        };
        let mut positions = self.resumed.clone();
        positions.extend(self.done.iter().map(end_of_lane));
        match (&self.current, taken) {
            (Some(_), Some(Position::After(key))) => positions.push(Position::After(key.clone())),
            (Some(lane), _) if ends_here => positions.push(end_of_lane(lane)),
            _ => {}
        }
        if positions.is_empty() {
            positions.push(Position::Start);
        }
        (!is_ended).then_some(positions)
    }

    /// Notes that a record is returned. Returns whether it was not returned before.
    pub(crate) fn note_returned(&mut self, record: Option<KeyIdentity>) -> bool {
        record.is_none_or(|record| self.returned.insert(record))
    }

    /// Notes that a record is passed over.
    pub(crate) fn note_passed_over(&mut self, index: &str) {
        self.passed_over += 1;
        let table = self.of.table;
        tracing::info!(
            table,
            index,
            "a search passed over a record that does not have the searched values itself"
        );
    }

    pub(crate) const fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Cancels a request for keys, unless one was cancelled before: nobody polls it for now, and it
    /// may hold a permit to call KMS.
    pub(crate) fn pause(&mut self) {
        if self.keys.is_some() && !self.was_cancelled {
            (self.keys, self.was_cancelled) = (None, true);
        }
    }
}

/// The end of the query of a tag, as a position: the tag without the key of a record.
fn end_of_lane(lane: &Lane) -> Position {
    let tags = lane.iter().map(|(attribute, tag)| ((*attribute).to_owned(), binary(tag)));
    Position::After(tags.collect())
}

/// Whether a position is under these tags.
fn is_under(key: &Item, lane: &Lane) -> bool {
    lane.iter().all(|(attribute, tag)| key.get(*attribute) == Some(&binary(tag)))
}

/// Whether a position is under tags of the same search keys, of this value or of another.
fn is_of_generation(key: &Item, lane: &Lane) -> bool {
    lane.iter().all(|(attribute, tag)| {
        let in_key = key.get(*attribute).and_then(tag_in);
        in_key.is_some_and(|in_key| in_key.generation() == tag.generation())
    })
}

fn binary(tag: &Tag) -> AttributeValue {
    AttributeValue::B(Blob::new(*tag.as_bytes()))
}

fn tag_in(attribute: &AttributeValue) -> Option<Tag> {
    Tag::parse(attribute.as_b().ok()?.as_ref()).ok()
}
