//! serde's attributes.

use super::{FIELDS, check_containers, check_fields, structure, tokens};

#[test]
fn attributes_that_reshape_the_struct_are_refused() {
    for name in [
        "content",
        "untagged",
        "transparent",
        "from",
        "try_from",
        "into",
        "remote",
        "rename_all_fields",
        "variant_identifier",
        "field_identifier",
    ] {
        let expected = format!(
            "`#[serde({name})]` cannot be combined with `Envelope`\nhelp: remove it: serde must \
             write a record as a \
             map of its fields"
        );
        check_containers(&[(&format!("#[serde({name} = \"x\")]"), &[&expected])]);
    }
    let tag = |name: &str| {
        format!(
            "`#[serde(tag)]` cannot be combined with `Envelope`\nhelp: remove `tag`; to store a \
             constant attribute that \
             tells the records of this struct from others, write `#[envelope(entity({name} = \
             \"..\"))]`"
        )
    };
    check_containers(&[
        ("#[serde(tag = \"kind\")]", &[&tag("kind")]),
        ("#[serde(tag = \"type\")]", &[&tag("\"type\"")]),
        ("#[serde(tag)]", &[&tag("kind")]),
    ]);
}

#[test]
fn attributes_of_a_struct_are_known_and_well_formed() {
    let malformed =
        |name: &str, right: &str| format!("`#[serde({name})]` is malformed\nhelp: write {right}");
    check_containers(&[
        (
            "#[serde(rename = \"R\", rename_all = \"camelCase\", default, deny_unknown_fields, \
             expecting = \"x\", crate = \"y\")]",
            &[],
        ),
        (
            "#[serde(rename_all(serialize = \"camelCase\"), rename_all(deserialize = \
             \"camelCase\"))]",
            &[],
        ),
        ("#[serde(default = \"a::b\", bound = \"\", rename(serialize = \"R\"))]", &[]),
        ("#[serde(rename_all = \"Camel\")]", &["`Camel` is not a rename rule of serde"]),
        ("#[serde(rename_all(serialize = \"Camel\"))]", &["`Camel` is not a rename rule of serde"]),
        (
            "#[serde(rename_all(deserialize = \"Camel\"))]",
            &["`Camel` is not a rename rule of serde"],
        ),
        (
            "#[serde(rename_al = \"camelCase\")]",
            &["`#[serde(rename_al)]` is not supported here\nhelp: did you mean `rename_all`?"],
        ),
        (
            "#[serde(skip)]",
            &["`#[serde(skip)]` is not supported here\nhelp: `#[serde(..)]` can have `rename`, \
                 `rename_all`, `default`, \
             `deny_unknown_fields`, `bound`, `expecting` and `crate` here"],
        ),
        (
            "#[serde(deny_unknown_fields = \"x\")]",
            &[&malformed("deny_unknown_fields", "`#[serde(deny_unknown_fields)]`")],
        ),
        ("#[serde(deny_unknown_fields(x))]", &["`#[serde(deny_unknown_fields)]` is malformed"]),
        ("#[serde(expecting)]", &[&malformed("expecting", "`#[serde(expecting = \"..\")]`")]),
        ("#[serde(expecting(\"x\"))]", &["`#[serde(expecting)]` is malformed"]),
        (
            "#[serde(default = \"f()\")]",
            &[&malformed(
                "default",
                "`#[serde(default)]` or `#[serde(default = \"path::to::item\")]`",
            )],
        ),
        (
            "#[serde(rename)]",
            &[&malformed(
                "rename",
                "`#[serde(rename = \"..\")]` or `#[serde(rename(serialize = \"..\", deserialize = \
                 \"..\"))]`",
            )],
        ),
        ("#[serde(rename(write = \"x\"))]", &["`#[serde(rename)]` is malformed"]),
        ("#[serde(rename(serialize = x))]", &["`#[serde(rename)]` is malformed"]),
        (
            "#[serde(bound = \"T is a type\")]",
            &[&malformed(
                "bound",
                "`#[serde(bound = \"T: Trait\")]`, or `serialize` and `deserialize` in parentheses",
            )],
        ),
        ("#[serde(bound(serialize = \"T is a type\"))]", &["`#[serde(bound)]` is malformed"]),
        ("#[serde(bound(serialize = \"u8: Copy\", deserialize = \"\"))]", &[]),
    ]);
}

#[test]
fn attributes_of_a_field_are_known_and_well_formed() {
    let malformed =
        |name: &str, right: &str| format!("`#[serde({name})]` is malformed\nhelp: write {right}");
    check_fields(&[
        (
            "#[plaintext] #[serde(rename = \"b\", alias = \"c\", alias = \"d\", default, with = \
             \"a::b\", skip_serializing_if = \"f\")] a: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(serialize_with = \"a::b\", deserialize_with = \"a::b\", default \
             = \"f\", bound = \"u8: Copy\")] a: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(getter = \"f\")] a: u8",
            &["`#[serde(getter)]` is not supported here: it is for `#[serde(remote)]` definitions"],
        ),
        (
            "#[plaintext] #[serde(alia = \"f\")] a: u8",
            &["`#[serde(alia)]` is not supported here\nhelp: did you mean `alias`?"],
        ),
        (
            "#[plaintext] #[serde(alias)] a: u8",
            &[&malformed("alias", "`#[serde(alias = \"..\")]`")],
        ),
        (
            "#[plaintext] #[serde(with = \"not a path\")] a: u8",
            &[&malformed("with", "`#[serde(with = \"path::to::item\")]`")],
        ),
        ("#[plaintext] #[serde(with)] a: u8", &["`#[serde(with)]` is malformed"]),
        ("#[plaintext] #[serde(with = 1)] a: u8", &["`#[serde(with)]` is malformed"]),
        (
            "#[plaintext] #[serde(serialize_with = \"1\")] a: u8",
            &["`#[serde(serialize_with)]` is malformed"],
        ),
        (
            "#[plaintext] #[serde(deserialize_with = \"1\")] a: u8",
            &["`#[serde(deserialize_with)]` is malformed"],
        ),
        (
            "#[plaintext] #[serde(skip_serializing_if = \"|x| true\")] a: u8",
            &["`#[serde(skip_serializing_if)]` is malformed"],
        ),
        ("#[plaintext] #[serde(bound = \"1\")] a: u8", &["`#[serde(bound)]` is malformed"]),
        (
            "#[plaintext] #[serde(borrow = \"a\")] a: &'a str",
            &[&malformed("borrow", "`#[serde(borrow)]` or `#[serde(borrow = \"'a + 'b\")]`")],
        ),
        ("#[plaintext] #[serde(borrow = \"\")] a: &'a str", &["`#[serde(borrow)]` is malformed"]),
        (
            "#[plaintext] #[serde(skip_serializing = \"x\")] a: u8",
            &["`#[serde(skip_serializing)]` is malformed"],
        ),
    ]);
}

