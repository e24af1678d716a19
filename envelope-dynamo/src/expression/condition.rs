//! Conditions on a record's readable attributes, for writes and for filters.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Not;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::Escaped;

use crate::error::kind::ErrorKind;
use crate::expression::operand::{Side, Term};
use crate::expression::placeholders::Placeholders;
use crate::record::attribute::{Operand, Serialized};
use crate::record::document_path::DocumentPath;

/// A condition on the readable attributes of a record `T`; made from its
/// [`Attribute`](crate::expression::Attribute)s and
/// [`AttributePath`](crate::expression::AttributePath)s.
///
/// `and`, `or` and `!` join conditions; `lt` and its like compare with a value or with another
/// attribute.
///
/// ```
/// # use envelope_dynamo::Envelope;
/// # use envelope_dynamo::expression::Condition;
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64, #[plaintext] limit: u64, #[plaintext] plan: Option<String>, #[plaintext] tags: Vec<String> }
/// let user = User::attributes();
/// let condition: Condition<User> = user.logins.ge(3).and(user.plan.eq("free").or(!user.plan.exists()));
/// assert_eq!(format!("{condition:?}"), "logins >= _ AND (plan = _ OR NOT attribute_exists(plan))");
///
/// let condition = user.logins.lt(user.limit).and(user.tags.size().between(1, 9)).and(user.tags.at(0).ne("blocked"));
/// assert_eq!(format!("{condition:?}"), "logins < limit AND (size(tags) BETWEEN _ AND _) AND tags[0] <> _");
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

    /// A comparison of an attribute with a value of its own.
    pub(crate) fn compare(comparison: Comparison, operand: Operand) -> Self {
        Self::of_compare(Term(Side::Path(operand.attribute.into())), comparison, operand.into())
    }

    pub(crate) fn of_compare(Term(left): Term, comparison: Comparison, Term(right): Term) -> Self {
        Self::new(Node::Compare(left, comparison, right))
    }

    /// An attribute between two values of its own.
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
        Self::of_prefix(prefix.attribute.into(), prefix.value)
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
        Self::compare(Comparison::Equal, Operand { attribute, value: Ok(value) })
    }

    pub(crate) fn exists(path: impl Into<DocumentPath>) -> Self {
        Self::new(Node::Exists(path.into()))
    }

    pub(crate) fn not_exists(path: impl Into<DocumentPath>) -> Self {
        Self::new(Node::NotExists(path.into()))
    }

    pub(crate) fn render(&self, placeholders: &mut Placeholders) -> Result<String, ErrorKind> {
        self.node.text(placeholders)
    }

    /// Whether it names an attribute.
    pub(crate) fn names(&self, attribute: &str) -> bool {
        let mut search = Search { attribute, found: false };
        // A search writes no text for paths and values, so it does not fail.
        let _ = self.node.text(&mut search);
        search.found
    }
}

/// Writes the paths and values of an expression.
trait Writer {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind>;

    /// A value for `attribute`.
    fn value(&mut self, attribute: &str, value: &Serialized) -> Result<String, ErrorKind>;
}

/// Placeholders, for DynamoDB.
impl Writer for Placeholders {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        Self::path(self, path)
    }

    fn value(&mut self, attribute: &str, value: &Serialized) -> Result<String, ErrorKind> {
        self.serialized(attribute, value.clone())
    }
}

/// Paths, and no values, for `Debug`.
struct Shown;

impl Writer for Shown {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        Ok(Escaped(&path.shown()).to_string())
    }

    fn value(&mut self, _: &str, _: &Serialized) -> Result<String, ErrorKind> {
        Ok("_".to_owned())
    }
}

/// Looks for an attribute.
struct Search<'a> {
    attribute: &'a str,
    found: bool,
}

impl Writer for Search<'_> {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        self.found |= path.attribute == self.attribute;
        Ok(String::new())
    }

    fn value(&mut self, _: &str, _: &Serialized) -> Result<String, ErrorKind> {
        Ok(String::new())
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

/// Without values, and without keys of maps.
impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node.text(&mut Shown).unwrap_or_default())
    }
}

