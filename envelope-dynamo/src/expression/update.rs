//! Changes of attributes where they stand: the clauses of an update expression.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::{Attribute, InPlace, Limit, Operand, Placeholders};
use crate::attribute::to_attribute_value;
use crate::error::ErrorKind;
use crate::key::IntoValue;

/// A type of numbers that DynamoDB can add to: the integers and floats, `Option`s of them, and yours.
///
/// For a newtype that serializes to a number:
///
/// ```
/// use envelope_dynamo::Addable;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Cents(i64);
///
/// impl Addable for Cents {
///     const RANGE: Option<(i128, i128)> = Some((i64::MIN as i128, i64::MAX as i128));
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of numbers that can be added to in place",
    note = "for a newtype that serializes to a number: `impl envelope_dynamo::Addable for {Self} {{}}`"
)]
pub trait Addable {
    /// The least and the greatest whole number that the type holds: nothing is stored in place that it could not read.
    /// `None` for a type without such limits.
    const RANGE: Option<(i128, i128)> = None;
}

/// What can be added: a number of any primitive type, negative ones too.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number that can be added")]
pub trait Amount: Serialize + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! amounts {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}
        impl Amount for $number {}
    )*};
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Addable for $integer {
            const RANGE: Option<(i128, i128)> = Some((<$integer>::MIN as i128, <$integer>::MAX as i128));
        }
    )*};
}

amounts!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64);
integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 usize);

impl Addable for u128 {
    const RANGE: Option<(i128, i128)> = Some((0, i128::MAX));
}

impl Addable for f32 {}
impl Addable for f64 {}

impl<N: Addable> Addable for Option<N> {
    const RANGE: Option<(i128, i128)> = N::RANGE;
}

/// The changes of an update.
#[derive(Clone, Default)]
pub(crate) struct Changes(Vec<Change>);

#[derive(Clone)]
enum Change {
    Set(Operand),
    SetIfAbsent(Operand),
    Append(Operand),
    Remove { attribute: &'static str, required: bool },
    Add(Operand, Option<(i128, i128)>),
    AddElements(Operand),
    DeleteElements(Operand),
}

impl Changes {
    pub(crate) fn set<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, value: impl IntoValue<V>) {
        self.0.push(Change::Set(attribute.operand(value)));
    }

