//! Composed keys, their parts, and the attribute of the entity type.

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
    let composes = "on the struct, `#[partition_key]` composes a key: it takes a name and a format";
    let none = "the struct has no partition key";
    let partition = format!(
        "{composes}\nhelp: `#[partition_key(name = \"pk\", format = \"USER#{{user_id}}\")]`, or move it to the field that is the key"
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
            &[
                "`digits` is not an option of `#[sort_key]`\nhelp: `#[sort_key(..)]` takes `name` and `format`",
            ],
        ),
        (
            "#[sort_key(nam = \"sk\", format = \"A\")]",
            "#[partition_key] id: u8, #[encrypted] a: u8",
            &["`nam` is not an option of `#[sort_key]`\nhelp: did you mean `name`?"],
        ),
    ]);
}

#[test]
fn a_format_is_well_formed() {
    let refused = |problem: &str, format: &str| {
        let key = "`a` is marked `#[key]`, but no key is made of it: it would be stored nowhere";
        check_formats(&[(
            format,
            "#[key] a: u8",
            &[problem, "the struct has no partition key", key],
        )]);
    };
    refused("a brace in the format opens or closes nothing", "A#{a");
    refused("a brace in the format opens or closes nothing", "A#a}");
    refused("`{}` does not name a field", "A#{}");
    refused("`{a b}` does not name a field", "A#{a b}");
    for part in ["a:>20", "a:40", "a:040", "a:00", "a:0"] {
        refused(
            &format!("`{{{part}}}` is not a way to write a part of a key"),
            &format!("A#{{{part}}}"),
        );
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
        "nothing stands between `a` and `b`, so that the key could not be taken apart again";
    let none =
        "no separator stands between `a` and `b`, so that the key could not be taken apart again";
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
        ("{a}#{a}", "#[key] a: u8", &["`a` stands in the format twice"]),
        ("{a}#{b}#{a}", "#[key] a: u8, #[key] b: u8", &["`a` stands in the format twice"]),
        ("{a}#{b}#{c}#{d}#{e}", five, &[]),
        (
            "{a}#{b}#{c}#{d}#{e}#{f}",
            &format!("{five}, #[key] f: u8"),
            &["the format names 6 fields, and a key is made of 5 at most"],
        ),
    ]);
    check_structs(&[(
        "#[partition_key(name = \"pk\", format = \"{a}\")] #[sort_key(name = \"sk\", format = \"{a}#{b}\")]",
        "#[key] a: u8, #[key] b: u8, #[encrypted] c: u8",
        &[],
    )]);
}

#[test]
fn a_part_is_a_field_that_is_stored_and_stays() {
    let every = "`a` is a part of the key, which every record must have";
    check_formats(&[
        (
            "A#{user}",
            "#[authenticated] users: u8",
            &["there is no field `user`\nhelp: did you mean `{users}`?"],
        ),
        (
            "A#{user}",
            "#[authenticated] b: u8",
            &["there is no field `user`\nhelp: name fields of the struct"],
        ),
        (
            "A#{a}",
            "#[serde(skip)] a: u8",
            &["`a` is not one value that is stored, so no key can be made of it"],
        ),
        (
            "A#{a}",
            "#[encrypted] a: u8",
            &["`a` is encrypted, and a key stands in the table in clear"],
        ),
        (
            "A#{a}",
            "#[plaintext] a: u8",
            &["`a` is plaintext: updated in place, it would part from the key"],
        ),
        ("A#{a}", "#[sort_key] a: u8", &["`a` is a key attribute of its own"]),
        ("A#{a}", "#[authenticated] a: u8", &[]),
        ("A#{a}", "#[key] a: u8", &[]),
        (
            "A#{a}",
            "#[key] #[serde(skip_serializing_if = \"f\")] a: u8",
            &[
                "`a` is a part of the key, which every record must have\nhelp: remove `skip_serializing_if = \"f\"`",
            ],
        ),
        ("A#{a}", "#[authenticated] #[serde(skip_deserializing)] a: u8", &[every]),
        ("A", "#[authenticated] #[serde(skip_deserializing)] a: u8", &[]),
    ]);
    check_structs(&[(
        "#[sort_key(name = \"sk\", format = \"A#{id}\")]",
        "#[partition_key] id: u8, #[encrypted] a: u8",
        &["`id` is a key attribute of its own"],
    )]);
}

#[test]
fn a_part_has_one_spelling_as_text() {
    let cannot = |what: &str| {
        format!("`a` is a part of the key, and cannot be {what}: it must have one spelling as text")
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
    let text = "`a` is text, and only integers can be filled up with zeros";
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
fn a_field_of_a_key_alone_stands_in_one() {
    let expected = "`a` is marked `#[key]`, but no key is made of it: it would be stored nowhere\nhelp: name it in a format, \
                    `#[sort_key(name = \"sk\", format = \"ORDER#{a}\")]` on the struct; the field that is the key itself is marked \
                    `#[partition_key]` or `#[sort_key]`";
    check_formats(&[("A", "#[key] a: u8", &[expected])]);
}

#[test]
fn generated_attributes_have_names_of_their_own() {
    let key = |name: &str| format!("#[sort_key(name = {name:?}, format = \"A\")]");
    let taken = "the field `secret` is stored under the name `secret` already";
    check_containers(&[
        (&key("sk"), &[]),
        (&key("encrypted_dek"), &["the attribute `encrypted_dek` holds what is encrypted"]),
        (
            &key("encrypted_payload_x"),
            &["the attribute `encrypted_payload_x` holds what is encrypted"],
        ),
        (&key(""), &["the attribute has an empty name, which DynamoDB refuses"]),
        (&key("secret"), &[taken]),
        ("#[envelope(entity(kind = \"order\"))]", &[]),
        ("#[envelope(entity(secret = \"order\"))]", &[taken]),
        ("#[envelope(entity(kind = \"\"))]", &["the entity type has an empty name"]),
        (
            "#[envelope(entity(encrypted_payload = \"order\"))]",
            &["the attribute `encrypted_payload` holds what is encrypted"],
        ),
        (
            &format!("#[envelope(entity(sk = \"order\"))] {}", key("sk")),
            &["two attributes have the name `sk`"],
        ),
    ]);
    check_structs(&[
        (
            "#[partition_key(name = \"k\", format = \"A\")] #[sort_key(name = \"k\", format = \"B\")]",
            "#[encrypted] a: u8",
            &["two attributes have the name `k`"],
        ),
        (
            "#[partition_key(name = \"b\", format = \"A\")]",
            "#[encrypted] #[serde(alias = \"b\")] a: u8",
            &["the field `a` is stored under the name `b` already"],
        ),
        (
            "#[partition_key(name = \"b\", format = \"A\")]",
            "#[encrypted] a: u8, #[serde(skip)] b: u8",
            &[],
        ),
    ]);
}
