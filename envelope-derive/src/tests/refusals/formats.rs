//! Composed keys, their parts, and the `entity(..)` attribute.

use super::{check_containers, check_structs};

/// Checks structs with a secret and a partition key that is composed in `format`.
#[track_caller]
fn check_formats(cases: &[(&str, &str, &[&str])]) {
    for (format, fields, expected) in cases {
        let key = format!("#[partition_key(name = \"pk\", format = {format:?})]");
        check_structs(&[(&key, &format!("#[encrypted] secret: String, {fields}"), expected)]);
    }
}

#[test]
fn a_key_has_a_name_and_a_format() {
    let composes = "`#[partition_key]` on the struct needs `name` and `format`";
    let none = "the struct has no partition key";
    let partition = format!(
        "{composes}\nhelp: write `#[partition_key(name = \"pk\", format = \
         \"USER#{{user_id}}\")]`, or move the attribute to the key field"
    );
    let sort = partition.replace("partition_key", "sort_key").replace("\"pk\"", "\"sk\"");
    check_structs(&[
        ("#[partition_key]", "#[encrypted] a: u8", &[&partition, none]),
        ("#[partition_key = \"pk\"]", "#[encrypted] a: u8", &[composes, none]),
        ("#[partition_key(name = \"pk\")]", "#[encrypted] a: u8", &[composes, none]),
        ("#[partition_key(format = \"A\")]", "#[encrypted] a: u8", &[composes, none]),
        ("#[partition_key(name = 1, format = \"A\")]", "#[encrypted] a: u8", &[composes, none]),
        ("#[sort_key]", "#[partition_key] id: u8, #[encrypted] a: u8", &[&sort]),
        ("#[partition_key(name = \"pk\", format = \"A\")]", "#[encrypted] a: u8", &[]),
        (
            "#[sort_key(name = \"sk\", format = \"A\", digits = 3)]",
            "#[partition_key] id: u8, #[encrypted] a: u8",
            &["`digits` is not an option of `#[sort_key(..)]`\nhelp: `#[sort_key(..)]` takes \
                 `name` and `format`"],
        ),
        (
            "#[sort_key(nam = \"sk\", format = \"A\")]",
            "#[partition_key] id: u8, #[encrypted] a: u8",
            &["`nam` is not an option of `#[sort_key(..)]`\nhelp: did you mean `name`?"],
        ),
    ]);
}

#[test]
fn a_format_is_well_formed() {
    let refused = |problem: &str, format: &str| {
        let key = "`a` is marked `#[key]`, but no composed key names it, so it would not be stored";
        check_formats(&[(
            format,
            "#[key] a: u8",
            &[problem, "the struct has no partition key", key],
        )]);
    };
    refused("the format has an unmatched brace", "A#{a");
    refused("the format has an unmatched brace", "A#a}");
    refused("`{}` does not name a field", "A#{}");
    refused("`{a b}` does not name a field", "A#{a b}");
    for part in ["a:>20", "a:40", "a:040", "a:00", "a:0"] {
        refused(&format!("`{{{part}}}` is not a valid placeholder"), &format!("A#{{{part}}}"));
    }
    check_formats(&[
        ("", "", &["the format is empty, and DynamoDB refuses empty keys"]),
        ("A#{a:039}", "#[key] a: u8", &[]),
        ("A#{a:01}", "#[key] a: u8", &[]),
        ("{{{a}}}", "#[key] a: u8", &[]),
        ("A#{r#type}", "#[key] r#type: u8", &[]),
        ("A#{type}", "#[key] r#type: u8", &[]),
    ]);
}

