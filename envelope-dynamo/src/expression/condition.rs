//! Conditions on a record's readable attributes, for writes and for filters.

mod render;

use std::marker::PhantomData;
use std::ops::Not;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::expression::operand::{Side, Term};
use crate::record::attribute::{Operand, Serialized};
use crate::record::document_path::DocumentPath;

/// A condition on the readable attributes of a record `T`.
///
/// Build one from an [`Attribute`](crate::expression::Attribute) or an
/// [`AttributePath`](crate::expression::AttributePath): methods such as `lt` compare it with a
/// value or with another attribute. Combine conditions with `and`, `or` and `!`.
///
/// ```
/// # use envelope_dynamo::Envelope;
/// # use envelope_dynamo::expression::Condition;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key] user_id: String,
/// #     #[encrypted] email: String,
/// #     #[plaintext] logins: u64,
/// #     #[plaintext] limit: u64,
/// #     #[plaintext] plan: Option<String>,
/// #     #[plaintext] tags: Vec<String>,
/// # }
/// let user = User::attributes();
/// let is_free = user.plan.eq("free").or(!user.plan.exists());
/// let condition: Condition<User> = user.logins.ge(3).and(is_free);
/// let shown = "logins >= _ AND (plan = _ OR NOT attribute_exists(plan))";
/// assert_eq!(format!("{condition:?}"), shown);
///
/// let condition = user.logins.lt(user.limit).and(user.tags.size().between(1, 9));
/// let condition = condition.and(user.tags.at(0).ne("blocked"));
/// let shown = "logins < limit AND (size(tags) BETWEEN _ AND _) AND tags[0] <> _";
/// assert_eq!(format!("{condition:?}"), shown);
/// ```
#[must_use = "a condition does nothing by itself"]
pub struct Condition<T> {
    node: Node,
    record: PhantomData<fn() -> T>,
}

#[derive(Clone)]
enum Node {
    Compare(Side, Comparison, Side),
    Between(Side, [Side; 2]),
    OneOf(DocumentPath, Vec<Serialized>),
    Call(Function, DocumentPath, Serialized),
    Exists(DocumentPath),
    NotExists(DocumentPath),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
}

#[derive(Clone, Copy)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

#[derive(Clone, Copy)]
enum Function {
    BeginsWith,
    Contains,
    AttributeType,
}

impl Function {
    const fn name(self) -> &'static str {
        match self {
            Self::BeginsWith => "begins_with",
            Self::Contains => "contains",
            Self::AttributeType => "attribute_type",
        }
    }
}

impl<T> Condition<T> {
    /// Returns a condition that is true if both are true.
    pub fn and(self, other: Self) -> Self {
        Self::new(Node::And(Box::new([self.node, other.node])))
    }

    /// Returns a condition that is true if at least one of the two is true.
    pub fn or(self, other: Self) -> Self {
        Self::new(Node::Or(Box::new([self.node, other.node])))
    }

