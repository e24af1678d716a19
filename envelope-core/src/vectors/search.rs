//! The vectors in `vectors/search-v1`: tags of values, tags as they are stored, and records that a
//! search finds or does not find.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Hex, base64, check_steps, check_writer, in_folder, text, that_open, vectors};
use crate::kdf::hkdf_sha256;
use crate::mac::MAC_BYTES;
use crate::mac::tests::IMPLEMENTATIONS;
use crate::search::{
    Definition, SearchKey, SearchMessage, SearchValue, Step, TAG_PREFIX, Tag, TaggedField, Tagger,
};
use crate::{FieldValue, FormatError, UntrustedPayload, read_fields};

/// The names of failures, and of what a value or a stored tag is.
type Outcome = &'static str;

/// A vector of content `stored-tag`.
#[derive(Deserialize)]
struct Stored {
    expect: String,
    tag: Hex,
    generation: Option<Hex>,
}

/// A vector of content `tag`.
#[derive(Deserialize)]
struct Computed {
    expect: String,
    search_key: Hex,
    table: String,
    name: String,
    fields: Vec<Field>,
    values: Vec<Json>,
    #[serde(flatten)]
    steps: Steps,
}

/// The values on the way to a tag, and the tag.
#[derive(Debug, Default, Deserialize, PartialEq)]
struct Steps {
    definition: Option<Hex>,
    mac_key: Option<Hex>,
    generation: Option<Hex>,
    message: Option<Hex>,
    tag: Option<Hex>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    steps: Vec<String>,
}

/// What a search for a question makes of a record.
#[derive(Deserialize)]
struct Search {
    search_keys: Vec<Hex>,
    name: String,
    fields: Vec<Field>,
    question: Vec<Json>,
    /// The tags that the reader asks an index for.
    tags: Vec<Hex>,
    /// Whether the index lists the record under one of them.
    listed: bool,
    matches: bool,
}

/// A value of a vector, decoded.
enum Given {
    Text(String),
    Number(String),
    Bytes(Vec<u8>),
    /// A map of one entry, which is the encrypted field.
    Sealed(Vec<u8>),
}

impl Given {
    fn parse(json: &Json) -> Result<Option<Self>, Outcome> {
        let Some((kind, inner)) = json.as_object().and_then(|object| object.iter().next()) else {
            return Ok(None);
        };
        match kind.as_str() {
            "S" => Ok(Some(Self::Text(text(inner).to_owned()))),
            "N" => Ok(Some(Self::Number(text(inner).to_owned()))),
            "B" => Ok(Some(Self::Bytes(base64(inner)))),
            "NULL" => Ok(None),
            "sealed" => {
                let encoded = Hex::try_from(text(inner).to_owned()).unwrap().0;
                Ok(Some(Self::Sealed([&[0xa1, 0x61, b'x'], &encoded[..]].concat())))
            }
            _ => Err("search-value"),
        }
    }

    fn value(&self) -> Result<Option<SearchValue<'_>>, Outcome> {
        match self {
            Self::Text(text) => Ok(Some(SearchValue::Text(text))),
            Self::Number(text) => SearchValue::number(text).map(Some).map_err(|_| "number"),
            Self::Bytes(bytes) => Ok(Some(SearchValue::Bytes(bytes))),
            Self::Sealed(map) => of_field(&read_fields(map).unwrap()[0].1),
        }
    }
}

fn of_field<'p>(field: &FieldValue<'p>) -> Result<Option<SearchValue<'p>>, Outcome> {
    SearchValue::of_field(field).map_err(|error| {
        if error == SearchValue::NOT_SEARCHABLE { "search-value" } else { "number" }
    })
}

