//! The code of docs/guide/groups.md. It runs as well.

use std::error::Error;

use envelope_dynamo::{Access, Envelope, GroupKeyProvider, KmsKeyProvider, Table};
use envelope_testing::Aws;

use crate::guide::is_printed_in;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[encrypted(group = "medical")]
    allergies: Access<Vec<String>>,
    #[authenticated]
    ward: String,
}

#[tokio::test]
async fn the_reception_does_not_see_and_does_not_destroy_a_diagnosis() -> Result<(), Box<dyn Error>>
{
    let aws = Aws::embedded().await?;
    let (dynamodb, kms) = (aws.dynamodb().clone(), aws.kms().clone());
    aws.create_table::<Patient>("patients").await?;
    for alias in ["alias/patients", "alias/medical"] {
        aws.create_alias(alias).await?;
    }
    let zoe = Patient {
        patient_id: "p_1".to_owned(),
        name: "Zoë".to_owned(),
        diagnosis: Access::Granted("gout".to_owned()),
        allergies: Access::Granted(Vec::new()),
        ward: "west".to_owned(),
    };

    let office = || KmsKeyProvider::new(kms.clone(), "alias/patients");
    let medical = KmsKeyProvider::new(kms.clone(), "alias/medical");

    let doctor = GroupKeyProvider::new(office()).group("medical", medical);
    let reception = GroupKeyProvider::new(office());

    let patients = Table::<Patient>::new(dynamodb.clone(), doctor);
    patients.put(&zoe).send().await?;
    assert_eq!(patients.get("p_1").send().await?, Some(zoe.clone()));

    let doctors = patients;
    let patients = Table::<Patient>::new(dynamodb.clone(), reception);
    let seen = patients.get("p_1").send().await?.ok_or("no such patient")?;
    assert_eq!((seen.name.as_str(), &seen.diagnosis), ("Zoë", &Access::Withheld));

    patients.update("p_1").modify(|patient| patient.name = "Zoë Smith".to_owned()).send().await?;

    let renamed = Patient { name: "Zoë Smith".to_owned(), ..zoe };
    assert_eq!(doctors.get("p_1").send().await?, Some(renamed));
    let error = patients.put(&seen).send().await.err().ok_or("a diagnosis was destroyed")?;
    assert!(is_printed_in("docs/guide/groups.md", &error.to_string()), "{error}");
    Ok(())
}
