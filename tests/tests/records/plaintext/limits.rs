//! Items at DynamoDB's limits: what cannot be sealed is named and stays as it was.

use envelope_dynamo::error::UsageError;
use envelope_dynamo::{ErrorKind, transact_write};
use envelope_tests::binary;

use super::*;

const MAX_ITEM_BYTES: usize = 400 * 1024;

/// A patient whose plain item has exactly this size.
fn sized(bytes: usize) -> Patient {
    let mut patient = patient("p");
    let rest: usize = size(&old_item(&patient));
    patient.name = "x".repeat(bytes - rest + patient.name.len());
    assert_eq!(size(&old_item(&patient)), bytes);
    patient
}

/// Bytes of an item as DynamoDB counts them.
fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of(value)).sum()
}

fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::M(entries) => 3 + entries.len() + size(entries),
        AttributeValue::L(list) => 3 + list.len() + list.iter().map(size_of).sum::<usize>(),
        _ => 1,
    }
}

#[tokio::test]
async fn an_item_of_400_kb_that_would_grow_too_large_is_named_and_stays() {
    let bench = Bench::new().await;
    let full = sized(MAX_ITEM_BYTES);
    bench.old_put(&full).await;
    let (table, writing) = (bench.in_state(Read), bench.in_state(ReadAndWrite));
    assert_eq!(table.get("p").send().await.unwrap(), Some(full.clone()));

    let transaction = transact_write(table.client()).put(table.put(&full));
    let errors = [
        table.update("p").modify(|p| p.visits += 1).send().await.map(drop).unwrap_err(),
        table.put(&full).send().await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::TooLarge { bytes }) if *bytes > MAX_ITEM_BYTES),
            "{error}"
        );
        assert!(error.to_string().contains("patient_id=p"), "{error}");
    }
    assert!(transaction.send().await.is_err());
    assert_eq!(bench.stored("p").await, Some(old_item(&full)));

    // In plaintext it still fits, and in place it can be changed.
    writing.put(&full).send().await.unwrap();
    writing.update("p").modify(|p| p.visits = 4).send().await.unwrap();
    table.update("p").set(|p| p.visits, 5_u32).send().await.unwrap();
    // A smaller one is sealed, although condition and record together are larger than an item.
    let smaller = sized(MAX_ITEM_BYTES - 1024);
    bench.old_put(&smaller).await;
    table.update("p").modify(|p| p.visits = 4).send().await.unwrap();
    assert!(bench.is_sealed("p").await);
    let expected = Some(Patient { visits: 4, ..smaller });
    assert_eq!(bench.in_state(Refuse).get("p").send().await.unwrap(), expected);
}

/// A struct with more encrypted fields than a condition can name.
macro_rules! wide {
    ($($name:ident)*) => {
        #[derive(Clone, Debug, PartialEq, Envelope, Serialize)]
        #[envelope(table = "wide")]
        struct Wide {
            #[partition_key]
            patient_id: String,
            $(
                #[encrypted]
                #[serde(default)]
                $name: Option<String>,
            )*
            #[plaintext]
            visits: u32,
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

wide! {
    a00 a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20 a21 a22 a23 a24 a25 a26 a27 a28 a29
    b00 b01 b02 b03 b04 b05 b06 b07 b08 b09 b10 b11 b12 b13 b14 b15 b16 b17 b18 b19 b20 b21 b22 b23 b24 b25 b26 b27 b28 b29
    c00 c01 c02 c03 c04 c05 c06 c07 c08 c09 c10 c11 c12 c13 c14 c15 c16 c17 c18 c19 c20 c21 c22 c23 c24 c25 c26 c27 c28 c29
    d00 d01 d02 d03 d04 d05 d06 d07 d08 d09 d10 d11 d12 d13 d14 d15 d16 d17 d18 d19 d20 d21 d22 d23 d24 d25 d26 d27 d28 d29
    e00 e01 e02 e03 e04 e05 e06 e07 e08 e09 e10 e11 e12 e13 e14 e15 e16 e17 e18 e19 e20 e21 e22 e23 e24 e25 e26 e27 e28 e29
}

#[tokio::test]
async fn more_attributes_than_a_condition_holds_are_named_and_a_put_still_seals() {
    let bench = Bench::new().await;
    let mut item = Item::from([("patient_id".to_owned(), text("p"))]);
    item.insert("visits".to_owned(), number(1));
    item.extend(NAMES.iter().map(|name| ((*name).to_owned(), text(name))));
    bench.plant(item.clone()).await;
    for state in [Read, ReadAndWrite] {
        let table: Table<Wide> = bench.handle(state);
        let error = table.update("p").modify(|wide| wide.visits += 1).send().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::ExpressionTooLong { .. })),
            "{error}"
        );
        assert_eq!(bench.stored("p").await, Some(item.clone()));
    }
    // A put needs no condition, a version makes it one that loses no write.
    let table: Table<Wide> = bench.handle(Read);
    let read = table.get("p").send().await.unwrap().unwrap();
    table.put(&read).send().await.unwrap();
    assert_eq!(bench.handle::<Wide>(Refuse).get("p").send().await.unwrap(), Some(read));
    let stored = bench.stored("p").await.unwrap();
    assert_eq!(names_of(&stored), ["encrypted_dek", "encrypted_payload", "patient_id", "visits"]);
}

