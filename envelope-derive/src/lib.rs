//! `#[derive(Envelope)]` for `envelope-dynamo`, which re-exports it: depend on that crate alone.
//!
//! The macro only translates syntax; the behaviour is in `envelope-dynamo`. The files, from the
//! top:
//!
//! - `derive`: the derives, each through the three stages
//! - `parse`: from syntax to typed input
//! - `check`: the rules of a record
//! - `expand`: the generated code, and the fallback that replaces it after a mistake
//! - `marks`: everything that the stages know of the attributes of fields
//! - `names`, `errors`: names, and the collector of mistakes
#![forbid(unsafe_code)]

mod check;
mod derive;
mod errors;
mod expand;
mod marks;
mod names;
mod parse;
#[cfg(test)]
mod tests;

use syn::DeriveInput;

/// Implements `Envelope` for a struct with named fields: which of them are sealed, and what the
/// others are for; or `Entity` for an enum of such structs.
///
/// Every field that is stored carries exactly one mark. A field that says nothing does not compile.
///
/// | on a field | |
/// |---|---|
/// | `#[partition_key]`, `#[sort_key]` | the primary key: a string, a number, bytes, or a type that serde writes as one |
/// | `#[key]` | stored in a composed key alone, and read back from it |
/// | `#[encrypted]` | sealed; any serde type |
/// | `#[authenticated]` | readable in the table, tamper-evident |
/// | `#[plaintext]` | readable in the table, free to be updated in place |
/// | `#[serde(skip)]` | not stored |
/// | `#[encrypted(accept = "plaintext")]`, `#[authenticated(accept = "plaintext")]` | also reads records that were written while the field was plaintext |
/// | `#[encrypted(group = "medical")]` | sealed with the other fields of its group under a data key of their own; the field's type is `Access<..>`, which no other field can have |
/// | `#[encryption_context]` | beside a key, authenticated or plaintext mark: the value also stands in the KMS encryption context |
///
/// | `#[version]` | beside `#[plaintext]` or `#[authenticated]`: counts the writes of the record, for optimistic locking |
/// | `#[ttl]` | beside the same: when DynamoDB may delete the record; stored as seconds |
/// | `#[created]`, `#[updated]` | beside `#[plaintext]`: when the record was first put, and last written; stored as seconds |
///
/// | on the struct: `#[envelope(..)]` | |
/// |---|---|
/// | `table = "users"` | required: the logical name of the table, bound into every record |
/// | `unmarked = "plaintext"`, `unmarked = "encrypted"` | the mark of fields without one; not of those that serde skips |
/// | `kms_context = "raw"`, `"hashed"`, `"table"` | how the key stands in the KMS encryption context; `raw` unless stated |
/// | `context(purpose = "pii", "cost-center" = "42")` | constant pairs for the KMS encryption context |
/// | `entity(kind = "order")` | a constant attribute that tells the records of one struct from those of others in the table: stored, authenticated, and checked before anything is opened |
/// | `index(name = "by-plan", partition_key = plan, sort_key = created)` | a global secondary index of the table, by readable fields; the sort key as it has one; may be repeated |
/// | `index(name = "by-day", local, sort_key = day)` | a local secondary index |
/// | `crate = ::path` | where the crate is, if not at `::envelope_dynamo`; begins with `::` or `crate` |
///
/// | on the struct, in place of a key field | |
/// |---|---|
/// | `#[partition_key(name = "pk", format = "USER#{user_id}")]` | the partition key is the attribute `pk`, composed of constant text and fields |
/// | `#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]` | the same for the sort key; `{created:020}` fills an integer up with zeros, so that it sorts |
/// | `#[sort_key(name = "sk", format = "PROFILE")]` | a constant sort key, which is no part of the key in calls |
///
/// # Composed keys
///
/// The fields named in a format are marked `#[key]` or `#[authenticated]`; the latter are stored as
/// attributes as well, and compared with the key when the record is read. A part is written as
/// serde writes the key of a map, so it is a string, a character, an integer, a boolean, an
/// enum variant without data, or a type that serde writes as one of these (`Uuid`, newtypes,
/// `#[serde(with = "..")]`); it is read back in the same way. In calls, the key is made of the
/// parts that vary: of one part the value, of several a tuple, `orders.get(("u_1", (1_700_000_000,
/// "o_1")))`.
///
/// Two records of a struct never have the same key. `#`, `|`, `/` and `:` are the separators of all
/// composed keys: between two parts is at least one of them, and a part that contains one is
/// refused when it is written, as is an empty part and one that would read back as another value.
/// `-`, `_`, `.`, `@` and `+`, as in identifiers, dates and addresses, are fine in parts. A number
/// that is filled up with zeros is refused if it is negative or too long, since it would not sort.
/// `{{` and `}}` are braces.
///
/// # Enums
///
/// `enum Shop { User(User), Order(Order) }`: each variant holds a record, and all records name one
/// table and the same key attributes. An item becomes the one variant that its composed keys and
/// its `entity(..)` attribute fit; that none fits, or several do, is an error. A record whose item
/// would fit several is refused before it is sent: a value in its key could otherwise make it
/// replace another variant's record. A query of the enum takes the partition key of the first
/// record. The only option is `crate`.
///
/// # serde
///
/// Fields are written and read by serde's own derive on a copy of the struct, so serde's attributes
/// mean what they mean everywhere. The struct itself need not derive serde, and may. Attributes
/// that would make it something else than a map of its fields (`tag`, `transparent`, `into`, ..)
/// are refused, and so is `flatten` on a field: an attribute of the item belongs to one field, by
/// its name. Types inside a field may use all of them.
///
/// Type parameters are bound as serde's derive binds them, in both directions; `#[serde(bound)]`
/// replaces that. A field that borrows (`&str`) does not compile, because a record that is read
/// owns what it holds: take `Cow` with `#[serde(borrow)]`.
///
/// # Values that do not read back
///
/// A value that is written reads back equal, or the write is refused with the attribute's name;
/// exceptions are last.
///
/// | a value | what happens |
/// |---|---|
/// | `i128`, `u128` inside an untagged or internally tagged enum or a flattened field of the value | refused when written: serde's buffer has no such integers, whatever their value |
/// | a map with integers or booleans as keys, in such a place, in a readable attribute | refused when written: DynamoDB's keys are text; in an encrypted field it reads back |
/// | `Some(None)`, `Some(())` and other `Some` of null | refused when written, unless the type reads null as `Some` (`deserialize_with`) |
/// | NaN, infinities, numbers of more than 38 digits or outside 1E-130 to 9.99E+125, empty sets, sets with a value twice | refused in readable attributes, at any depth; an encrypted number reads back |
/// | serde_json's `RawValue` | refused when written |
/// | a field that is written under a name under which it is not read, one that `deny_unknown_fields` would refuse, one that borrows | does not compile |
/// | an integer in an untagged enum that has a float before it | **reads as the float, rounded if the float is too small**: serde takes the first variant that accepts a value, so put integers first |
/// | a float without a fraction in an untagged enum that has an integer before it, in a readable attribute | reads as the integer of the same value: DynamoDB stores `1.0` as `1` |
/// | the sign of `-0.0` in a readable attribute | DynamoDB drops it |
/// | values given to an update in place (`.set(..)`) | numbers and sets are checked; the value is not read back |
///
/// # Security
///
/// What stands in the KMS encryption context is shown in clear by CloudTrail: the key with
/// `kms_context = "raw"`, and each `#[encryption_context]` field.
#[proc_macro_derive(
    Envelope,
    attributes(
        envelope,
        partition_key,
        sort_key,
        key,
        encrypted,
        authenticated,
        plaintext,
        encryption_context,
        serde,
        version,
        ttl,
        created,
        updated
    )
)]
pub fn derive_envelope(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse::<DeriveInput>(input) {
        Ok(input) => derive::envelope(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Implements `View` for a struct of some of a record's readable attributes.
///
/// `#[view(of = User)]` names the record. Fields are named as the record's fields and have their
/// types; the record says how they are stored. A field that the record encrypts does not compile.
/// `crate = ::path` says where the crate is, if not at `::envelope_dynamo`.
#[proc_macro_derive(View, attributes(view))]
pub fn derive_view(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse::<DeriveInput>(input) {
        Ok(input) => derive::view(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
