//! The number types that an update can add to in place, and the numbers that can be added.

use serde::Serialize;

/// A number type of a field that an update can add to in place.
///
/// Implemented for the integers, for `f32` and `f64`, and for `Option`s of them. Implement it for a
/// newtype that serializes to a number:
///
/// ```
/// use envelope_dynamo::expression::Addable;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Cents(i64);
///
/// impl Addable for Cents {
///     const RANGE: Option<(i128, i128)> = i64::RANGE;
/// }
///
/// assert_eq!(<Option<Cents>>::RANGE, Some((i64::MIN.into(), i64::MAX.into())));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number type that an update in place can add to",
    note = "for a newtype that serializes as a number, write \
            `impl envelope_dynamo::expression::Addable for {Self} {{}}`"
)]
pub trait Addable {
    /// The least and the greatest whole number that the type can hold, or `None` for a type without
    /// such limits.
    ///
    /// The update fails if the sum would be outside this range, so that the record stays readable.
    const RANGE: Option<(i128, i128)> = None;
}

/// A number that can be added: any primitive number type, also negative.
///
/// You cannot implement this trait.
///
/// ```no_run
/// # use envelope_dynamo::{Envelope, Error, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[plaintext] credits: u64,
/// # }
/// # async fn example(users: Table<User>) -> Result<(), Error> {
/// // The field is a u64, and -3 is none. DynamoDB refuses the update if the sum would be below 0.
/// users.update("u_1").add(|user| user.credits, -3).send().await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number that can be added")]
pub trait Amount: Serialize + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! amounts {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}
        impl Amount for $number {}
    )*};
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Addable for $integer {
            const RANGE: Option<(i128, i128)> =
                Some((<$integer>::MIN as i128, <$integer>::MAX as i128));
        }
    )*};
}

amounts!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64);

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 usize);

impl Addable for u128 {
    const RANGE: Option<(i128, i128)> = Some((0, i128::MAX));
}

impl Addable for f32 {}

impl Addable for f64 {}

impl<N: Addable> Addable for Option<N> {
    const RANGE: Option<(i128, i128)> = N::RANGE;
}
