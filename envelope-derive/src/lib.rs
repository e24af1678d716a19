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
// This crate does not depend on `envelope-dynamo`, so it cannot compile its own examples. They are
// files, which `tests/src/lib.rs` compiles and runs.

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

/// Implements `Envelope` for a struct with named fields, or `Entity` for an enum of such structs.
///
#[cfg_attr(doctest, doc = "```ignore")]
#[cfg_attr(not(doctest), doc = "```")]
#[doc = include_str!("examples/order.txt")]
/// ```
///
/// # Fields
///
/// Every stored field has exactly one mark. A field without a mark does not compile. A struct has
/// an `#[encrypted]` or an `#[authenticated]` field. Without an encrypted field, the record is
/// sealed like any other, with an empty payload, so that nobody can change it. A struct with
/// neither is [unprotected](#unprotected-records), and says so.
///
/// | mark | how the field is stored |
/// |---|---|
/// | `#[partition_key]`, `#[sort_key]` | readable, as a key attribute of the table: a string, a number, bytes, or a type that serde writes as one of these |
/// | `#[key]` | readable, only as part of a composed key, and read back from the key |
/// | `#[encrypted]` | sealed in `encrypted_payload`; any serde type |
/// | `#[authenticated]` | readable; the record does not open if the value was changed, removed or added |
/// | `#[plaintext]` | readable; can be updated in place |
/// | `#[serde(skip)]` | not stored; takes the place of a mark |
///
/// Two marks take options:
///
/// | option | meaning |
/// |---|---|
/// | `#[encrypted(accept = "plaintext")]`, `#[authenticated(accept = "plaintext")]` | also reads records that were written while the field was plaintext |
/// | `#[encrypted(group = "medical")]` | seals the field in a [group](#groups) |
///
/// These attributes stand beside a mark:
///
/// | attribute | beside | meaning |
/// |---|---|---|
/// | `#[encryption_context]` | a key, `#[authenticated]` or `#[plaintext]` | the value is also in the KMS encryption context |
/// | `#[searchable]` | `#[encrypted]` | records are found by the value, [through an index](#searchable-fields) |
/// | `#[version]` | `#[plaintext]` or `#[authenticated]` | counts the writes of the record, for optimistic locking; an integer |
/// | `#[ttl]` | `#[plaintext]` or `#[authenticated]` | when DynamoDB may delete the record; stored as seconds since 1970 |
/// | `#[created]` | `#[plaintext]` or `#[authenticated]` | when the record was first put; stored as seconds since 1970 |
/// | `#[updated]` | `#[plaintext]` | when the record was last written; stored as seconds since 1970 |
///
/// A field has at most one of `#[version]`, `#[ttl]`, `#[created]` and `#[updated]`, and a struct
/// has each of them at most once. They cannot be part of a key, except `#[ttl]` on an authenticated
/// field.
///
/// # The struct
///
/// | option of `#[envelope(..)]` | meaning |
/// |---|---|
/// | `table = "users"` | required: the logical name of the table; every record is bound to it |
/// | `unmarked = "plaintext"` or `"encrypted"` | the mark of all fields without a mark that serde does not skip |
/// | `kms_context = "raw"`, `"hashed"` or `"table"` | the form of the record's key in the KMS encryption context; `raw` is the default |
/// | `context(purpose = "pii", "cost-center" = "42")` | constant pairs in the KMS encryption context |
/// | `entity(kind = "order")` | a constant, authenticated attribute that tells the records of this struct from others in the table; it is checked before a record is opened |
/// | `index(..)` | a [secondary index](#indexes); may be repeated |
/// | `searchable(..)` | a [search tag of several fields](#searchable-fields); may be repeated |
/// | `unprotected` | gives up all protection: the records are [stored as they are](#unprotected-records) |
/// | `crate = ::path` | the path of the crate if it is not `::envelope_dynamo`; begins with `::` or `crate` |
///
/// # Keys
///
/// A struct has a partition key and at most one sort key. Each of them is a field, or is composed
/// on the struct:
///
/// | attribute of the struct | meaning |
/// |---|---|
/// | `#[partition_key(name = "pk", format = "USER#{user_id}")]` | the partition key is the attribute `pk`, composed of constant text and fields |
/// | `#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]` | the same for the sort key; `{created:020}` pads an integer with zeros, so that it sorts |
/// | `#[sort_key(name = "sk", format = "PROFILE")]` | a constant sort key; calls leave it out |
///
/// The fields in a format are marked `#[key]` or `#[authenticated]`. An authenticated field is also
/// stored as an attribute, and is compared with the key when the record is read.
///
/// serde writes each part as it writes the key of a map. A part is therefore a string, a character,
/// an integer, a boolean, an enum variant without data, or a type that serde writes as one of these
/// (`Uuid`, newtypes, `#[serde(with = "..")]`). It is read back in the same way.
///
/// In calls, a key with one part is that value, and a key with several parts is a tuple:
/// `orders.get(("u_1", (1_700_000_000, "o_1")))`.
///
/// Records with different parts always have different keys. `#`, `|`, `/` and `:` are the
/// separators of all composed keys, and a format has at least one of them between two parts. These
/// parts are refused when a record is written: a part that contains a separator, an empty part, and
/// a part that would read back as another value. Parts may contain `-`, `_`, `.`, `@` and `+`, as
/// in identifiers, dates and addresses. A number to be padded is refused if it is negative or too
/// long, because it would not sort. `{{` and `}}` in a format are literal braces.
///
/// # Indexes
///
/// | option | meaning |
/// |---|---|
/// | `index(name = "by-plan", partition_key = plan, sort_key = created)` | a global secondary index with the keys `plan` and `created`; the sort key is optional |
/// | `index(name = "by-day", local, sort_key = day)` | a local secondary index |
/// | `index(name = "by-doctor", partition_key = (clinic, doctor), sort_key = (day, start))` | a global secondary index with up to four partition keys and four sort keys |
/// | `index(name = "gsi1", partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"))` | an index whose key is composed, in an attribute of its own; the same for `sort_key` |
///
/// The keys of an index are readable fields, composed keys of the table, or
/// [searchable fields](#searchable-fields). They are named as in the struct, without quotes.
///
/// A composed key of an index is made of readable fields: those of every mark but `#[encrypted]`.
/// It is written with every put and `modify`, and is no field. If a part is an `Option` without a
/// value, the item does not have the key, and the index does not list it. The record is not bound
/// to the key. A read through the index therefore compares it with the fields
/// (`DataError::IndexKeyMismatch`), and a read by the primary key ignores it. A `#[plaintext]`
/// field in such a key cannot be updated in place: the key would stay as it was. Indexes that share
/// the attribute give it the same format.
///
/// # Searchable fields
///
/// `#[searchable]` beside `#[encrypted]` stores a *search tag* in the record: the attribute
/// `blind_<name>`, 21 bytes that are computed from the value under a search key. Equal values have
/// equal tags. An index that names the field has the tag as its key, so records are found by a
/// value that stays encrypted:
///
#[cfg_attr(doctest, doc = "```ignore")]
#[cfg_attr(not(doctest), doc = "```")]
#[doc = include_str!("examples/searchable.txt")]
/// ```
///
/// | attribute or option of the struct | meaning |
/// |---|---|
/// | `#[searchable]` | equal values are found; the attribute of `email` is `blind_email` |
/// | `#[searchable(normalize(trim, ascii_lowercase, digits))]` | before the tag is computed, text goes through these steps, in this order: white space at both ends is removed, `A` to `Z` become lower case, everything but `0` to `9` is removed |
/// | `#[searchable(unique)]`, `#[searchable(normalize(trim), unique)]` | no two records have the same value after the steps; needs no index: `users.unique(\|u\| u.email).get("zoe@example.com")` |
/// | `#[searchable(name = "email_2", ..)]` | one more tag of the field, in `blind_email+email_2`; an index names it, `partition_key = email_2`. That is how steps are changed without downtime |
/// | `searchable(fields(last(ascii_lowercase), first))` | a tag of several fields, each with its steps, in `blind_last+first`; an index names it by its fields, `partition_key = last_first`, and a query takes the values as a tuple. At least one field is encrypted, the others are key attributes or authenticated. It takes a `name` and `unique` too |
///
/// The type of the field is a string, an integer, bytes, an enum without data, or a type that serde
/// writes as one of these. A record whose field is `None`, or empty after the steps, has no tag,
/// and the index does not list it. The attribute is authenticated: a tag that was changed, removed
/// or moved to another record makes its record unreadable.
///
/// # Groups
///
/// `#[encrypted(group = "medical")]` seals the fields of a group under a data key of their own. A
/// reader without permission for the group reads the rest of the record. The type of a field in a
/// group is `Access<..>`, and no other field can have that type.
///
/// # serde
///
/// serde's own derive writes and reads the fields, on a copy of the struct. serde's attributes
/// therefore mean what serde documents. The struct itself may derive serde, but need not. These
/// attributes are refused:
///
/// - those with which serde would not write a map of the fields: `tag`, `transparent`, `into` and
///   others;
/// - `flatten` on a field, because each attribute of an item must belong to one field by its name.
///
/// Types inside a field may use all of serde's attributes.
///
/// Type parameters are bound as serde's derive binds them, for writing and for reading;
/// `#[serde(bound)]` replaces these bounds. A field that borrows (`&str`) does not compile, because
/// a record owns its values when it is read; use `Cow` with `#[serde(borrow)]`.
///
/// # Values that do not read back
///
/// A value that is written reads back equal, or the write is refused with the name of the
/// attribute. The last four rows are exceptions.
///
/// | value | what happens |
/// |---|---|
/// | `i128`, `u128` inside an untagged or internally tagged enum, or in a flattened field of the value | refused when written: serde's buffer has no 128-bit integers. Small values are refused too |
/// | a map with integers or booleans as keys, inside such an enum or field, in a readable attribute | refused when written: keys in DynamoDB are text. In an encrypted field the map reads back |
/// | `Some(None)`, `Some(())` and other `Some` of null | refused when written, unless the type reads null as `Some` (`deserialize_with`) |
/// | NaN, infinities, numbers with more than 38 digits or outside 1E-130 to 9.99E+125, empty sets, sets with a duplicate value | refused in readable attributes, at any depth. In an encrypted field a number reads back |
/// | serde_json's `RawValue` | refused when written |
/// | a field that is not read under the name under which it is written, a field that `deny_unknown_fields` would refuse, a field that borrows | does not compile |
/// | an integer in an untagged enum with a float variant before the integer variant | **reads as the float, rounded if the float is too small**: serde takes the first variant that accepts the value, so put integers first |
/// | a float without a fraction, in an untagged enum with an integer variant before the float variant, in a readable attribute | reads as the integer of the same value: DynamoDB stores `1.0` as `1` |
/// | the sign of `-0.0` in a readable attribute | DynamoDB drops it |
/// | values in an update in place (`.set(..)`) | numbers and sets are checked; the value is not read back |
///
/// # Enums
///
/// `enum Shop { User(User), Order(Order) }`: each variant holds one record. All records name the
/// same table and the same key attributes. The only option of the enum is `#[envelope(crate =
/// ::path)]`.
///
/// An item is read as the one variant that fits its composed keys and its `entity(..)` attribute.
/// It is an error if no variant fits, or several. A record whose item would fit several variants is
/// refused before it is sent: otherwise a value in its key could make it replace a record of
/// another variant. A query of the enum takes the partition key of the first record.
///
/// # Unprotected records
///
/// `#[envelope(table = "shop", unprotected)]` is for a type without secrets in a table of several
/// types, so that one enum reads them all. Its records are stored as they are: no payload, no data
/// key, no call to KMS. **Nothing in them is authentic.** Whoever can write the table can write,
/// change and delete them. If they must not be changed, mark a field `#[authenticated]` and leave
/// `unprotected` out.
///
/// Such a struct has `#[key]` and `#[plaintext]` fields only, no `entity(..)`, and no encryption
/// context. A key of the struct begins with constant text. An enum with protected types compiles
/// only if that text shows that no record of one can have a key of the other. So nobody can pass a
/// protected record off as an unprotected one, or the reverse: the item's key decides how it is
/// read, and an unprotected record with an attribute of sealed data is refused.
///
/// # Generated items
///
/// - `impl Envelope`: `User::attributes()` has one attribute for each stored field, under the name
///   of the field, for conditions, filters and updates. `User::indexes()` has the indexes, under
///   their names in snake case. `<User as Envelope>::Key` is the type of the primary key.
/// - `impl AuthenticatedVersion` for a struct with an authenticated `#[version]`, and `impl
///   Unversioned` for a struct without a `#[version]`, which can be put in a batch.
/// - for an enum: `impl Entity`, `impl EntityOf` for each of its records, and `impl Unversioned` if
///   all of them are.
///
/// # Security
///
/// Whoever reads storage sees which records have the same [search tag](#searchable-fields), and so
/// equal values, and how often. Whoever has the search key can guess values and test each guess. So
/// a searchable field needs many possible values: `bool`, `u8`, `i8` and `char` do not compile, and
/// an enum or a string of few values reveals itself. Readable attributes beside a tag, such as a
/// city, narrow the guesses.
///
/// CloudTrail shows the KMS encryption context in plaintext: the record's key with
/// `kms_context = "raw"`, the pairs of `context(..)`, and the value of each `#[encryption_context]`
/// field.
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
        searchable,
        version,
        ttl,
        created,
        updated,
        serde
    )
)]
pub fn derive_envelope(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse::<DeriveInput>(input) {
        Ok(input) => derive::envelope(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Implements `View` for a struct with some of a record's readable attributes.
///
#[cfg_attr(doctest, doc = "```ignore")]
#[cfg_attr(not(doctest), doc = "```")]
#[doc = include_str!("examples/view.txt")]
/// ```
///
/// Each field has the name and the type of a field of the record. The record defines how the field
/// is stored. A field that the record encrypts does not compile.
///
/// | option of `#[view(..)]` | meaning |
/// |---|---|
/// | `of = User` | required: the record |
/// | `crate = ::path` | the path of the crate if it is not `::envelope_dynamo`; begins with `::` or `crate` |
#[proc_macro_derive(View, attributes(view))]
pub fn derive_view(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse::<DeriveInput>(input) {
        Ok(input) => derive::view(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
