//! The attributes of a record, typed by their record, their values and their mark.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_core::ValueError;
use serde::{Deserialize, Serialize};

use crate::convert::searched::SearchedValues;
use crate::convert::{absent_value, from_attribute_value, scalar_type, to_attribute_value};
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::Envelope;
use crate::record::field::Field;
use crate::record::key::{FirstParts, IntoValue};
use crate::record::key_format::KeyFormat;

/// A value for an attribute, or the error of its serialization.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Operand {
    pub(crate) attribute: &'static str,
    pub(crate) value: OperandValue,
}

/// The value of an [`Operand`].
#[derive(Clone, Debug)]
pub(crate) enum OperandValue {
    /// As it is sent.
    Serialized(Serialized),
    /// The attribute is a search tag. What is sent is computed from these values when the query
    /// runs, because that needs search keys. The values are secret.
    Searched(SearchedValues),
}

impl Operand {
    /// A value as it is sent.
    pub(crate) const fn serialized(attribute: &'static str, value: Serialized) -> Self {
        Self { attribute, value: OperandValue::Serialized(value) }
    }

    /// The value as it is sent. The tag of a searched value must have been computed before.
    pub(crate) fn into_serialized(self) -> Serialized {
        const NOT_COMPUTED: ValueError =
            ValueError::format("is a search tag, which can only be queried through an index");
        match self.value {
            OperandValue::Serialized(value) => value,
            OperandValue::Searched(..) => Err(NOT_COMPUTED),
        }
    }
}

/// The marks of fields, as types. A mark decides what an expression may do with the attribute.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::{Attribute, mark};
///
/// #[derive(Envelope)]
/// #[envelope(
///     table = "visits",
///     index(name = "by-doctor", partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"))
/// )]
/// struct Visit {
///     #[partition_key]
///     visit_id: String,
///     #[encrypted]
///     notes: String,
///     #[authenticated]
///     ward: String,
///     #[plaintext]
///     bed: u32,
///     #[plaintext]
///     doctor: String,
///     #[plaintext]
///     #[version]
///     version: u64,
/// }
///
/// let visit = Visit::attributes();
/// let _: Attribute<Visit, String, mark::Key> = visit.visit_id;
/// let _: Attribute<Visit, String, mark::Encrypted> = visit.notes;
/// let _: Attribute<Visit, String, mark::Authenticated> = visit.ward;
/// let bed: Attribute<Visit, u32, mark::Plaintext> = visit.bed;
/// let _: Attribute<Visit, String, mark::InIndexKey> = visit.doctor; // the index has it too
/// let _: Attribute<Visit, u64, mark::Managed> = visit.version;
/// assert_eq!(format!("{:?}", bed.gt(30)), "bed > _");
/// ```
pub mod mark {
    /// A part of the primary key.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum Key {}
    /// Readable in the table. A change is detected when the record is opened.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum Authenticated {}
    /// Readable in the table, and not protected. It can be updated in place.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum Plaintext {}
    /// Readable in the table, and managed by the library: a version, or the time of the last write.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum Managed {}
    /// Readable in the table, not protected, and in a composed key of an index. A change in place
    /// would leave the key as it was.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum InIndexKey {}
    /// Encrypted: DynamoDB can neither compare nor change it.
    ///
    /// [`mark`](self) has an example of each mark.
    #[derive(Clone, Copy, Debug)]
    pub enum Encrypted {}
}

/// A mark whose attributes DynamoDB can read and compare. You cannot implement this trait.
///
/// A function of your own that takes any readable attribute:
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::{Attribute, Condition, Readable};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[authenticated]
///     plan: Option<String>,
/// }
///
/// fn missing<T, V, M: Readable>(attribute: &Attribute<T, V, M>) -> Condition<T> {
///     attribute.not_exists()
/// }
///
/// let no_plan = missing(&User::attributes().plan);
/// assert_eq!(format!("{no_plan:?}"), "attribute_not_exists(plan)");
/// ```
#[diagnostic::on_unimplemented(
    message = "an encrypted field cannot be compared or read in the table",
    label = "this field is encrypted",
    note = "DynamoDB sees only `encrypted_payload`, and a value to compare with would be sent in \
            plaintext",
    note = "to find records by the field, mark it `#[searchable]` and query an index: \
            `.index(|i| i.by_email).query(value)`",
    note = "mark the field `#[authenticated]` or `#[plaintext]` if it may be readable in the table"
)]
pub trait Readable: sealed::Sealed {}

impl Readable for mark::Key {}

impl Readable for mark::Authenticated {}

impl Readable for mark::Plaintext {}

impl Readable for mark::Managed {}

impl Readable for mark::InIndexKey {}

