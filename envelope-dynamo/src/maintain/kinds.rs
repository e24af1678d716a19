//! The record types of a schema file as [`Kind`]s.
//!
//! Derived code has a [`Kind`] for each struct. Here the same is made from the schema file, so that
//! tools without the structs use the same functions for contexts, entity types and keys.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use envelope_core::search::Step;

use crate::maintain::overdue::is_day;
use crate::maintain::schema_file::{
    FieldSchema, KeySchema, RecordSchema, TaggedFieldSchema, search_tag,
};
use crate::record::field::{Field, Mark};
use crate::record::key_format::Piece;
use crate::record::kind::Kind;
use crate::record::schema::Schema;
use crate::record::search_tag::{PREFIX, TaggedField, is_search_tag};

/// The kinds that were made so far, by the record that they were made from. A [`Kind`] lives as
/// long as the program, since derived code has it in constants; so equal records share one, and
/// reading a file again takes no more memory.
static KNOWN: Mutex<Option<HashMap<String, Kind>>> = Mutex::new(None);

/// The kind of a record type of a schema file.
///
/// # Errors
///
/// What is wrong in the file, in words.
pub(crate) fn kind(name: &str, record: &RecordSchema) -> Result<Kind, String> {
    let text = serde_json::to_string(&(name, record)).map_err(|error| error.to_string())?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    match known.get(&text) {
        Some(kind) => Ok(*kind),
        None => {
            check(record)?;
            let kind = make(name, record)?;
            known.insert(text, kind);
            Ok(kind)
        }
    }
}

fn check(record: &RecordSchema) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let keys = std::iter::once(&record.partition_key).chain(&record.sort_key);
    let fields = record.fields.iter().flat_map(|(name, field)| {
        std::iter::once(name.as_str()).chain(field.aliases.iter().map(String::as_str))
    });
    let attributes = keys
        .map(|key| key.name.as_str())
        .chain(record.index_keys.keys().map(String::as_str))
        .chain(record.entity.keys().map(String::as_str))
        .chain(fields);
    for name in attributes {
        if name.is_empty() {
            return Err("an attribute has no name".to_owned());
        }
        if is_search_tag(name) {
            return Err(format!("the name `{name}` is reserved for search tags"));
        }
        if !names.insert(name) {
            return Err(format!("the attribute `{name}` stands there twice"));
        }
    }
    let is_stored = |name: &&String| names.contains(name.as_str());
    if let Some(pair) = record.pairs.iter().find(|name| !is_stored(name)) {
        return Err(format!("`pairs` names `{pair}`, which is no field"));
    }
    for (name, fields) in &record.search_tags {
        search_tag::check(record, name, fields)?;
    }
    if let Some(name) = record.unique.iter().find(|name| !record.search_tags.contains_key(*name)) {
        return Err(format!("`unique` names `{name}`, which is no search tag"));
    }
    let groups: BTreeSet<_> =
        record.fields.values().filter_map(|field| field.group.clone()).collect();
    if groups != record.groups {
        return Err("`groups` are not the groups of the fields".to_owned());
    }
    if let Some(until) = record.plaintext_until.as_ref().filter(|until| !is_day(until)) {
        return Err(format!("`plaintext_until` is `{until}`, and no day such as 2027-03-31"));
    }
    if record.unprotected {
        let is_promise = |field: &&FieldSchema| field.mark.is_protected();
        let is_bound = !record.pairs.is_empty() || !record.context.is_empty();
        if is_bound || !record.entity.is_empty() || record.fields.values().any(|it| is_promise(&it))
        {
            let problem = "it is unprotected, and has an encrypted or authenticated field, an \
                           `entity` or pairs of an encryption context";
            return Err(problem.to_owned());
        }
    }
    Ok(())
}

fn make(name: &str, record: &RecordSchema) -> Result<Kind, String> {
    let pairs = |name: &str| record.pairs.contains(name);
    let mut fields = vec![key(Mark::PartitionKey, &record.partition_key, record)?];
    if let Some(sort_key) = &record.sort_key {
        fields.push(key(Mark::SortKey, sort_key, record)?);
    }
    for (name, format) in &record.index_keys {
        let pieces = pieces(format, record, is_readable)
            .map_err(|problem| format!("the format `{format}` of the key `{name}`: {problem}"))?;
        let pieces = Box::leak(pieces.into_boxed_slice());
        fields.push(Field::new(text(name), Mark::Plaintext).index_key(text(format), pieces));
    }
    for (name, value) in &record.entity {
        fields.push(Field::new(text(name), Mark::Authenticated).constant(text(value)));
    }
    for (name, tagged) in &record.search_tags {
        let attribute = Field::new(text(&format!("{PREFIX}{name}")), Mark::Authenticated);
        let tagged = tagged.iter().map(tagged_field).collect::<Box<[_]>>();
        let tag = attribute.search_tag(text(name), Box::leak(tagged));
        fields.push(if record.unique.contains(name) { tag.unique() } else { tag });
    }
    for (name, field) in &record.fields {
        fields.push(bound_if(pairs(name), stored(name, field)));
    }
    for field in &mut fields {
        let mut tagged = record.search_tags.values().flatten();
        if tagged.any(|tagged| tagged.field == field.name) {
            *field = field.in_search_tag();
        }
    }
    let context = record.context.iter().map(|(name, value)| (text(name), text(value)));
    Ok(Kind {
        name: text(name),
        table: text(&record.table),
        form: record.form,
        context: Box::leak(context.collect::<Box<[_]>>()),
        schema: Schema::new(Box::leak(fields.into_boxed_slice())),
        unprotected: record.unprotected,
        // Only a schema file that is made from code asks for them.
        key_attributes: Vec::new,
        optional_fields: Vec::new,
        indexes: Vec::new,
    })
}