impl Placeholders {
    /// The value that an attribute is set to.
    pub(crate) fn term(
        &mut self,
        path: &DocumentPath,
        Term(side): Term,
    ) -> Result<String, ErrorKind> {
        side.text(&path.attribute, self)
    }
}

impl Side {
    /// The attribute that it is, for errors of the values beside it.
    fn attribute(&self) -> &str {
        match self {
            Self::Path(path) | Self::Size(path) => &path.attribute,
            Self::Value(_) => "",
        }
    }

    fn text(&self, attribute: &str, writer: &mut dyn Writer) -> Result<String, ErrorKind> {
        match self {
            Self::Path(path) => writer.path(path),
            Self::Size(path) => Ok(format!("size({})", writer.path(path)?)),
            Self::Value(value) => writer.value(attribute, value),
        }
    }
}

impl Node {
    /// The expression, with whatever stands for paths and values in it.
    fn text(&self, writer: &mut dyn Writer) -> Result<String, ErrorKind> {
        Ok(match self {
            Self::Compare(left, comparison, right) => {
                let (left, attribute) = (left.text("", writer)?, left.attribute());
                format!("{left} {} {}", comparison.operator(), right.text(attribute, writer)?)
            }
            Self::Between(side, [low, high]) => {
                let (text, attribute) = (side.text("", writer)?, side.attribute());
                format!(
                    "{text} BETWEEN {} AND {}",
                    low.text(attribute, writer)?,
                    high.text(attribute, writer)?
                )
            }
            // DynamoDB refuses an empty list; what is both there and not there is never true.
            Self::OneOf(path, values) if values.is_empty() => {
                let path = writer.path(path)?;
                format!("(attribute_exists({path}) AND attribute_not_exists({path}))")
            }
            Self::OneOf(path, values) => {
                let text = writer.path(path)?;
                let values = values.iter().map(|value| writer.value(&path.attribute, value));
                format!("{text} IN ({})", values.collect::<Result<Vec<_>, _>>()?.join(", "))
            }
            Self::Call(function, path, value) => {
                format!(
                    "{}({}, {})",
                    function.name(),
                    writer.path(path)?,
                    writer.value(&path.attribute, value)?
                )
            }
            Self::Exists(path) => format!("attribute_exists({})", writer.path(path)?),
            Self::NotExists(path) => format!("attribute_not_exists({})", writer.path(path)?),
            Self::And(sides) => self.joined(sides, " AND ", writer)?,
            Self::Or(sides) => self.joined(sides, " OR ", writer)?,
            Self::Not(node) => {
                let inner = node.text(writer)?;
                if node.is_joined() { format!("NOT ({inner})") } else { format!("NOT {inner}") }
            }
        })
    }

    fn joined(
        &self,
        sides: &[Self; 2],
        operator: &str,
        writer: &mut dyn Writer,
    ) -> Result<String, ErrorKind> {
        let mut side = |node: &Self| {
            let text = node.text(writer)?;
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
    use std::collections::HashMap;

    use super::*;
    use crate::expression::AttributeType;
    use crate::record::attribute::Attribute;
    use crate::record::attribute::mark::Plaintext;

    const A: Attribute<(), u8, Plaintext> = Attribute::new("a.b");
    const S: Attribute<(), String, Plaintext> = Attribute::new("size");

    #[test]
    fn names_and_values_are_placeholders_so_that_any_name_can_be_used() {
        let mut placeholders = Placeholders::of(&[]);
        let text = A
            .between(1, 2)
            .and(S.one_of(["x", "y"]).or(!A.gt(9)))
            .render(&mut placeholders)
            .unwrap();
        assert_eq!(
            text,
            "(#envelope1 BETWEEN :envelope2 AND :envelope3) AND (#envelope4 IN (:envelope5, :envelope6) OR NOT #envelope1 > :envelope7)"
        );
        let (names, values) = placeholders.into_maps();
        assert_eq!(names.unwrap()["#envelope4"], "size");
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
            "#envelope1[2][0] < #envelope2 AND (size(#envelope1) BETWEEN :envelope3 AND :envelope4) AND \
             attribute_type(#envelope5, :envelope6) AND (#envelope2 BETWEEN #envelope1[0][1] AND :envelope7) AND \
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
