//! The code of docs/guide/decide-first.md, and what its decisions do to records.

use std::error::Error;

use envelope_dynamo::{Envelope, LocalKeyProvider, from_item, to_item};
use envelope_tests::local_keys;

use crate::guide::is_printed_in;

#[rustfmt::skip]
#[derive(Envelope)]
#[envelope(
    table = "visits",       // 1. the logical name of the table
    kms_context = "hashed", // 2. how CloudTrail shows the key of a record
    context(app = "clinic"), // 3. pairs that key policies name
    entity(kind = "visit"), // 4. the type of the record
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")] // 5. the primary key
#[sort_key(name = "sk", format = "VISIT#{visit}")]
struct Visit {
    #[key]
    patient: String,
    #[key]
    visit: String,
    #[authenticated]
    #[encryption_context] // 3. and 6. which key a record is under
    tenant: String,
    #[authenticated]
    #[serde(rename = "ward_name", alias = "ward")] // names can change
    ward: String,
    #[encrypted]
    notes: String,
}

/// The file is that of the reader's program.
fn decisions() {
    envelope_dynamo::assert_schema!("envelope.schema.json", Visit);
}

/// The same record with one other decision.
macro_rules! other {
    ($name:ident, $table:literal, $form:literal, $app:literal, $ward:literal) => {
        #[derive(Envelope)]
        #[envelope(
                    table = $table, kms_context = $form, context(app = $app), entity(kind = "visit")
                )]
        #[partition_key(name = "pk", format = "PATIENT#{patient}")]
        #[sort_key(name = "sk", format = "VISIT#{visit}")]
        struct $name {
            #[key]
            patient: String,
            #[key]
            visit: String,
            #[authenticated]
            #[encryption_context]
            tenant: String,
            #[authenticated]
            #[serde(rename = $ward)]
            ward: String,
            #[encrypted]
            notes: String,
        }

        impl $name {
            fn new() -> Self {
                let [patient, visit, tenant] = ["p_1", "v_1", "t_1"].map(str::to_owned);
                let (ward, notes) = ("west".to_owned(), "slept well".to_owned());
                Self { patient, visit, tenant, ward, notes }
            }
        }
    };
}

other!(Same, "visits", "hashed", "clinic", "ward_name");
other!(OtherTable, "stays", "hashed", "clinic", "ward_name");
other!(OtherForm, "visits", "raw", "clinic", "ward_name");
other!(OtherPair, "visits", "hashed", "practice", "ward_name");
other!(OlderName, "visits", "hashed", "clinic", "ward");

/// What the chapter's struct says of a record that was written under another decision.
async fn refusal<T: Envelope>(
    written: &T,
    keys: &LocalKeyProvider,
) -> Result<String, Box<dyn Error>> {
    let error = from_item::<Visit>(to_item(written, keys).await?, keys).await.err();
    Ok(error.ok_or("the record opened")?.to_string())
}

#[tokio::test]
async fn what_is_decided_for_good_is_bound_into_each_record() -> Result<(), Box<dyn Error>> {
    let keys = local_keys(1);
    from_item::<Visit>(to_item(&Same::new(), &keys).await?, &keys).await?;
    for refusal in [
        refusal(&OtherTable::new(), &keys).await?,
        refusal(&OtherForm::new(), &keys).await?,
        refusal(&OtherPair::new(), &keys).await?,
    ] {
        assert!(refusal.starts_with("visits[pk=(sha256 "), "{refusal}");
    }
    let error = from_item::<OtherForm>(to_item(&Same::new(), &keys).await?, &keys).await.err();
    let text = error.ok_or("the record opened")?.to_string();
    assert!(is_printed_in("docs/guide/decide-first.md", &text), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_renamed_attribute_is_read_by_its_alias() -> Result<(), Box<dyn Error>> {
    let keys = local_keys(1);
    let visit: Visit = from_item(to_item(&OlderName::new(), &keys).await?, &keys).await?;
    assert_eq!(visit.ward, "west");
    Ok(())
}
