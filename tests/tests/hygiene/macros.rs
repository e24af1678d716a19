//! Structs from `macro_rules!`: their tokens have the hygiene of the macro, but the locals of
//! generated code do not.

/// A record with every kind of field that generated code treats differently, and a view of it.
macro_rules! record {
    ($name:ident, $view:ident, $id:ident: $id_ty:ty, $group:ident: $group_ty:ty, $number:ident: $number_ty:ty) => {
        #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
        #[envelope(table = "t", index(name = "by-number", partition_key = $number, sort_key = changed))]
        struct $name {
            #[partition_key]
            $id: $id_ty,
            #[encrypted]
            value: u8,
            #[encrypted(group = "medical")]
            $group: $group_ty,
            #[plaintext]
            #[version]
            $number: $number_ty,
            #[plaintext]
            #[ttl]
            expires: ::std::option::Option<$number_ty>,
            #[plaintext]
            #[updated]
            changed: u64,
        }

        #[derive(::envelope_dynamo::View, ::std::cmp::PartialEq)]
        #[view(of = $name)]
        struct $view {
            $number: $number_ty,
            expires: ::std::option::Option<$number_ty>,
        }
    };
}

record!(Record, View, id: ::std::string::String, group: ::envelope_dynamo::Access<u8>, number: u64);

/// A composed key, and an enum of the records.
macro_rules! entities {
    ($name:ident, $user:ident, $part:ident: $part_ty:ty) => {
        #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
        #[envelope(table = "t")]
        #[partition_key(name = "pk", format = "USER#{part}")]
        struct $user {
            #[key]
            $part: $part_ty,
            #[encrypted]
            value: u8,
        }

        #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
        enum $name {
            User($user),
        }
    };
}

entities!(Entity, User, part: ::std::string::String);

#[test]
fn records_are_written_and_read() {
    let record = Record {
        id: ::std::convert::From::from("id"),
        value: 1,
        group: ::envelope_dynamo::Access::Granted(2),
        number: 3,
        expires: ::std::option::Option::Some(4),
        changed: 5,
    };
    assert_round_trip!(record, Record);
    ::std::assert_eq!(<View as ::envelope_dynamo::View>::names(), ["number", "expires"]);
    ::std::assert_eq!(<User as ::envelope_dynamo::Envelope>::TABLE, "t");
    let entity = Entity::User(User { part: ::std::convert::From::from("a"), value: 1 });
    ::std::assert!(
        entity == Entity::User(User { part: ::std::convert::From::from("a"), value: 1 })
    );
}
