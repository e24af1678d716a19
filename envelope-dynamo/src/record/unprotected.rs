//! Kinds of records that are stored as they are, and how their keys keep them apart from sealed
//! kinds.

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::record::field::{Mark, Origin};
use crate::record::kind::Kind;
use crate::record::schema::is_reserved;
use crate::record::search_tag::is_search_tag;

impl Kind {
    /// Whether the kinds are both protected or both not, or no key can be of both.
    ///
    /// Whoever can write the table writes all attributes of an item, so none of them can tell the
    /// two apart. A key can: DynamoDB finds an item under its key, and a kind reads only items
    /// whose key has its format.
    pub(crate) const fn is_apart_from(&self, other: &Self) -> bool {
        self.unprotected == other.unprotected
            // The derive already reported the mistakes of such a record.
            || self.is_stub()
            || other.is_stub()
            || self.has_other_keys(other, Mark::PartitionKey)
            || self.has_other_keys(other, Mark::SortKey)
    }

    /// Whether constant text shows that no value of the key attribute is one of both kinds.
    const fn has_other_keys(&self, other: &Self, mark: Mark) -> bool {
        let (Some((one, one_is_whole)), Some((two, two_is_whole))) =
            (self.text_of_key(mark), other.text_of_key(mark))
        else {
            return false;
        };
        match (one_is_whole, two_is_whole) {
            (true, true) => one.len() != two.len() || !begins_with(one, two),
            (true, false) => !begins_with(one, two),
            (false, true) => !begins_with(two, one),
            (false, false) => !begins_with(one, two) && !begins_with(two, one),
        }
    }

    /// The constant text at the beginning of a composed key, and whether it is the whole key.
    const fn text_of_key(&self, mark: Mark) -> Option<(&'static [u8], bool)> {
        let mut fields = self.schema.fields();
        while let [field, rest @ ..] = fields {
            fields = rest;
            if field.mark as u8 == mark as u8
                && let Origin::Composed(format) = field.origin
            {
                return Some((format.prefix().as_bytes(), format.is_constant()));
            }
        }
        None
    }

    /// The kind, if the item is stored as it is: the one or the first that the item's key fits.
    pub(crate) fn unprotected_of<'k>(kinds: &'k [Self], item: &Item) -> Option<&'k Self> {
        Self::matching(kinds, item).map(|(_, kind)| kind).find(|kind| kind.unprotected)
    }

    /// The error if an item of this unprotected kind has an attribute of sealed data.
    pub(crate) fn sealed_nevertheless(&self, item: &Item) -> Option<ErrorKind> {
        let is_of_sealed = |name: &&String| is_reserved(name) || is_search_tag(name);
        let attribute = item.keys().filter(is_of_sealed).min()?.clone();
        Some(ErrorKind::Data(DataError::SealedUnprotected { entity: self.name, attribute }))
    }
}

const fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    let (mut text, mut beginning) = (text, beginning);
    while let [expected, rest @ ..] = beginning {
        match text {
            [first, others @ ..] if *first == *expected => (text, beginning) = (others, rest),
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use envelope_core::ContextForm;

    use crate::record::field::{Field, Mark};
    use crate::record::key_format::Piece;
    use crate::record::kind::Kind;
    use crate::record::schema::Schema;

    const fn kind(unprotected: bool, schema: &'static [Field]) -> Kind {
        Kind {
            name: "Name",
            table: "table",
            form: ContextForm::Raw,
            context: &[],
            schema: Schema::new(schema),
            unprotected,
            key_attributes: Vec::new,
            optional_fields: Vec::new,
            indexes: Vec::new,
        }
    }

    /// A schema whose sort key has this text, and then a part unless it is constant.
    fn sorted(text: &'static str, is_constant: bool) -> &'static [Field] {
        let mut pieces = vec![Piece::Literal(text)];
        if text.is_empty() {
            pieces.clear();
        }
        if !is_constant {
            pieces.push(Piece::Part("day"));
        }
        let key = Field::new("sk", Mark::SortKey).composed("..", pieces.leak());
        let partition = [Piece::Literal("USER#"), Piece::Part("user")];
        let partition =
            Field::new("pk", Mark::PartitionKey).composed("..", Box::leak(partition.into()));
        vec![partition, key].leak()
    }

    #[test]
    fn keys_are_apart_if_their_texts_show_it_in_both_directions() {
        let cases = [
            (("HOURS#", false), ("ORDER#", false), true),
            (("ORDER#", false), ("ORDERS#", false), true),
            (("ORDER", false), ("ORDERS#", false), false),
            (("", false), ("ORDER#", false), false),
            (("HOURS#", false), ("HOURS#", false), false),
            (("PROFILE", true), ("SETTINGS", true), true),
            (("PROFILE", true), ("PROFILE", true), false),
            (("PROFILE", true), ("PROFILE#", true), true),
            (("PROFILE", true), ("PROFILE#", false), true),
            (("PROFILE#1", true), ("PROFILE#", false), false),
            (("PROFILE", true), ("PRO", false), false),
        ];
        for ((one, one_is_constant), (two, two_is_constant), expected) in cases {
            let (one, two) = (sorted(one, one_is_constant), sorted(two, two_is_constant));
            let [one, two] = [kind(true, one), kind(false, two)];
            assert_eq!(one.is_apart_from(&two), expected, "{:?} {:?}", one.schema, two.schema);
            assert_eq!(two.is_apart_from(&one), expected, "{:?} {:?}", two.schema, one.schema);
        }
    }

    /// No attribute of an entity type, and no key that is a field.
    #[test]
    fn only_composed_keys_keep_kinds_apart() {
        const FIELD: &[Field] = &[
            Field::new("pk", Mark::PartitionKey),
            Field::new("kind", Mark::Authenticated).constant("order"),
        ];
        const TOLD: &[Field] =
            &[Field::new("pk", Mark::PartitionKey).composed("..", &[Piece::Literal("HOURS#")])];
        assert!(!kind(true, TOLD).is_apart_from(&kind(false, FIELD)));
        assert!(kind(false, TOLD).is_apart_from(&kind(false, FIELD)), "both are protected");
        assert!(kind(true, TOLD).is_apart_from(&kind(true, TOLD)), "both are unprotected");
    }

    #[test]
    #[should_panic(expected = "a key of `Open`, which is unprotected, could be one of `Sealed`")]
    fn an_enum_of_kinds_that_are_not_apart_does_not_compile() {
        let named = |name, kind| Kind { name, ..kind };
        let day = named("Day", kind(true, sorted("DAY#", false)));
        let open = named("Open", kind(true, sorted("HOURS#", false)));
        let sealed = named("Sealed", kind(false, sorted("HOURS#7#", false)));
        Kind::assert_shares_table(&[day, open], 1);
        Kind::assert_shares_table(&[day, open, sealed], 2);
    }
}
