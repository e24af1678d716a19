//! Views: some readable attributes of a record, read without its data key.

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, Readable};
use crate::record::field::Field;
use crate::record::item_key::{record_id, stored};
use crate::record::kind::Kind;
use crate::record::schema::Schema;

/// Some readable attributes of a record, read without opening it.
///
/// Reading a view makes no call to KMS and needs no permission to decrypt. `#[derive(View)]`
/// implements this trait for a struct whose fields have names and types of the record's fields. A
/// view with an encrypted field does not compile.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, View, to_item};
/// use envelope_dynamo::item::view_item;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
///     #[authenticated]
///     plan: String,
///     #[plaintext]
///     logins: u64,
/// }
///
/// #[derive(Debug, PartialEq, View)]
/// #[view(of = User)]
/// struct Usage {
///     user_id: String,
///     logins: u64,
/// }
///
/// let user = User {
///     user_id: "u_1".into(),
///     email: "zoe@example.com".into(),
///     plan: "pro".into(),
///     logins: 3,
/// };
/// let item = to_item(&user, &LocalKeyProvider::new(RootKey::generate()?)).await?;
/// assert_eq!(view_item::<Usage>(item)?, Usage { user_id: "u_1".into(), logins: 3 });
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::{Envelope, View};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// #[derive(View)]
/// #[view(of = User)]
/// struct Contact {
///     user_id: String,
///     email: String, // an encrypted field cannot be compared or read in the table
/// }
/// ```
///
/// # Security
///
/// Without the data key nothing can be verified, not even `#[authenticated]` attributes. A view
/// shows the attributes as they are in the table: anyone who can write to the table can set them.
pub trait View: Sized {
    /// The record.
    type Record: Envelope;

    /// Returns the stored names of the attributes that the view reads.
    #[doc(hidden)]
    fn names() -> Vec<&'static str>;

    /// Reads the attributes.
    #[doc(hidden)]
    fn read(item: &ViewedItem) -> Result<Self, ErrorKind>;
}

/// Reads a view from an item, or from the part of it that a projection left.
///
/// # Errors
///
/// If an attribute is not of its field's type, or is absent and the field has no default.
///
/// # Security
///
/// The attributes are not verified: see [`View`].
pub fn view_item<V: View>(item: Item) -> Result<V, Error> {
    let item = ViewedItem { item, schema: V::Record::SCHEMA };
    V::read(&item).map_err(|kind| Error::new(record_id(&Kind::of::<V::Record>(), &item.item), kind))
}

/// An item from which derived code takes the attributes of a view.
#[doc(hidden)]
pub struct ViewedItem {
    item: Item,
    schema: Schema,
}

impl ViewedItem {
    /// Reads the value of an attribute.
    ///
    /// # Errors
    ///
    /// If the attribute is not of its field's type, or is absent and the field has no default.
    pub fn value<T: Envelope, V, M: Readable>(
        &self,
        attribute: &Attribute<T, V, M>,
    ) -> Result<V, ErrorKind> {
        let found =
            self.schema.stored_as(attribute.name()).and_then(|field| stored(&self.item, field));
        attribute.read(found.map(|(_, value)| value.clone())).map_err(|source| {
            ErrorKind::Data(DataError::Deserialize {
                attribute: Some(attribute.name().to_owned()),
                source,
            })
        })
    }
}

/// Every name that the attributes of a view may have in an item, aliases included.
pub(crate) fn projected_names<V: View>() -> Vec<&'static str> {
    let fields = V::names().into_iter().filter_map(|name| V::Record::SCHEMA.stored_as(name));
    let mut names: Vec<_> = fields.flat_map(Field::names).collect();
    // Errors name the record by its keys.
    names.extend(V::Record::SCHEMA.keys().map(|field| field.name));
    names.sort_unstable();
    names.dedup();
    names
}
