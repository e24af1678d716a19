//! `#[searchable]` and `searchable(..)`.

use super::{assert_reported, check_fields, check_structs, reported, structure};

/// A struct with an index by `a`, and this field `a`.
#[track_caller]
fn check_a(field: &str, expected: &[&str]) {
    let fields = format!("#[partition_key] id: String, #[encrypted] secret: String, {field}");
    let source = structure("#[envelope(index(name = \"by_a\", partition_key = a))]", &fields);
    assert_reported(&source, &reported(&source), expected);
}

const ENCRYPTED: &str = "#[encrypted] #[searchable]";

#[test]
fn strings_integers_bytes_and_unknown_types_are_searchable() {
    for ty in [
        "String",
        "Option<String>",
        "Cow<'static, str>",
        "u16",
        "Option<i64>",
        "u128",
        "Uuid",
        "Phone",
        "Box<str>",
    ] {
        check_a(&format!("{ENCRYPTED} a: {ty}"), &[]);
    }
    check_a("#[encrypted] #[searchable] #[serde(with = \"serde_bytes\")] a: Vec<u8>", &[]);
    check_a("#[encrypted(accept = \"plaintext\")] #[searchable] a: String", &[]);
    check_a("#[encrypted] #[searchable(normalize(trim, ascii_lowercase, digits))] a: String", &[]);
    check_a("#[encrypted] #[searchable] #[serde(rename = \"b\", alias = \"c\")] a: String", &[]);
    let unmarked = structure(
        "#[envelope(unmarked = \"encrypted\", index(name = \"by_a\", partition_key = a))]",
        "#[partition_key] id: String, #[searchable] a: String",
    );
    assert_reported(&unmarked, &reported(&unmarked), &[]);
}

#[test]
fn other_types_are_not_searchable() {
    for (ty, what) in [
        ("f64", "a float"),
        ("Option<f32>", "a float"),
        ("Vec<String>", "a list"),
        ("HashMap<String, String>", "a map"),
        ("BTreeSet<String>", "a set"),
        ("()", "the unit type"),
        ("(String, String)", "a tuple"),
    ] {
        check_a(
            &format!("{ENCRYPTED} a: {ty}"),
            &[&format!("`a` is searchable, so it cannot be {what}")],
        );
    }
    check_a(
        &format!("{ENCRYPTED} a: Vec<u8>"),
        &["`a` is searchable, but serde writes its type as a list of numbers\nhelp: write it as \
           bytes: `#[serde(with = \"serde_bytes\")]`"],
    );
}

#[test]
fn types_of_few_values_are_not_searchable() {
    for ty in ["bool", "u8", "i8", "char", "Option<bool>"] {
        let shown = ty.trim_start_matches("Option<").trim_end_matches('>');
        check_a(
            &format!("{ENCRYPTED} a: {ty}"),
            &[&format!(
                "`a` is searchable, but a `{shown}` has so few values that the number of records \
                 with each search tag tells which tag is which value"
            )],
        );
    }
    check_a("#[encrypted] #[searchable] #[serde(with = \"text\")] a: u8", &[]);
}

#[test]
fn only_encrypted_fields_outside_of_groups_are_searchable() {
    let readable = "`a` is not encrypted, so it needs no `#[searchable]`\nhelp: remove \
                    `#[searchable]`: `index(name = \"..\", partition_key = a)` finds records by a \
                    readable field";
    check_a("#[authenticated] #[searchable] a: String", &[readable]);
    check_a("#[plaintext] #[searchable] a: String", &[readable]);
    check_a(
        "#[encrypted(group = \"medical\")] #[searchable] a: Access<String>",
        &["`a` is in the group `medical`, and finding a record by the field would tell its value \
           to readers from whom the group withholds it"],
    );
    let skipped = "serde skips `a`, so records cannot be found by it";
    check_a("#[serde(skip)] #[searchable] a: String", &[skipped]);
    check_a("#[encrypted] #[searchable] #[serde(skip_serializing)] a: String", &[skipped]);
    check_a("#[encrypted] #[searchable] #[serde(skip_deserializing)] a: String", &[skipped]);
    check_a(
        "#[encrypted] #[searchable] #[serde(rename = \"a+b\")] a: String",
        &[
            "`a` is stored as `a+b`, and the name of a searchable field has no `+`, which separates \
           the names of fields in the name of a search tag",
        ],
    );
}

