//! [`Access`]: the value of a field in a group, or the fact that it is withheld.

use std::fmt;
use std::marker::PhantomData;

use envelope_core::WITHHELD;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of a field in a group (`#[encrypted(group = "..")]`), which may be withheld from a
/// reader.
///
/// Each group of fields is encrypted under a data key of its own. A reader without permission to
/// use the group's key reads the rest of the record and gets [`Withheld`](Self::Withheld) for the
/// group's fields.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use envelope_dynamo::{
///     Access, Envelope, GroupKeyProvider, LocalKeyProvider, RootKey, from_item, to_item,
/// };
///
/// #[derive(Debug, PartialEq, Envelope)]
/// #[envelope(table = "patients")]
/// struct Patient {
///     #[partition_key]
///     patient_id: String,
///     #[encrypted]
///     name: String,
///     #[encrypted(group = "medical")]
///     diagnosis: Access<String>,
/// }
///
/// // In production, use a `KmsKeyProvider` for each.
/// let office = Arc::new(LocalKeyProvider::new(RootKey::generate()?));
/// let ward = LocalKeyProvider::new(RootKey::generate()?);
/// let nurse = GroupKeyProvider::new(office.clone()).group("medical", ward);
/// let receptionist = GroupKeyProvider::new(office);
///
/// let diagnosis = Access::Granted("gout".to_owned());
/// let patient = Patient { patient_id: "p_1".into(), name: "Zoë".into(), diagnosis };
/// let item = to_item(&patient, &nurse).await?;
///
/// assert_eq!(from_item::<Patient>(item.clone(), &nurse).await?, patient);
/// let withheld = Patient { diagnosis: Access::Withheld, ..patient };
/// assert_eq!(from_item::<Patient>(item, &receptionist).await?, withheld);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// A record with a withheld group cannot be put, because that would destroy the values that the
/// reader could not see.
///
/// In other formats, such as JSON for a web page, a granted value serializes as the value, and a
/// withheld one as null. Every value that is read from such a format is granted; null is an error
/// unless `T` accepts it. In a record, a withheld value outside of a group is refused when the
/// record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<T> {
    /// The value.
    Granted(T),
    /// The reader has no permission to use the group's key, or the key is disabled or deleted.
    Withheld,
}

impl<T> Access<T> {
    /// Returns the value, if it is granted.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(value) => Some(value),
            Self::Withheld => None,
        }
    }

    /// Returns a reference to the value, if it is granted.
    pub const fn as_ref(&self) -> Access<&T> {
        match self {
            Self::Granted(value) => Access::Granted(value),
            Self::Withheld => Access::Withheld,
        }
    }

    /// Returns a mutable reference to the value, if it is granted.
    pub const fn as_mut(&mut self) -> Access<&mut T> {
        match self {
            Self::Granted(value) => Access::Granted(value),
            Self::Withheld => Access::Withheld,
        }
    }

    /// Returns whether the value is withheld.
    pub const fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld)
    }
}

/// The type of a field in a group. Derived code requires it, so that the compiler can say what the
/// type must be.
#[diagnostic::on_unimplemented(
    message = "a field in a group must be of type `Access<{Self}>`",
    label = "change this type to `envelope_dynamo::Access<{Self}>`",
    note = "a reader without permission for the group's key reads `Access::Withheld`"
)]
pub trait InGroup {
    /// Whether the value is withheld.
    fn is_withheld(&self) -> bool;
}

impl<T> InGroup for Access<T> {
    fn is_withheld(&self) -> bool {
        Self::is_withheld(self)
    }
}

impl<T: Default> Default for Access<T> {
    fn default() -> Self {
        Self::Granted(T::default())
    }
}

impl<T> From<T> for Access<T> {
    fn from(value: T) -> Self {
        Self::Granted(value)
    }
}

impl<T: Serialize> Serialize for Access<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Granted(value) => value.serialize(serializer),
            // A null would replace the stored value, which this writer does not have.
            Self::Withheld => serializer.serialize_newtype_struct(WITHHELD, &()),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Access<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("Access", Granted(PhantomData))
    }
}

/// Reads a granted value from a newtype, and a withheld one from a unit. No other deserializer
/// presents a newtype as a unit.
struct Granted<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Granted<T> {
    type Value = Access<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a group")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Access<T>, D::Error> {
        T::deserialize(value).map(Access::Granted)
    }

    fn visit_unit<E>(self) -> Result<Access<T>, E> {
        Ok(Access::Withheld)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, U8Deserializer};

    use crate::record::access::Access;

    /// A page that did not get the value sends null back. It must not be read as a new value.
    #[test]
    fn a_withheld_value_is_null_in_json_and_null_is_not_read() {
        assert_eq!(
            serde_json::to_string(&[Access::Granted("a"), Access::Withheld]).unwrap(),
            r#"["a",null]"#
        );
        assert_eq!(
            serde_json::from_str::<Access<String>>("\"a\"").unwrap(),
            Access::Granted("a".to_owned())
        );
        let error = serde_json::from_str::<Access<String>>("null").unwrap_err();
        assert!(error.to_string().starts_with("invalid type: null"), "{error}");
    }

    #[test]
    fn only_a_granted_value_is_returned() {
        assert_eq!(
            (Access::Granted(7).granted(), Access::<u8>::Withheld.granted()),
            (Some(7), None)
        );
        let mut access = Access::from(7);
        if let Access::Granted(value) = access.as_mut() {
            *value += 1;
        }
        assert_eq!((access.as_ref(), access.is_withheld()), (Access::Granted(&8), false));
        assert_eq!(
            (Access::<u8>::Withheld.as_mut(), Access::<u8>::Withheld.is_withheld()),
            (Access::Withheld, true)
        );
        assert_eq!(Access::<u8>::default(), Access::Granted(0));
    }

    #[test]
    fn a_format_without_newtypes_fails_with_the_expected_type() {
        let number: U8Deserializer<Error> = 7_u8.into_deserializer();
        let error = Access::<u8>::deserialize(number).unwrap_err();
        assert!(error.to_string().ends_with("expected a value of a group"), "{error}");
    }
}
