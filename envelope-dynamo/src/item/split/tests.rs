//! Ways to serialize that no derived struct uses: fields out of order, and anything but a struct.

use super::*;

const SCHEMA: Schema = Schema::new(&[
    Field::new("id", Mark::PartitionKey),
    Field::new("a", Mark::Encrypted),
    Field::new("b", Mark::Encrypted),
    Field::new("c", Mark::Encrypted),
]);

fn router() -> Router {
    Router::new(SCHEMA, Scope::Record, Vec::new())
}

#[test]
fn fields_are_written_once_in_whatever_order() {
    let mut router = router();
    for name in ["c", "a", "id"] {
        router.route(name, "x").expect("it is written for the first time");
    }
    for name in ["a", "c", "id"] {
        router.route(name, "x").expect_err("it was written before");
    }
    router.route("d", "x").expect_err("the struct has no such field");
    let parts = router.finish().expect("it is a record");
    let fields = parts.fields.fields().expect("the fields are encoded");
    let absent = fields.iter().filter(|(_, value)| value.is_absent()).map(|(name, _)| *name);
    assert_eq!(absent.collect::<Vec<_>>(), ["b"]);
}

#[test]
fn only_a_struct_with_named_fields_is_a_record() {
    #[derive(Serialize)]
    struct Newtype(u8);
    #[derive(Serialize)]
    enum Enum {
        Newtype(u8),
    }
    Some(1).serialize(&mut router()).expect_err("an option");
    Newtype(1).serialize(&mut router()).expect_err("a newtype");
    Enum::Newtype(1).serialize(&mut router()).expect_err("a variant");
    "x".serialize(&mut router()).expect_err("a string");
}
