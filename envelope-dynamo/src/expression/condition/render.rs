//! Renders a condition: as an expression with placeholders, for `Debug`, or to find an attribute.

use std::fmt;

use envelope_core::Escaped;

use crate::error::kind::ErrorKind;
use crate::expression::condition::{Condition, Node};
use crate::expression::operand::{Side, Term};
use crate::expression::placeholders::Placeholders;
use crate::record::attribute::Serialized;
use crate::record::document_path::DocumentPath;

impl<T> Condition<T> {
    /// Renders the expression, and registers its names and values as placeholders.
    pub(crate) fn render(&self, placeholders: &mut Placeholders) -> Result<String, ErrorKind> {
        self.node.text(placeholders)
    }

    /// Whether the condition names `attribute`, on either side.
    pub(crate) fn names(&self, attribute: &str) -> bool {
        let mut search = Search { attribute, found: false };
        // A search serializes no values and checks no names, so it cannot fail.
        let _ = self.node.text(&mut search);
        search.found
    }
}

/// Shows the expression without values and without keys of maps, which may be secret.
impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node.text(&mut Shown).unwrap_or_default())
    }
}

/// The output format of the paths and values of an expression.
trait Writer {
    /// Writes a path.
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind>;

    /// Writes a value for `attribute`.
    fn value(&mut self, attribute: &str, value: &Serialized) -> Result<String, ErrorKind>;
}

/// Writes placeholders, for DynamoDB.
impl Writer for Placeholders {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        Self::path(self, path)
    }

    fn value(&mut self, attribute: &str, value: &Serialized) -> Result<String, ErrorKind> {
        self.serialized(attribute, value.clone())
    }
}

/// Writes paths but no values, for `Debug`.
struct Shown;

impl Writer for Shown {
    fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        Ok(Escaped(&path.shown()).to_string())
    }

    fn value(&mut self, _: &str, _: &Serialized) -> Result<String, ErrorKind> {
        Ok("_".to_owned())
    }
}

/// Writes nothing, and searches for an attribute.
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

impl Placeholders {
    /// Renders the value that an attribute is set to.
    pub(crate) fn term(
        &mut self,
        path: &DocumentPath,
        Term(side): Term,
    ) -> Result<String, ErrorKind> {
        side.text(&path.attribute, self)
    }
}

impl Side {
    /// The attribute of this side; errors of the other side name it.
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
    /// The expression, with paths and values as the writer renders them.
    fn text(&self, writer: &mut dyn Writer) -> Result<String, ErrorKind> {
        match self {
            Self::And(_) => self.joined(" AND ", writer),
            Self::Or(_) => self.joined(" OR ", writer),
            Self::Not(node) if node.is_joined() => Ok(format!("NOT ({})", node.text(writer)?)),
            Self::Not(node) => Ok(format!("NOT {}", node.text(writer)?)),
            one => one.comparison(writer),
        }
    }

    /// The operands of a chain of `AND` or of `OR`. A chain is as deep as it is long, so it is not
    /// followed by recursion: the longest condition would need megabytes of stack.
    fn joined(&self, operator: &str, writer: &mut dyn Writer) -> Result<String, ErrorKind> {
        let (mut texts, mut nodes) = (Vec::new(), vec![self]);
        while let Some(node) = nodes.pop() {
            let is_of_chain = std::mem::discriminant(node) == std::mem::discriminant(self);
            match node {
                Self::And(sides) | Self::Or(sides) if is_of_chain => {
                    nodes.extend(sides.iter().rev());
                }
                node if node.is_joined() => texts.push(format!("({})", node.text(writer)?)),
                node => texts.push(node.text(writer)?),
            }
        }
        Ok(texts.join(operator))
    }

    /// A node without others in it.
    fn comparison(&self, writer: &mut dyn Writer) -> Result<String, ErrorKind> {
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
            // DynamoDB refuses an empty list. This condition is never true.
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
            Self::And(_) | Self::Or(_) | Self::Not(_) => self.text(writer)?,
        })
    }

    const fn is_joined(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_) | Self::Between(..))
    }
}
