//! Marks, keys, roles and names of fields.

use super::{FIELDS, check_fields, check_structs};

#[test]
fn every_stored_field_has_one_mark() {
    check_fields(&[
        ("a: u8", &["the field `a` has no mark"]),
        ("#[serde(skip)] a: u8", &[]),
        ("#[serde(skip_serializing)] a: u8", &["the field `a` has no mark"]),
        ("#[encrypted] #[encrypted] a: u8", &["`#[encrypted]` is given twice on `a`"]),
        (
            "#[encrypted] #[plaintext] a: u8",
            &["`a` has two marks, `#[encrypted]` and `#[plaintext]`"],
        ),
        (
            "#[key] #[sort_key] a: u8",
            &[
                "`a` has two marks, `#[key]` and `#[sort_key]`",
                "`a` is marked `#[key]`, but no composed key names it, so it would not be stored",
            ],
        ),
        (
            "#[encypted] a: u8",
            &["`#[encypted]` is not a mark, so the field `a` has none\nhelp: did you mean \
                 `#[encrypted]`?"],
        ),
        ("#[versio] a: u8", &["the field `a` has no mark"]),
        ("#[version] a: u8", &["the field `a` has no mark"]),
        ("#[serde(default)] #[unrelated] a: u8", &["the field `a` has no mark"]),
        ("#[path::encrypted] a: u8", &["the field `a` has no mark"]),
    ]);
    check_structs(&[
        ("#[envelope(unmarked = \"plaintext\")]", &format!("{FIELDS} a: u8"), &[]),
        ("#[envelope(unmarked = \"encrypted\")]", "#[partition_key] id: u8, a: u8", &[]),
        (
            "#[envelope(unmarked = \"plaintext\")]",
            "#[partition_key] id: u8, a: u8",
            &["the struct protects no field"],
        ),
    ]);
}

#[test]
fn something_is_protected_unless_a_mark_is_missing() {
    let nothing = "the struct protects no field";
    check_structs(&[
        ("", "#[partition_key] id: u8", &[nothing]),
        ("", "#[partition_key] id: u8, #[authenticated] a: u8, #[plaintext] b: u8", &[]),
        ("", "#[partition_key] id: u8, #[plaintext] b: u8", &[nothing]),
        ("", "#[partition_key] id: u8, #[serde(skip)] a: u8", &[nothing]),
        ("", "#[partition_key] id: u8, a: u8", &["the field `a` has no mark"]),
        (
            "",
            "#[partition_key] id: u8, #[encrypted] #[serde(skip)] a: u8",
            &["`a` is marked `#[encrypted]`, but serde skips it, so it is never stored", nothing],
        ),
    ]);
}

#[test]
fn a_key_is_not_encrypted() {
    let both = "the key `id` cannot be encrypted: DynamoDB needs it to find the record\nhelp: \
         keep only `#[partition_key]`; \
                `#[envelope(kms_context = \"hashed\")]` keeps the key out of CloudTrail";
    let sort = both.replace("`id`", "`at`").replace("partition_key", "sort_key");
    check_structs(&[
        ("", "#[partition_key] #[encrypted] id: u8, #[encrypted] a: u8", &[both]),
        ("", "#[encrypted] #[partition_key] id: u8, #[encrypted] a: u8", &[both]),
        (
            "",
            "#[partition_key] id: u8, #[encrypted] a: u8, #[encrypted] #[sort_key] at: u8",
            &[&sort],
        ),
    ]);
}

#[test]
fn a_skipped_field_has_no_mark() {
    let marked = "`a` is marked `#[plaintext]`, but serde skips it, so it is never stored";
    check_fields(&[
        ("#[plaintext] #[serde(skip)] a: u8", &[marked]),
        ("#[plaintext] #[serde(skip_serializing, skip_deserializing)] a: u8", &[marked]),
        ("#[plaintext] #[serde(skip_serializing)] a: u8", &[]),
        ("#[plaintext] #[serde(skip_deserializing)] a: u8", &[]),
        (
            "#[encryption_context] #[serde(skip)] a: u8",
            &["serde skips `a`, so it has no value for the encryption context"],
        ),
    ]);
}

