//! Secondary indexes.

use super::{FIELDS, check_containers, check_structs};

/// Checks an index of a struct with a sort key and fields of every kind.
#[track_caller]
fn check_indexes(cases: &[(&str, &[&str])]) {
    let fields = "#[partition_key] id: String, #[sort_key] at: u64, #[encrypted] secret: String, \
         #[authenticated] plan: String, \
                  #[plaintext] logins: u64, #[plaintext] r#type: String";
    for (options, expected) in cases {
        check_structs(&[(&format!("#[envelope(index({options}))]"), fields, expected)]);
    }
}

#[test]
fn the_options_of_an_index_are_known() {
    check_indexes(&[
        ("name = \"by_plan\", partition_key = plan, sort_key = logins", &[]),
        ("name = \"by_logins\", local, sort_key = logins", &[]),
        (
            "name = \"by_plan\", partition_keys = plan",
            &["`partition_keys` is not an option of `index(..)`\nhelp: did you mean \
                 `partition_key`?"],
        ),
        (
            "name = \"by_plan\", partition_key = plan, unique",
            &["`unique` is not an option of `index(..)`\nhelp: `index(..)` takes `name`, \
                 `partition_key`, `sort_key` and `local`"],
        ),
        (
            "name = \"by_plan\", name = \"by_plan\", partition_key = plan",
            &["`name` is given twice"],
        ),
        (
            "name = \"by_plan\", partition_key = plan, partition_key = logins",
            &["`partition_key` is given twice"],
        ),
        ("partition_key = plan", &["the index has no name"]),
        ("name = by_plan, partition_key = plan", &["`name` takes a string"]),
        (
            "name = \"by_plan\", partition_key",
            &["`partition_key` takes the name of a field\nhelp: write `partition_key = plan`"],
        ),
        (
            "name = \"by_plan\", partition_key(plan)",
            &["`partition_key(..)` of an index needs `name` and `format`\nhelp: write \
                 `partition_key(name = \"gsi1pk\", format = \"USER#{user_id}\")`, or name a field: \
                 `partition_key = plan`"],
        ),
        (
            "name = \"by_plan\", partition_key = \"plan\"",
            &["`partition_key` takes the name of a field\nhelp: write `partition_key = plan`, \
                 without quotes"],
        ),
        (
            "name = \"by_plan\", partition_key = plan, sort_key = a.b",
            &["`sort_key` takes the name of a field\nhelp: write `sort_key = plan`"],
        ),
        ("name = \"by_plan\", local = true, sort_key = plan", &["`local` takes no value"]),
    ]);
    check_containers(&[
        ("#[envelope(index)]", &["`index` takes its options in parentheses"]),
        ("#[envelope(index = \"by_plan\")]", &["`index` takes its options in parentheses"]),
    ]);
}

#[test]
fn a_keyword_names_the_field_of_that_name() {
    check_indexes(&[
        ("name = \"by_type\", partition_key = type", &[]),
        ("name = \"by_type\", partition_key = r#type", &[]),
        ("name = \"by_type\", partition_key = plan, sort_key = type", &[]),
        (
            "name = \"by_match\", partition_key = match",
            &["there is no field `match` in the struct"],
        ),
    ]);
    for word in ["self", "Self", "super", "crate", "_"] {
        check_indexes(&[(
            &format!("name = \"by_it\", partition_key = {word}"),
            &["`partition_key` takes the name of a field"],
        )]);
    }
}

#[test]
fn an_index_has_a_valid_name() {
    let check = |name: &str, is_good: bool| {
        let refused = format!("{name:?} is not a valid index name");
        let expected: &[&str] = if is_good { &[] } else { &[&refused] };
        check_indexes(&[(&format!("name = {name:?}, partition_key = plan"), expected)]);
    };
    for (length, is_good) in [(2, false), (3, true), (255, true), (256, false)] {
        check(&"a".repeat(length), is_good);
    }
    for name in ["by plan", "by#plan", "bü_plan"] {
        check(name, false);
    }
    for name in ["By-Plan.v2_a", "123", "self", "type"] {
        check(name, true);
    }
}