#[test]
fn steps_are_known_given_once_and_for_text() {
    let check = |options: &str, expected: &[&str]| {
        check_a(&format!("#[encrypted] #[searchable{options}] a: String"), expected);
    };
    check(
        "(normalize(lowercase))",
        &["`lowercase` is not a step\nhelp: the steps are `trim`, \
           `ascii_lowercase` and `digits`"],
    );
    check("(normalize(digit))", &["`digit` is not a step\nhelp: did you mean `digits`?"]);
    check("(normalize(trim, trim))", &["the step `trim` is given twice"]);
    check("(normalize())", &["`normalize` names no step"]);
    check("(normalize)", &["`normalize` takes its steps in parentheses"]);
    check("(normalise(trim))", &["`normalise` is not an option of `#[searchable(..)]`"]);
    check("(trim)", &["`trim` is a step of `normalize`\nhelp: write `normalize(trim)`"]);
    check("(normalize(trim), normalize(digits))", &["`normalize` is given twice"]);
    check(" = \"trim\"", &["the options of `#[searchable]` belong in parentheses"]);
    check_a(
        "#[encrypted] #[searchable(normalize(digits))] a: u32",
        &["`a` is a number, and steps normalize text alone"],
    );
}

#[test]
fn a_search_tag_has_an_index_and_a_name_of_its_own() {
    let unindexed = "no index has the search tag `b`: it would show which records have equal \
                     values, and nobody could search\nhelp: add `index(name = \"by_b\", \
                     partition_key = b)` to `#[envelope(..)]`, or remove `searchable`";
    check_fields(&[("#[encrypted] #[searchable] b: String", &[unindexed])]);
    let check = |attributes: &str, expected: &[&str]| {
        check_a(&format!("#[encrypted] {attributes} a: String"), expected);
    };
    check("#[searchable] #[searchable(name = \"b\")]", &[unindexed]);
    check("#[searchable] #[searchable(normalize(trim))]", &["there are two search tags `a`"]);
    check("#[searchable] #[searchable(name = \"a\")]", &["there are two search tags `a`"]);
    check(
        "#[searchable] #[searchable(name = \"secret\")]",
        &[
            "no index has the search tag `secret`: it would show which records have equal values, \
             and nobody could search",
            "`secret` is the name of a field too",
        ],
    );
    check("#[searchable(name = \"a-2\")]", &["\"a-2\" is not a valid name of a search tag"]);
    check("#[searchable(name = a2)]", &["`name` takes a string"]);
    check(
        "#[searchable(name = \"a_2\")]",
        &[
            "every search tag of `a` has a name of its own\nhelp: name the tag: `partition_key = a_2`",
            "no index has the search tag `a_2`: it would show which records have equal values, and \
             nobody could search",
        ],
    );
    check_structs(&[(
        "#[envelope(index(name = \"by_a\", partition_key = a), index(name = \"by_a_2\", \
         partition_key = (plan, a_2), sort_key = (a_3, plan_2)), index(name = \"by_a_4\", local, \
         sort_key = a_4))]",
        "#[partition_key] id: String, #[sort_key] at: u8, #[authenticated] plan: String, \
         #[authenticated] plan_2: String, #[encrypted] #[searchable] #[searchable(name = \"a_2\")] \
         #[searchable(name = \"a_3\")] #[searchable(name = \"a_4\")] a: String",
        &[],
    )]);
}

/// Checks the options of a tag of several fields, in a struct that has an index by it.
#[track_caller]
fn check_compound(options: &str, expected: &[&str]) {
    let container = format!(
        "#[envelope(index(name = \"by_name\", partition_key = last_first), searchable{options})]"
    );
    let fields = "#[partition_key] id: String, #[encrypted] last: String, #[encrypted] first: \
                  Option<String>, #[authenticated] ward: String, #[plaintext] note: String, \
                  #[encrypted] adult: bool, #[encrypted] notes: Vec<String>, #[encrypted(group = \
                  \"g\")] diagnosis: Access<String>, #[authenticated] #[created] at: u64, \
                  #[encrypted] #[serde(rename = \"Extra\", alias = \"more\")] extra: String";
    let source = structure(&container, fields);
    assert_reported(&source, &reported(&source), expected);
}

