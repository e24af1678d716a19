//! What a search asks for, compared with what a record says itself.
//!
//! An index lists records by their search tags, and everybody who can write the table can put a tag
//! on an item. So a record answers a search only if its own authentic values are those that were
//! asked for. The values are compared as they are before the tag is computed: a record that has
//! moved to the tag of another search key is found all the same.

use std::fmt;
use std::sync::{Arc, OnceLock};

use envelope_core::search::{Definition, SearchKey, SearchMessage, Tag};
use envelope_core::{FieldValue, ValueError};

use crate::convert::searched::{SearchedValue, SearchedValues};
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::open::OpenedItem;
use crate::item::plaintext::PlaintextItems;
use crate::item::search_tags::sealed_under;
use crate::record::field::{Field, Mark};
use crate::record::item_key::stored;
use crate::record::kind::Kind;
use crate::record::search_tag::SearchTag;

/// The attribute of a search tag, and the values that it is asked for, in the order of its fields.
pub(crate) type AskedValues = (&'static str, SearchedValues);

/// The tags of one query, with their attributes. An index key has one or several.
pub(crate) type Lane = Vec<(&'static str, Tag)>;

/// The values that a search asks for, as each kind of record has them.
pub(crate) struct Question {
    kinds: Vec<AskedOfKind>,
}

/// What is asked of the records of one kind.
struct AskedOfKind {
    kind: &'static str,
    asked: Vec<Asked>,
}

/// A search tag, and the canonical values that it is computed from.
struct Asked {
    attribute: &'static str,
    definition: Definition<'static>,
    message: SearchMessage,
}

impl Question {
    /// Asks for `values` in the records of `kinds`.
    ///
    /// Nothing is asked of a kind that does not have all tags, or if a value is empty after its
    /// steps: such a record has no tag.
    pub(crate) fn new(kinds: &[Kind], values: &[AskedValues]) -> Result<Self, ErrorKind> {
        let mut question = Self { kinds: Vec::new() };
        for kind in kinds {
            let asked: Option<Vec<_>> =
                values.iter().map(|value| asked_of(kind, value)).collect::<Result<_, _>>()?;
            question.kinds.extend(asked.map(|asked| AskedOfKind { kind: kind.name, asked }));
        }
        Ok(question)
    }

    /// Whether no record can be an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The tags under which records can be found, for search keys in the order in which records
    /// move from one to the next. Queries must be sent in the order of the answer.
    ///
    /// If the index has several tags, one of them can have moved without the others: a program that
    /// knows only one of the fields wrote the record. So every combination is queried.
    pub(crate) fn lanes(&self, keys: &[Arc<SearchKey>]) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for AskedOfKind { asked, .. } in &self.kinds {
            let mut of_kind = vec![Lane::new()];
            for asked in asked {
                let tags: Vec<_> = keys.iter().map(|key| asked.tag_under(key)).collect();
                let with = |lane: &Lane, tag| [lane.clone(), vec![(asked.attribute, tag)]].concat();
                let longer =
                    of_kind.iter().flat_map(|lane| tags.iter().map(|tag| with(lane, *tag)));
                of_kind = longer.collect();
            }
            for lane in of_kind {
                if !lanes.contains(&lane) {
                    lanes.push(lane);
                }
            }
        }
        lanes
    }

    /// Whether an opened record of `kind` has the values itself.
    fn is_answered_by(&self, kind: &Kind, item: &Item, opened: &OpenedItem) -> bool {
        let Some(of_kind) = self.kinds.iter().find(|asked| asked.kind == kind.name) else {
            return false;
        };
        let Ok(sealed) = opened.fields() else { return false };
        let authenticated = opened.authenticated();
        of_kind.asked.iter().all(|asked| {
            let values = asked.definition.fields().iter().map(|(name, _)| {
                let field = kind.schema.stored_as(name)?;
                own_value(field, item, &sealed, authenticated)
            });
            let Some(values) = values.collect::<Option<Vec<_>>>() else { return false };
            let Ok(values) =
                values.iter().map(SearchedValue::borrowed).collect::<Result<Vec<_>, _>>()
            else {
                return false;
            };
            asked.definition.message(&values).is_some_and(|own| own == asked.message)
        })
    }
}

impl Asked {
    fn tag_under(&self, key: &SearchKey) -> Tag {
        key.tagger(&self.definition).tag_of(&self.message)
    }
}

/// Shows no value.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(..)")
    }
}

