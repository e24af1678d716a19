//! Refuses [`Access`] where nothing can be withheld, when a struct is compiled. For derived code.

use std::marker::PhantomData;

use crate::record::access::Access;

/// The type of a field without a group.
#[doc(hidden)]
#[derive(Debug)]
pub struct Ungrouped<T: ?Sized>(PhantomData<T>);

impl<T> Ungrouped<Access<T>> {
    /// Does not compile. The compiler takes this function before the one of [`CheckUngrouped`], by
    /// the type and not by its name, so that aliases are seen as well.
    pub const fn __ungrouped()
    where
        Access<T>: OutsideOfGroup,
    {
    }
}

/// Every other type.
#[doc(hidden)]
pub trait CheckUngrouped {
    /// Does nothing.
    fn __ungrouped() {}
}

impl<T: ?Sized> CheckUngrouped for Ungrouped<T> {}

/// A type for fields without a group; no `Access` is one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a field without a group cannot have the type `{Self}`",
    label = "the value of this field is never withheld",
    note = "write `#[encrypted(group = \"medical\")]`, or use the type without `Access`"
)]
pub trait OutsideOfGroup {}