#[test]
fn a_separator_stands_between_two_parts() {
    let fields = "#[key] a: u8, #[key] b: u8";
    let nothing =
        "no separator between `a` and `b`: the key could not be split into its parts again";
    let none = "no separator between `a` and `b`: the key could not be split into its parts again";
    let help =
        format!("{nothing}\nhelp: put one of `#`, `|`, `/` and `:` between them: `{{a}}#{{b}}`");
    check_formats(&[
        ("{a}{b}", fields, &[&help]),
        ("A#{a}{b:04}#", fields, &[nothing]),
        ("{a}#{b}", fields, &[]),
        ("{a}|{b}", fields, &[]),
        ("{a}/{b}", fields, &[]),
        ("{a}:{b}", fields, &[]),
        ("{a}-:-{b}", fields, &[]),
        ("U-{a}-X", "#[key] a: u8", &[]),
    ]);
    for ordinary in ["-", "_", ".", "@", "+", "--", " ", "~", ";", "=", "AND", "ä"] {
        check_formats(&[(&format!("A#{{a}}{ordinary}{{b}}#B"), fields, &[none])]);
    }
    let second = none.replace("`b`", "`c`").replace("`a`", "`b`");
    check_formats(&[(
        "{a}-{b}.{c}#{d}",
        "#[key] a: u8, #[key] b: u8, #[key] c: u8, #[key] d: u8",
        &[none, &second],
    )]);
}

#[test]
fn a_format_names_each_part_once_and_five_at_most() {
    let five = "#[key] a: u8, #[key] b: u8, #[key] c: u8, #[key] d: u8, #[key] e: u8";
    check_formats(&[
        ("{a}#{a}", "#[key] a: u8", &["the format names `a` twice"]),
        ("{a}#{b}#{a}", "#[key] a: u8, #[key] b: u8", &["the format names `a` twice"]),
        ("{a}#{b}#{c}#{d}#{e}", five, &[]),
        (
            "{a}#{b}#{c}#{d}#{e}#{f}",
            &format!("{five}, #[key] f: u8"),
            &["the format names 6 fields, but a key has at most 5 parts"],
        ),
    ]);
    check_structs(&[(
        "#[partition_key(name = \"pk\", format = \"{a}\")] #[sort_key(name = \"sk\", format = \
         \"{a}#{b}\")]",
        "#[key] a: u8, #[key] b: u8, #[encrypted] c: u8",
        &[],
    )]);
}

#[test]
fn a_part_is_a_stored_field_that_does_not_change() {
    let every = "`a` is part of the key, which every record must have";
    check_formats(&[
        (
            "A#{user}",
            "#[authenticated] users: u8",
            &["there is no field `user`\nhelp: did you mean `{users}`?"],
        ),
        (
            "A#{user}",
            "#[authenticated] b: u8",
            &["there is no field `user`\nhelp: name a field of the struct"],
        ),
        ("A#{a}", "#[serde(skip)] a: u8", &["serde skips `a`, so it cannot be part of a key"]),
        ("A#{a}", "#[encrypted] a: u8", &["`a` is encrypted, but a key is stored in plaintext"]),
        (
            "A#{a}",
            "#[plaintext] a: u8",
            &["`a` is plaintext: an update in place would change the field, but not the key"],
        ),
        ("A#{a}", "#[sort_key] a: u8", &["`a` is itself a key attribute"]),
        ("A#{a}", "#[authenticated] a: u8", &[]),
        ("A#{a}", "#[key] a: u8", &[]),
        (
            "A#{a}",
            "#[key] #[serde(skip_serializing_if = \"f\")] a: u8",
            &["`a` is part of the key, which every record must have\nhelp: remove \
                 `skip_serializing_if = \"f\"`"],
        ),
        ("A#{a}", "#[authenticated] #[serde(skip_deserializing)] a: u8", &[every]),
        ("A", "#[authenticated] #[serde(skip_deserializing)] a: u8", &[]),
    ]);
    check_structs(&[(
        "#[sort_key(name = \"sk\", format = \"A#{id}\")]",
        "#[partition_key] id: u8, #[encrypted] a: u8",
        &["`id` is itself a key attribute"],
    )]);
}