#[test]
fn an_index_has_the_keys_of_its_kind() {
    let local_partition = "a local index always has the table's partition key";
    check_indexes(&[
        ("name = \"by_plan\"", &["the index has no partition key"]),
        ("name = \"by_plan\", sort_key = plan", &["the index has no partition key"]),
        ("name = \"by_plan\", local, partition_key = plan", &[local_partition]),
        ("name = \"by_plan\", local, partition_key = plan, sort_key = logins", &[local_partition]),
        ("name = \"by_plan\", local", &["a local index needs a sort key"]),
        (
            "name = \"by_plan\", partition_key = plan, sort_key = plan",
            &["`plan` is both the partition key and the sort key of the index `by_plan`"],
        ),
        (
            "name = \"by_type\", partition_key = type, sort_key = r#type",
            &["`r#type` is both the partition key and the sort key of the index `by_type`"],
        ),
    ]);
    let local = "#[envelope(index(name = \"by_plan\", local, sort_key = plan))]";
    let plan = format!("{FIELDS} #[plaintext] plan: u8");
    let none = "a table without a sort key cannot have a local index";
    check_structs(&[
        (local, &plan, &[none]),
        (&format!("{local} #[sort_key(name = \"sk\", format = \"A\")]"), &plan, &[]),
        (
            &format!("{local} #[partition_key(name = \"pk\", format = \"A\")]"),
            "#[encrypted] a: u8, #[plaintext] plan: u8",
            &[none],
        ),
    ]);
}

#[test]
fn the_keys_of_an_index_are_readable_fields() {
    let index = "#[envelope(index(name = \"by_a\", partition_key = a))]";
    let check = |field: &str, expected: &[&str]| {
        check_structs(&[(index, &format!("{FIELDS} {field}"), expected)])
    };
    let skipped = "serde skips `a`, so it cannot be the key of an index";
    let bytes = "`a` is a key of the index `by_a`, but serde writes its type as a list of numbers";
    check("#[encrypted] a: u8", &["`a` is encrypted, so DynamoDB cannot index it"]);
    check("#[serde(skip)] a: u8", &[skipped]);
    check("#[plaintext] #[serde(skip_serializing)] a: u8", &[skipped]);
    check("#[plaintext] #[serde(skip_deserializing)] a: u8", &[skipped]);
    check(
        "#[plaintext] a: bool",
        &["`a` is a key of the index `by_a` and cannot be a bool: DynamoDB keys are strings, \
             numbers or bytes"],
    );
    check("#[plaintext] a: [u8; 4]", &[bytes]);
    check("#[plaintext] #[serde(with = \"m\")] a: bool", &[]);
    check(
        "#[plaintext] a: Option<u8>",
        &["`a` is a key of the index `by_a`, and DynamoDB refuses null as a key"],
    );
    check("#[plaintext] #[serde(skip_serializing_if = \"Option::is_none\")] a: Option<u8>", &[]);
    check(
        "#[plaintext] #[serde(skip_serializing_if = \"Option::is_none\")] a: Option<Vec<u8>>",
        &[bytes],
    );
    check("#[plaintext] #[serde(rename = \"b\")] a: String", &[]);
    check("#[authenticated] a: Uuid", &[]);
    check_structs(&[
        (
            "#[envelope(index(name = \"by_a\", partition_key = plans))]",
            &format!("{FIELDS} #[plaintext] plan: u8"),
            &["there is no field `plans` in the struct\nhelp: did you mean `plan`?"],
        ),
        (
            "#[envelope(index(name = \"by_a\", partition_key = plans))]",
            FIELDS,
            &["there is no field `plans` in the struct\nhelp: write the name of the field in \
                 the struct, not its serde name"],
        ),
        (
            &format!("{index} #[sort_key(name = \"sk\", format = \"A#{{a}}\")]"),
            &format!("{FIELDS} #[key] a: u8"),
            &["`a` is stored only in a composed key, so it cannot be the key of an index"],
        ),
        (
            "#[envelope(index(name = \"by_id\", partition_key = id, sort_key = secret))]",
            FIELDS,
            &["`secret` is encrypted, so DynamoDB cannot index it"],
        ),
    ]);
}

