//! `rename`, `rename_all` and `alias`, and names with a meaning elsewhere.
#![allow(non_snake_case)] // two underscores in a row are one of the odd places

/// The same fields under every rule: words, digits, underscores at odd places, a keyword, letters
/// beyond ASCII.
macro_rules! by_every_rule {
    ($($test:ident $(= $rule:tt)?;)*) => {
        alike! {$(
            $test: $(#[serde(rename_all = $rule)])* {
                one: u8,
                two_words: u8,
                three_more_words: u8,
                x1_y2: u8,
                _leading: u8,
                trailing_: u8,
                double__under: u8,
                r#type: u8,
                höhe_über_null: u8,
                #[serde(rename = "as Written")]
                renamed_after_all: u8,
            } = {
                one: 1,
                two_words: 2,
                three_more_words: 3,
                x1_y2: 4,
                _leading: 5,
                trailing_: 6,
                double__under: 7,
                r#type: 8,
                höhe_über_null: 9,
                renamed_after_all: 10,
            };
        )*}
    };
}

by_every_rule! {
    named_as_in_rust;
    lower_case = "lowercase";
    upper_case = "UPPERCASE";
    pascal_case = "PascalCase";
    camel_case = "camelCase";
    snake_case = "snake_case";
    screaming_snake_case = "SCREAMING_SNAKE_CASE";
    kebab_case = "kebab-case";
    screaming_kebab_case = "SCREAMING-KEBAB-CASE";
}

alike! {
    renamed: {
        #[serde(rename = "userName")]
        name: String,
        #[serde(rename = "name")]
        other: String,
    } = { name: "zoë".into(), other: "a field under another field's name".into() };

    names_that_mean_something_in_an_expression: {
        #[serde(rename = "a.b")]
        dotted: u8,
        #[serde(rename = "#x")]
        placeholder: u8,
        #[serde(rename = ":x")]
        value_placeholder: u8,
        #[serde(rename = "a[0]")]
        indexed: u8,
        #[serde(rename = "SET")]
        reserved: u8,
        #[serde(rename = "aws:x")]
        prefixed: u8,
    } = { dotted: 1, placeholder: 2, value_placeholder: 3, indexed: 4, reserved: 5, prefixed: 6 };

    names_that_mean_something_elsewhere: {
        #[serde(rename = "$['a")]
        path: u8,
        #[serde(rename = "$serde_json::private::Number")]
        private: u8,
        #[serde(rename = "table")]
        table: u8,
        #[serde(rename = "partition_key")]
        partition_key: u8,
        #[serde(rename = "encrypted_payload ")]
        almost: u8,
        #[serde(rename = "Encrypted_Payload")]
        cased: u8,
    } = { path: 1, private: 2, table: 3, partition_key: 4, almost: 5, cased: 6 };

    names_of_odd_characters: {
        #[serde(rename = " ")]
        space: u8,
        #[serde(rename = "𐐷😀")]
        astral: u8,
        #[serde(rename = "e\u{301}")]
        decomposed: u8,
        #[serde(rename = "\u{e9}")]
        composed: u8,
        #[serde(rename = "\u{202e}abc")]
        bidirectional: u8,
        #[serde(rename = "line\nbreak \0 nul \" quote \\")]
        control: u8,
        #[serde(rename = "\u{10ffff}")]
        last: u8,
    } = { space: 1, astral: 2, decomposed: 3, composed: 4, bidirectional: 5, control: 6, last: 7 };

    names_longer_than_one_byte_can_say: {
        #[serde(rename = "a name of twenty-four by")]
        a: u8,
        #[serde(rename = "a name that is longer than two hundred and fifty-five bytes, as no name in a table is, since DynamoDB \
            refuses names of attributes that are longer than that where they are indexed, and takes up to sixty-four \
            kilobytes elsewhere, which is more than anybody has asked for")]
        b: u8,
    } = { a: 1, b: 2 };
}

alike_but_changed! {
    named_differently_in_each_direction: {
        #[serde(rename(serialize = "written", deserialize = "read"), alias = "written", default)]
        name: u8,
    } = { name: 1 };

    cased_differently_in_each_direction: #[serde(rename_all(serialize = "UPPERCASE", deserialize = "camelCase"))] {
        #[serde(alias = "THE_NAME")]
        the_name: u8,
    } = { the_name: 1 };
}

read_alike! {
    an_alias: {
        #[serde(alias = "mail", alias = "e-mail")]
        email: String,
    }
    reads [{ "email": "a" }, { "mail": "a" }, { "e-mail": "a" }]
    refuses [{}, { "Mail": "a" }, { "mail": "a", "e-mail": "b" }];

    an_alias_beside_a_new_name: #[serde(rename_all = "camelCase")] {
        #[serde(alias = "e_mail_address")]
        e_mail_address: String,
        #[serde(rename = "plan", alias = "old_plan", alias = "older_plan", default)]
        plan: Option<String>,
    }
    reads [
        { "eMailAddress": "a" },
        { "e_mail_address": "a", "older_plan": "b" },
        { "e_mail_address": "a", "old_plan": null },
    ]
    refuses [{ "plan": "b" }, { "eMailAddress": "a", "old_plan": "c", "older_plan": "b" }];

    another_name_for_reading: {
        #[serde(rename(serialize = "written", deserialize = "read"), alias = "written")]
        name: u8,
    }
    reads [{ "read": 1 }, { "written": 1 }]
    refuses [{ "name": 1 }];
}

/// We read an item that `serde_dynamo` refuses: an update in place writes a field under its own
/// name, beside the alias that an older program stored. A sealed field is never updated in place,
/// so there both are refused.
#[tokio::test]
async fn only_plaintext_fields_may_be_stored_under_name_and_alias() {
    mod record {
        twins!(() [] [] {
            #[serde(alias = "mail")]
            pub(crate) email: String,
        });
    }
    let written = serde_json::json!({ "email": "new", "mail": "old" });
    let mut item =
        crate::serde_parity::twins::sealed::<record::plain::Record>(&serde_json::json!({})).await;
    item.extend(serde_dynamo::to_item::<_, crate::serde_parity::twins::Item>(&written).unwrap());
    let plain: record::plain::Record =
        envelope_dynamo::from_item(item, &crate::serde_parity::twins::provider()).await.unwrap();
    assert_eq!(plain.email, "new");
    assert!(
        crate::serde_parity::twins::read_sealed::<record::sealed::Record>(&written).await.is_none()
    );
}