/// A mark whose attributes can be updated in place. You cannot implement this trait.
///
/// It is a bound of [`Update::set`](crate::write::Update::set) and of the other updates in place.
#[diagnostic::on_unimplemented(
    message = "only `#[plaintext]` attributes can be changed in place",
    label = "this field is encrypted, authenticated, part of a key, or written by the library",
    note = "`.update(key).modify(|record| ..)` reads the record, changes it and seals it again"
)]
pub trait InPlace: Readable {}

impl InPlace for mark::Plaintext {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::record::attribute::mark::Key {}
    impl Sealed for crate::record::attribute::mark::Authenticated {}
    impl Sealed for crate::record::attribute::mark::Plaintext {}
    impl Sealed for crate::record::attribute::mark::Managed {}
    impl Sealed for crate::record::attribute::mark::InIndexKey {}
}

/// A field of the record `T` as an attribute, with values of type `V` and the mark `M`.
///
/// Derived code makes one for each stored field. The closures of conditions and updates receive
/// them all. An encrypted field has no comparisons: an expression with it does not compile.
///
/// ```
/// use envelope_dynamo::Envelope;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[plaintext]
///     #[serde(rename = "loginCount")]
///     logins: u64,
/// }
///
/// let attributes = User::attributes();
/// assert_eq!(attributes.logins.name(), "loginCount");
/// let few_logins = attributes.logins.lt(10).and(attributes.user_id.begins_with("u_"));
/// assert_eq!(format!("{few_logins:?}"), "loginCount < _ AND begins_with(user_id, _)");
/// ```
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::Envelope;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// // error: an encrypted field cannot be compared or read in the table
/// User::attributes().email.eq("zoe@example.com");
/// ```
pub struct Attribute<T, V, M> {
    name: &'static str,
    write: fn(V) -> Result<AttributeValue, ValueError>,
    read: fn(AttributeValue) -> Result<V, ValueError>,
    absent: fn(&'static str) -> Result<V, ValueError>,
    default: Option<fn() -> V>,
    optional: bool,
    scalar: Option<fn() -> Option<ScalarAttributeType>>,
    /// The format of a composed key each of whose parts is written as its type is.
    parts: Option<KeyFormat>,
    /// For a search tag: the function that takes the values from which it is computed.
    search: Option<fn(V) -> SearchedValues>,
    record: PhantomData<fn() -> (T, M)>,
}

impl<T, V, M> Clone for Attribute<T, V, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V, M> Copy for Attribute<T, V, M> {}

impl<T, V, M> fmt::Debug for Attribute<T, V, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attribute").field(&self.name).finish()
    }
}