/// Every type of value that DynamoDB has, in conditions and in sealed fields.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "values")]
struct Values {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    texts: Vec<String>,
    #[encrypted]
    numbers: Vec<i128>,
    #[encrypted]
    #[serde(default)]
    flag: Option<bool>,
    #[encrypted]
    nested: BTreeMap<String, Option<BTreeMap<String, Vec<f64>>>>,
    #[authenticated]
    wide: i128,
    #[authenticated]
    small: f64,
    #[plaintext]
    visits: u32,
}

fn all_types() -> Item {
    let digits = ["99999999999999999999999999999999999999", "-1", "0"];
    let floats = AttributeValue::L(vec![number("0.1"), number("1E-130"), number("-2.5E+20")]);
    let inner =
        Item::from([("list".to_owned(), floats), ("none".to_owned(), AttributeValue::L(vec![]))]);
    let nested = Item::from([
        ("map".to_owned(), AttributeValue::M(inner)),
        ("null".to_owned(), AttributeValue::Null(true)),
    ]);
    let item = [
        ("patient_id", text("p")),
        ("texts", AttributeValue::Ss(vec!["b".into(), "a".into(), "é".into()])),
        ("numbers", AttributeValue::Ns(digits.map(str::to_owned).into())),
        ("flag", AttributeValue::Null(true)),
        ("nested", AttributeValue::M(nested)),
        ("wide", number(digits[0])),
        ("small", number("1E-130")),
        ("visits", number(1)),
    ];
    item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[tokio::test]
async fn values_of_every_type_are_compared_and_sealed() {
    for state in [Read, ReadAndWrite] {
        let bench = Bench::new().await;
        bench.plant(all_types()).await;
        let table: Table<Values> = bench.handle(state);
        let read = table.get("p").send().await.unwrap().unwrap();
        assert_eq!(read.wide, 99_999_999_999_999_999_999_999_999_999_999_999_999);
        let modified = table.update("p").modify(|values| values.visits += 1).send().await.unwrap();
        assert_eq!(bench.faults().calls("UpdateItem"), 1, "{state:?}: the condition holds");
        let expected = Values { visits: 2, ..read };
        assert_eq!(modified.as_ref(), Some(&expected));
        assert_eq!(table.get("p").send().await.unwrap(), Some(expected));
        assert_eq!(is_plaintext(&bench.stored("p").await.unwrap()), state == ReadAndWrite);
    }
}

/// A type that keeps fewer digits than the item has: sealing would round the value for ever.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "doses")]
struct Dose {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    milligrams: f64,
    #[plaintext]
    visits: u32,
}

#[tokio::test]
async fn a_number_with_more_digits_than_its_type_keeps_is_not_rounded() {
    let bench = Bench::new().await;
    let table: Table<Dose> = bench.handle(Read);
    let item = |digits: &str| {
        Item::from([
            ("patient_id".to_owned(), text("p")),
            ("milligrams".to_owned(), number(digits)),
            ("visits".to_owned(), number(1)),
        ])
    };
    for digits in ["0.12345678901234567890123", "12345678901234567890"] {
        bench.plant(item(digits)).await;
        let before = bench.stored("p").await;
        let error = table.update("p").modify(|dose| dose.visits += 1).send().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == "milligrams"),
            "{error}"
        );
        assert!(!error.to_string().contains(digits), "{error}");
        assert_eq!(bench.stored("p").await, before);
    }
    for digits in ["0.1", "0.30000000000000004", "1E+20", "12", "-0"] {
        bench.plant(item(digits)).await;
        table.update("p").modify(|dose| dose.visits += 1).send().await.unwrap();
        assert!(!is_plaintext(&bench.stored("p").await.unwrap()), "{digits}");
    }
}