#[test]
fn a_key_is_always_stored() {
    let always = "the key `id` must be in every record";
    check_structs(&[
        (
            "",
            "#[partition_key] #[serde(skip_serializing_if = \"f\")] id: u8, #[encrypted] a: u8",
            &["the key `id` must be in every record\nhelp: remove `skip_serializing_if = \"f\"`"],
        ),
        ("", "#[partition_key] #[serde(skip_serializing)] id: u8, #[encrypted] a: u8", &[always]),
        ("", "#[partition_key] #[serde(skip_deserializing)] id: u8, #[encrypted] a: u8", &[always]),
        (
            "",
            "#[partition_key] #[serde(skip)] id: u8, #[encrypted] a: u8",
            &["`id` is marked `#[partition_key]`, but serde skips it, so it is never stored"],
        ),
        (
            "",
            "#[partition_key] id: u8, #[encrypted] #[serde(skip_serializing_if = \"f\")] a: u8",
            &[],
        ),
        (
            "",
            "#[partition_key] id: u8, #[sort_key] #[serde(skip_serializing)] at: u8, #[encrypted] \
             a: u8",
            &["the key `at` must be in every record"],
        ),
    ]);
}

#[test]
fn a_key_is_a_scalar() {
    let boolean = "the key `id` cannot be a bool: DynamoDB keys are strings, numbers or bytes";
    check_structs(&[
        ("", "#[partition_key] id: bool, #[encrypted] a: u8", &[boolean]),
        (
            "",
            "#[partition_key] id: Vec<u8>, #[encrypted] a: u8",
            &["the key `id` cannot have this type: serde writes it as a list of numbers"],
        ),
        (
            "",
            "#[partition_key] #[serde(with = \"serde_bytes\")] id: Vec<u8>, #[encrypted] a: u8",
            &[],
        ),
        ("", "#[partition_key] #[serde(serialize_with = \"f\")] id: bool, #[encrypted] a: u8", &[]),
        (
            "",
            "#[partition_key] #[serde(deserialize_with = \"f\")] id: bool, #[encrypted] a: u8",
            &[boolean],
        ),
        (
            "",
            "#[partition_key] id: Uuid, #[sort_key] at: Option<u8>, #[encrypted] a: u8",
            &["the key `at` cannot be optional: DynamoDB keys are strings, numbers or bytes"],
        ),
        ("", "#[partition_key] id: Uuid, #[encrypted] a: bool", &[]),
    ]);
}

#[test]
fn a_record_has_one_partition_key_and_at_most_one_sort_key() {
    let pk = "#[partition_key(name = \"pk\", format = \"A\")]";
    let sk = "#[sort_key(name = \"sk\", format = \"B\")]";
    let both = format!("{pk} {sk}");
    check_structs(&[
        ("", "#[encrypted] a: u8", &["the struct has no partition key"]),
        (
            "",
            "#[encrypted] a: u8, #[sort_key] at: u8",
            &["there is a sort key, `at`, but no partition key"],
        ),
        (
            "",
            "#[partition_key] a: u8, #[partition_key] b: u8, #[encrypted] c: u8",
            &["`b` is a second partition key; the first is `a`"],
        ),
        (
            "",
            "#[partition_key] a: u8, #[sort_key] b: u8, #[sort_key] c: u8, #[encrypted] d: u8",
            &["`c` is a second sort key; the first is `b`"],
        ),
        ("", "#[partition_key] a: u8, #[sort_key] b: u8, #[encrypted] d: u8", &[]),
        (
            pk,
            "#[partition_key] a: u8, #[encrypted] d: u8",
            &["`pk` is a second partition key; the first is `a`"],
        ),
        (
            &both,
            "#[sort_key] a: u8, #[encrypted] d: u8",
            &["`sk` is a second sort key; the first is `a`"],
        ),
        (&both, "#[encrypted] d: u8", &[]),
        (sk, "#[encrypted] d: u8", &["there is a sort key, `sk`, but no partition key"]),
    ]);
}

