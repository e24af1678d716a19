//! The options of `#[envelope(..)]`, and the items that the derive accepts.

use super::{FIELDS, assert_reported, check_containers, reported};

#[test]
fn a_struct_names_its_table() {
    let check = |attribute: &str, expected: &[&str]| {
        let source = format!("{attribute} struct Record {{ {FIELDS} }}");
        assert_reported(&source, &reported(&source), expected);
    };
    check("", &["the struct does not name its table"]);
    check("#[envelope]", &["the struct does not name its table"]);
    check("#[other(table = \"t\")]", &["the struct does not name its table"]);
    check("#[envelope(table = \"\")]", &["the table has an empty name"]);
    check("#[envelope(table = t)]", &["`table` takes a string"]);
    check("#[envelope(table)]", &["`table` takes a string"]);
    check("#[envelope = \"t\"]", &["the options of `#[envelope]` belong in parentheses"]);
    check(
        "#[envelope(tabel = \"t\")]",
        &["`tabel` is not an option of `#[envelope(..)]`\nhelp: did you mean `table`?"],
    );
    check("#[envelope(table = \"t\", table = \"u\")]", &["`table` is given twice"]);
    check("#[envelope(table = \"t\")]", &[]);
}

#[test]
fn an_option_is_known_and_given_once() {
    check_containers(&[
        (
            "#[envelope(unmarked = \"plaintext\", unmarked = \"plaintext\")]",
            &["`unmarked` is given twice"],
        ),
        (
            "#[envelope(secret)]",
            &["`secret` is not an option of `#[envelope(..)]`\nhelp: `#[envelope(..)]` takes \
                 `table`, `unmarked`, `kms_context`, `context`, \
             `entity`, `index`, `searchable`, `unprotected` and `crate`"],
        ),
        (
            "#[envelope(unmarked = \"secret\")]",
            &["`unmarked` cannot be \"secret\"\nhelp: choose one of `unmarked = \"plaintext\"`, \
                 `unmarked = \"encrypted\"`"],
        ),
        ("#[envelope(unmarked)]", &["`unmarked` takes a string"]),
        (
            "#[envelope(kms_context = \"none\")]",
            &["`kms_context` cannot be \"none\"\nhelp: choose one of `kms_context = \"raw\"`, \
                 `kms_context = \"hashed\"`, `kms_context = \
             \"table\"`"],
        ),
        ("#[envelope(kms_context = raw)]", &["`kms_context` takes a string"]),
        ("#[envelope(kms_context = \"raw\")]", &[]),
        ("#[envelope(kms_context = \"hashed\")]", &[]),
        ("#[envelope(kms_context = \"table\")]", &[]),
    ]);
}

#[test]
fn after_a_wrong_default_mark_no_missing_mark_is_reported() {
    let source = "#[envelope(table = \"t\", unmarked = \"x\")] struct Record { #[partition_key] \
         id: u8, a: u8 }";
    assert_reported(source, &reported(source), &["`unmarked` cannot be \"x\""]);
}

#[test]
fn the_path_of_the_crate_is_absolute() {
    check_containers(&[
        ("#[envelope(crate = ::envelope)]", &[]),
        ("#[envelope(crate = crate::facade)]", &[]),
        (
            "#[envelope(crate = envelope)]",
            &["the path `envelope` is relative\nhelp: `crate = ::envelope` for a dependency, \
                 `crate = crate::envelope` for a module"],
        ),
        ("#[envelope(crate = facade::envelope)]", &["the path `facade::envelope` is relative"]),
        (
            "#[envelope(crate = \"::envelope\")]",
            &["`crate` takes a path\nhelp: write `crate = ::envelope`"],
        ),
        (
            "#[envelope(crate = 1 + 1)]",
            &["`crate` takes a path\nhelp: write `crate = ::envelope_dynamo`"],
        ),
        ("#[envelope(crate)]", &["`crate` takes a path"]),
    ]);
}

