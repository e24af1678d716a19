//! Values that serde writes, but that some types cannot read back.

use crate::serde_error::ValueError;

/// The struct name under which `RawValue` of serde_json serializes itself.
const RAW_JSON: &str = "$serde_json::private::RawValue";

/// Refuses to serialize a struct that only serde_json can read back. A serializer calls it with the
/// `name` of every struct.
///
/// ```
/// use envelope_core::check_struct_name;
///
/// assert!(check_struct_name("Address").is_ok());
/// assert!(check_struct_name("$serde_json::private::RawValue").is_err());
/// ```
///
/// # Errors
///
/// If the struct is `RawValue` of serde_json.
pub fn check_struct_name(name: &str) -> Result<(), ValueError> {
    if name == RAW_JSON {
        return Err(ValueError::format(
            "only serde_json can read its `RawValue` back: store a `serde_json::Value` or the text",
        ));
    }
    Ok(())
}

/// How many values were serialized that some types cannot read back.
///
/// serde buffers the content of internally tagged and untagged enums when it deserializes them, and
/// some values are lost in that buffer. A serializer cannot see whether a value is inside such an
/// enum. So it counts these values. The writer then reads the field back, and refuses it if the
/// value that it reads contains another number of them.
///
/// ```
/// use envelope_core::FieldWriter;
///
/// let mut fields = FieldWriter::new(64, []);
/// fields.field("balance", &7_i128)?;
/// fields.field("middle_name", &Some(None::<String>))?;
/// let fragile = fields.fragile();
/// assert_eq!((fragile.wide_integers, fragile.null_options), (1, 1));
/// # Ok::<(), envelope_core::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FragileValues {
    /// `i128` and `u128`, of any value: serde's buffer has no such integers.
    pub wide_integers: u64,
    /// `Some` of a value that is written as null, such as `Some(None)`: most types read it as
    /// `None`.
    pub null_options: u64,
    /// Integers and booleans as map keys, in a format whose map keys are text: serde's buffer
    /// keeps the text.
    pub text_keys: u64,
}

impl FragileValues {
    /// Whether there are none, so that every type can read the values back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The values that were counted since `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: Self) -> Self {
        Self {
            wide_integers: self.wide_integers.saturating_sub(earlier.wide_integers),
            null_options: self.null_options.saturating_sub(earlier.null_options),
            text_keys: self.text_keys.saturating_sub(earlier.text_keys),
        }
    }
}