#[test]
fn an_attribute_has_a_name_of_its_own() {
    let reserved =
        |name: &str| format!("the attribute name `{name}` is reserved for encrypted data");
    for name in [
        "encrypted_payload",
        "encrypted_dek",
        "encrypted_payload_medical",
        "encrypted_dek_",
        "encrypted_dek_x",
    ] {
        check_fields(&[(
            &format!("#[plaintext] #[serde(rename = {name:?})] a: u8"),
            &[&reserved(name)],
        )]);
    }
    let id_and_a = "`id` and `a` both have the name `id`";
    check_fields(&[
        ("#[plaintext] #[serde(alias = \"encrypted_dek\")] a: u8", &[&reserved("encrypted_dek")]),
        ("#[encrypted] encrypted_payload: u8", &[&reserved("encrypted_payload")]),
        ("#[serde(skip)] encrypted_payload: u8", &[]),
        (
            "#[plaintext] encrypted_payloads: u8, #[plaintext] encrypted: u8, #[plaintext] \
             my_encrypted_dek: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(rename = \"\")] a: u8",
            &["`a` has an empty name, which DynamoDB refuses"],
        ),
        (
            "#[plaintext] #[serde(rename = \"secret\")] a: u8",
            &["`secret` and `a` both have the name `secret`"],
        ),
        ("#[plaintext] #[serde(alias = \"id\")] a: u8", &[id_and_a]),
        ("#[plaintext] #[serde(rename(deserialize = \"id\"))] a: u8", &[id_and_a]),
        (
            "#[plaintext] #[serde(rename(deserialize = \"b\", deserialize = \"id\"))] a: u8",
            &[id_and_a],
        ),
        (
            "#[plaintext] #[serde(rename(serialize = \"b\"), alias = \"a\", alias = \"b\")] a: \
             u8, #[plaintext] c: u8",
            &[],
        ),
        (
            "#[plaintext] #[serde(alias = \"x\")] a: u8, #[plaintext] #[serde(alias = \"x\")] b: \
             u8",
            &["`a` and `b` both have the name `x`"],
        ),
        ("#[serde(skip)] a: u8, #[plaintext] #[serde(rename = \"a\")] b: u8", &[]),
    ]);
    let renamed = |name: &str| {
        format!("#[partition_key] id: u8, #[encrypted] #[serde(rename = {name:?})] a: u8")
    };
    let upper = "`id` and `a` both have the name `ID`";
    check_structs(&[
        ("#[serde(rename_all = \"UPPERCASE\")]", &renamed("ID"), &[upper]),
        ("#[serde(rename_all = \"UPPERCASE\")]", &renamed("id"), &[]),
        ("#[serde(rename_all(serialize = \"UPPERCASE\"))]", &renamed("id"), &[id_and_a]),
        ("#[serde(rename_all(deserialize = \"UPPERCASE\"))]", &renamed("ID"), &[upper]),
    ]);
}

