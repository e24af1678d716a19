//! Whether the type of a field reads all that is nested in a stored attribute.
//!
//! What the type writes again does not answer this: a type may read an entry under an `alias` and
//! write it under another name, or leave out a default. So each entry that is not written again is
//! removed, and then replaced. If the type reads the same record both times, it does not read the
//! entry. A text that is written in another form is replaced by a text without a meaning: an enum
//! with `#[serde(other)]` reads the same from it. A number that is written as another one is
//! replaced by that one: a type that rounds reads the same from both.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::Number;

use crate::dynamodb::Item;
use crate::item::plain::open_plain;
use crate::item::split::split_plain;
use crate::record::Envelope;
use crate::record::field::Field;

/// How many entries of one attribute are tried. Each is two reads of the record.
const MAX_PLACES: usize = 1_000;

/// Whether the attribute `name` of `item` has an entry or an element that `field` does not read.
///
/// `again` is the field as it would be written. If the type reads one item in two ways, or too many
/// entries would have to be tried, the answer is yes.
pub(super) fn has_unread<T: Envelope>(
    item: &Item,
    name: &str,
    field: &Field,
    again: &AttributeValue,
) -> bool {
    let Some(stored) = item.get(name) else { return false };
    let places = not_written_again(stored, again);
    if places.is_empty() {
        return false;
    }
    let read = |value: AttributeValue| {
        let mut item = item.clone();
        item.insert(name.to_owned(), value);
        let record = open_plain::<T>(&mut item).ok()?;
        split_plain(&record).ok()?.item.get(field.name).map(spelled)
    };
    let before = read(stored.clone());
    if before.is_none() || before != read(stored.clone()) || places.len() > MAX_PLACES {
        return true;
    }
    let another = AttributeValue::S("\u{fffd}".to_owned());
    let is_same = |place: &Place, new| read(edited(stored, place, new)) == before;
    places.iter().any(|(place, doubt)| match doubt {
        Doubt::Entry => [None, Some(&another)].into_iter().all(|new| is_same(place, new)),
        Doubt::Text => is_same(place, Some(&another)),
        Doubt::Number(again) => is_same(place, Some(again)),
    })
}

/// Why a value may be lost.
enum Doubt {
    /// It is not written again, or not in this place.
    Entry,
    /// It is written as another text.
    Text,
    /// It is written as this number.
    Number(AttributeValue),
}

/// The way from an attribute to a value that is nested in it.
type Place = Vec<Step>;

#[derive(Clone)]
enum Step {
    Entry(String),
    Element(usize),
}

/// The places of `stored` that have a value and that `again` does not have, or may have elsewhere
/// or in another form.
fn not_written_again(stored: &AttributeValue, again: &AttributeValue) -> Vec<(Place, Doubt)> {
    let mut places = Vec::new();
    compare(stored, again, &mut Place::new(), &mut places);
    places
}

fn compare(
    stored: &AttributeValue,
    again: &AttributeValue,
    at: &mut Place,
    places: &mut Vec<(Place, Doubt)>,
) {
    match (stored, again) {
        (AttributeValue::M(entries), AttributeValue::M(again)) => {
            for (name, value) in entries {
                at.push(Step::Entry(name.clone()));
                match again.get(name) {
                    Some(again) => compare(value, again, at, places),
                    None => add(value, at, places),
                }
                at.pop();
            }
        }
        // A `HashSet` is written in any order.
        (AttributeValue::L(_), AttributeValue::L(_)) if spelled(stored) == spelled(again) => {}
        (AttributeValue::L(elements), AttributeValue::L(again))
            if elements.len() <= again.len() =>
        {
            for (index, (value, again)) in elements.iter().zip(again).enumerate() {
                at.push(Step::Element(index));
                compare(value, again, at, places);
                at.pop();
            }
        }
        (AttributeValue::M(_) | AttributeValue::L(_), _) => add_nested(stored, at, places),
        (AttributeValue::S(text), again) if !text.is_empty() && again != stored => {
            places.push((at.clone(), Doubt::Text));
        }
        (AttributeValue::N(number), AttributeValue::N(other))
            if Number::parse(number) != Number::parse(other) =>
        {
            places.push((at.clone(), Doubt::Number(again.clone())));
        }
        // A set that the struct reads and writes as a list, or the other way. Its elements are not
        // tried one by one: if one is missing, the answer is yes.
        _ if elements(stored) > elements(again).or(Some(0))
            || !numbers(stored).is_subset(&numbers(again)) =>
        {
            at.push(Step::Element(0));
            places.push((at.clone(), Doubt::Entry));
            at.pop();
        }
        _ => {}
    }
}

