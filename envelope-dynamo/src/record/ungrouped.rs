//! Refuses [`Access`] at compile time in fields without a group, which are never withheld.

use std::marker::PhantomData;

use crate::record::access::Access;

/// Wraps the type of a field without a group; used by derived code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Ungrouped<T: ?Sized>(PhantomData<T>);

impl<T> Ungrouped<Access<T>> {
    /// Does not compile. The compiler prefers this inherent function to the one of
    /// [`CheckUngrouped`]. It resolves the type, so type aliases are recognized too.
    pub const fn __ungrouped()
    where
        Access<T>: OutsideOfGroup,
    {
    }
}

/// The check that every other type passes.
#[doc(hidden)]
pub trait CheckUngrouped {
    /// Does nothing.
    fn __ungrouped() {}
}

impl<T: ?Sized> CheckUngrouped for Ungrouped<T> {}

/// A type for fields without a group. No `Access` implements it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a field without a group cannot have the type `{Self}`",
    label = "the value of this field is never withheld",
    note = "write `#[encrypted(group = \"medical\")]`, or use the type without `Access`"
)]
pub trait OutsideOfGroup {}