#[test]
fn options_of_marks_are_known() {
    let elsewhere = "`#[envelope(..)]` belongs to the struct, not to a field";
    check_fields(&[
        (
            "#[encrypted(accept = \"plaintext\")] a: u8, #[authenticated(accept = \"plaintext\")] \
             b: u8",
            &[],
        ),
        ("#[encrypted(accept = \"encrypted\")] a: u8", &["`accept` can only be \"plaintext\""]),
        ("#[encrypted(accept)] a: u8", &["`accept` can only be \"plaintext\""]),
        ("#[plaintext(accept = \"plaintext\")] a: u8", &["`#[plaintext]` takes no options"]),
        ("#[plaintext = \"x\"] a: u8", &["`#[plaintext]` takes no options"]),
        ("#[sort_key()] a: u8", &["`#[sort_key]` takes no options"]),
        (
            "#[plaintext] #[encryption_context(x)] a: u8",
            &["`#[encryption_context]` takes no options"],
        ),
        (
            "#[plaintext] #[encryption_context] #[encryption_context] a: u8",
            &["`#[encryption_context]` is given twice"],
        ),
        (
            "#[encrypted = \"plaintext\"] a: u8",
            &["the options of `#[encrypted]` belong in parentheses"],
        ),
        (
            "#[encrypted(acept = \"plaintext\")] a: u8",
            &["`acept` is not an option of `#[encrypted(..)]`\nhelp: did you mean `accept`?"],
        ),
        (
            "#[encrypted(sort)] a: u8",
            &["`sort` is not an option of `#[encrypted(..)]`\nhelp: `#[encrypted(..)]` takes \
                 `accept` and `group`"],
        ),
        (
            "#[authenticated(group = \"x\")] a: u8",
            &["`group` is not an option of `#[authenticated(..)]`\nhelp: `#[authenticated(..)]` \
                 takes `accept`"],
        ),
        (
            "#[plaintext] #[envelope(plaintext)] a: u8",
            &[&format!("{elsewhere}\nhelp: write `#[plaintext]`")],
        ),
        (
            "#[plaintext] #[envelope(table = \"t\")] a: u8",
            &[&format!("{elsewhere}\nhelp: move it to the struct")],
        ),
    ]);
}

#[test]
fn groups_have_valid_names_and_no_serde_with() {
    let whole = "`a` is in a group, so serde must use its type `Access<..>`, without `with`";
    let pair = "the name `group` is reserved in the encryption context of a record with groups";
    check_fields(&[
        (
            "#[encrypted(group = \"medical-2_A\")] a: u8, #[encrypted(group = \"b\", accept = \
             \"plaintext\")] b: u8",
            &[],
        ),
        ("#[encrypted(group = \"\")] a: u8", &["\"\" is not a valid group name"]),
        ("#[encrypted(group = \"a.b\")] a: u8", &["\"a.b\" is not a valid group name"]),
        ("#[encrypted(group = \"ä\")] a: u8", &["\"ä\" is not a valid group name"]),
        ("#[encrypted(group)] a: u8", &["`group` takes a string"]),
        ("#[encrypted(group = \"a\", group = \"b\")] a: u8", &["`group` is given twice"]),
        ("#[encrypted(group = \"a\")] #[serde(with = \"m\")] a: u8", &[whole]),
        ("#[encrypted(group = \"a\")] #[serde(serialize_with = \"m\")] a: u8", &[whole]),
        ("#[encrypted(group = \"a\")] #[serde(deserialize_with = \"m\")] a: u8", &[whole]),
        ("#[encrypted] #[serde(with = \"m\")] a: u8", &[]),
        ("#[plaintext] #[encryption_context] group: u8", &[]),
        (
            "#[plaintext] #[encryption_context] group: u8, #[encrypted(group = \"a\")] a: u8",
            &[pair],
        ),
        (
            "#[plaintext] #[encryption_context] #[serde(rename = \"Group\")] b: u8, \
             #[encrypted(group = \"a\")] a: u8",
            &[pair],
        ),
        ("#[plaintext] group: u8, #[encrypted(group = \"a\")] a: u8", &[]),
    ]);
}

