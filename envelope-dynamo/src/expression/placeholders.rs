//! Placeholders: the names and values of a request's expressions, which are sent in maps.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::convert::check_storable;
use crate::dynamodb::MAX_EXPRESSION_BYTES;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::expression::named;
use crate::record::attribute::Serialized;
use crate::record::document_path::DocumentPath;
use crate::record::kind::Kind;

/// The placeholders of names, and the names.
pub(crate) type Names = HashMap<String, String>;

/// The placeholders of values, and the values.
pub(crate) type Values = HashMap<String, AttributeValue>;

/// The placeholders of a search tag.
pub(crate) struct TagPlaceholders {
    pub(crate) attribute: &'static str,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Checks that DynamoDB accepts an expression of this length.
pub(crate) fn check_length(expression: Option<&String>) -> Result<(), ErrorKind> {
    match expression.map_or(0, String::len) {
        bytes if bytes > MAX_EXPRESSION_BYTES => {
            Err(ErrorKind::Usage(UsageError::ExpressionTooLong { bytes }))
        }
        _ => Ok(()),
    }
}

/// The placeholders of a request's expressions, with their names and values.
pub(crate) struct Placeholders {
    /// The placeholder of each name. It is a map because a record may have tens of thousands of
    /// authenticated attributes.
    names: HashMap<String, String>,
    values: Values,
    count: usize,
    /// The kinds of record in the table. A name that the caller chose must not belong to them.
    kinds: &'static [Kind],
}

impl Placeholders {
    /// Creates placeholders for a table with records of `kinds`.
    pub(crate) fn of(kinds: &'static [Kind]) -> Self {
        Self { names: HashMap::new(), values: Values::new(), count: 0, kinds }
    }

    /// Continues after the placeholders that a request already has, without a check of chosen
    /// names.
    pub(crate) fn new(names: Option<Names>, values: Option<Values>) -> Self {
        let (names, values) = (names.unwrap_or_default(), values.unwrap_or_default());
        let number =
            |placeholder: &String| placeholder.get(1..)?.strip_prefix("envelope")?.parse().ok();
        let count = names.keys().chain(values.keys()).filter_map(number).max().unwrap_or(0);
        let names = names.into_iter().map(|(placeholder, name)| (name, placeholder)).collect();
        Self { names, values, count, kinds: &[] }
    }

    /// The placeholder of an attribute name.
    pub(crate) fn name(&mut self, attribute: &str) -> String {
        if let Some(placeholder) = self.names.get(attribute) {
            return placeholder.clone();
        }
        let placeholder = format!("#envelope{}", self.next());
        self.names.insert(attribute.to_owned(), placeholder.clone());
        placeholder
    }

    /// The path with placeholders. Refuses a name that the caller chose and that is not free.
    pub(crate) fn path(&mut self, path: &DocumentPath) -> Result<String, ErrorKind> {
        named::check(path, self.kinds)?;
        Ok(path.text(|name| self.name(name)))
    }

    /// The placeholder of a value.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":envelope{}", self.next());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The placeholders of a search tag, whose value is set when the query runs.
    pub(crate) fn tag(&mut self, attribute: &'static str) -> TagPlaceholders {
        let (name, value) = (self.name(attribute), self.value(AttributeValue::Null(true)));
        TagPlaceholders { attribute, name, value }
    }

    /// The placeholder of a value for `attribute`, which DynamoDB must be able to store.
    pub(crate) fn serialized(
        &mut self,
        attribute: &str,
        value: Serialized,
    ) -> Result<String, ErrorKind> {
        match value {
            Ok(value) => {
                check_storable(attribute, &value)?;
                Ok(self.value(value))
            }
            Err(source) => Err(ErrorKind::Usage(UsageError::Serialize {
                attribute: Some(attribute.to_owned()),
                source,
            })),
        }
    }

    /// The maps of names and of values; DynamoDB refuses empty ones.
    pub(crate) fn into_maps(self) -> (Option<Names>, Option<Values>) {
        let names: Names =
            self.names.into_iter().map(|(name, placeholder)| (placeholder, name)).collect();
        (
            Some(names).filter(|names| !names.is_empty()),
            Some(self.values).filter(|values| !values.is_empty()),
        )
    }

    /// The values, in the order in which they were added.
    pub(crate) fn ordered_values(self) -> Vec<AttributeValue> {
        let number = |placeholder: &String| {
            placeholder.trim_start_matches(":envelope").parse::<usize>().ok()
        };
        let mut values: Vec<_> = self.values.into_iter().collect();
        values.sort_by_key(|(placeholder, _)| number(placeholder));
        values.into_iter().map(|(_, value)| value).collect()
    }

    const fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

/// Joins two optional conditions with `AND`.
pub(crate) fn join_conditions(own: Option<String>, other: Option<String>) -> Option<String> {
    match (own, other) {
        (Some(own), Some(other)) => Some(format!("({own}) AND ({other})")),
        (own, other) => own.or(other),
    }
}