/// Adds the place `at` of `value`, and all that is nested in it.
fn add(value: &AttributeValue, at: &mut Place, places: &mut Vec<(Place, Doubt)>) {
    if !is_empty(value) {
        places.push((at.clone(), Doubt::Entry));
        add_nested(value, at, places);
    }
}

fn add_nested(value: &AttributeValue, at: &mut Place, places: &mut Vec<(Place, Doubt)>) {
    let nested: Vec<(Step, &AttributeValue)> = match value {
        AttributeValue::M(entries) => {
            entries.iter().map(|(name, value)| (Step::Entry(name.clone()), value)).collect()
        }
        AttributeValue::L(elements) => {
            elements.iter().enumerate().map(|(at, value)| (Step::Element(at), value)).collect()
        }
        _ => Vec::new(),
    };
    for (step, value) in nested {
        at.push(step);
        add(value, at, places);
        at.pop();
    }
}

/// `value` without what stands at `place`, or with `new` there. An element of a set stays.
fn edited(value: &AttributeValue, place: &[Step], new: Option<&AttributeValue>) -> AttributeValue {
    if let ([], Some(new)) = (place, new) {
        return new.clone();
    }
    let mut value = value.clone();
    edit(&mut value, place, new);
    value
}

fn edit(value: &mut AttributeValue, place: &[Step], new: Option<&AttributeValue>) {
    let Some((step, deeper)) = place.split_first() else { return };
    match (value, step, new) {
        (AttributeValue::M(entries), Step::Entry(name), _) if !deeper.is_empty() => {
            entries.get_mut(name).into_iter().for_each(|value| edit(value, deeper, new));
        }
        (AttributeValue::L(elements), Step::Element(index), _) if !deeper.is_empty() => {
            elements.get_mut(*index).into_iter().for_each(|value| edit(value, deeper, new));
        }
        (AttributeValue::M(entries), Step::Entry(name), Some(new)) => {
            entries.insert(name.clone(), new.clone());
        }
        (AttributeValue::M(entries), Step::Entry(name), None) => drop(entries.remove(name)),
        (AttributeValue::L(elements), Step::Element(index), Some(new)) => {
            elements.get_mut(*index).into_iter().for_each(|value| *value = new.clone());
        }
        (AttributeValue::L(elements), Step::Element(index), None) if *index < elements.len() => {
            drop(elements.remove(*index));
        }
        _ => {}
    }
}

/// The numbers of a set, or of a list that is written in its place.
fn numbers(value: &AttributeValue) -> BTreeSet<Number<'_>> {
    match value {
        AttributeValue::Ns(set) => {
            set.iter().filter_map(|number| Number::parse(number).ok()).collect()
        }
        AttributeValue::L(elements) => {
            let numbers = elements.iter().filter_map(|element| element.as_n().ok());
            numbers.filter_map(|number| Number::parse(number).ok()).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The value as text that is the same for two readings of one value: a `HashSet` is written in any
/// order.
fn spelled(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(entries) => {
            let entries = entries.iter().map(|(name, value)| (name, spelled(value)));
            format!("{:?}", entries.collect::<BTreeMap<_, _>>())
        }
        AttributeValue::L(elements) => sorted(elements.iter().map(spelled).collect()),
        AttributeValue::Ss(set) | AttributeValue::Ns(set) => sorted(set.clone()),
        AttributeValue::Bs(set) => {
            sorted(set.iter().map(|bytes| format!("{:?}", bytes.as_ref())).collect())
        }
        value => format!("{value:?}"),
    }
}

fn sorted(mut elements: Vec<String>) -> String {
    elements.sort_unstable();
    format!("{elements:?}")
}

/// Whether a type that leaves a value out when it writes (`skip_serializing_if`) probably reads the
/// same from nothing: null, false, zero, and whatever has no elements.
pub(super) fn is_empty(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::Null(_) | AttributeValue::Bool(false) => true,
        AttributeValue::S(text) => text.is_empty(),
        AttributeValue::N(number) => number.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-')),
        AttributeValue::B(bytes) => bytes.as_ref().is_empty(),
        value => elements(value) == Some(0),
    }
}

