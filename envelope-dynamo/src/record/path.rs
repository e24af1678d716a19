//! Typed paths: values within the attributes of a record.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Escaped, ValueError};
use serde::{Deserialize, Serialize};

use crate::convert::{absent_value, to_attribute_value};
use crate::record::attribute::{Attribute, mark};
use crate::record::document_path::{DocumentPath, Step};

/// A value within an attribute of the record `T`, or an attribute that is not a field of the
/// struct.
///
/// The value is an element of a list, an entry of a map, or a field of a nested struct. `V` is its
/// type, and `M` is the mark of the attribute that contains it.
///
/// A path starts at an [`Attribute`] or with [`Envelope::attribute`](crate::Envelope::attribute).
/// Conditions, filters and updates take paths like attributes, and the mark has the same effect: a
/// path within an encrypted attribute cannot be compared, and only a path within a `#[plaintext]`
/// attribute can be updated in place.
///
/// Names and keys are sent as placeholders, so they may contain reserved words, dots and spaces.
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
/// // Name the type of a struct's field: the compiler cannot find it.
/// let in_berlin = u.address.field::<String>("city").eq("Berlin");
/// assert_eq!(format!("{in_berlin:?}"), "address.city = _");
///
/// // An attribute that is not a field of the struct.
/// let few = User::attribute::<u32>("legacy score").lt(3);
/// assert_eq!(format!("{few:?}"), "legacy score < _");
/// ```
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::Envelope;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] diagnoses: Vec<String>,
/// # }
/// // error: the path is within an encrypted attribute
/// User::attributes().diagnoses.at(0).eq("migraine");
/// ```
pub struct AttributePath<T, V, M> {
    pub(crate) document: DocumentPath,
    pub(crate) write: fn(V) -> Result<AttributeValue, ValueError>,
    /// Whether a record without the value could not be read.
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
    /// An attribute that is not a field of the struct.
    pub(crate) fn named(name: Cow<'static, str>) -> Self {
        Self::new(DocumentPath::named(name), false)
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

/// A value that an update can change: an [`Attribute`] or an [`AttributePath`].
///
/// It is a bound of [`Update::set`](crate::write::Update::set), whose example changes both. You
/// cannot implement this trait.
pub trait UpdateTarget: sealed::Sealed {
    /// The type of the record.
    type Record;
    /// The type of the value.
    type Value;
    /// The mark of the attribute.
    type Mark;

    /// Converts into a path. An attribute becomes a path without steps.
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

/// A type whose values are stored as lists: `Vec`, `VecDeque`, arrays, boxed slices, and `Option`s
/// of them.
///
/// Implement it for a newtype of a list, so that [`at`](AttributePath::at) reaches its elements and
/// an update can append to it.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::Elements;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// #[serde(transparent)]
/// struct Tags(Vec<String>);
///
/// impl Elements for Tags {
///     type Element = String;
/// }
///
/// #[derive(Envelope)]
/// #[envelope(table = "articles")]
/// struct Article {
///     #[partition_key]
///     article_id: String,
///     #[encrypted]
///     text: String,
///     #[plaintext]
///     tags: Tags,
/// }
///
/// let first_is_new = Article::attributes().tags.at(0).eq("new");
/// assert_eq!(format!("{first_is_new:?}"), "tags[0] = _");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to be stored as a list",
    note = "for a newtype of a list, write `impl envelope_dynamo::expression::Elements for {Self}`",
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

/// A type whose values are stored as maps: `HashMap`, `BTreeMap`, and `Option`s of them.
///
/// Implement it for a newtype of a map, so that [`key`](AttributePath::key) reaches its values.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::Entries;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// #[serde(transparent)]
/// struct Settings(BTreeMap<String, String>);
///
/// impl Entries for Settings {
///     type Entry = String;
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
///     settings: Settings,
/// }
///
/// let is_dark = User::attributes().settings.key("theme").eq("dark");
/// assert_eq!(format!("{is_dark:?}"), "settings[_] = _");
/// ```
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

/// The methods that extend an attribute or a path to a value within it.
macro_rules! within {
    ($($place:ident),*) => {$(
        /// Paths to values within this one.
        impl<T, V, M> $place<T, V, M> {
            /// Returns the path to the element of a list at `index`, counted from 0.
            ///
            /// If you set an element beyond the end, DynamoDB appends it. If you remove an
            /// element, DynamoDB moves the following elements up.
            #[must_use]
            pub fn at(&self, index: usize) -> AttributePath<T, V::Element, M>
            where
                V: Elements<Element: Serialize>,
            {
                AttributePath::new(self.document().and(Step::Element(index)), false)
            }

            /// Returns the path to the value under a key of a map.
            ///
            /// The map must exist before you can set a value in it: DynamoDB refuses a path through
            /// an attribute that the item does not have.
            #[must_use]
            pub fn key(&self, key: impl Into<String>) -> AttributePath<T, V::Entry, M>
            where
                V: Entries<Entry: Serialize>,
            {
                AttributePath::new(self.document().and(Step::Key(key.into())), false)
            }

            /// Returns the path to a field of a nested struct, by its serde name.
            ///
            /// `F` is the type of the field. It is not checked: if you set a value of another type,
            /// the record can no longer be read.
            #[must_use]
            pub fn field<F>(&self, name: &'static str) -> AttributePath<T, F, M>
            where
                F: Serialize + Deserialize<'static>,
            {
                let is_required = absent_value::<F>(name).is_err();
                AttributePath::new(self.document().and(Step::Field(name)), is_required)
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