#[test]
fn a_part_has_one_text_form() {
    let cannot = |what: &str| {
        format!(
            "`a` is part of the key, so it cannot be {what}: each value must have exactly one \
             text form"
        )
    };
    for (ty, what) in [
        ("f32", "a float"),
        ("f64", "a float"),
        ("Vec<u8>", "bytes"),
        ("Option<u8>", "optional"),
        ("(u8, u8)", "a tuple"),
        ("Vec<String>", "a list"),
    ] {
        check_formats(&[
            ("A#{a}", &format!("#[key] a: {ty}"), &[&cannot(what)]),
            ("A#{a}", &format!("#[key] #[serde(with = \"m\")] a: {ty}"), &[]),
            ("A", &format!("#[authenticated] a: {ty}"), &[]),
        ]);
    }
    let text = "`a` is text, but only integers can be padded with zeros";
    check_formats(&[
        ("A#{a}", "#[key] a: bool", &[]),
        ("A#{a}", "#[key] a: Uuid", &[]),
        ("A#{a:020}", "#[key] a: u64", &[]),
        ("A#{a:020}", "#[key] a: Number", &[]),
        ("A#{a:020}", "#[key] a: String", &[text]),
        ("A#{a:020}", "#[key] a: std::string::String", &[text]),
        ("A#{a:020}", "#[key] a: char", &[text]),
        ("A#{a:020}", "#[key] #[serde(with = \"m\")] a: String", &[]),
        ("A#{a}", "#[key] a: String", &[]),
    ]);
}

#[test]
fn a_field_marked_key_is_part_of_a_key() {
    let expected = "`a` is marked `#[key]`, but no composed key names it, so it would not be \
         stored\nhelp: name it in a composed key on the \
                    struct: `#[sort_key(name = \"sk\", format = \"ORDER#{a}\")]`; if the field \
                    itself is the key, mark \
                    it `#[partition_key]` or `#[sort_key]`";
    check_formats(&[("A", "#[key] a: u8", &[expected])]);
}

#[test]
fn generated_attributes_have_distinct_names() {
    let key = |name: &str| format!("#[sort_key(name = {name:?}, format = \"A\")]");
    let taken = "the attribute name `secret` belongs to the field `secret`";
    check_containers(&[
        (&key("sk"), &[]),
        (
            &key("encrypted_dek"),
            &["the attribute name `encrypted_dek` is reserved for encrypted data"],
        ),
        (
            &key("encrypted_payload_x"),
            &["the attribute name `encrypted_payload_x` is reserved for encrypted data"],
        ),
        (&key(""), &["the attribute has an empty name, which DynamoDB refuses"]),
        (&key("secret"), &[taken]),
        ("#[envelope(entity(kind = \"order\"))]", &[]),
        ("#[envelope(entity(secret = \"order\"))]", &[taken]),
        ("#[envelope(entity(kind = \"\"))]", &["the value of `entity` is empty"]),
        (
            "#[envelope(entity(encrypted_payload = \"order\"))]",
            &["the attribute name `encrypted_payload` is reserved for encrypted data"],
        ),
        (
            &format!("#[envelope(entity(sk = \"order\"))] {}", key("sk")),
            &["two attributes have the name `sk`"],
        ),
    ]);
    check_structs(&[
        (
            "#[partition_key(name = \"k\", format = \"A\")] #[sort_key(name = \"k\", format = \
             \"B\")]",
            "#[encrypted] a: u8",
            &["two attributes have the name `k`"],
        ),
        (
            "#[partition_key(name = \"b\", format = \"A\")]",
            "#[encrypted] #[serde(alias = \"b\")] a: u8",
            &["the attribute name `b` belongs to the field `a`"],
        ),
        (
            "#[partition_key(name = \"b\", format = \"A\")]",
            "#[encrypted] a: u8, #[serde(skip)] b: u8",
            &[],
        ),
    ]);
}

#[test]
fn a_part_of_a_key_is_not_changed_by_the_library() {
    let part = "`a` is part of the key, so it cannot be `#[created]`: keys never change";
    check_formats(&[
        ("A#{a}", "#[key] #[ttl] a: u64", &["the key `a` cannot be `#[ttl]`: keys never change"]),
        ("A#{a}", "#[authenticated] #[created] a: u64", &[part]),
        ("A", "#[authenticated] #[created] a: u64", &[]),
        ("A#{a}", "#[authenticated] #[ttl] a: u64", &[]),
    ]);
}