#[test]
fn a_tag_of_several_fields_has_protected_fields_and_an_encrypted_one() {
    check_compound("(fields(last(trim, ascii_lowercase), first))", &[]);
    check_compound("(fields(last, ward), name = \"last_first\")", &[]);
    check_compound("(fields(last, id), name = \"last_first\")", &[]);
    check_compound(
        "(fields(last, adult), name = \"last_first\")",
        &["`adult` is searchable, so it cannot be a bool"],
    );
    check_compound(
        "(fields(last, notes), name = \"last_first\")",
        &["`notes` is searchable, so it cannot be a list"],
    );
    check_compound(
        "(fields(last, note), name = \"last_first\")",
        &["`note` is plaintext: an update in place would change the field, but not the search tag"],
    );
    check_compound(
        "(fields(last, at), name = \"last_first\")",
        &["the library changes `at`, so it cannot be part of a search tag"],
    );
    check_compound(
        "(fields(last, diagnosis), name = \"last_first\")",
        &[
            "`diagnosis` is in the group `g`, and finding a record by the field would tell its value \
         to readers from whom the group withholds it",
        ],
    );
    check_compound(
        "(fields(id, ward), name = \"last_first\")",
        &["the search tag `last_first` has no encrypted field\nhelp: index the readable fields: \
         `partition_key = (id, ward)`"],
    );
    check_compound(
        "(fields(last, last), name = \"last_first\")",
        &["`last` is twice in the search tag `last_first`"],
    );
    check_compound(
        "(fields(last), name = \"last_first\")",
        &[
            "the search tag `last_first` has one field\nhelp: write `#[searchable]` on the field `last`",
        ],
    );
    check_compound(
        "(fields(last, frist), name = \"last_first\")",
        &["there is no field `frist` in the struct\nhelp: did you mean `first`?"],
    );
}

#[test]
fn a_tag_of_several_fields_is_written_as_its_help_says() {
    let no_field = "there is no field `last_first` in the struct";
    check_compound("", &["`searchable` takes its options in parentheses", no_field]);
    check_compound("(name = \"by\")", &["`searchable` names no fields", no_field]);
    check_compound("(fields)", &["`fields` takes the names of fields in parentheses", no_field]);
    check_compound(
        "(fields(\"last\", first))",
        &["`fields` takes the names of fields, each with its steps in parentheses", no_field],
    );
    check_compound(
        "(fields(last = trim, first))",
        &["`fields` takes the names of fields, each with its steps in parentheses", no_field],
    );
    check_compound(
        "(fields(last(trin), first))",
        &["`trin` is not a step\nhelp: did you mean `trim`?"],
    );
    check_compound(
        "(fields(last, first), name = \"Extra\")",
        &[
            no_field,
            "no index has the search tag `Extra`: it would show which records have equal values, and \
         nobody could search",
            "`Extra` is the name of a field too",
        ],
    );
}

#[test]
fn a_unique_tag_needs_no_index() {
    let unique = |options: &str| format!("#[encrypted] #[searchable({options})] b: String");
    check_fields(&[
        (&unique("unique"), &[]),
        (&unique("normalize(trim), unique"), &[]),
        (&unique("unique, name = \"b_2\""), &[]),
        (
            &unique("unique = true"),
            &["`unique` takes no value\nhelp: write `#[searchable(unique)]`"],
        ),
        (&unique("unique, unique"), &["`unique` is given twice\nhelp: keep one of the two"]),
        (
            &unique("uniqe"),
            &["`uniqe` is not an option of `#[searchable(..)]`\nhelp: did you mean `unique`?"],
        ),
    ]);
    let compound = structure(
        "#[envelope(searchable(fields(last, id), unique))]",
        "#[partition_key] id: String, #[encrypted] last: String",
    );
    assert_reported(&compound, &reported(&compound), &[]);
}

#[test]
fn names_of_search_tags_are_reserved() {
    check_fields(&[
        (
            "#[plaintext] blind_email: String",
            &["the attribute name `blind_email` is reserved for search tags\nhelp: store \
               `blind_email` under another name: `#[serde(rename = \"..\")]`"],
        ),
        (
            "#[plaintext] #[serde(rename = \"blind_\")] a: String",
            &["the attribute name `blind_` is reserved for search tags"],
        ),
        (
            "#[plaintext] #[serde(alias = \"blind_a\")] a: String",
            &["the attribute name `blind_a` is reserved for search tags"],
        ),
        ("#[plaintext] blind: String", &[]),
        ("#[plaintext] #[serde(rename = \"Blind_a\")] a: String", &[]),
    ]);
    let key = "the attribute name `blind_k` is reserved for search tags";
    let fields = "#[key] id: String, #[encrypted] secret: String";
    check_structs(&[
        ("#[partition_key(name = \"blind_k\", format = \"{id}\")]", fields, &[key]),
        (
            "#[partition_key(name = \"pk\", format = \"{id}\")] #[envelope(entity(blind_k = \
             \"user\"))]",
            fields,
            &[key],
        ),
        (
            "#[partition_key(name = \"pk\", format = \"{id}\")] #[envelope(index(name = \"gsi1\", \
             partition_key(name = \"blind_k\", format = \"{id}\")))]",
            fields,
            &[key],
        ),
        (
            "#[partition_key(name = \"pk\", format = \"{id}\")] #[envelope(context(blind_k = \
             \"x\"))]",
            fields,
            &["the name `blind_k` is reserved for search tags"],
        ),
    ]);
}