#[test]
fn indexes_have_distinct_names() {
    let two = |a: &str, b: &str| {
        format!(
            "#[envelope(index(name = {a:?}, partition_key = id), index(name = {b:?}, \
             partition_key = id))]"
        )
    };
    check_containers(&[
        (&two("by_id", "by_id"), &["there are two indexes named `by_id`"]),
        (
            &two("by-id", "ById"),
            &["the indexes `by-id` and `ById` would both be called `by_id` in Rust"],
        ),
        (&two("by_id", "by_id2"), &[]),
    ]);
}

/// An index with the composed key `pk` and `format`.
fn composed(format: &str) -> String {
    format!("name = \"gsi1\", partition_key(name = \"pk\", format = \"{format}\")")
}

#[test]
fn the_keys_of_an_index_are_composed_of_fields() {
    check_indexes(&[
        (&composed("A#{plan}#{logins:06}"), &[]),
        (&composed("{id}"), &[]),
        (&composed("ALL"), &[]),
        ("name = \"by_day\", local, sort_key(name = \"lsi\", format = \"{plan}\")", &[]),
        (
            "name = \"gsi1\", partition_key = plan, sort_key(name = \"sk\", format = \"{logins:06}\")",
            &[],
        ),
        (
            "name = \"gsi1\", partition_key(name = \"pk\")",
            &["`partition_key(..)` of an index needs `name` and `format`"],
        ),
        (
            "name = \"gsi1\", partition_key(name = \"pk\", formats = \"A\")",
            &["`formats` is not an option of `partition_key(..)`\nhelp: did you mean `format`?"],
        ),
        (&composed(""), &["the format is empty, and DynamoDB refuses empty keys"]),
        (
            &composed("{plan}{logins}"),
            &[
                "no separator between `plan` and `logins`: the key could not be split into its parts again",
            ],
        ),
        (&composed("{plan}#{plan}"), &["the format names `plan` twice"]),
        (&composed("{plam}"), &["there is no field `plam`\nhelp: did you mean `{plan}`?"]),
        (&composed("{plan:06}"), &["`plan` is text, but only integers can be padded with zeros"]),
        (
            &composed("{secret}"),
            &["`secret` is encrypted, but a key of an index is stored in plaintext\nhelp: mark \
               `secret` `#[searchable]` and name it in a key of several attributes: \
               `partition_key = (tenant, secret)`; or mark `secret` `#[authenticated]` if it may \
               be readable in the table"],
        ),
        (
            "name = \"gsi1\", partition_key(name = \"a\", format = \"{plan}\"), sort_key(name = \"a\", \
             format = \"{plan}\")",
            &["the attribute `a` is both the partition key and the sort key of the index `gsi1`"],
        ),
    ]);
}

#[test]
fn the_attribute_of_a_composed_key_is_free_and_has_one_format() {
    let named =
        |name: &str| format!("name = \"gsi1\", partition_key(name = \"{name}\", format = \"A\")");
    check_indexes(&[
        (&named("plan"), &["the attribute name `plan` belongs to the field `plan`"]),
        (
            &named("encrypted_dek"),
            &["the attribute name `encrypted_dek` is reserved for encrypted data"],
        ),
        (&named(""), &["the attribute has an empty name, which DynamoDB refuses"]),
    ]);
    let two = |first: &str, second: &str| {
        format!(
            "#[envelope(index(name = \"one\", partition_key(name = \"pk\", format = {first:?})), \
             index(name = \"two\", partition_key(name = \"pk\", format = {second:?})))]"
        )
    };
    check_containers(&[
        (&two("A#{id}", "A#{id}"), &[]),
        (
            &two("A#{id}", "B#{id}"),
            &["the attribute `pk` has two formats: \"A#{id}\" and \"B#{id}\""],
        ),
    ]);
}