/// An enum that reads texts that it does not know as one variant, beside types that write a text in
/// another form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Allergy {
    #[serde(alias = "nuts")]
    Peanuts,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "allergies")]
struct Allergies {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    worst: Allergy,
    #[encrypted]
    all: Vec<Allergy>,
    #[encrypted]
    since: uuid::Uuid,
    #[plaintext]
    visits: u32,
}

#[tokio::test]
async fn a_text_that_an_enum_does_not_know_is_not_lost() {
    let bench = Bench::new().await;
    let table: Table<Allergies> = bench.handle(Read);
    let list = |texts: &[&str]| AttributeValue::L(texts.iter().map(text).collect());
    let known = Item::from([
        ("patient_id".to_owned(), text("p")),
        ("worst".to_owned(), text("nuts")),
        ("all".to_owned(), list(&["nuts", "peanuts", "unknown"])),
        ("since".to_owned(), text("67E55044-10B1-426F-9247-BB680E5FE0C8")),
        ("visits".to_owned(), number(1)),
    ]);
    for (name, value) in [("worst", text("latex")), ("all", list(&["peanuts", "latex"]))] {
        let item = with(&known, name, value);
        bench.plant(item.clone()).await;
        let error = table.update("p").modify(|it| it.visits += 1).send().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == name),
            "{error}"
        );
        assert!(!error.to_string().contains("latex"), "{error}");
        assert_eq!(bench.stored("p").await, Some(item));
    }
    bench.plant(known).await;
    table.update("p").modify(|it| it.visits += 1).send().await.unwrap();
    assert!(!is_plaintext(&bench.stored("p").await.unwrap()));
    let read = bench.handle::<Allergies>(Refuse).get("p").send().await.unwrap().unwrap();
    assert_eq!(read.all, [Allergy::Peanuts, Allergy::Peanuts, Allergy::Unknown]);
}

/// Values of other types than the fields have, at every place: an error names the attribute, and
/// nothing is written.
#[tokio::test]
async fn values_of_other_types_are_refused_by_name() {
    let bench = Bench::new().await;
    let empty = || AttributeValue::M(Item::new());
    let others = [
        number(7),
        AttributeValue::Bool(true),
        AttributeValue::Null(true),
        binary([1, 2, 3]),
        AttributeValue::Ns(vec!["7".to_owned()]),
        AttributeValue::L(vec![empty()]),
        empty(),
    ];
    for (name, other) in ["name", "address", "diagnoses"]
        .into_iter()
        .flat_map(|name| others.iter().map(move |it| (name, it)))
    {
        bench.plant(with(&old_item(&patient("p")), name, other.clone())).await;
        let before = bench.stored("p").await;
        for state in [Read, ReadAndWrite] {
            let table = bench.in_state(state);
            let read = table.get("p").send().await.map(drop);
            let modified = table.update("p").modify(|p| p.visits += 1).send().await.map(drop);
            for error in [read.unwrap_err(), modified.unwrap_err()] {
                assert!(error.to_string().contains(name), "{name} as {other:?}: {error}");
            }
        }
        assert_eq!(bench.stored("p").await, before);
    }
    assert_eq!((bench.plain_reads(), bench.plain_writes()), (0, 0));
}
