//! The record types of a program, for a command that is built with them.

use envelope_dynamo::item::Entity;
use envelope_dynamo::maintain::SchemaFile;

/// The record types of a program: a tuple of one to twelve types that derive `Envelope`.
///
/// ```
/// use envelope_cli::Records;
/// use envelope_dynamo::Envelope;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// assert!(<(User,)>::schema().records().contains_key("User"));
/// ```
pub trait Records {
    /// The schema of the types.
    fn schema() -> SchemaFile;
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<$first: Entity, $($rest: Entity),*> Records for ($first, $($rest,)*) {
            fn schema() -> SchemaFile {
                SchemaFile::new().with::<$first>()$(.with::<$rest>())*
            }
        }
        tuples!($($rest)*);
    )?};
}

tuples!(A B C D E F G H I J K L);