    /// Joins two optional conditions with `and`.
    pub(crate) fn joined(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    const fn new(node: Node) -> Self {
        Self { node, record: PhantomData }
    }

    /// Compares an attribute with a value.
    pub(crate) fn compare(comparison: Comparison, operand: Operand) -> Self {
        Self::of_compare(Term(Side::Path(operand.attribute.into())), comparison, operand.into())
    }

    pub(crate) fn of_compare(Term(left): Term, comparison: Comparison, Term(right): Term) -> Self {
        Self::new(Node::Compare(left, comparison, right))
    }

    /// Whether an attribute is between two values.
    pub(crate) fn between(low: Operand, high: Operand) -> Self {
        Self::of_between(Term(Side::Path(low.attribute.into())), low.into(), high.into())
    }

    pub(crate) fn of_between(Term(side): Term, Term(low): Term, Term(high): Term) -> Self {
        Self::new(Node::Between(side, [low, high]))
    }

    pub(crate) const fn one_of(path: DocumentPath, values: Vec<Serialized>) -> Self {
        Self::new(Node::OneOf(path, values))
    }

    pub(crate) fn begins_with(prefix: Operand) -> Self {
        Self::of_prefix(prefix.attribute.into(), prefix.into_serialized())
    }

    pub(crate) const fn of_prefix(path: DocumentPath, prefix: Serialized) -> Self {
        Self::new(Node::Call(Function::BeginsWith, path, prefix))
    }

    pub(crate) const fn contains(path: DocumentPath, part: Serialized) -> Self {
        Self::new(Node::Call(Function::Contains, path, part))
    }

    pub(crate) const fn has_type(path: DocumentPath, code: Serialized) -> Self {
        Self::new(Node::Call(Function::AttributeType, path, code))
    }

    pub(crate) fn equals(attribute: &'static str, value: AttributeValue) -> Self {
        Self::compare(Comparison::Equal, Operand::serialized(attribute, Ok(value)))
    }

    pub(crate) fn exists(path: impl Into<DocumentPath>) -> Self {
        Self::new(Node::Exists(path.into()))
    }

    pub(crate) fn not_exists(path: impl Into<DocumentPath>) -> Self {
        Self::new(Node::NotExists(path.into()))
    }
}

impl<T> Not for Condition<T> {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(Node::Not(Box::new(self.node)))
    }
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self::new(self.node.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::expression::AttributeType;
    use crate::expression::placeholders::Placeholders;
    use crate::record::attribute::Attribute;
    use crate::record::attribute::mark::Plaintext;

    const A: Attribute<(), u8, Plaintext> = Attribute::new("a.b");
    const S: Attribute<(), String, Plaintext> = Attribute::new("size");

    #[test]
    fn names_and_values_are_placeholders() {
        let mut placeholders = Placeholders::of(&[]);
        let text = A
            .between(1, 2)
            .and(S.one_of(["x", "y"]).or(!A.gt(9)))
            .render(&mut placeholders)
            .unwrap();
        assert_eq!(
            text,
            "(#envelope1 BETWEEN :envelope2 AND :envelope3) AND \
             (#envelope4 IN (:envelope5, :envelope6) OR NOT #envelope1 > :envelope7)"
        );
        let (names, values) = placeholders.into_maps();
        assert_eq!(names.unwrap()["#envelope4"], "size");
        assert_eq!(values.unwrap()[":envelope7"], AttributeValue::N("9".into()));
    }

    #[test]
    fn parentheses_follow_the_order_of_the_calls() {
        let condition = S.exists().or(A.exists()).and((!S.eq("x")).and(A.eq(1)));
        assert_eq!(
            format!("{condition:?}"),
            "(attribute_exists(size) OR attribute_exists(a.b)) AND NOT size = _ AND a.b = _"
        );
        assert_eq!(format!("{:?}", !(S.eq("x").and(A.eq(1)))), "NOT (size = _ AND a.b = _)");
    }

    #[test]
    fn sizes_types_paths_and_other_attributes_are_operands() {
        const LISTS: Attribute<(), Vec<Vec<u8>>, Plaintext> = Attribute::new("lists");
        let condition = LISTS
            .at(2)
            .at(0)
            .lt(A)
            .and(LISTS.size().between(1, 2))
            .and(S.has_type(AttributeType::Null));
        let condition = condition.and(A.between(LISTS.at(0).at(1), 9)).and(S.size().eq(4));
        let mut placeholders = Placeholders::of(&[]);
        assert_eq!(
            condition.render(&mut placeholders).unwrap(),
            "#envelope1[2][0] < #envelope2 AND \
             (size(#envelope1) BETWEEN :envelope3 AND :envelope4) AND \
             attribute_type(#envelope5, :envelope6) AND \
             (#envelope2 BETWEEN #envelope1[0][1] AND :envelope7) AND \
             size(#envelope5) = :envelope8"
        );
        let (_, values) = placeholders.into_maps();
        assert_eq!(values.unwrap()[":envelope6"], AttributeValue::S("NULL".into()));
    }

    #[test]
    fn a_condition_names_the_attributes_of_both_sides() {
        let condition =
            A.exists().or(S.size().lt(3)).or(A.lt(Attribute::<(), u8, Plaintext>::new("other")));
        assert!(["a.b", "size", "other"].iter().all(|name| condition.names(name)));
        assert!(!condition.names("_") && !condition.names("a"));
    }

    #[test]
    fn keys_of_maps_are_not_shown() {
        const MAP: Attribute<(), HashMap<String, u8>, Plaintext> = Attribute::new("map");
        assert_eq!(format!("{:?}", MAP.key("zoe@example.com").lt(3)), "map[_] < _");
        assert_eq!(format!("{:?}", MAP.key("zoe@example.com").size()), "Size(map[_])");
        assert_eq!(
            format!("{:?}", MAP.key("zoe@example.com").field::<u8>("age")),
            "AttributePath(map[_].age)"
        );
    }
}
