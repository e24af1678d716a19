//! The comparisons of attributes, of paths, and of their sizes.

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::Escaped;
use serde::Serialize;

use crate::convert::to_attribute_value;
use crate::expression::condition::{Comparison, Condition};
use crate::expression::operand::{IntoOperand, Side, Term};
use crate::record::attribute::{Attribute, Readable, Serialized};
use crate::record::document_path::DocumentPath;
use crate::record::key::IntoValue;
use crate::record::path::AttributePath;

macro_rules! conditions {
    ($($place:ident)*) => {$(
        /// Conditions.
        ///
        /// A comparison with an attribute that the item does not have is false, except `ne`.
        ///
        /// The other side is a value, or another attribute: see [`IntoOperand`].
        impl<T, V, M> $place<T, V, M> {
            /// Is equal to `other`.
            pub fn eq<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::Equal, other)
            }

            /// Is not equal to `other`, or is absent.
            pub fn ne<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::NotEqual, other)
            }

            /// Is less than `other`. Numbers compare by value, strings and binary by their bytes.
            pub fn lt<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::Less, other)
            }

            /// Is at most `other`.
            pub fn le<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::LessOrEqual, other)
            }

            /// Is greater than `other`.
            pub fn gt<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::Greater, other)
            }

            /// Is at least `other`.
            pub fn ge<K>(&self, other: impl IntoOperand<T, V, K>) -> Condition<T>
            where
                M: Readable,
            {
                self.compare(Comparison::GreaterOrEqual, other)
            }

            /// Is between `low` and `high`, both included.
            pub fn between<K, L>(
                &self,
                low: impl IntoOperand<T, V, K>,
                high: impl IntoOperand<T, V, L>,
            ) -> Condition<T>
            where
                M: Readable,
            {
                let write = self.write_with();
                let (low, high) = (low.into_operand(write), high.into_operand(write));
                Condition::of_between(self.term(), low, high)
            }

            /// Is equal to one of `values`.
            ///
            /// DynamoDB accepts at most 100 values (Amazon DynamoDB Developer Guide, "Comparison
            /// operator and function reference"). Without values, the condition is never true.
            pub fn one_of<I>(&self, values: I) -> Condition<T>
            where
                I: IntoIterator<Item: IntoValue<V>>,
                M: Readable,
            {
                let write = self.write_with();
                let values = values.into_iter().map(|value| write(value.into_value()));
                Condition::one_of(self.document(), values.collect())
            }

            /// Is a string that begins with `prefix`.
            pub fn begins_with(&self, prefix: impl Into<String>) -> Condition<T>
            where
                M: Readable,
            {
                Condition::of_prefix(self.document(), Ok(AttributeValue::S(prefix.into())))
            }

            /// Is a string that contains `part`, or a set or list with the element `part`.
            pub fn contains(&self, part: impl Serialize) -> Condition<T>
            where
                M: Readable,
            {
                Condition::contains(self.document(), to_attribute_value(&part))
            }

            /// Is present in the item, even if it is `null`.
            pub fn exists(&self) -> Condition<T>
            where
                M: Readable,
            {
                Condition::exists(self.document())
            }

            /// Is absent from the item.
            pub fn not_exists(&self) -> Condition<T>
            where
                M: Readable,
            {
                Condition::not_exists(self.document())
            }

            /// Is stored with the DynamoDB type `attribute_type`, whatever the Rust type is.
            ///
            /// ```
            /// # use envelope_dynamo::Envelope;
            /// # use envelope_dynamo::expression::AttributeType;
            /// # #[derive(Envelope)]
            /// # #[envelope(table = "users")]
            /// # struct User {
            /// #     #[partition_key] user_id: String,
            /// #     #[encrypted] email: String,
            /// #     #[plaintext] note: Option<String>,
            /// # }
            /// let is_null = User::attributes().note.has_type(AttributeType::Null);
            /// assert_eq!(format!("{is_null:?}"), "attribute_type(note, _)");
            /// ```
            pub fn has_type(&self, attribute_type: AttributeType) -> Condition<T>
            where
                M: Readable,
            {
                let code = AttributeValue::S(attribute_type.code().to_owned());
                Condition::has_type(self.document(), Ok(code))
            }

            /// Returns the size of the value, to compare it.
            ///
            /// The size is the number of characters of a string, of bytes of a binary value, or of
            /// elements of a list, set or map.
            ///
            /// ```
            /// # use envelope_dynamo::Envelope;
            /// # #[derive(Envelope)]
            /// # #[envelope(table = "users")]
            /// # struct User {
            /// #     #[partition_key] user_id: String,
            /// #     #[encrypted] email: String,
            /// #     #[plaintext] tags: Vec<String>,
            /// # }
            /// let few_tags = User::attributes().tags.size().lt(10);
            /// assert_eq!(format!("{few_tags:?}"), "size(tags) < _");
            /// ```
            pub fn size(&self) -> Size<T>
            where
                M: Readable,
            {
                Size { document: self.document(), record: PhantomData }
            }

            fn compare<K>(
                &self,
                comparison: Comparison,
                other: impl IntoOperand<T, V, K>,
            ) -> Condition<T> {
                let other = other.into_operand(self.write_with());
                Condition::of_compare(self.term(), comparison, other)
            }

            fn term(&self) -> Term {
                Term(Side::Path(self.document()))
            }
        }
    )*};
}

