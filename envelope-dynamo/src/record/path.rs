//! Paths: attributes, and elements and keys within them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Escaped, ValueError};
use serde::{Deserialize, Serialize};

use crate::convert::{absent_value, to_attribute_value};
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::attribute::{Attribute, mark};

/// A value within the items of the record `T`: an element of a list, a key of a map, a field of a
/// struct, or an attribute that the struct does not have. Its type is `V`, the mark of the
/// attribute that it is in is `M`.
///
/// Paths begin at an [`Attribute`] or with [`Envelope::attribute`](crate::Envelope::attribute).
/// Conditions, filters and updates take them like attributes, with the same marks: what is within a
/// sealed attribute cannot be compared, and what is within anything but a `#[plaintext]` one cannot
/// be changed in place.
///
/// Names and keys reach DynamoDB as placeholders, so that reserved words, dots and blanks may be in
/// them.
///
/// ```
/// use std::collections::HashMap;
///
/// use envelope_dynamo::Envelope;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Address {
///     city: String,
///     zip: Option<String>,
/// }
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[plaintext]
///     tags: Vec<String>,
///     #[plaintext]
///     settings: HashMap<String, String>,
///     #[authenticated]
///     address: Address,
/// }
///
/// let u = User::attributes();
/// let condition = u.tags.at(0).eq("new").and(u.settings.key("theme").exists());
/// assert_eq!(format!("{condition:?}"), "tags[0] = _ AND attribute_exists(settings[_])");
///
/// // The type of a struct's field cannot be looked up, so it is stated.
/// let in_berlin = u.address.field::<String>("city").eq("Berlin");
/// assert_eq!(format!("{in_berlin:?}"), "address.city = _");
///
/// // An attribute that the struct does not have.
/// let few = User::attribute::<u32>("legacy score").lt(3);
/// assert_eq!(format!("{few:?}"), "legacy score < _");
/// ```
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::Envelope;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] diagnoses: Vec<String> }
/// User::attributes().diagnoses.at(0).eq("migraine"); // the path is within a sealed attribute
/// ```
pub struct AttributePath<T, V, M> {
    pub(crate) document: DocumentPath,
    pub(crate) write: fn(V) -> Result<AttributeValue, ValueError>,
    /// Whether a record without it could not be read.
    pub(crate) is_required: bool,
    record: PhantomData<fn() -> (T, M)>,
}

impl<T, V, M> Clone for AttributePath<T, V, M> {
    fn clone(&self) -> Self {
        let Self { document, write, is_required, record } = self;
        Self {
            document: document.clone(),
            write: *write,
            is_required: *is_required,
            record: *record,
        }
    }
}

impl<T, V, M> fmt::Debug for AttributePath<T, V, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttributePath")
            .field(&format_args!("{}", Escaped(&self.document.shown())))
            .finish()
    }
}

impl<T, V: Serialize> AttributePath<T, V, mark::Plaintext> {
    /// An attribute that the struct does not have.
    pub(crate) fn named(name: Cow<'static, str>) -> Self {
        let document = DocumentPath { attribute: name, is_named: true, steps: Vec::new() };
        Self::new(document, false)
    }
}

impl<T, V: Serialize, M> AttributePath<T, V, M> {
    fn new(document: DocumentPath, is_required: bool) -> Self {
        Self {
            document,
            write: |value| to_attribute_value(&value),
            is_required,
            record: PhantomData,
        }
    }
}

/// A value that an update can change: an [`Attribute`], or a [`AttributePath`] within one. Sealed.
pub trait UpdateTarget: sealed::Sealed {
    /// The record.
    type Record;
    /// The type of the value.
    type Value;
    /// The mark of the attribute.
    type Mark;

    /// The path, of a single step for an attribute.
    #[doc(hidden)]
    fn into_path(self) -> AttributePath<Self::Record, Self::Value, Self::Mark>;
}

mod sealed {
    pub trait Sealed {}
}

impl<T, V, M> sealed::Sealed for Attribute<T, V, M> {}

impl<T, V, M> sealed::Sealed for AttributePath<T, V, M> {}

impl<T, V, M> UpdateTarget for Attribute<T, V, M> {
    type Record = T;
    type Value = V;
    type Mark = M;

    fn into_path(self) -> AttributePath<T, V, M> {
        let (document, is_required) = (self.document(), !self.may_be_absent());
        AttributePath { document, write: self.write_with(), is_required, record: PhantomData }
    }
}

impl<T, V, M> UpdateTarget for AttributePath<T, V, M> {
    type Record = T;
    type Value = V;
    type Mark = M;

    fn into_path(self) -> Self {
        self
    }
}

/// A type whose values are stored as lists: `Vec`, `VecDeque`, arrays, and `Option`s and boxes of
/// them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to be stored as a list",
    note = "`.field::<E>(..)` selects a field of a struct, `.key(..)` a key of a map"
)]
pub trait Elements {
    /// The type of the elements.
    type Element;
}

impl<E> Elements for Vec<E> {
    type Element = E;
}

