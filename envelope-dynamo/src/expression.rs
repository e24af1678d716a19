//! Typed conditions, filters and updates on the readable attributes of a record.
//!
//! The derive makes an [`Attribute`] for each field. The closures of the calls on
//! [`Table`](crate::Table) receive all of them: `.condition(|user| user.logins.lt(10))`. An
//! expression that names an encrypted field does not compile, because DynamoDB cannot evaluate it
//! and would receive the value to compare with in plaintext.
//!
//! | to | use |
//! |---|---|
//! | compare an attribute, or test whether it exists | the methods of [`Attribute`] |
//! | reach a value within an attribute | [`Attribute::at`], [`Attribute::key`], [`Attribute::field`] |
//! | name an attribute that is not a field | [`Envelope::attribute`](crate::Envelope::attribute) |
//! | combine conditions | [`Condition::and`], [`Condition::or`], `!` |
//! | compare the size or the DynamoDB type of a value | [`Attribute::size`], [`AttributeType`] |
//! | limit a query to some sort keys | [`SortKey`], [`SortCondition`] |
//! | add to a number type of your own in place | [`Addable`] |
//! | reach into a list or map type of your own | [`Elements`], [`Entries`] |
//!
//! The other traits are bounds of the methods: [`Readable`] and [`InPlace`] group the [`mark`]s,
//! [`IntoOperand`] and [`Amount`] accept the values, and [`UpdateTarget`] is an attribute or a
//! path.
//!
//! ```
//! use envelope_dynamo::Envelope;
//! use envelope_dynamo::expression::Condition;
//!
//! #[derive(Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//!     #[authenticated]
//!     plan: Option<String>,
//!     #[plaintext]
//!     logins: u64,
//!     #[plaintext]
//!     tags: Vec<String>,
//! }
//!
//! fn is_new(user: &<User as Envelope>::Attributes) -> Condition<User> {
//!     user.logins.lt(10).and(user.plan.not_exists().or(user.tags.at(0).eq("trial")))
//! }
//!
//! // `Debug` shows no values.
//! let shown = "logins < _ AND (attribute_not_exists(plan) OR tags[0] = _)";
//! assert_eq!(format!("{:?}", is_new(&User::attributes())), shown);
//! ```

pub(crate) mod addable;
pub(crate) mod clauses;
pub(crate) mod comparisons;
pub(crate) mod condition;
pub(crate) mod limit;
pub(crate) mod named;
pub(crate) mod operand;
pub(crate) mod placeholders;
pub(crate) mod sort;
pub(crate) mod update;

pub use crate::expression::addable::{Addable, Amount};
pub(crate) use crate::expression::clauses::Clauses;
pub use crate::expression::comparisons::{AttributeType, Size};
pub use crate::expression::condition::Condition;
pub(crate) use crate::expression::limit::Limit;
pub use crate::expression::operand::{IntoOperand, operand_kind};
pub use crate::expression::sort::{AfterEqual, SortBy, SortCondition, SortKey};
pub(crate) use crate::expression::update::Changes;
pub use crate::record::attribute::{Attribute, InPlace, Readable, mark};
pub use crate::record::path::{AttributePath, Elements, Entries, UpdateTarget};
