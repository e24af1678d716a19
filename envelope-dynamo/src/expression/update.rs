//! The changes of an update in place, and how they become clauses of an update expression.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::convert::to_attribute_value;
use crate::error::kind::ErrorKind;
use crate::expression::addable::{Addable, Amount};
use crate::expression::clauses::Clauses;
use crate::expression::limit::Limit;
use crate::expression::operand::{IntoOperand, Term};
use crate::expression::placeholders::Placeholders;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, Serialized};
use crate::record::document_path::DocumentPath;
use crate::record::key::IntoValue;
use crate::record::path::UpdateTarget;

/// The changes of an update.
#[derive(Clone, Default)]
pub(crate) struct Changes(Vec<Change>);

/// A change of the value at a path.
#[derive(Clone)]
struct Change {
    path: DocumentPath,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Set(Serialized),
    SetFrom(Term),
    SetIfAbsent(Serialized),
    Append(Serialized),
    Prepend(Serialized),
    Remove {
        is_required: bool,
    },
    /// Adds to a number of a type with this range.
    Add(Serialized, Option<(i128, i128)>),
    AddElements(Serialized),
    DeleteElements(Serialized),
}

impl Changes {
    pub(crate) fn set<A: UpdateTarget>(&mut self, target: A, value: impl IntoValue<A::Value>) {
        self.write(target, value, Action::Set);
    }

    pub(crate) fn set_from<A: UpdateTarget, K>(
        &mut self,
        target: A,
        other: impl IntoOperand<A::Record, A::Value, K>,
    ) {
        let path = target.into_path();
        self.push(path.document, Action::SetFrom(other.into_operand(path.write)));
    }

    pub(crate) fn set_if_absent<A: UpdateTarget>(
        &mut self,
        target: A,
        value: impl IntoValue<A::Value>,
    ) {
        self.write(target, value, Action::SetIfAbsent);
    }

    pub(crate) fn append<A: UpdateTarget>(&mut self, target: A, values: impl IntoValue<A::Value>) {
        self.write(target, values, Action::Append);
    }

    pub(crate) fn prepend<A: UpdateTarget>(&mut self, target: A, values: impl IntoValue<A::Value>) {
        self.write(target, values, Action::Prepend);
    }

    pub(crate) fn remove<A: UpdateTarget>(&mut self, target: A) {
        let path = target.into_path();
        self.push(path.document, Action::Remove { is_required: path.is_required });
    }

    pub(crate) fn add<A: UpdateTarget<Value: Addable>>(&mut self, target: A, amount: impl Amount) {
        let action = Action::Add(to_attribute_value(&amount), <A::Value as Addable>::RANGE);
        self.push(target.into_path().document, action);
    }

    pub(crate) fn add_elements<T, V, M>(
        &mut self,
        attribute: Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) {
        self.write(attribute, set, Action::AddElements);
    }

    pub(crate) fn delete_elements<T, V, M>(
        &mut self,
        attribute: Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) {
        self.write(attribute, set, Action::DeleteElements);
    }

    fn write<A: UpdateTarget>(
        &mut self,
        target: A,
        value: impl IntoValue<A::Value>,
        action: fn(Serialized) -> Action,
    ) {
        let path = target.into_path();
        self.push(path.document, action((path.write)(value.into_value())));
    }

    fn push(&mut self, path: DocumentPath, action: Action) {
        self.0.push(Change { path, action });
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The limits of the numbers that the changes add to.
    pub(crate) fn limits(&self) -> Result<Vec<Limit>, ErrorKind> {
        let limit = |change: &Change| match &change.action {
            Action::Add(Ok(amount), Some(range)) => {
                Some(Limit::of_sum(&change.path, amount, *range))
            }
            _ => None,
        };
        self.0.iter().filter_map(limit).collect()
    }

    /// Adds the changes of a record `T` to the clauses.
    pub(crate) fn render<T: Envelope>(
        self,
        clauses: &mut Clauses,
        placeholders: &mut Placeholders,
    ) -> Result<(), ErrorKind> {
        if T::DENY_UNKNOWN_FIELDS {
            self.0.iter().try_for_each(Change::is_of_a_field)?;
        }
        self.into_clauses(clauses, placeholders)
    }

    fn into_clauses(
        self,
        clauses: &mut Clauses,
        placeholders: &mut Placeholders,
    ) -> Result<(), ErrorKind> {
        self.0.into_iter().try_for_each(|change| change.render(clauses, placeholders))
    }
}

impl Change {
    /// Refuses to write an attribute that is not a field of a struct with `deny_unknown_fields`,
    /// because the record could no longer be read.
    fn is_of_a_field(&self) -> Result<(), ErrorKind> {
        let reason = "is not a field of the struct, which has `deny_unknown_fields`: a record with \
                      it could not be read; nothing was sent";
        match self.path.is_named && !matches!(self.action, Action::Remove { .. }) {
            true => Err(self.path.refused(reason)),
            false => Ok(()),
        }
    }

