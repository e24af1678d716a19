//! Somebody who can write the table puts plain items in place of sealed records: the downgrade that
//! `Read` allows, and what it does not allow.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::DataError;
use envelope_tests::binary;

use super::*;

#[tokio::test]
async fn read_believes_a_planted_item_and_counts_it() {
    let bench = Bench::new().await;
    bench.in_state(Refuse).put(&patient("p")).send().await.unwrap();
    let forged = Patient { name: "Mallory".to_owned(), ..patient("p") };
    bench.plant(old_item(&forged)).await;

    let refused = bench.in_state(Refuse).get("p").send().await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Data(DataError::NotSealed)), "{refused}");
    assert!(refused.to_string().contains("Table::plaintext_items"), "{refused}");
    assert_eq!(bench.plain_reads(), 0);
    for state in [Read, ReadAndWrite] {
        assert_eq!(bench.in_state(state).get("p").send().await.unwrap(), Some(forged.clone()));
        assert_eq!(bench.plain_reads(), 1, "{state:?}");
    }
}

#[tokio::test]
async fn an_item_with_anything_of_this_library_is_never_read_as_plain() {
    let bench = Bench::new().await;
    let reserved = [
        "encrypted_payload",
        "encrypted_dek",
        "encrypted_payload_medical",
        "encrypted_dek_medical",
        "encrypted_payload_unknown",
        "encrypted_dek_unknown",
    ];
    for name in reserved {
        for value in [binary([1, 2, 3]), text("text"), AttributeValue::Null(true)] {
            bench.plant(with(&old_item(&patient("p")), name, value)).await;
            for state in [Read, ReadAndWrite] {
                let table = bench.in_state(state);
                assert!(table.get("p").send().await.is_err(), "{state:?} reads {name}");
                let modified = table.update("p").modify(|p| p.visits += 1).send().await;
                assert!(modified.is_err(), "{state:?} modifies {name}");
            }
        }
    }
    assert_eq!((bench.plain_reads(), bench.plain_writes()), (0, 0));
}

/// A plain item beside the attributes of a sealed record does not make `ReadAndWrite` store
/// plaintext there.
#[tokio::test]
async fn read_and_write_stores_no_plaintext_over_an_incomplete_record() {
    let bench = Bench::new().await;
    for name in ["encrypted_payload", "encrypted_dek", "encrypted_dek_medical"] {
        bench.plant(with(&old_item(&patient("p")), name, binary([1]))).await;
        bench.in_state(ReadAndWrite).put(&patient("p")).send().await.unwrap();
        assert!(bench.is_sealed("p").await, "{name}");
    }
    assert_eq!(bench.plain_writes(), 0);
}
