//! The expressions of one request to write: its changes, its condition, and the names and values of
//! both.

use std::time::SystemTime;

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;

use crate::error::kind::ErrorKind;
use crate::expression::placeholders::{Names, Placeholders, Values, check_length, join_conditions};
use crate::expression::{Changes, Clauses, Condition};
use crate::item::managed_fields;
use crate::record::Envelope;
use crate::record::kind::Kind;

/// Adds a condition to a request, and asks for the stored item if the condition does not hold.
pub(crate) fn with_condition<T, B: WriteRequest>(
    request: B,
    condition: Option<Condition<T>>,
    kinds: &'static [Kind],
) -> Result<B, ErrorKind> {
    let mut expressions = Expressions::of(kinds);
    if let Some(condition) = condition {
        expressions.demand(&condition)?;
    }
    Ok(request.with(expressions.render()))
}

/// The expressions of one request, while they are built.
pub(crate) struct Expressions {
    pub(crate) clauses: Clauses,
    pub(crate) placeholders: Placeholders,
    condition: Option<String>,
}

impl Expressions {
    /// For a table that holds records of `kinds`.
    pub(crate) fn of(kinds: &'static [Kind]) -> Self {
        let placeholders = Placeholders::of(kinds);
        Self { clauses: Clauses::default(), placeholders, condition: None }
    }

    /// Adds the changes of an update. An update that changes something also counts the version and
    /// sets the time of the last change.
    pub(crate) fn change<T: Envelope>(
        &mut self,
        changes: Changes,
        now: SystemTime,
    ) -> Result<(), ErrorKind> {
        if !changes.is_empty() {
            managed_fields::update(T::SCHEMA, &mut self.clauses, &mut self.placeholders, now);
        }
        self.change_unmanaged::<T>(changes)
    }

    /// Adds the changes of an update alone.
    pub(crate) fn change_unmanaged<T: Envelope>(
        &mut self,
        changes: Changes,
    ) -> Result<(), ErrorKind> {
        changes.render::<T>(&mut self.clauses, &mut self.placeholders)
    }

    /// Adds a condition. All conditions of a request must hold.
    pub(crate) fn demand<T>(&mut self, condition: &Condition<T>) -> Result<(), ErrorKind> {
        let condition = condition.render(&mut self.placeholders)?;
        self.demand_text(condition);
        Ok(())
    }

    /// Adds a condition whose placeholders are among those of this request.
    pub(crate) fn demand_text(&mut self, condition: String) {
        self.condition = join_conditions(self.condition.take(), Some(condition));
    }

    pub(crate) fn render(self) -> Rendered {
        let (names, values) = self.placeholders.into_maps();
        let update = self.clauses.expression();
        Rendered { update, condition: self.condition, names, values }
    }
}

/// The expressions of one request, as text.
pub(crate) struct Rendered {
    update: Option<String>,
    condition: Option<String>,
    names: Option<Names>,
    values: Option<Values>,
}

impl Rendered {
    /// Checks that DynamoDB accepts expressions of this length.
    pub(crate) fn checked_length(self) -> Result<Self, ErrorKind> {
        check_length(self.update.as_ref())?;
        check_length(self.condition.as_ref())?;
        Ok(self)
    }
}

/// A request of the SDK that takes a condition.
pub(crate) trait WriteRequest {
    fn with(self, expressions: Rendered) -> Self;
}

macro_rules! write_request {
    ($($builder:ty)*) => {$(
        impl WriteRequest for $builder {
            fn with(self, Rendered { condition, names, values, .. }: Rendered) -> Self {
                let on_failure = condition.as_ref().map(|_| AllOld);
                self.set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
            }
        }
    )*};
}

write_request!(PutItemFluentBuilder DeleteItemFluentBuilder);

impl WriteRequest for UpdateItemFluentBuilder {
    fn with(self, Rendered { update, condition, names, values }: Rendered) -> Self {
        let on_failure = condition.as_ref().map(|_| AllOld);
        self.set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(on_failure)
    }
}

/// The transaction does not write the record, so it does not ask for the stored item.
impl WriteRequest for ConditionCheckBuilder {
    fn with(self, Rendered { condition, names, values, .. }: Rendered) -> Self {
        self.set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
    }
}
