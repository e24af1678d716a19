//! Times stored as seconds since 1970, the form in which DynamoDB reads a time to live.

use std::num::{NonZeroI64, NonZeroU32, NonZeroU64};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// A time type that is stored as seconds since 1970.
///
/// Implemented for `SystemTime`, `i32`, `u32`, `i64`, `u64`, `usize`, `NonZeroU32`, `NonZeroI64`,
/// `NonZeroU64`, and `Option`s of them. A field marked `#[ttl]`, `#[created]` or `#[updated]` must
/// have such a type, or name with `#[serde(with = "..")]` the code that writes it as a number.
///
/// ```
/// use envelope_dynamo::convert::EpochSeconds;
///
/// struct Moment(u64);
///
/// impl EpochSeconds for Moment {
///     fn to_epoch_seconds(&self) -> Option<i64> {
///         i64::try_from(self.0).ok()
///     }
///
///     fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
///         seconds?.try_into().ok().map(Self)
///     }
/// }
///
/// assert_eq!(Moment(7).to_epoch_seconds(), Some(7));
/// assert!(Moment::from_epoch_seconds(Some(-1)).is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as a time in seconds",
    note = "use `SystemTime`, an integer, an `Option` of one of these, a type that implements \
            `EpochSeconds`, or `#[serde(with = \"..\")]`"
)]
pub trait EpochSeconds: Sized {
    /// Returns the seconds since 1970, or `None` if there is no time.
    ///
    /// Round up, so that nothing expires early.
    fn to_epoch_seconds(&self) -> Option<i64>;

    /// Returns the time for these seconds since 1970, or the absent time for `None`.
    ///
    /// Returns `None` if the type cannot represent it.
    fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self>;

    /// Returns whether the time is absent, which is stored as null.
    ///
    /// A time that is not absent but has no seconds cannot be written: that is an error. By
    /// default, a value without seconds is absent if the type can be read from null.
    fn is_absent(&self) -> bool {
        self.to_epoch_seconds().is_none() && Self::from_epoch_seconds(None).is_some()
    }
}

impl EpochSeconds for SystemTime {
    fn to_epoch_seconds(&self) -> Option<i64> {
        match self.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs() + u64::from(after.subsec_nanos() > 0)).ok(),
            Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|seconds| -seconds),
        }
    }

    fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
        let seconds = seconds?;
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        }
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl EpochSeconds for $integer {
            fn to_epoch_seconds(&self) -> Option<i64> {
                i64::try_from(*self).ok()
            }

            fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
                seconds?.try_into().ok()
            }
        }
    )*};
}

integers!(i64 u64 usize i32 u32);

macro_rules! nonzero_integers {
    ($($nonzero:ty: $integer:ty),*) => {$(
        impl EpochSeconds for $nonzero {
            fn to_epoch_seconds(&self) -> Option<i64> {
                self.get().to_epoch_seconds()
            }

            fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
                Self::new(<$integer>::from_epoch_seconds(seconds)?)
            }
        }
    )*};
}

nonzero_integers!(NonZeroI64: i64, NonZeroU64: u64, NonZeroU32: u32);

impl<T: EpochSeconds> EpochSeconds for Option<T> {
    fn to_epoch_seconds(&self) -> Option<i64> {
        self.as_ref()?.to_epoch_seconds()
    }

    fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
        match seconds {
            None => Some(None),
            seconds => T::from_epoch_seconds(seconds).map(Some),
        }
    }

    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(T::is_absent)
    }
}

/// How times of type `T` are written and read.
///
/// Derived code names this type once for each field, so that a wrong type is reported once.
#[doc(hidden)]
#[derive(Debug)]
pub struct Seconds<T> {
    write: fn(&T) -> Option<i64>,
    is_absent: fn(&T) -> bool,
    read: fn(Option<i64>) -> Option<T>,
}

/// Returns how times of type `T` are written and read.
#[doc(hidden)]
#[must_use]
pub const fn seconds<T: EpochSeconds>() -> Seconds<T> {
    Seconds { write: T::to_epoch_seconds, is_absent: T::is_absent, read: T::from_epoch_seconds }
}

#[doc(hidden)]
impl<T> Seconds<T> {
    /// Writes a time as seconds.
    pub fn serialize<S: Serializer>(&self, time: &T, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.write)(time) {
            Some(seconds) => serializer.serialize_i64(seconds),
            None if (self.is_absent)(time) => serializer.serialize_none(),
            // A time beyond `i64`, stored as null, would read back as an absent time.
            None => Err(S::Error::custom("the time is out of range")),
        }
    }

    /// Reads a time from seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error> {
        let seconds = Option::<i64>::deserialize(deserializer)?;
        (self.read)(seconds)
            .ok_or_else(|| D::Error::custom("the seconds are not a time that this type can hold"))
    }
}

/// Writes a time as seconds; called by derived code of generic structs.
#[doc(hidden)]
pub fn serialize<T: EpochSeconds, S: Serializer>(
    time: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    seconds::<T>().serialize(time, serializer)
}

/// Reads a time from seconds; called by derived code of generic structs.
#[doc(hidden)]
pub fn deserialize<'de, T: EpochSeconds, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    seconds::<T>().deserialize(deserializer)
}

/// The whole seconds since 1970 at `time`; 0 for times before.
pub(crate) fn seconds_since_epoch(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_whole_seconds() {
        let after = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        assert_eq!(after(1_000_000_000).to_epoch_seconds(), Some(1));
        assert_eq!(after(1_000_000_001).to_epoch_seconds(), Some(2));
        assert_eq!((UNIX_EPOCH - Duration::from_millis(1500)).to_epoch_seconds(), Some(-1));
        assert_eq!(
            SystemTime::from_epoch_seconds(Some(-1)),
            Some(UNIX_EPOCH - Duration::from_secs(1))
        );
        assert_eq!(u64::MAX.to_epoch_seconds(), None);
        assert_eq!(u32::from_epoch_seconds(Some(-1)), None);
        assert_eq!(Option::<u32>::from_epoch_seconds(None), Some(None));
        assert_eq!(Option::<u32>::from_epoch_seconds(Some(-1)), None);
        assert_eq!(
            (i32::from_epoch_seconds(Some(-1)), i32::from_epoch_seconds(Some(1 << 31))),
            (Some(-1), None)
        );
        assert_eq!(
            (usize::from_epoch_seconds(Some(7)), 7_usize.to_epoch_seconds()),
            (Some(7), Some(7))
        );
        assert_eq!(
            NonZeroU64::from_epoch_seconds(Some(7)).and_then(|time| time.to_epoch_seconds()),
            Some(7)
        );
        assert_eq!(NonZeroU64::from_epoch_seconds(Some(0)), None);
        assert_eq!(Option::<NonZeroU64>::from_epoch_seconds(None), Some(None));
    }

    #[test]
    fn a_time_beyond_the_seconds_of_i64_is_not_stored_as_none() {
        let stored = |time: Option<u64>| seconds().serialize(&time, serde_json::value::Serializer);
        assert!(stored(Some(u64::MAX)).is_err());
        assert!(stored(Some(1 << 63)).is_err());
        assert_eq!(stored(Some((1 << 63) - 1)).ok(), Some(i64::MAX.into()));
        assert_eq!(stored(None).ok(), Some(serde_json::Value::Null));
    }
}
