//! DynamoDB's expressions over readable attributes: typed, so that none can name what is sealed.

pub(crate) mod comparisons;
pub(crate) mod condition;
pub(crate) mod limit;
pub(crate) mod named;
pub(crate) mod operand;
pub(crate) mod placeholders;
pub(crate) mod sort;
pub(crate) mod update;

pub use crate::expression::comparisons::{AttributeType, Size};
pub use crate::expression::condition::Condition;
pub(crate) use crate::expression::limit::Limit;
pub use crate::expression::operand::{IntoOperand, operand_kind};
pub use crate::expression::sort::{SortCondition, SortKey};
pub use crate::expression::update::{Addable, Amount};
pub(crate) use crate::expression::update::{Changes, Clauses};
pub use crate::record::attribute::{Attribute, InPlace, Readable, mark};
pub use crate::record::path::{AttributePath, Elements, Entries, UpdateTarget};