/// `Err` names an unknown step.
fn with_definition<T>(
    table: &str,
    name: &str,
    fields: &[Field],
    run: impl FnOnce(&Definition<'_>) -> T,
) -> Result<T, Outcome> {
    let steps: Option<Vec<Vec<Step>>> = fields
        .iter()
        .map(|field| field.steps.iter().map(|name| Step::from_name(name)).collect())
        .collect();
    let steps = steps.ok_or("step")?;
    let fields: Vec<TaggedField<'_>> =
        fields.iter().zip(&steps).map(|(field, steps)| (&*field.name, &**steps)).collect();
    Ok(run(&Definition::new(table, name, &fields)))
}

fn tagger(key: &Hex, definition: &Definition<'_>) -> Tagger {
    SearchKey::from_slice(&key.0).unwrap().tagger(definition)
}

/// `None` if a value is absent.
fn message(tagger: &Tagger, values: &[Json]) -> Result<Option<SearchMessage>, Outcome> {
    let given: Vec<_> = values.iter().map(Given::parse).collect::<Result<_, _>>()?;
    let values: Vec<_> = given
        .iter()
        .map(|given| given.as_ref().map_or(Ok(None), Given::value))
        .collect::<Result<_, _>>()?;
    let values: Option<Vec<_>> = values.into_iter().collect();
    Ok(values.and_then(|values| tagger.message(&values)))
}

fn hex(bytes: &[u8]) -> Option<Hex> {
    Some(Hex(bytes.to_vec()))
}

impl Computed {
    /// The outcome, and all values on the way to it.
    fn compute(&self) -> Result<(Outcome, Steps), Outcome> {
        let (definition, tagger) =
            with_definition(&self.table, &self.name, &self.fields, |definition| {
                (definition.to_bytes(), tagger(&self.search_key, definition))
            })?;
        let mut okm = [0; 36];
        hkdf_sha256(&self.search_key.0, &[], &definition, &mut okm);
        let (mac_key, generation) = okm.split_at(32);
        assert_eq!(generation, tagger.generation().as_bytes());
        let mut found = Steps {
            definition: hex(&definition),
            mac_key: hex(mac_key),
            generation: hex(generation),
            ..Steps::default()
        };
        let Some(message) = message(&tagger, &self.values)? else { return Ok(("no-tag", found)) };
        let tag = tagger.tag_of(&message);
        for hmac in IMPLEMENTATIONS {
            let mut mac = [0; MAC_BYTES];
            hmac(mac_key, message.as_bytes(), &mut mac);
            assert_eq!([&[1], generation, &mac[..16]].concat(), tag.as_bytes());
        }
        (found.message, found.tag) = (hex(message.as_bytes()), hex(tag.as_bytes()));
        Ok(("tag", found))
    }
}

fn parsed(stored: &Stored) -> Outcome {
    match Tag::parse(&stored.tag.0) {
        Ok(tag) => {
            assert_eq!(tag.as_bytes()[..], stored.tag.0);
            let generation = stored.generation.as_ref().unwrap();
            assert_eq!(tag.generation().as_bytes()[..], generation.0);
            "parsed"
        }
        Err(FormatError::Truncated(_)) => "format-truncated",
        Err(FormatError::TrailingBytes(_)) => "format-trailing",
        Err(FormatError::UnknownVersion(..)) => "format-unknown-version",
        Err(other) => panic!("no vector expects {other}"),
    }
}

/// Searches among one record, which opens.
fn check_search(name: &str, vector: &super::Vector, search: &Search) {
    let taggers: Vec<_> = search
        .search_keys
        .iter()
        .map(|key| {
            let tagger = |definition: &Definition<'_>| tagger(key, definition);
            with_definition(&vector.reader.table, &search.name, &search.fields, tagger).unwrap()
        })
        .collect();
    let question = message(&taggers[0], &search.question).unwrap();
    let tags: Vec<_> = taggers
        .iter()
        .filter_map(|tagger| Some(Hex(tagger.tag_of(question.as_ref()?).as_bytes().to_vec())))
        .collect();
    assert_eq!(tags, search.tags, "{name}");
    let stored = vector.reader.attributes.get(&format!("{TAG_PREFIX}{}", search.name));
    let stored = stored.and_then(|stored| stored.get("B")).map(|stored| Hex(base64(stored)));
    assert_eq!(stored.is_some_and(|stored| tags.contains(&stored)), search.listed, "{name}");

    let own = own_message(vector, search, &taggers[0]);
    assert_eq!(question.is_some() && own == question, search.matches, "{name}");
}

/// The message of a record's authentic values.
fn own_message(vector: &super::Vector, search: &Search, tagger: &Tagger) -> Option<SearchMessage> {
    let payload = UntrustedPayload::parse(vector.encrypted_payload.0.clone()).unwrap();
    let plaintext = vector.open().unwrap();
    let sealed: BTreeMap<_, _> = read_fields(plaintext.expose()).unwrap().into_iter().collect();
    let key = |name: &str| vector.reader.keys.iter().find(|key| key.name == name);
    let attribute = |name: &str| match key(name) {
        Some(key) => Some(&key.value),
        None if payload.authenticated_names().iter().any(|listed| listed == name) => {
            vector.reader.attributes.get(name)
        }
        None => None,
    };
    let given: Vec<_> = search
        .fields
        .iter()
        .map(|field| Given::parse(attribute(&field.name).unwrap_or(&Json::Null)))
        .collect::<Result<_, _>>()
        .unwrap();
    let values: Option<Vec<_>> = search
        .fields
        .iter()
        .zip(&given)
        .map(|(field, given)| match (sealed.get(&*field.name), given) {
            (Some(field), _) => of_field(field).unwrap(),
            (None, Some(given)) => given.value().unwrap(),
            (None, None) => None,
        })
        .collect();
    tagger.message(&values?)
}

/// The vectors with this content.
fn with_content<V: DeserializeOwned>(content: &str) -> Vec<(String, V)> {
    let all: Vec<(String, Json)> = in_folder("search-v1");
    let vectors: Vec<_> = all
        .into_iter()
        .filter(|(_, vector)| vector["content"] == content)
        .map(|(name, vector)| {
            let read = serde_json::from_value(vector);
            (name.clone(), read.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect();
    assert!(!vectors.is_empty(), "no vector has the content {content}");
    vectors
}

#[test]
fn every_tag_is_computed_or_refused_as_expected() {
    for (name, vector) in with_content::<Computed>("tag") {
        match vector.compute() {
            Ok((outcome, found)) => {
                assert_eq!((outcome, found), (&*vector.expect, vector.steps), "{name}");
            }
            Err(outcome) => assert_eq!(outcome, vector.expect, "{name}"),
        }
    }
}

#[test]
fn every_stored_tag_is_parsed_or_refused_as_expected() {
    for (name, vector) in with_content::<Stored>("stored-tag") {
        assert_eq!(parsed(&vector), vector.expect, "{name}");
    }
}

#[test]
fn every_record_with_a_tag_opens_or_fails_and_is_found_as_expected() {
    let mut found = BTreeSet::new();
    let vectors = with_content::<super::Vector>("record");
    for (name, vector) in &vectors {
        assert_eq!(vector.outcome(), vector.expect, "{name}");
    }
    for (name, vector, steps) in that_open(vectors) {
        check_steps(&name, &vector, &steps);
        check_writer(&name, &vector, &steps);
        let search = Search::deserialize(&vector.rest["search"]).unwrap();
        check_search(&name, &vector, &search);
        found.insert((search.listed, search.matches));
    }
    let all = BTreeSet::from([(false, false), (false, true), (true, false), (true, true)]);
    assert_eq!(found, all, "an index lists a record or not, and the record matches or not");
}

/// In a folder of vectors of another implementation, some records have a search tag.
#[test]
fn every_record_that_another_implementation_tagged_is_found() {
    for (name, vector) in vectors() {
        if let Some(search) = vector.rest.get("search") {
            check_search(&name, &vector, &Search::deserialize(search).unwrap());
        }
    }
}

#[test]
fn every_kind_of_outcome_has_a_vector_of_search() {
    let all: Vec<(String, Json)> = in_folder("search-v1");
    let outcomes: BTreeSet<_> =
        all.iter().map(|(_, vector)| text(&vector["expect"]).to_owned()).collect();
    let expected = [
        "authentication",
        "format-trailing",
        "format-truncated",
        "format-unknown-version",
        "no-tag",
        "number",
        "opens",
        "parsed",
        "search-value",
        "step",
        "tag",
    ];
    assert_eq!(outcomes, expected.map(str::to_owned).into());
}