#[test]
fn the_encryption_context_takes_readable_fields() {
    check_fields(&[
        (
            "#[encrypted] #[encryption_context] a: u8",
            &["`a` is encrypted, but CloudTrail shows the encryption context in plaintext"],
        ),
        ("#[encryption_context] a: u8", &["the field `a` has no mark"]),
        (
            "#[plaintext] #[encryption_context] a: u8, #[authenticated] #[encryption_context] b: \
             u8",
            &[],
        ),
        (
            "#[plaintext] #[encryption_context] #[serde(skip_serializing)] a: u8",
            &["`a` is never written, so it has no value for the encryption context"],
        ),
        ("#[plaintext] #[encryption_context] #[serde(skip_deserializing)] a: u8", &[]),
        (
            "#[plaintext] #[encryption_context] #[serde(skip)] a: u8",
            &["`a` is marked `#[plaintext]`, but serde skips it, so it is never stored"],
        ),
        (
            "#[plaintext] #[encryption_context] #[serde(rename = \"aws:a\")] a: u8",
            &["`aws:a` cannot be in the encryption context: KMS refuses names that begin with \
                 `aws:`"],
        ),
        (
            "#[plaintext] #[encryption_context] table: u8",
            &["the name `table` is reserved in the encryption context"],
        ),
        ("#[plaintext] table: u8, #[plaintext] #[serde(rename = \"aws:a\")] a: u8", &[]),
    ]);
}

#[test]
fn a_field_with_a_role_is_readable_and_stored() {
    let stays = |role: &str| {
        format!(
            "the library changes `a`, which is `#[{role}]`, but the encryption context must not \
             change"
        )
    };
    check_fields(&[
        (
            "#[plaintext] #[version] a: u8, #[plaintext] #[ttl] b: u8, #[plaintext] #[created] c: \
             u8, #[plaintext] #[updated] d: u8",
            &[],
        ),
        (
            "#[authenticated] #[version] a: u64, #[authenticated] #[ttl] b: u64, #[authenticated] \
             #[created] c: u64",
            &[],
        ),
        ("#[plaintext] #[version(x)] a: u64", &["`#[version]` takes no options"]),
        ("#[plaintext] #[version] #[ttl] a: u64", &["`a` is both `#[version]` and `#[ttl]`"]),
        (
            "#[sort_key] #[version] a: u64",
            &["the key `a` cannot be `#[version]`: keys never change"],
        ),
        (
            "#[encrypted] #[version] a: u64",
            &["`a` is encrypted, but DynamoDB must compare versions\nhelp: mark the field \
               `#[plaintext]` or `#[authenticated]` instead"],
        ),
        (
            "#[encrypted] #[ttl] a: u64",
            &["`a` is encrypted, but DynamoDB must read when to delete the record"],
        ),
        (
            "#[encrypted] #[created] a: u64",
            &["`a` is encrypted, but timestamps must be readable in the table"],
        ),
        (
            "#[encrypted] #[updated] a: u64",
            &[
                "`a` is encrypted, but timestamps must be readable in the table\nhelp: mark the field \
               `#[plaintext]` instead",
            ],
        ),
        (
            "#[authenticated] #[updated] a: u64",
            &["`a` is authenticated, but every update in place changes it"],
        ),
        (
            "#[plaintext] #[ttl] #[serde(skip_serializing)] a: u64",
            &["`a` is `#[ttl]`, but serde skips it"],
        ),
        (
            "#[plaintext] #[ttl] #[serde(skip_deserializing)] a: u64",
            &["`a` is `#[ttl]`, but serde skips it"],
        ),
        ("#[plaintext] #[ttl] #[encryption_context] a: u64", &[]),
        ("#[plaintext] #[version] #[encryption_context] a: u64", &[&stays("version")]),
        ("#[plaintext] #[created] #[encryption_context] a: u64", &[&stays("created")]),
        ("#[plaintext] #[updated] #[encryption_context] a: u64", &[&stays("updated")]),
        (
            "#[plaintext] #[ttl] a: u64, #[plaintext] #[ttl] b: u64",
            &["`b` is a second `#[ttl]`; the first is `a`"],
        ),
        ("#[plaintext] #[ttl] a: u64, #[plaintext] #[version] b: u64", &[]),
    ]);
}