conditions!(Attribute AttributePath);

/// The size of a value, for conditions: see [`Attribute::size`].
#[must_use = "a size does nothing by itself"]
pub struct Size<T> {
    document: DocumentPath,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for Size<T> {
    fn clone(&self) -> Self {
        Self { document: self.document.clone(), record: PhantomData }
    }
}

impl<T> fmt::Debug for Size<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Size").field(&format_args!("{}", Escaped(&self.document.shown()))).finish()
    }
}

/// Conditions.
///
/// A condition on the size of an absent attribute, or of a value without a size such as a number,
/// is false.
impl<T> Size<T> {
    /// Is equal to `size`.
    pub fn eq(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::Equal, size)
    }

    /// Is not equal to `size`.
    pub fn ne(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::NotEqual, size)
    }

    /// Is less than `size`.
    pub fn lt(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::Less, size)
    }

    /// Is at most `size`.
    pub fn le(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::LessOrEqual, size)
    }

    /// Is greater than `size`.
    pub fn gt(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::Greater, size)
    }

    /// Is at least `size`.
    pub fn ge(&self, size: usize) -> Condition<T> {
        self.compare(Comparison::GreaterOrEqual, size)
    }

    /// Is between `low` and `high`, both included.
    pub fn between(&self, low: usize, high: usize) -> Condition<T> {
        Condition::of_between(
            self.term(),
            Term(Side::Value(number(low))),
            Term(Side::Value(number(high))),
        )
    }

    fn compare(&self, comparison: Comparison, size: usize) -> Condition<T> {
        Condition::of_compare(self.term(), comparison, Term(Side::Value(number(size))))
    }

    fn term(&self) -> Term {
        Term(Side::Size(self.document.clone()))
    }
}

fn number(size: usize) -> Serialized {
    Ok(AttributeValue::N(size.to_string()))
}

/// A DynamoDB type, for [`Attribute::has_type`].
///
/// ```
/// # use envelope_dynamo::Envelope;
/// use envelope_dynamo::expression::AttributeType;
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[plaintext] nickname: Option<String>,
/// # }
/// // `None` is stored as NULL, for which `exists()` is true, unless serde skips it. This is false:
/// let has_nickname = User::attributes().nickname.has_type(AttributeType::String);
/// assert_eq!(format!("{has_nickname:?}"), "attribute_type(nickname, _)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeType {
    /// `S`: a string.
    String,
    /// `N`: a number.
    Number,
    /// `B`: bytes.
    Binary,
    /// `BOOL`: true or false.
    Boolean,
    /// `NULL`: the stored form of `None`.
    Null,
    /// `L`: a list.
    List,
    /// `M`: a map.
    Map,
    /// `SS`: a set of strings.
    StringSet,
    /// `NS`: a set of numbers.
    NumberSet,
    /// `BS`: a set of bytes.
    BinarySet,
}

impl AttributeType {
    const fn code(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Binary => "B",
            Self::Boolean => "BOOL",
            Self::Null => "NULL",
            Self::List => "L",
            Self::Map => "M",
            Self::StringSet => "SS",
            Self::NumberSet => "NS",
            Self::BinarySet => "BS",
        }
    }
}
