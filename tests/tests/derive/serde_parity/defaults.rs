//! `default`, on the struct and on fields, and `deny_unknown_fields`.

fn seven() -> u8 {
    7
}

read_alike! {
    no_default: { count: u8, maybe: Option<u8>, nothing: () }
    reads [
        { "count": 1, "maybe": 2, "nothing": null },
        { "count": 1, "nothing": null },
        { "count": 1, "maybe": null, "nothing": null },
    ]
    refuses [{ "maybe": 1, "nothing": null }, { "count": null, "nothing": null }, { "count": 1 }];

    default_of_a_field: {
        #[serde(default)]
        count: u8,
        #[serde(default = "seven")]
        lucky: u8,
        #[serde(default)]
        list: Vec<u8>,
    }
    reads [{}, { "count": 1 }, { "lucky": 2 }, { "list": [] }, { "count": 1, "lucky": 2, "list": [3, 4] }]
    refuses [{ "count": null }, { "lucky": null }, { "list": null }, { "count": 256 }, { "count": "1" }];

    default_of_the_struct: #[derive(Default)] #[serde(default)] {
        count: u8,
        text: String,
        #[serde(default = "seven")]
        lucky: u8,
    }
    reads [{}, { "count": 1 }, { "text": "a" }, { "count": 1, "text": "", "lucky": 2 }]
    refuses [{ "count": -1 }, { "text": null }];

    unknown_fields_are_passed_over: { count: u8 }
    reads [{ "count": 1 }, { "count": 1, "more": 2 }, { "count": 1, "more": { "deep": [[{ "er": null }]] } }]
    refuses [{ "more": 1 }];

    unknown_fields_are_denied: #[serde(deny_unknown_fields)] {
        count: u8,
        #[serde(default, alias = "other")]
        text: Option<String>,
    }
    reads [{ "count": 1 }, { "count": 1, "text": "a" }, { "count": 1, "other": "a" }]
    refuses [{ "count": 1, "more": 2 }, { "count": 1, "more": null }, {}];

    unknown_fields_of_a_field_are_denied: { inner: Strict }
    reads [{ "inner": { "a": 1 } }]
    refuses [{ "inner": { "a": 1, "b": 2 } }, { "inner": {} }];

    an_explanation_of_ones_own: #[serde(expecting = "a record of the year 2026")] { count: u8 }
    reads [{ "count": 1 }]
    refuses [{}];
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    a: u8,
}

/// Written by hand: serde's derive does not find its default where a macro names the path.
mod default_of_the_struct_by_path {
    use envelope_dynamo::Envelope;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use crate::serde_parity::twins::{read_readable, read_sealed};

    #[derive(Debug, PartialEq, Serialize, Deserialize, Envelope)]
    #[envelope(table = "records", unmarked = "plaintext")]
    #[serde(default = "plain")]
    struct Plain {
        #[partition_key]
        id: String,
        #[encrypted]
        anchor: String,
        count: u8,
        text: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, Envelope)]
    #[envelope(table = "records", unmarked = "encrypted")]
    #[serde(default = "sealed")]
    struct Sealed {
        #[partition_key]
        id: String,
        anchor: String,
        count: u8,
        text: String,
    }

    fn plain() -> Plain {
        Plain {
            id: "standard".into(),
            anchor: "standard".into(),
            count: 9,
            text: "standard".into(),
        }
    }

    fn sealed() -> Sealed {
        Sealed {
            id: "standard".into(),
            anchor: "standard".into(),
            count: 9,
            text: "standard".into(),
        }
    }

    #[tokio::test]
    async fn as_in_serde_dynamo() {
        for written in [
            json!({}),
            json!({ "count": 1 }),
            json!({ "text": "a" }),
            json!({ "count": 1, "text": "" }),
        ] {
            let plain: Plain = read_readable(&written).await.unwrap();
            let sealed: Sealed = read_sealed(&written).await.unwrap();
            let count = written["count"].as_u64().unwrap_or(9);
            assert_eq!((u64::from(plain.count), &plain.text), (count, &sealed.text));
        }
        assert_eq!(read_readable::<Plain>(&json!({ "text": 1 })).await, None);
        assert_eq!(read_sealed::<Sealed>(&json!({ "text": 1 })).await, None);
    }
}
