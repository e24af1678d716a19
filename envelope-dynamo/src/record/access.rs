//! The value of a field that not every reader may see.

use std::fmt;
use std::marker::PhantomData;

use envelope_core::WITHHELD;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of a field in a group, `#[encrypted(group = "..")]`, or that it is withheld from this
/// reader.
///
/// A group of fields is sealed under a data key of its own. A reader that may not use the group's
/// key reads the rest of the record, and finds the group's fields [`Withheld`](Self::Withheld).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use envelope_dynamo::{Access, Envelope, GroupKeyProvider, LocalKeyProvider, RootKey, from_item, to_item};
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
/// let office = Arc::new(LocalKeyProvider::new(RootKey::generate()?)); // in production a `KmsKeyProvider` for each
/// let ward = LocalKeyProvider::new(RootKey::generate()?);
/// let nurse = GroupKeyProvider::new(office.clone()).group("medical", ward);
/// let receptionist = GroupKeyProvider::new(office);
///
/// let diagnosis = Access::Granted("gout".to_owned());
/// let patient = Patient { patient_id: "p_1".into(), name: "Zoë".into(), diagnosis };
/// let item = to_item(&patient, &nurse).await?;
///
/// assert_eq!(from_item::<Patient>(item.clone(), &nurse).await?, patient);
/// assert_eq!(from_item::<Patient>(item, &receptionist).await?, Patient { diagnosis: Access::Withheld, ..patient });
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// A record of which a group is withheld cannot be put: that would destroy what the reader could
/// not see.
///
/// In formats of others (JSON for a web page) it serializes as the value, or as null if it is
/// withheld; it deserializes as a value that is granted. In a record, a withheld value outside of a
/// group is refused when the record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access<T> {
    /// The value.
    Granted(T),
    /// The reader may not use the group's key, or the key is disabled or gone.
    Withheld,
}

impl<T> Access<T> {
    /// The value, if it is granted.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(value) => Some(value),
            Self::Withheld => None,
        }
    }

    /// A reference to the value, if it is granted.
    pub const fn as_ref(&self) -> Access<&T> {
        match self {
            Self::Granted(value) => Access::Granted(value),
            Self::Withheld => Access::Withheld,
        }
    }

    /// A reference to the value for changing it, if it is granted.
    pub const fn as_mut(&mut self) -> Access<&mut T> {
        match self {
            Self::Granted(value) => Access::Granted(value),
            Self::Withheld => Access::Withheld,
        }
    }

    /// Whether the value is withheld.
    pub const fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld)
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
            // Stored as null, it would take the place of a value that this writer does not have.
            Self::Withheld => serializer.serialize_newtype_struct(WITHHELD, &()),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Access<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("Access", Granted(PhantomData))
    }
}

/// A newtype holds a value; what is withheld comes as a unit, which no other deserializer makes of
/// a newtype.
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

    /// Null is no value that was granted: what a page could not see must not come back from it as
    /// something new.
    #[test]
    fn other_formats_write_what_is_withheld_as_null_and_do_not_take_it_back() {
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
    fn a_value_is_there_if_it_is_granted() {
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
    fn a_format_without_newtypes_is_told_what_was_expected() {
        let number: U8Deserializer<Error> = 7_u8.into_deserializer();
        let error = Access::<u8>::deserialize(number).unwrap_err();
        assert!(error.to_string().ends_with("expected a value of a group"), "{error}");
    }
}
