//! What a tag is computed from (FORMAT 13.2).

use crate::cbor::major;
use crate::search::message::{SearchMessage, SearchValue};
use crate::search::step::Step;
use crate::value::{head, text};

const LABEL: &str = "envelope-search";
const VERSION: u64 = 1;
/// Bits of the HMAC in a tag. Other lengths are reserved.
const BITS: u64 = 128;

/// Joins the components of a tag's name.
pub const NAME_SEPARATOR: char = '+';

/// The components of a tag's `name`: the stored names of the tag's fields and, of a further tag of
/// the same fields, one more (FORMAT 13.1-2).
///
/// Whoever seals a record again without the definition of a tag learns from them whether a field of
/// the tag has changed.
///
/// ```
/// use envelope_core::search::components;
///
/// assert!(components("last+first").eq(["last", "first"]));
/// assert!(components("email").eq(["email"]));
/// ```
pub fn components(name: &str) -> impl Iterator<Item = &str> {
    name.split(NAME_SEPARATOR)
}

/// A field that a tag is computed from: its stored name, and the steps that its text goes through,
/// in the order in which they are applied. Numbers and bytes go through no steps.
///
/// The example of [`Definition`] lists one.
pub type TaggedField<'a> = (&'a str, &'a [Step]);

/// What a tag is computed from: the logical table, the name of the tag, the fields in order, and
/// their steps.
///
/// The definition is an input of the key derivation. So two tables, two tags of one table, and two
/// lists of steps have tags that nobody can compare.
///
/// ```
/// use envelope_core::search::{Definition, Step, TaggedField};
///
/// const FIELDS: &[TaggedField<'_>] = &[("email", &[Step::Trim])];
/// const BY_EMAIL: Definition<'_> = Definition::new("users", "email", FIELDS);
/// assert_eq!(BY_EMAIL.name(), "email");
/// assert_eq!(BY_EMAIL.to_bytes().first(), Some(&0x86), "a CBOR array of six");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition<'a> {
    table: &'a str,
    name: &'a str,
    fields: &'a [TaggedField<'a>],
}

impl<'a> Definition<'a> {
    /// The tag `name` of the logical `table`, computed from `fields`, of which there is one at
    /// least. The name is the fields' stored names, joined by `+` (FORMAT 13.1-2).
    #[must_use]
    pub const fn new(table: &'a str, name: &'a str, fields: &'a [TaggedField<'a>]) -> Self {
        Self { table, name, fields }
    }

    /// The logical table.
    #[must_use]
    pub const fn table(&self) -> &'a str {
        self.table
    }

    /// The name of the tag, without the prefix `blind_`.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The fields, in the order of their values.
    #[must_use]
    pub const fn fields(&self) -> &'a [TaggedField<'a>] {
        self.fields
    }

    /// The canonical bytes of `values`, one for each field and in its order, as
    /// [`Tagger::message`](crate::search::Tagger::message) has them: to compare values without a
    /// search key. `None` if a text or binary value is empty after the steps.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the definition has fields.
    #[must_use]
    pub fn message(&self, values: &[SearchValue<'_>]) -> Option<SearchMessage> {
        SearchMessage::new(values, self.fields.iter().map(|(_, steps)| *steps))
    }

    /// The deterministic CBOR of the definition, which is the `info` of the key derivation.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        head(&mut out, major::ARRAY, 6);
        text(&mut out, LABEL);
        head(&mut out, major::UNSIGNED, VERSION);
        text(&mut out, self.table);
        text(&mut out, self.name);
        head(&mut out, major::ARRAY, self.fields.len() as u64);
        for (name, steps) in self.fields {
            head(&mut out, major::ARRAY, 2);
            text(&mut out, name);
            head(&mut out, major::ARRAY, steps.len() as u64);
            steps.iter().for_each(|step| text(&mut out, step.name()));
        }
        head(&mut out, major::UNSIGNED, BITS);
        out
    }
}
