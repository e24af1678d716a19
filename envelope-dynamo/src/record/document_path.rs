//! Document paths: the place of a value in an item.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;

/// A DynamoDB document path: an attribute, and the steps to a value within it.
#[derive(Clone)]
pub(crate) struct DocumentPath {
    pub(crate) attribute: Cow<'static, str>,
    /// Whether the caller chose the attribute's name (`attribute(..)`). The name must then not
    /// belong to the struct.
    pub(crate) is_named: bool,
    steps: Vec<Step>,
}

/// One step of a path within an attribute.
#[derive(Clone)]
pub(crate) enum Step {
    /// An element of a list, counted from 0.
    Element(usize),
    /// A key of a map, which is the caller's data.
    Key(String),
    /// A field of a struct that is stored as a map.
    Field(&'static str),
}

impl From<&'static str> for DocumentPath {
    fn from(attribute: &'static str) -> Self {
        Self { attribute: attribute.into(), is_named: false, steps: Vec::new() }
    }
}

impl DocumentPath {
    /// The path of the attribute `name`, which the caller chose.
    pub(crate) const fn named(name: Cow<'static, str>) -> Self {
        Self { attribute: name, is_named: true, steps: Vec::new() }
    }

    /// The path, extended by one step.
    pub(crate) fn and(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Whether the path is a whole attribute, without steps.
    pub(crate) fn is_attribute(&self) -> bool {
        self.steps.is_empty()
    }

    /// The value at this path of an item.
    pub(crate) fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        let within = |value: &'i AttributeValue, step: &Step| match (value, step) {
            (AttributeValue::L(list), Step::Element(index)) => list.get(*index),
            (AttributeValue::M(map), Step::Key(key)) => map.get(key),
            (AttributeValue::M(map), Step::Field(field)) => map.get(*field),
            _ => None,
        };
        self.steps.iter().try_fold(item.get(&*self.attribute)?, within)
    }

    /// The error for a change or a condition that this path does not allow.
    pub(crate) fn refused(&self, reason: &'static str) -> ErrorKind {
        ErrorKind::Usage(UsageError::Attribute { attribute: self.shown(), reason })
    }

    /// The path in the syntax of expressions. `name` returns the placeholder of a name.
    pub(crate) fn text(&self, mut name: impl FnMut(&str) -> String) -> String {
        let mut text = name(&self.attribute);
        for step in &self.steps {
            match step {
                Step::Element(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) => text.push_str(&format!(".{}", name(key))),
                Step::Field(field) => text.push_str(&format!(".{}", name(field))),
            }
        }
        text
    }

    /// The path for errors and `Debug`, without the keys of maps, which may be secret.
    pub(crate) fn shown(&self) -> String {
        let mut text = self.attribute.to_string();
        for step in &self.steps {
            match step {
                Step::Element(index) => text.push_str(&format!("[{index}]")),
                Step::Key(_) => text.push_str("[_]"),
                Step::Field(field) => text.push_str(&format!(".{field}")),
            }
        }
        text
    }
}