/// What a value asks of one kind; `None` if no record of the kind can have it.
fn asked_of(kind: &Kind, (attribute, values): &AskedValues) -> Result<Option<Asked>, ErrorKind> {
    let refused = |source: &ValueError| {
        let attribute = Some((*attribute).to_owned());
        ErrorKind::Usage(UsageError::Serialize { attribute, source: source.clone() })
    };
    let values = values.as_ref().map_err(refused)?;
    let field = kind.schema.stored_as(attribute);
    let (Some(tag), Some(values)) = (field.and_then(Field::as_search_tag), values) else {
        return Ok(None);
    };
    if values.len() != tag.fields.len() {
        return Ok(None);
    }
    let values = values.iter().map(SearchedValue::borrowed).collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|source| refused(&source))?;
    let definition = definition(kind.table, tag);
    Ok(definition.message(&values).map(|message| Asked { attribute, definition, message }))
}

fn definition(table: &'static str, tag: SearchTag) -> Definition<'static> {
    Definition::new(table, tag.name, tag.fields)
}

/// The value of a field to which the opened record is bound: sealed, authenticated, or a part of
/// the primary key. Others are no answer: anybody who can write the table can write them.
fn own_value(
    field: &Field,
    item: &Item,
    sealed: &[(&str, FieldValue<'_>)],
    authenticated: &[String],
) -> Option<SearchedValue> {
    // A key is read from the item, whatever is sealed under its name (FORMAT 8-6).
    if !field.mark.is_key()
        && let Some(value) = sealed_under(field, sealed)
    {
        return SearchedValue::of_sealed(&value).ok()?;
    }
    let attribute = match field.mark {
        Mark::PartitionKey | Mark::SortKey => stored(item, field)?.1,
        Mark::Encrypted | Mark::Authenticated => {
            let is_bound = |name: &&str| authenticated.iter().any(|listed| listed == name);
            field.names().filter(is_bound).find_map(|name| item.get(name))?
        }
        Mark::Key | Mark::Plaintext => return None,
    };
    SearchedValue::of_attribute(Some(attribute)).ok()?
}

/// How an item is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'q> {
    pub(crate) plaintext: PlaintextItems,
    /// What is found out about a record that a search listed.
    pub(crate) answer: Option<&'q Answer<'q>>,
}

impl From<PlaintextItems> for Reading<'_> {
    fn from(plaintext: PlaintextItems) -> Self {
        Self { plaintext, answer: None }
    }
}

/// Whether a record answers a question. Unknown until its payload was opened.
#[derive(Debug)]
pub(crate) struct Answer<'q> {
    question: &'q Question,
    is_yes: OnceLock<bool>,
}

impl<'q> Answer<'q> {
    pub(crate) const fn unknown(question: &'q Question) -> Self {
        Self { question, is_yes: OnceLock::new() }
    }

    /// Compares the record of `kind` whose payload was just opened.
    pub(crate) fn find_out(&self, kind: &Kind, item: &Item, opened: &OpenedItem) {
        let is_yes = self.question.is_answered_by(kind, item, opened);
        // A record is opened once.
        let _ = self.is_yes.set(is_yes);
    }

    /// `None` if the payload was not opened.
    pub(crate) fn is_yes(&self) -> Option<bool> {
        self.is_yes.get().copied()
    }
}