#[test]
fn a_serde_setting_is_given_once() {
    let twice = |name: &str| format!("`#[serde({name})]` repeats an earlier serde attribute");
    check_containers(&[
        (
            "#[serde(rename_all = \"camelCase\")] #[serde(rename_all = \"camelCase\")]",
            &[&twice("rename_all")],
        ),
        (
            "#[serde(rename_all(deserialize = \"camelCase\"), rename_all = \"camelCase\")]",
            &[&twice("rename_all")],
        ),
        (
            "#[serde(rename_all(serialize = \"camelCase\", serialize = \"camelCase\"))]",
            &[&twice("rename_all")],
        ),
        ("#[serde(bound = \"\", bound = \"\")]", &[&twice("bound")]),
        ("#[serde(default, default)]", &[&twice("default")]),
        ("#[serde(deny_unknown_fields, deny_unknown_fields)]", &[&twice("deny_unknown_fields")]),
    ]);
    check_fields(&[
        ("#[plaintext] #[serde(rename = \"b\", rename = \"c\")] a: u8", &[&twice("rename")]),
        (
            "#[plaintext] #[serde(rename(serialize = \"b\"), rename(deserialize = \"c\"), alias = \
             \"b\")] a: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(rename(deserialize = \"b\", deserialize = \"c\"), alias = \
             \"a\")] a: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(with = \"a\", serialize_with = \"b\")] a: u8",
            &[&twice("serialize_with")],
        ),
        ("#[plaintext] #[serde(deserialize_with = \"a\", with = \"b\")] a: u8", &[&twice("with")]),
        ("#[plaintext] #[serde(serialize_with = \"a\", deserialize_with = \"b\")] a: u8", &[]),
        ("#[serde(skip, skip_serializing)] a: u8", &[&twice("skip_serializing")]),
        ("#[serde(skip, skip_deserializing)] a: u8", &[&twice("skip_deserializing")]),
        ("#[serde(skip_serializing, skip_deserializing)] a: u8", &[]),
        ("#[plaintext] #[serde(default, default = \"f\")] a: u8", &[&twice("default")]),
        (
            "#[plaintext] #[serde(skip_serializing_if = \"f\", skip_serializing_if = \"g\")] a: u8",
            &[&twice("skip_serializing_if")],
        ),
    ]);
}

#[test]
fn only_lifetimes_of_the_type_are_borrowed() {
    check_fields(&[
        (
            "#[plaintext] #[serde(borrow)] a: u8",
            &["`#[serde(borrow)]` is on a type without lifetimes"],
        ),
        ("#[plaintext] #[serde(borrow)] a: Cow<'static, str>", &[]),
        ("#[plaintext] #[serde(borrow)] a: (u8, &'static str)", &[]),
        ("#[plaintext] #[serde(borrow = \"'static\")] a: (u8, &'static str)", &[]),
        (
            "#[plaintext] #[serde(borrow = \"'static + 'b\")] a: Cow<'static, str>",
            &["`#[serde(borrow)]` names `'b`, which the field's type does not have"],
        ),
        (
            "#[plaintext] #[serde(borrow = \"'str\")] a: Cow<'static, str>",
            &["`#[serde(borrow)]` names `'str`, which the field's type does not have"],
        ),
    ]);
}

#[test]
fn a_time_is_written_as_seconds_unless_the_field_has_with() {
    let expanded = |field: &str| {
        super::super::derive(tokens(&structure("", &format!("{FIELDS} {field}")))).to_string()
    };
    let generated = "with = \"__Seconds_a\"";
    assert!(expanded("#[plaintext] #[ttl] a: u64").contains(generated));
    assert!(!expanded("#[plaintext] #[version] a: u64").contains("Seconds"));
    for with in ["with", "serialize_with", "deserialize_with"] {
        assert!(
            !expanded(&format!("#[plaintext] #[ttl] #[serde({with} = \"m\")] a: u64"))
                .contains("Seconds"),
            "{with}"
        );
    }
    for (field, has_default) in [
        ("#[plaintext] #[ttl] a: Option<u64>", true),
        ("#[plaintext] #[ttl] a: u64", false),
        ("#[plaintext] #[ttl] #[serde(default = \"f\")] a: Option<u64>", false),
    ] {
        let is_given = expanded(field).contains(&format!("{generated} , default)"));
        assert_eq!(is_given, has_default, "{field}: {}", expanded(field));
    }
}