#[test]
fn constant_pairs_are_names_and_strings() {
    let aws = |name: &str| {
        format!(
            "`{name}` cannot be in the encryption context: KMS refuses names that begin with `aws:`"
        )
    };
    let own = |name: &str| format!("the name `{name}` is reserved in the encryption context");
    let pair = "each entry of `context` is a name and a string";
    check_containers(&[
        ("#[envelope(context(purpose = \"pii\", \"cost-center\" = \"42\"))]", &[]),
        ("#[envelope(context)]", &["`context` takes pairs in parentheses"]),
        ("#[envelope(context = \"x\")]", &["`context` takes pairs in parentheses"]),
        ("#[envelope(context(purpose))]", &[pair]),
        ("#[envelope(context(purpose = 1))]", &[pair]),
        ("#[envelope(context(1 = \"x\"))]", &[pair]),
        ("#[envelope(context(a.b = \"x\"))]", &[pair]),
        (
            "#[envelope(context(purpose = \"\"))]",
            &["the pair `purpose` of the encryption context has an empty value"],
        ),
        ("#[envelope(context(\"\" = \"x\"))]", &["a name in the encryption context is empty"]),
        ("#[envelope(context(\"aws:x\" = \"x\"))]", &[&aws("aws:x")]),
        ("#[envelope(context(\"AWS:x\" = \"x\"))]", &[&aws("AWS:x")]),
        ("#[envelope(context(\"aws\" = \"x\"))]", &[]),
        ("#[envelope(context(table = \"x\"))]", &[&own("table")]),
        ("#[envelope(context(Partition_Key = \"x\"))]", &[&own("Partition_Key")]),
        ("#[envelope(context(sort_key = \"x\"))]", &[&own("sort_key")]),
        ("#[envelope(context(group = \"x\"))]", &[]),
        (
            "#[envelope(context(a = \"x\", A = \"y\"))]",
            &["the encryption context already has the name `A`"],
        ),
    ]);
}

#[test]
fn an_entity_type_is_one_pair() {
    let one = "`entity` takes one attribute name and its value, in parentheses";
    check_containers(&[
        ("#[envelope(entity(\"record-type\" = \"order\"))]", &[]),
        ("#[envelope(entity(type = \"order\"))]", &[]),
        ("#[envelope(entity(r#type = \"order\"))]", &[]),
        ("#[envelope(entity)]", &[one]),
        ("#[envelope(entity = \"order\")]", &[one]),
        ("#[envelope(entity())]", &[one]),
        ("#[envelope(entity(kind = 1))]", &[one]),
        ("#[envelope(entity(kind = \"a\", other = \"b\"))]", &[one]),
    ]);
}

#[test]
fn only_structs_with_named_fields_are_records() {
    for (source, what) in [
        ("#[envelope(table = \"t\")] struct Record(u8);", "a tuple struct"),
        ("#[envelope(table = \"t\")] struct Record;", "a unit struct"),
        ("#[envelope(table = \"t\")] union Record { a: u8 }", "a union"),
    ] {
        let expected =
            format!("`Envelope` cannot be derived for {what}: a record needs named fields");
        assert_reported(source, &reported(source), &[&expected]);
    }
}

#[test]
fn marks_on_the_struct_are_refused() {
    for name in
        ["authenticated", "key", "encryption_context", "version", "ttl", "created", "updated"]
    {
        let expected =
            format!("`#[{name}]` belongs to a field, not to the struct\nhelp: move it to a field");
        check_containers(&[(&format!("#[{name}]"), &[&expected])]);
    }
    for name in ["encrypted", "plaintext"] {
        let expected = format!(
            "`#[{name}]` belongs to a field, not to the struct\nhelp: move it to a field, or \
             write `#[envelope(unmarked = {name:?})]` \
             for all fields without a mark"
        );
        check_containers(&[(&format!("#[{name}]"), &[&expected])]);
    }
    check_containers(&[("#[other] #[derive(Debug)] #[a::encrypted]", &[])]);
}
