//! A table with records, two KMS keys, and the servers at ports, for the command in its process.

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Access, Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::loopback::Loopback;
use envelope_examples::servers::{create_kms_key, create_table, unique_name};
use envelope_examples::{Faults, Servers};

use crate::calls::Calls;
use crate::process::{Ended, envelope, file, run_with};

#[derive(Debug, Envelope)]
#[envelope(table = "patients", kms_context = "hashed", context(purpose = "care"))]
pub(crate) struct Patient {
    #[partition_key]
    pub(crate) patient_id: String,
    #[authenticated]
    #[encryption_context]
    pub(crate) ward: String,
    #[encrypted]
    pub(crate) name: String,
    #[encrypted(group = "medical")]
    pub(crate) diagnosis: Access<String>,
}

pub(crate) struct Bench {
    pub(crate) servers: Servers,
    /// In front of what the process calls, and not of what the test itself calls.
    pub(crate) faults: Faults,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) name: String,
    /// The name of the table of branch keys, which does not exist yet.
    pub(crate) branches: String,
    /// The name of the table of search keys, which does not exist yet.
    pub(crate) searches: String,
    pub(crate) schema: String,
    loopback: Loopback,
}

impl Bench {
    /// A table of so many patients.
    pub(crate) async fn of(patients: usize) -> Self {
        Self::watched(patients, Calls::default()).await
    }

    /// The same; the calls of the process are noted.
    pub(crate) async fn watched(patients: usize, calls: Calls) -> Self {
        let (servers, faults) = (Servers::embedded().await.unwrap(), Faults::new());
        let loopback = servers.loopback().faults(&faults).watch(calls).start().unwrap();
        let name = unique_name("patients");
        let key = ("patient_id", ScalarAttributeType::S);
        create_table(servers.dynamodb(), &name, key, None).await.unwrap();
        let schema = SchemaFile::new().with::<Patient>().to_string();
        let bench = Self {
            old: create_kms_key(servers.kms()).await.unwrap(),
            new: create_kms_key(servers.kms()).await.unwrap(),
            schema: file("patients.schema.json", &schema),
            branches: unique_name("branch-keys"),
            searches: unique_name("search-keys"),
            servers,
            faults,
            loopback,
            name,
        };
        let table = bench.table(&bench.old);
        for number in 0..patients {
            let patient = Patient {
                patient_id: format!("p_{number}"),
                ward: "west".into(),
                name: format!("NAME-{number}"),
                diagnosis: Access::Granted("DIAGNOSIS".into()),
            };
            table.put(&patient).send().await.unwrap();
        }
        bench
    }

    pub(crate) fn table(&self, key: &str) -> Table<Patient> {
        let provider = KmsKeyProvider::new(self.servers.kms().clone(), key);
        Table::new(self.servers.dynamodb().clone(), provider).named(&*self.name)
    }

    /// The environment in which the process finds the servers.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = self.loopback.environment().into_iter();
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Clients of a service in a process of its own, whose calls are noted too.
    pub(crate) async fn clients(&self) -> (aws_sdk_dynamodb::Client, aws_sdk_kms::Client) {
        let credentials = Credentials::new("made-up", "made-up", None, None, "tests");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(credentials)
            .load()
            .await;
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config)
            .endpoint_url(self.loopback.dynamodb_url().unwrap());
        let kms = aws_sdk_kms::config::Builder::from(&config).endpoint_url(self.loopback.kms_url());
        (
            aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            aws_sdk_kms::Client::from_conf(kms.build()),
        )
    }

    /// Runs the command on the table.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run_with(arguments, &self.environment(), "")
    }

    /// The command, to be started by the test.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = envelope(arguments);
        command.envs(self.environment());
        command
    }

    /// The arguments of a rewrap from the old key to the new one, and more.
    pub(crate) fn rewrap<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let table = ["--table", &self.name, "--schema", &self.schema];
        let keys = ["--from", &self.old, "--to", &self.new];
        [&["rewrap"], &table[..], &keys[..], more].concat()
    }

    /// Asserts that all patients open under a key.
    pub(crate) async fn assert_all_open(&self, key: &str, patients: usize) {
        let table = self.table(key);
        for number in 0..patients {
            let patient = table.get(&*format!("p_{number}")).send().await.unwrap().unwrap();
            assert_eq!(patient.name, format!("NAME-{number}"));
        }
    }
}
