//! Values that serde writes and, in some types, cannot read back.

use crate::serde_error::ValueError;

/// serde_json's type for text that is JSON. It writes itself as a struct of this name.
const RAW_JSON: &str = "$serde_json::private::RawValue";

/// Refuses a struct of `name`, about to be written, that no deserializer but serde_json's reads
/// back.
///
/// # Errors
///
/// If the struct is serde_json's `RawValue`.
pub fn check_struct_name(name: &str) -> Result<(), ValueError> {
    if name == RAW_JSON {
        return Err(ValueError::format(
            "serde_json's `RawValue` can be written, but only serde_json reads it back: store a `serde_json::Value`, \
             or the text",
        ));
    }
    Ok(())
}

/// How many values were written that only some types read back.
///
/// A serializer cannot see whether a value stands inside an internally tagged or untagged enum,
/// where serde buffers what it reads. So it counts such values. The writer reads a field with such
/// values back, and refuses it if the value that comes back holds another number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FragileValues {
    /// `i128` and `u128`: serde's buffer has no such integers, whatever their value.
    pub wide_integers: u64,
    /// `Some` of a value that is written as null, such as `Some(None)`: most types read `None`.
    pub null_options: u64,
    /// Integers and booleans as keys of maps whose stored keys are text: serde's buffer keeps the
    /// text.
    pub text_keys: u64,
}

impl FragileValues {
    /// Whether there are none: every type reads back what was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was counted since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: Self) -> Self {
        Self {
            wide_integers: self.wide_integers.saturating_sub(earlier.wide_integers),
            null_options: self.null_options.saturating_sub(earlier.null_options),
            text_keys: self.text_keys.saturating_sub(earlier.text_keys),
        }
    }
}