impl<E> Elements for VecDeque<E> {
    type Element = E;
}

impl<E, const N: usize> Elements for [E; N] {
    type Element = E;
}

impl<E> Elements for Box<[E]> {
    type Element = E;
}

impl<L: Elements> Elements for Option<L> {
    type Element = L::Element;
}

/// A type whose values are stored as maps from names to values: `HashMap`, `BTreeMap`, and
/// `Option`s of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to be stored as a map",
    note = "`.field::<F>(\"name\")` selects a field of a struct; `F` is the type of the field"
)]
pub trait Entries {
    /// The type of the values.
    type Entry;
}

impl<K, V, S> Entries for HashMap<K, V, S> {
    type Entry = V;
}

impl<K, V> Entries for BTreeMap<K, V> {
    type Entry = V;
}

impl<D: Entries> Entries for Option<D> {
    type Entry = D::Entry;
}

/// The ways from an attribute or a path to what is within it.
macro_rules! within {
    ($($place:ident),*) => {$(
        /// Ways to what is within.
        impl<T, V, M> $place<T, V, M> {
            /// The element of a list at `index`, counted from 0.
            ///
            /// DynamoDB appends an element that is set behind the end, and moves up those behind one that is removed.
            #[must_use]
            pub fn at(&self, index: usize) -> AttributePath<T, V::Element, M>
            where
                V: Elements<Element: Serialize>,
            {
                AttributePath::new(self.document().and(Step::Element(index)), false)
            }

            /// The value under a key of a map.
            ///
            /// Setting it demands that the map is there: DynamoDB refuses a path through what an item does not have.
            #[must_use]
            pub fn key(&self, key: impl Into<String>) -> AttributePath<T, V::Entry, M>
            where
                V: Entries<Entry: Serialize>,
            {
                AttributePath::new(self.document().and(Step::Key(key.into())), false)
            }

            /// The field of a struct that is stored as a map, by its serde name; `F` is the type of the field.
            ///
            /// `F` is taken at its word: a field that is set to a value of another type cannot be read.
            #[must_use]
            pub fn field<F>(&self, name: &'static str) -> AttributePath<T, F, M>
            where
                F: Serialize + Deserialize<'static>,
            {
                AttributePath::new(self.document().and(Step::Field(name)), absent_value::<F>(name).is_err())
            }
        }
    )*};
}

within!(Attribute, AttributePath);

impl<T, V, M> AttributePath<T, V, M> {
    pub(crate) fn document(&self) -> DocumentPath {
        self.document.clone()
    }

    pub(crate) fn write_with(&self) -> fn(V) -> Result<AttributeValue, ValueError> {
        self.write
    }
}

impl<T, V, M> Attribute<T, V, M> {
    pub(crate) fn document(&self) -> DocumentPath {
        self.name().into()
    }
}

/// The place of a value in an item: DynamoDB's document path.
#[derive(Clone)]
pub(crate) struct DocumentPath {
    pub(crate) attribute: Cow<'static, str>,
    /// Whether the caller chose the attribute's name, which is then no name of the struct's.
    pub(crate) is_named: bool,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Element(usize),
    Key(String),
    Field(&'static str),
}

impl From<&'static str> for DocumentPath {
    fn from(attribute: &'static str) -> Self {
        Self { attribute: attribute.into(), is_named: false, steps: Vec::new() }
    }
}

impl DocumentPath {
    fn and(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Whether it is an attribute, and nothing within one.
    pub(crate) fn is_attribute(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value that an item has at the path.
    pub(crate) fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        let within = |value: &'i AttributeValue, step: &Step| match (value, step) {
            (AttributeValue::L(list), Step::Element(index)) => list.get(*index),
            (AttributeValue::M(map), Step::Key(key)) => map.get(key),
            (AttributeValue::M(map), Step::Field(field)) => map.get(*field),
            _ => None,
        };
        self.steps.iter().try_fold(item.get(&*self.attribute)?, within)
    }

    /// The error of a change or a condition that the path's attribute cannot have.
    pub(crate) fn refused(&self, reason: &'static str) -> ErrorKind {
        ErrorKind::Usage(UsageError::Attribute { attribute: self.shown(), reason })
    }

    /// The path as an expression has it, with whatever stands for names in it.
    pub(crate) fn text(&self, mut name: impl FnMut(&str) -> String) -> String {
        let mut text = name(&self.attribute);
        for step in &self.steps {
            match step {
                Step::Element(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) => text.push_str(&format!(".{}", name(key))),
                Step::Field(field) => text.push_str(&format!(".{}", name(field))),
            }
        }
        text
    }

    /// The path without the keys of maps, which are the caller's data.
    pub(crate) fn shown(&self) -> String {
        let mut text = self.attribute.to_string();
        for step in &self.steps {
            match step {
                Step::Element(index) => text.push_str(&format!("[{index}]")),
                Step::Key(_) => text.push_str("[_]"),
                Step::Field(field) => text.push_str(&format!(".{field}")),
            }
        }
        text
    }
}