    fn render(
        self,
        clauses: &mut Clauses,
        placeholders: &mut Placeholders,
    ) -> Result<(), ErrorKind> {
        let Self { path, action } = self;
        if let Action::AddElements(set) | Action::DeleteElements(set) = &action
            && is_empty_set(&path, set)?
        {
            // Before a placeholder is made: DynamoDB refuses one that no expression uses.
            return Ok(());
        }
        let place = placeholders.path(&path)?;
        let mut value = |value: Serialized| placeholders.serialized(&path.attribute, value);
        match action {
            Action::Set(new) => clauses.set.push(format!("{place} = {}", value(new)?)),
            Action::SetFrom(term) => {
                clauses.set.push(format!("{place} = {}", placeholders.term(&path, term)?))
            }
            Action::SetIfAbsent(new) => {
                clauses.set.push(format!("{place} = if_not_exists({place}, {})", value(new)?))
            }
            Action::Append(values) => {
                is_list(&path, &values)?;
                let (values, list) = (value(values)?, or_empty_list(&place, placeholders));
                clauses.set.push(format!("{place} = list_append({list}, {values})"));
            }
            Action::Prepend(values) => {
                is_list(&path, &values)?;
                let (values, list) = (value(values)?, or_empty_list(&place, placeholders));
                clauses.set.push(format!("{place} = list_append({values}, {list})"));
            }
            Action::Remove { is_required: true } => {
                return Err(path.refused(
                    "is required: a record without it could not be read, so it cannot be removed",
                ));
            }
            Action::Remove { is_required: false } => clauses.remove.push(place),
            Action::Add(amount, _) if path.is_attribute() => {
                clauses.add.push(format!("{place} {}", value(amount)?))
            }
            // ADD accepts only top-level attributes (Amazon DynamoDB API Reference, "UpdateItem").
            Action::Add(amount, _) => {
                let (amount, zero) =
                    (value(amount)?, placeholders.value(AttributeValue::N("0".to_owned())));
                clauses.set.push(format!("{place} = if_not_exists({place}, {zero}) + {amount}"));
            }
            Action::AddElements(set) => clauses.add.push(format!("{place} {}", value(set)?)),
            Action::DeleteElements(set) => clauses.delete.push(format!("{place} {}", value(set)?)),
        }
        Ok(())
    }
}

fn or_empty_list(place: &str, placeholders: &mut Placeholders) -> String {
    format!("if_not_exists({place}, {})", placeholders.value(AttributeValue::L(Vec::new())))
}

fn is_list(path: &DocumentPath, values: &Serialized) -> Result<(), ErrorKind> {
    match values {
        Ok(AttributeValue::L(_)) | Err(_) => Ok(()),
        Ok(_) => Err(path.refused("is not stored as a list")),
    }
}

/// Whether the set is empty. DynamoDB refuses empty sets, and adding or deleting one has no effect.
fn is_empty_set(path: &DocumentPath, set: &Serialized) -> Result<bool, ErrorKind> {
    const REASON: &str = "is not stored as a set: mark it \
                          `#[serde(with = \"envelope_dynamo::convert::string_set\")]`, \
                          `number_set` or `binary_set`";
    match set {
        Ok(AttributeValue::Ss(set) | AttributeValue::Ns(set)) => Ok(set.is_empty()),
        Ok(AttributeValue::Bs(set)) => Ok(set.is_empty()),
        Ok(_) => Err(path.refused(REASON)),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::attribute::mark::Plaintext;

    const LOGINS: Attribute<(), u64, Plaintext> = Attribute::new("logins");
    const NOTE: Attribute<(), Option<String>, Plaintext> = Attribute::new("note");
    const PAST: Attribute<(), Vec<u8>, Plaintext> = Attribute::new("past");

    #[test]
    fn each_clause_is_written_once() {
        let (mut changes, mut clauses, mut placeholders) =
            (Changes::default(), Clauses::default(), Placeholders::of(&[]));
        changes.add(LOGINS, -1);
        changes.set(NOTE, "x");
        changes.append(PAST, vec![1]);
        changes.remove(NOTE);
        changes.into_clauses(&mut clauses, &mut placeholders).unwrap();
        assert_eq!(
            clauses.expression().unwrap(),
            "SET #envelope3 = :envelope4, \
             #envelope5 = list_append(if_not_exists(#envelope5, :envelope7), :envelope6) \
             REMOVE #envelope3 ADD #envelope1 :envelope2"
        );
        let (_, values) = placeholders.into_maps();
        assert_eq!(values.unwrap()[":envelope2"], AttributeValue::N("-1".into()));
    }

    /// DynamoDB refuses a placeholder that no expression uses.
    #[test]
    fn an_empty_set_changes_nothing_and_names_nothing() {
        type Tags = Attribute<(), Vec<String>, Plaintext>;
        let empty = |change: fn(&mut Changes, Tags, Vec<String>)| {
            let (mut changes, mut clauses, mut placeholders) =
                (Changes::default(), Clauses::default(), Placeholders::of(&[]));
            let write = |set| Ok(AttributeValue::Ss(set));
            change(&mut changes, Attribute::through("tags", write, |_| Ok(Vec::new())), Vec::new());
            changes.into_clauses(&mut clauses, &mut placeholders).unwrap();
            (clauses.expression(), placeholders.into_maps())
        };
        assert_eq!(empty(Changes::add_elements), (None, (None, None)));
        assert_eq!(empty(Changes::delete_elements), (None, (None, None)));
    }

    #[test]
    fn impossible_changes_are_refused_before_anything_is_sent() {
        let refused = |change: &dyn Fn(&mut Changes)| {
            let mut changes = Changes::default();
            change(&mut changes);
            changes
                .into_clauses(&mut Clauses::default(), &mut Placeholders::of(&[]))
                .unwrap_err()
                .to_string()
        };
        assert!(refused(&|changes| changes.remove(LOGINS)).starts_with("`logins` is required"));
        assert_eq!(
            refused(&|changes| changes.append(LOGINS, 1)),
            "`logins` is not stored as a list"
        );
        assert!(
            refused(&|changes| changes.add_elements(PAST, vec![1]))
                .starts_with("`past` is not stored as a set")
        );
    }

    #[test]
    fn values_within_an_attribute_are_changed_by_their_paths() {
        const MAPS: Attribute<(), Vec<BTreeMap<String, u8>>, Plaintext> = Attribute::new("a.b");
        let (mut changes, mut clauses, mut placeholders) =
            (Changes::default(), Clauses::default(), Placeholders::of(&[]));
        changes.set_if_absent(MAPS.at(3).key("x.y"), 1);
        changes.add(MAPS.at(0).key("n"), -2);
        changes.prepend(MAPS, Vec::new());
        changes.set_from(LOGINS, MAPS.at(0).key("n").field::<u64>("n"));
        changes.remove(MAPS.at(1));
        changes.into_clauses(&mut clauses, &mut placeholders).unwrap();
        assert_eq!(
            clauses.expression().unwrap(),
            "SET #envelope1[3].#envelope2 = if_not_exists(#envelope1[3].#envelope2, :envelope3), \
             #envelope1[0].#envelope4 = \
             if_not_exists(#envelope1[0].#envelope4, :envelope6) + :envelope5, \
             #envelope1 = list_append(:envelope7, if_not_exists(#envelope1, :envelope8)), \
             #envelope9 = #envelope1[0].#envelope4.#envelope4 REMOVE #envelope1[1]"
        );
        let (names, _) = placeholders.into_maps();
        assert_eq!(names.unwrap()["#envelope2"], "x.y");
    }
}