/// The number of elements or entries of a value that has any.
fn elements(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::M(entries) => Some(entries.len()),
        AttributeValue::L(values) => Some(values.len()),
        AttributeValue::Ss(set) | AttributeValue::Ns(set) => Some(set.len()),
        AttributeValue::Bs(set) => Some(set.len()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::item::modify_record::unread::not_written_again;

    fn loses(stored: &AttributeValue, again: &AttributeValue) -> bool {
        !not_written_again(stored, again).is_empty()
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn map(entries: &[(&str, AttributeValue)]) -> AttributeValue {
        AttributeValue::M(HashMap::from_iter(
            entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())),
        ))
    }

    #[test]
    fn an_entry_that_is_not_written_again_is_found() {
        let full = map(&[("city", text("Bern")), ("zip", text("3000"))]);
        let part = map(&[("city", text("Bern"))]);
        let null = map(&[("city", text("Bern")), ("zip", AttributeValue::Null(true))]);
        let list = |values: &[&AttributeValue]| {
            AttributeValue::L(values.iter().map(|value| (*value).clone()).collect())
        };
        let set = AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]);
        assert!(loses(&full, &part), "an entry");
        assert!(loses(&list(&[&full]), &list(&[&part])), "an entry inside a list");
        assert!(loses(&list(&[&part, &part]), &list(&[&part])), "an element");
        assert!(loses(&full, &text("unknown")), "a map that became a text");
        assert!(loses(&set, &list(&[&part])), "an element of a set");
        assert!(!loses(&null, &part), "a null is no value");
        let zero = map(&[("city", text("Bern")), ("zip", AttributeValue::N("0.0".to_owned()))]);
        assert!(!loses(&zero, &part), "a default that the type leaves out");
        assert!(!loses(&part, &full), "a default is added");
        assert!(!loses(&set, &list(&[&part, &part])), "a set that became a list");
        assert!(loses(&text("1.0"), &text("1")), "another form of a text is tried");
        assert!(!loses(&text("1.0"), &text("1.0")) && !loses(&text(""), &text("none")));
    }

    #[test]
    fn a_number_keeps_its_digits_in_any_form_and_order() {
        let number = |text: &str| AttributeValue::N(text.to_owned());
        let digits = "12345678901234567890123456789012345678";
        assert!(loses(&number(digits), &number("12345678901234567000000000000000000000")));
        assert!(loses(&number("0.1000000000000000055"), &number("0.1")), "a fraction");
        for same in ["1", "1.0", "10e-1", "+1"] {
            assert!(!loses(&number(same), &number("1")), "{same}");
        }
        assert!(!loses(&number("1"), &text("1")), "a type that writes a text");
        let list =
            |numbers: &[&str]| AttributeValue::L(numbers.iter().map(|text| number(text)).collect());
        let set = |numbers: &[&str]| {
            AttributeValue::Ns(numbers.iter().map(ToString::to_string).collect())
        };
        for again in [list(&["2", digits, "1"]), set(&[digits, "1", "2"])] {
            assert!(!loses(&set(&["1", "2", digits]), &again), "another order");
        }
        assert!(!loses(&list(&["1", "2", digits]), &list(&["2", digits, "1"])), "another order");
        for again in [list(&["2", "1"]), list(&["1", "2", "3"]), set(&["1", "2", "3"])] {
            assert!(loses(&set(&["1", "2", digits]), &again), "{again:?}");
        }
        assert!(loses(&list(&["1", digits]), &list(&["1", "3"])));
    }
}