fn text(text: &str) -> &'static str {
    Box::leak(text.into())
}

fn tagged_field(field: &TaggedFieldSchema) -> TaggedField {
    // `check` refuses unknown steps.
    let steps = field.steps.iter().filter_map(|step| Step::from_name(step));
    (text(&field.field), Box::leak(steps.collect::<Box<[_]>>()))
}

const fn bound_if(is_pair: bool, field: Field) -> Field {
    if is_pair { field.in_encryption_context() } else { field }
}

fn stored(name: &str, field: &FieldSchema) -> Field {
    let aliases = field.aliases.iter().map(|alias| text(alias)).collect::<Box<[_]>>();
    let mut stored = Field::new(text(name), field.mark).aliases(Box::leak(aliases));
    if let Some(group) = &field.group {
        stored = stored.in_group(text(group));
    }
    if field.accepts_plaintext {
        stored = stored.accepting_plaintext();
    }
    stored
}

fn key(mark: Mark, key: &KeySchema, record: &RecordSchema) -> Result<Field, String> {
    let field = bound_if(record.pairs.contains(&key.name), Field::new(text(&key.name), mark));
    match &key.format {
        None => Ok(field),
        Some(format) => {
            let pieces = pieces(format, record, is_protected)
                .map_err(|problem| format!("the format `{format}` of the key: {problem}"))?;
            Ok(field.composed(text(format), Box::leak(pieces.into_boxed_slice())))
        }
    }
}

/// The pieces of a key's format, as [`stored_text`] writes it.
///
/// `is_part` says which fields may be parts.
///
/// [`stored_text`]: crate::record::key_format::KeyFormat::stored_text
fn pieces(
    format: &str,
    record: &RecordSchema,
    is_part: fn(&RecordSchema, &str) -> bool,
) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), format);
    while let Some((before, brace, after)) = next_brace(rest) {
        literal.push_str(before);
        if after.starts_with(brace) {
            literal.push(brace);
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let (part, after) = match (brace, after.split_once('}')) {
            ('{', Some(split)) => split,
            _ => return Err(format!("`{brace}` has no partner; a literal brace is written twice")),
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(text(&std::mem::take(&mut literal))));
        }
        pieces.push(part_of(part, |name| is_part(record, name))?);
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(text(&literal)));
    }
    Ok(pieces)
}

fn next_brace(text: &str) -> Option<(&str, char, &str)> {
    let at = text.find(['{', '}'])?;
    let (before, from) = text.split_at(at);
    let brace = from.chars().next()?;
    Some((before, brace, from.get(1..)?))
}

/// Whether a field can be part of a key of the table, to which the record is bound.
fn is_protected(record: &RecordSchema, name: &str) -> bool {
    let field = record.fields.get(name);
    field.is_some_and(|field| matches!(field.mark, Mark::Key | Mark::Authenticated))
}

/// Whether a field can be part of a key of an index.
fn is_readable(record: &RecordSchema, name: &str) -> bool {
    let keys = std::iter::once(&record.partition_key).chain(&record.sort_key);
    let is_key = keys.filter(|key| key.format.is_none()).any(|key| key.name == name);
    is_key || record.fields.get(name).is_some_and(|field| field.mark != Mark::Encrypted)
}

/// The field that a placeholder names, with the digits to which its number is padded.
fn part_of(part: &str, is_part: impl Fn(&str) -> bool) -> Result<Piece, String> {
    if is_part(part) {
        return Ok(Piece::Part(text(part)));
    }
    match part.rsplit_once(":0") {
        Some((name, digits)) if is_part(name) => match digits.parse() {
            Ok(digits) => Ok(Piece::Padded(text(name), digits)),
            Err(_) => Err(format!("`{{{part}}}` does not say how many digits it has")),
        },
        _ => Err(format!("`{{{part}}}` names no field that may be part of this key")),
    }
}
