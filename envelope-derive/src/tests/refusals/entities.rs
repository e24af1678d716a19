//! Enums of records.

use super::{assert_reported, reported, tokens};

#[test]
fn an_enum_holds_records_and_has_one_option() {
    let no_record = "the variant `User` must hold exactly one record\nhelp: derive `Envelope` on \
         a struct, and write `User(User)`";
    let parameters = "an enum of records cannot be generic";
    let cases: [(&str, &[&str]); 13] = [
        ("enum Shop { User(User), Order(Order) }", &[]),
        ("#[envelope(crate = ::envelope)] enum Shop { User(User) }", &[]),
        ("#[other(table = \"shop\")] enum Shop { User(User) }", &[]),
        ("enum Shop {}", &["the enum has no variants"]),
        ("enum Shop { User }", &[no_record]),
        ("enum Shop { User() }", &[no_record]),
        ("enum Shop { User { user: User } }", &[no_record]),
        ("enum Shop { User(User, u8), Order(Order) }", &[no_record]),
        ("enum Shop<T> { User(User<T>) }", &[parameters]),
        ("enum Shop<'a> { User(User<'a>) }", &[parameters]),
        (
            "#[envelope(table = \"shop\")] enum Shop { User(User) }",
            &["`table` is not an option of an enum of records"],
        ),
        (
            "#[envelope(entity(kind = \"x\"))] enum Shop { User(User) }",
            &["`entity` is not an option of an enum of records"],
        ),
        (
            "#[envelope(crate = envelope)] enum Shop { User(User) }",
            &["the path `envelope` is relative"],
        ),
    ];
    for (source, expected) in cases {
        assert_reported(source, &reported(source), expected);
    }
}

#[test]
fn the_fallback_of_an_enum_keeps_its_records_as_members() {
    let code = |source: &str| super::super::derive(tokens(source)).to_string();
    let member = "EntityOf < Shop > for User";
    assert!(code("enum Shop { User(User), Order }").contains(member));
    assert!(code("enum Shop { User(User), Order(Order) }").contains(member));
    assert!(
        !code("enum Shop<T> { User(User) }").contains("EntityOf"),
        "the mistake is the parameter"
    );
    assert!(
        code("enum Shop { User(User) }").contains("assert_shares_table"),
        "no fallback without mistakes"
    );
    assert!(!code("enum Shop { User(User), Order }").contains("assert_shares_table"));
}