#[test]
fn the_parts_of_an_index_key_are_stored_fields_with_one_text() {
    let index =
        "#[envelope(index(name = \"gsi1\", partition_key(name = \"gsi\", format = \"{a}\")))]";
    let check = |field: &str, expected: &[&str]| {
        check_structs(&[(index, &format!("{FIELDS} {field}"), expected)])
    };
    check("#[authenticated] a: Option<String>", &[]);
    check("#[plaintext] a: bool", &[]);
    check("#[plaintext] #[created] a: u64", &[]);
    check("#[authenticated] #[version] a: u64", &[]);
    check("#[authenticated] #[serde(skip_serializing_if = \"String::is_empty\")] a: String", &[]);
    check(
        "#[plaintext] a: f64",
        &[
            "`a` is part of the key, so it cannot be a float: each value must have exactly one text form",
        ],
    );
    check(
        "#[plaintext] a: Option<Vec<String>>",
        &[
            "`a` is part of the key, so it cannot be a list: each value must have exactly one text form",
        ],
    );
    check("#[serde(skip)] a: String", &["serde skips `a`, so it cannot be part of a key"]);
    check(
        "#[plaintext] #[serde(skip_deserializing)] a: String",
        &["serde skips `a`, so it cannot be part of a key"],
    );
    check(
        "#[plaintext] #[version] a: u64",
        &["`a` is `#[version]`: every update in place changes it, and would leave the key as it \
             was\nhelp: name another field, or mark `a` `#[authenticated]`"],
    );
    check(
        "#[plaintext] #[updated] a: u64",
        &[
            "`a` is `#[updated]`: every update in place changes it, and would leave the key as it was",
        ],
    );
    check(
        "#[key] a: String",
        &["`a` is marked `#[key]`, but only an index has it in a key, to which the record is not \
             bound"],
    );
}

#[test]
fn a_key_of_several_attributes_names_two_to_four_fields() {
    check_indexes(&[
        ("name = \"gsi1\", partition_key = (plan, logins), sort_key = (at, type)", &[]),
        ("name = \"gsi1\", partition_key = (id, plan, logins, at)", &[]),
        ("name = \"gsi1\", partition_key = plan, sort_key = (at, type)", &[]),
        (
            "name = \"gsi1\", partition_key(name = \"pk\", format = \"{plan}\"), sort_key = (at, type)",
            &[],
        ),
        (
            "name = \"gsi1\", partition_key = (plan)",
            &[
                "a key of several attributes has 2 to 4 fields, and `partition_key` has 1\nhelp: for \
                 one attribute write `partition_key = plan`, without parentheses",
            ],
        ),
        (
            "name = \"gsi1\", partition_key = (plan, \"logins\")",
            &["`partition_key` takes the names of fields\nhelp: write `partition_key = (clinic, \
                 doctor)`"],
        ),
        (
            "name = \"gsi1\", partition_key = (plan, plam)",
            &["there is no field `plam` in the struct\nhelp: did you mean `plan`?"],
        ),
        (
            "name = \"gsi1\", partition_key = (plan, secret)",
            &["`secret` is encrypted, so DynamoDB cannot index it"],
        ),
        (
            "name = \"gsi1\", partition_key = (plan, logins), sort_key = plan",
            &["`plan` is twice in the key of the index `gsi1`"],
        ),
        ("name = \"lsi1\", local, sort_key = (plan, logins)", &["a local index has one sort key"]),
    ]);
}
