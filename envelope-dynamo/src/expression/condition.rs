//! Conditions on a record's readable attributes, for writes and for filters.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Not;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Operand, Placeholders};
use crate::error::ErrorKind;

/// A condition on the readable attributes of a record `T`; made from its [`Attribute`](crate::Attribute)s.
///
/// ```
/// # use envelope_dynamo::{Condition, Envelope};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64, #[plaintext] plan: Option<String> }
/// let user = User::attributes();
/// let condition: Condition<User> = user.logins.ge(3).and(user.plan.eq("free").or(!user.plan.exists()));
/// assert_eq!(format!("{condition:?}"), "logins >= _ AND (plan = _ OR NOT attribute_exists(plan))");
/// ```
#[must_use = "a condition does nothing by itself"]
pub struct Condition<T> {
    node: Node,
    record: PhantomData<fn() -> T>,
}

#[derive(Clone)]
enum Node {
    Compare(Comparison, Operand),
    Between(Operand, Operand),
    OneOf(&'static str, Vec<Operand>),
    Call(Function, Operand),
    Exists(&'static str),
    NotExists(&'static str),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
}

#[derive(Clone, Copy)]
pub(super) enum Comparison {
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
}

impl Function {
    const fn name(self) -> &'static str {
        match self {
            Self::BeginsWith => "begins_with",
            Self::Contains => "contains",
        }
    }
}

impl<T> Condition<T> {
    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        Self::new(Node::And(Box::new([self.node, other.node])))
    }

    /// One of the two holds, or both.
    pub fn or(self, other: Self) -> Self {
        Self::new(Node::Or(Box::new([self.node, other.node])))
    }

    /// Both, where there are two.
    pub(crate) fn joined(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    const fn new(node: Node) -> Self {
        Self { node, record: PhantomData }
    }

    pub(super) const fn compare(comparison: Comparison, operand: Operand) -> Self {
        Self::new(Node::Compare(comparison, operand))
    }

    pub(super) const fn between(low: Operand, high: Operand) -> Self {
        Self::new(Node::Between(low, high))
    }

    pub(super) const fn one_of(attribute: &'static str, values: Vec<Operand>) -> Self {
        Self::new(Node::OneOf(attribute, values))
    }

    pub(super) const fn begins_with(prefix: Operand) -> Self {
        Self::new(Node::Call(Function::BeginsWith, prefix))
    }

    pub(super) const fn contains(part: Operand) -> Self {
        Self::new(Node::Call(Function::Contains, part))
    }

    pub(crate) const fn equals(attribute: &'static str, value: AttributeValue) -> Self {
        Self::compare(Comparison::Equal, Operand { attribute, value: Ok(value) })
    }

    pub(crate) const fn exists(attribute: &'static str) -> Self {
        Self::new(Node::Exists(attribute))
    }

    pub(crate) const fn not_exists(attribute: &'static str) -> Self {
        Self::new(Node::NotExists(attribute))
    }

    pub(super) fn render(self, placeholders: &mut Placeholders) -> Result<String, ErrorKind> {
        self.node.render(placeholders)
    }

    /// The attributes that it names.
    pub(crate) fn attributes(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut name = |name| {
            names.push(name);
            String::new()
        };
        // What stands for names and values here does not fail.
        let _ = self.node.text(&mut name, &mut |_| Ok(String::new()));
        names
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

/// Without values.
impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node.text(&mut |name| name.to_owned(), &mut |_| Ok("_".to_owned())).unwrap_or_default())
    }
}

impl Node {
    fn render(self, placeholders: &mut Placeholders) -> Result<String, ErrorKind> {
        let placeholders = std::cell::RefCell::new(placeholders);
        self.text(&mut |name| placeholders.borrow_mut().name(name), &mut |operand| {
            placeholders.borrow_mut().operand(operand.clone())
        })
    }

    /// The expression, with whatever stands for names and values in it.
    fn text(
        &self,
        name: &mut dyn FnMut(&'static str) -> String,
        value: &mut dyn FnMut(&Operand) -> Result<String, ErrorKind>,
    ) -> Result<String, ErrorKind> {
        Ok(match self {
            Self::Compare(comparison, operand) => {
                format!("{} {} {}", name(operand.attribute), comparison.operator(), value(operand)?)
            }
            Self::Between(low, high) => {
                format!("{} BETWEEN {} AND {}", name(low.attribute), value(low)?, value(high)?)
            }
            // DynamoDB refuses an empty list; what is both there and not there is never true.
            Self::OneOf(attribute, values) if values.is_empty() => {
                let name = name(attribute);
                format!("(attribute_exists({name}) AND attribute_not_exists({name}))")
            }
            Self::OneOf(attribute, values) => {
                let values = values.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                format!("{} IN ({})", name(attribute), values.join(", "))
            }
            Self::Call(function, operand) => {
                format!("{}({}, {})", function.name(), name(operand.attribute), value(operand)?)
            }
            Self::Exists(attribute) => format!("attribute_exists({})", name(attribute)),
            Self::NotExists(attribute) => format!("attribute_not_exists({})", name(attribute)),
            Self::And(sides) => self.joined(sides, " AND ", name, value)?,
            Self::Or(sides) => self.joined(sides, " OR ", name, value)?,
            Self::Not(node) => {
                let inner = node.text(name, value)?;
                if node.is_joined() { format!("NOT ({inner})") } else { format!("NOT {inner}") }
            }
        })
    }

    fn joined(
        &self,
        sides: &[Self; 2],
        operator: &str,
        name: &mut dyn FnMut(&'static str) -> String,
        value: &mut dyn FnMut(&Operand) -> Result<String, ErrorKind>,
    ) -> Result<String, ErrorKind> {
        let mut side = |node: &Self| {
            let text = node.text(name, value)?;
            let same = std::mem::discriminant(node) == std::mem::discriminant(self);
            Ok::<_, ErrorKind>(if node.is_joined() && !same { format!("({text})") } else { text })
        };
        let [left, right] = sides;
        Ok([side(left)?, side(right)?].join(operator))
    }

    const fn is_joined(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_) | Self::Between(..))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::Attribute;
    use super::super::mark::Plaintext;
    use super::*;

    const A: Attribute<(), u8, Plaintext> = Attribute::new("a.b");
    const S: Attribute<(), String, Plaintext> = Attribute::new("size");

    #[test]
    fn names_and_values_are_placeholders_so_that_any_name_can_be_used() {
        let mut placeholders = Placeholders::default();
        let text = placeholders.condition(A.between(1, 2).and(S.one_of(["x", "y"]).or(!A.gt(9)))).unwrap();
        assert_eq!(
            text,
            "(#envelope1 BETWEEN :envelope2 AND :envelope3) AND (#envelope6 IN (:envelope4, :envelope5) OR NOT #envelope1 > :envelope7)"
        );
        let (names, values) = placeholders.into_maps();
        assert_eq!(names.unwrap()["#envelope6"], "size");
        assert_eq!(values.unwrap()[":envelope7"], AttributeValue::N("9".into()));
    }

    #[test]
    fn precedence_is_that_of_the_calls() {
        let condition = S.exists().or(A.exists()).and((!S.eq("x")).and(A.eq(1)));
        assert_eq!(
            format!("{condition:?}"),
            "(attribute_exists(size) OR attribute_exists(a.b)) AND NOT size = _ AND a.b = _"
        );
        assert_eq!(format!("{:?}", !(S.eq("x").and(A.eq(1)))), "NOT (size = _ AND a.b = _)");
    }
}