    pub(crate) fn set_if_absent<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, value: impl IntoValue<V>) {
        self.0.push(Change::SetIfAbsent(attribute.operand(value)));
    }

    pub(crate) fn append<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, values: impl IntoValue<V>) {
        self.0.push(Change::Append(attribute.operand(values)));
    }

    pub(crate) fn remove<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>) {
        self.0.push(Change::Remove { attribute: attribute.name(), required: !attribute.may_be_absent() });
    }

    pub(crate) fn add<T, V: Addable, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, amount: impl Amount) {
        let operand = Operand { attribute: attribute.name(), value: to_attribute_value(&amount) };
        self.0.push(Change::Add(operand, V::RANGE));
    }

    pub(crate) fn add_elements<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, set: impl IntoValue<V>) {
        self.0.push(Change::AddElements(attribute.operand(set)));
    }

    pub(crate) fn delete_elements<T, V, M: InPlace>(&mut self, attribute: Attribute<T, V, M>, set: impl IntoValue<V>) {
        self.0.push(Change::DeleteElements(attribute.operand(set)));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the numbers that are added to must be before.
    pub(crate) fn limits(&self) -> Result<Vec<Limit>, ErrorKind> {
        let limit = |change: &Change| match change {
            Change::Add(Operand { attribute, value: Ok(amount) }, Some(range)) => {
                Some(Limit::of_sum(attribute, amount, *range))
            }
            _ => None,
        };
        self.0.iter().filter_map(limit).collect()
    }

    pub(crate) fn render(self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> Result<(), ErrorKind> {
        self.0.into_iter().try_for_each(|change| change.render(clauses, placeholders))
    }
}

impl Change {
    fn render(self, clauses: &mut Clauses, placeholders: &mut Placeholders) -> Result<(), ErrorKind> {
        match self {
            Self::Set(operand) => {
                let (name, value) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                clauses.set.push(format!("{name} = {value}"));
            }
            Self::SetIfAbsent(operand) => {
                let (name, value) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                clauses.set.push(format!("{name} = if_not_exists({name}, {value})"));
            }
            Self::Append(operand) => {
                is_list(&operand)?;
                let (name, values) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                let empty = placeholders.value(AttributeValue::L(Vec::new()));
                clauses.set.push(format!("{name} = list_append(if_not_exists({name}, {empty}), {values})"));
            }
            Self::Remove { attribute, required: true } => {
                let reason = "is required: a record without it could not be read, so it cannot be removed";
                return Err(ErrorKind::Attribute { attribute: attribute.to_owned(), reason });
            }
            Self::Remove { attribute, required: false } => clauses.remove.push(placeholders.name(attribute)),
            Self::Add(operand, _) => {
                let (name, value) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                clauses.add.push(format!("{name} {value}"));
            }
            Self::AddElements(operand) | Self::DeleteElements(operand) if is_empty_set(&operand)? => {}
            Self::AddElements(operand) => {
                let (name, value) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                clauses.add.push(format!("{name} {value}"));
            }
            Self::DeleteElements(operand) => {
                let (name, value) = (placeholders.name(operand.attribute), placeholders.operand(operand)?);
                clauses.delete.push(format!("{name} {value}"));
            }
        }
        Ok(())
    }
}

fn is_list(operand: &Operand) -> Result<(), ErrorKind> {
    match operand.value {
        Ok(AttributeValue::L(_)) | Err(_) => Ok(()),
        Ok(_) => {
            Err(ErrorKind::Attribute { attribute: operand.attribute.to_owned(), reason: "is not stored as a list" })
        }
    }
}

/// DynamoDB refuses empty sets, and nothing is to be done with one.
fn is_empty_set(operand: &Operand) -> Result<bool, ErrorKind> {
    const REASON: &str =
        "is not stored as a set: `#[serde(with = \"envelope_dynamo::string_set\")]` and its like do that";
    match &operand.value {
        Ok(AttributeValue::Ss(set) | AttributeValue::Ns(set)) => Ok(set.is_empty()),
        Ok(AttributeValue::Bs(set)) => Ok(set.is_empty()),
        Ok(_) => Err(ErrorKind::Attribute { attribute: operand.attribute.to_owned(), reason: REASON }),
        Err(_) => Ok(false),
    }
}

/// The clauses of an update expression; each may stand in it once.
#[derive(Default)]
pub(crate) struct Clauses {
    pub(crate) set: Vec<String>,
    pub(crate) remove: Vec<String>,
    pub(crate) add: Vec<String>,
    pub(crate) delete: Vec<String>,
}

impl Clauses {
    /// The expression; `None` if there is nothing to change.
    pub(crate) fn expression(self) -> Option<String> {
        let clauses =
            [("SET", self.set), ("REMOVE", self.remove), ("ADD", self.add), ("DELETE", self.delete)].into_iter();
        let clauses = clauses.filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(keyword, parts)| format!("{keyword} {}", parts.join(", ")));
        let text = clauses.collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::mark::Plaintext;
    use super::*;

    const LOGINS: Attribute<(), u64, Plaintext> = Attribute::new("logins");
    const NOTE: Attribute<(), Option<String>, Plaintext> = Attribute::new("note");
    const PAST: Attribute<(), Vec<u8>, Plaintext> = Attribute::new("past");

    #[test]
    fn each_clause_stands_once() {
        let (mut changes, mut clauses, mut placeholders) =
            (Changes::default(), Clauses::default(), Placeholders::default());
        changes.add(LOGINS, -1);
        changes.set(NOTE, "x");
        changes.append(PAST, vec![1]);
        changes.remove(NOTE);
        changes.render(&mut clauses, &mut placeholders).unwrap();
        assert_eq!(
            clauses.expression().unwrap(),
            "SET #envelope3 = :envelope4, #envelope5 = list_append(if_not_exists(#envelope5, :envelope7), \
             :envelope6) REMOVE #envelope3 ADD #envelope1 :envelope2"
        );
        let (_, values) = placeholders.into_maps();
        assert_eq!(values.unwrap()[":envelope2"], AttributeValue::N("-1".into()));
    }

    #[test]
    fn what_cannot_be_done_in_place_is_said_before_anything_is_sent() {
        let refused = |change: &dyn Fn(&mut Changes)| {
            let mut changes = Changes::default();
            change(&mut changes);
            changes.render(&mut Clauses::default(), &mut Placeholders::default()).unwrap_err().to_string()
        };
        assert!(refused(&|changes| changes.remove(LOGINS)).starts_with("`logins` is required"));
        assert_eq!(refused(&|changes| changes.append(LOGINS, 1)), "`logins` is not stored as a list");
        assert!(refused(&|changes| changes.add_elements(PAST, vec![1])).starts_with("`past` is not stored as a set"));
    }
}