/// For derived code.
#[doc(hidden)]
impl<T, V, M> Attribute<T, V, M> {
    /// An attribute whose type decides how it is stored.
    #[must_use]
    pub const fn new(name: &'static str) -> Self
    where
        V: Serialize + Deserialize<'static>,
    {
        let mut attribute =
            Self::through(name, |value| to_attribute_value(&value), from_attribute_value);
        attribute.absent = absent_value;
        attribute.scalar_type(scalar_type::<V>)
    }

    /// An attribute that is written and read by functions of its own (`#[serde(with = "..")]`).
    #[must_use]
    pub const fn through(
        name: &'static str,
        write: fn(V) -> Result<AttributeValue, ValueError>,
        read: fn(AttributeValue) -> Result<V, ValueError>,
    ) -> Self {
        const fn missing<V>(name: &'static str) -> Result<V, ValueError> {
            Err(ValueError::missing(name))
        }
        Self {
            name,
            write,
            read,
            absent: missing,
            default: None,
            optional: false,
            scalar: None,
            parts: None,
            search: None,
            record: PhantomData,
        }
    }

    /// Sets the function that returns the DynamoDB type of a key.
    #[must_use]
    pub const fn scalar_type(mut self, scalar: fn() -> Option<ScalarAttributeType>) -> Self {
        self.scalar = Some(scalar);
        self
    }

    /// A composed key. It is never read as a whole: each of its parts is read as its own field.
    #[must_use]
    pub const fn composed(
        name: &'static str,
        write: fn(V) -> Result<AttributeValue, ValueError>,
    ) -> Self {
        let composed = Self::through(name, write, |_| {
            Err(ValueError::format("a composed key is read part by part"))
        });
        composed.scalar_type(|| Some(ScalarAttributeType::S))
    }

    /// A search tag, as the key of an index. Its values are those of the searched fields.
    #[must_use]
    pub fn search_tag(name: &'static str, values: fn(V) -> SearchedValues) -> Self {
        const COMPUTED: ValueError = ValueError::format("is computed from other fields");
        let tag = Self::through(name, |_| Err(COMPUTED), |_| Err(COMPUTED));
        Self { search: Some(values), ..tag.scalar_type(|| Some(ScalarAttributeType::B)) }
    }

    /// Marks a composed key each of whose parts is written as its type is, without
    /// `#[serde(with = ..)]`.
    #[must_use]
    pub fn with_typed_parts(mut self) -> Self
    where
        T: Envelope,
    {
        self.parts = T::SCHEMA.stored_as(self.name).and_then(Field::key_format);
        self
    }

    /// The same attribute in the key of an index.
    #[must_use]
    pub const fn in_key(self) -> Attribute<T, V, mark::Key>
    where
        M: Readable,
    {
        self.as_key()
    }

    /// The value of this attribute in a key of several.
    #[must_use]
    pub fn key_operand(&self, value: V) -> Operand {
        let value = match self.search {
            None => OperandValue::Serialized((self.write)(value)),
            Some(values) => OperandValue::Searched(values(value)),
        };
        Operand { attribute: self.name, value }
    }

    /// Sets the default for an attribute that the item does not have (`#[serde(default)]`).
    #[must_use]
    pub const fn or_default(mut self, default: fn() -> V) -> Self {
        self.default = Some(default);
        self
    }

    /// Marks an attribute that may be absent because the struct has a default
    /// (`#[serde(default)]`).
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

#[doc(hidden)]
impl<T, V> Attribute<T, V, mark::Encrypted> {
    /// An encrypted field, which is never an attribute of its own.
    #[must_use]
    pub const fn encrypted(name: &'static str) -> Self {
        const SEALED: ValueError = ValueError::format("the field is sealed");
        Self::through(name, |_| Err(SEALED), |_| Err(SEALED))
    }
}

impl<T, V, M> Attribute<T, V, M> {
    /// Returns the name under which the attribute is stored.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The same attribute, with the mark of a key.
    pub(crate) const fn as_key(&self) -> Attribute<T, V, mark::Key> {
        self.retyped()
    }

    /// The same attribute of another record, or with another mark.
    pub(crate) const fn retyped<U, N>(&self) -> Attribute<U, V, N> {
        let Self { name, write, read, default, absent, optional, scalar, parts, search, .. } =
            *self;
        Attribute {
            name,
            write,
            read,
            default,
            absent,
            optional,
            scalar,
            parts,
            search,
            record: PhantomData,
        }
    }

    /// Composes the beginning of a composed key from its first parts. Says whether it is the whole
    /// key.
    pub(crate) fn compose_first(&self, first: FirstParts) -> Result<(String, bool), ValueError> {
        const WITH: ValueError = ValueError::format(
            "has a part that is written by `#[serde(with = ..)]`: compare whole keys, or write the \
             beginning of the key with `begins_with`",
        );
        let format = self.parts.ok_or(WITH)?;
        format.compose_first(&first.0?).map_err(|kind| match kind {
            ErrorKind::Usage(UsageError::Attribute { reason, .. }) => ValueError::format(reason),
            _ => WITH,
        })
    }

    /// The DynamoDB type of a key; `None` if the Rust type does not determine it.
    pub(crate) fn scalar(&self) -> Option<ScalarAttributeType> {
        self.scalar.and_then(|scalar| scalar())
    }

    /// The function that serializes the values.
    pub(crate) fn write_with(&self) -> fn(V) -> Result<AttributeValue, ValueError> {
        self.write
    }

    /// Serializes a value for this attribute.
    pub(crate) fn operand(&self, value: impl IntoValue<V>) -> Operand {
        self.key_operand(value.into_value())
    }

    /// Reads the stored value, or the value that the field has for an absent attribute.
    pub(crate) fn read(&self, stored: Option<AttributeValue>) -> Result<V, ValueError> {
        match (stored, self.default) {
            (Some(stored), _) => (self.read)(stored),
            (None, Some(default)) => Ok(default()),
            (None, None) => (self.absent)(self.name),
        }
    }

    /// Reads the value of a managed field from an item that the library has written.
    ///
    /// # Errors
    ///
    /// If the stored value is not of the field's type.
    #[doc(hidden)]
    pub fn read_managed(&self, stored: &HashMap<String, AttributeValue>) -> Result<V, ValueError> {
        self.read(stored.get(self.name).cloned())
    }

    /// Whether a record can be read without the attribute: an `Option`, or a field with a default.
    pub(crate) fn may_be_absent(&self) -> bool {
        self.optional || self.default.is_some() || (self.absent)(self.name).is_ok()
    }
}

/// A serialized value, or the error of its serialization.
pub(crate) type Serialized = Result<AttributeValue, ValueError>;
