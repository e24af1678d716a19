//! Checks that the records of an enum can share one table, made while the enum is compiled.

use crate::record::field::Mark;
use crate::record::key_format::are_equal;
use crate::record::kind::Kind;

/// Enough for a message with four names of 64 bytes. What is longer ends before a name.
const MAX_MESSAGE: usize = 512;

impl Kind {
    /// Checks the record at `position` of an enum against those before it. The derive calls this
    /// for each variant.
    ///
    /// # Panics
    ///
    /// If the record belongs to another table than one before it, if its key attributes have other
    /// names, if every item of one of the two also fits the other, or if one is unprotected and a
    /// key could be of both.
    pub const fn assert_shares_table(kinds: &[Self], position: usize) {
        let (mut before, rest) = kinds.split_at(position);
        let [kind, ..] = rest else { return };
        while let [other, following @ ..] = before {
            before = following;
            // The derive already reported the mistakes of a record that is a placeholder.
            if kind.is_stub() || other.is_stub() {
                continue;
            }
            if let Some(problem) = problem(kind, other) {
                panic!("{}", problem.as_str());
            }
        }
    }
}

/// The reason why the records cannot share a table, if there is one.
const fn problem(kind: &Kind, other: &Kind) -> Option<Message> {
    if !are_equal(kind.table, other.table) {
        let problem = ["` belongs to the table `", "` and `", "` to the table `", ONE_TABLE];
        let [belongs, and, to, help] = problem;
        let names = ["`", kind.name, belongs, kind.table, and, other.name, to, other.table, help];
        return Some(Message::of(&names));
    }
    let keys =
        [(Mark::PartitionKey, "the partition key of `"), (Mark::SortKey, "the sort key of `")];
    let mut keys: &[_] = &keys;
    while let [(mark, the_key_of), following @ ..] = keys {
        keys = following;
        let (one, two) = (kind.schema.key_name(*mark), other.schema.key_name(*mark));
        if !are_equal(one, two) {
            let ([is_1, one, end_1], [is_2, two, end_2]) = (shown(one), shown(two));
            return Some(Message::of(&[
                the_key_of,
                kind.name,
                is_1,
                one,
                end_1,
                " and that of `",
                other.name,
                is_2,
                two,
                end_2,
                ONE_KEY,
            ]));
        }
    }
    if !kind.is_apart_from(other) {
        let (open, sealed) = match kind.unprotected {
            true => (kind.name, other.name),
            false => (other.name, kind.name),
        };
        return Some(Message::of(&["a key of `", open, COULD_BE, sealed, KEEP_APART]));
    }
    let (one, two) = if other.schema.fits_all_of(kind.schema) {
        (kind.name, other.name)
    } else if kind.schema.fits_all_of(other.schema) {
        (other.name, kind.name)
    } else {
        return None;
    };
    Some(Message::of(&["every item of `", one, "` also fits `", two, TELL_APART, two, ENTITY]))
}

const ONE_TABLE: &str = "`, but the records of an enum share one table: write the same `table = \"..\"` on both structs";

const ONE_KEY: &str = ", but the records of an enum share one primary key: give the attributes of \
                       both keys the same names";

const COULD_BE: &str = "`, which is unprotected, could be one of `";

const KEEP_APART: &str = "`, so whoever can write the table could pass one off as the other: \
                          compose the same key attribute of both, with different text at its \
                          beginning";

const TELL_APART: &str =
    "`, so a reader cannot tell which of the two an item is: compose the key of `";

const ENTITY: &str =
    "` with text of its own, or add `entity(kind = \"..\")` to its `#[envelope(..)]`";

/// A name, or that there is none, with the text before and after it.
const fn shown(name: &'static str) -> [&'static str; 3] {
    if name.is_empty() { ["` is ", "absent", ""] } else { ["` is `", name, "`"] }
}

/// Text that is put together in a constant.
struct Message {
    text: [u8; MAX_MESSAGE],
    len: usize,
}

impl Message {
    const fn of(parts: &[&str]) -> Self {
        let (mut text, mut len, mut parts) = ([0; MAX_MESSAGE], 0, parts);
        let mut free: &mut [u8] = &mut text;
        while let [part, following @ ..] = parts {
            parts = following;
            let all = free;
            let Some((to, rest)) = all.split_at_mut_checked(part.len()) else { break };
            to.copy_from_slice(part.as_bytes());
            (free, len) = (rest, len + part.len());
        }
        Self { text, len }
    }

    const fn as_str(&self) -> &str {
        match str::from_utf8(self.text.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "the records of an enum cannot share one table",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::field::Field;
    use crate::record::key_format::Piece;
    use crate::record::key_format::Piece::{Literal, Padded, Part};
    use crate::record::schema::Schema;

    const fn composed(pieces: &'static [Piece]) -> Field {
        Field::new("pk", Mark::PartitionKey).composed("", pieces)
    }

    const fn constant(name: &'static str, value: &'static str) -> Field {
        Field::new(name, Mark::Authenticated).constant(value)
    }

    #[test]
    fn the_schema_with_less_to_distinguish_its_items_fits_all_items_of_the_other() {
        const BARE: Schema = Schema::new(&[Field::new("pk", Mark::PartitionKey)]);
        const USER: Schema = Schema::new(&[composed(&[Literal("U#"), Part("id")])]);
        const PADDED: Schema = Schema::new(&[composed(&[Literal("U#"), Padded("number", 9)])]);
        const ORDER: Schema = Schema::new(&[composed(&[Literal("O#"), Part("id")])]);
        const LONGER: Schema =
            Schema::new(&[composed(&[Literal("U#"), Part("id"), Literal("#"), Part("at")])]);
        const MAIL: Schema =
            Schema::new(&[composed(&[Literal("U#"), Part("to")]), constant("kind", "mail")]);
        const CALL: Schema =
            Schema::new(&[composed(&[Literal("U#"), Part("to")]), constant("kind", "call")]);
        const OTHER: Schema =
            Schema::new(&[composed(&[Literal("U#"), Part("to")]), constant("type", "mail")]);
        for schema in [BARE, USER, ORDER, MAIL] {
            assert!(schema.fits_all_of(schema));
            assert!(BARE.fits_all_of(schema));
        }
        for schema in [PADDED, MAIL, CALL] {
            assert!(USER.fits_all_of(schema));
        }
        for (one, other) in [(USER, BARE), (USER, ORDER), (USER, LONGER), (LONGER, USER)] {
            assert!(!one.fits_all_of(other));
        }
        for (one, other) in [(MAIL, USER), (MAIL, CALL), (CALL, MAIL), (MAIL, OTHER)] {
            assert!(!one.fits_all_of(other));
        }
    }

    #[test]
    fn a_message_that_is_too_long_ends_before_the_part_that_has_no_room() {
        let long = "x".repeat(MAX_MESSAGE);
        assert_eq!(Message::of(&["ä", "b", ""]).as_str(), "äb");
        assert_eq!(Message::of(&["ä", &long, "b"]).as_str(), "ä");
        assert_eq!(Message::of(&[&long, ""]).as_str(), long);
    }
}
