//! The memory of the process that rotates keys, searched from outside.
//!
//! This process makes the records and holds their keys and values. The command `envelope` is its
//! child, and finds DynamoDB and KMS at ports of 127.0.0.1. It is searched while its calls are held
//! there, and at its end.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_core::{
    DataKey, EncryptionContext, GeneratedKey, KeyFuture, Recipient, UnwrapKey, WrapKey, WrappedKey,
};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Access, Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::loopback::Loopback;
use envelope_examples::servers::{create_kms_key, create_table, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_memory_tests::{Find, Masked, Search, Seed, alone};

use super::kms::next_key;
use super::{KEYS, masked_key, run};

const RECORDS: usize = 12;
const TEXTS: Seed = Seed(0xa54f_f53a_5f1d_36f1);
const LETTERS: usize = 48;
/// The id, the name and the diagnosis of a patient.
const TEXTS_EACH: usize = 3;

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "patients", context(purpose = "care"))]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
}

fn patient(number: usize) -> Patient {
    let text = |at| TEXTS.text(number * TEXTS_EACH + at, LETTERS);
    Patient { id: text(0), name: text(1), diagnosis: Access::Granted(text(2)) }
}

/// Wraps the data keys of a seed for a KMS key.
#[derive(Debug)]
struct Known(KmsKeyProvider);

impl WrapKey for Known {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let data_key = DataKey::from_slice(&KEYS.key(next_key()))?;
            let wrapped = self.0.wrap_data_key(&data_key, context).await?;
            Ok(GeneratedKey { data_key, wrapped })
        })
    }
}

impl UnwrapKey for Known {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        self.0.unwrap_key(wrapped, context)
    }
}

/// A table of patients under the KMS key `old`.
struct Clinic {
    servers: Servers,
    faults: Faults,
    loopback: Loopback,
    name: String,
    old: String,
    new: String,
    keys: Range<usize>,
    /// The attributes `encrypted_dek` and `encrypted_dek_medical` of all records.
    wrapped: Vec<Vec<u8>>,
}

impl Clinic {
    async fn new() -> Self {
        let (servers, faults) = (Servers::embedded().await.unwrap(), Faults::new());
        let loopback = servers.loopback().faults(&faults).start().unwrap();
        let name = unique_name("patients");
        let key = ("id", ScalarAttributeType::S);
        create_table(servers.dynamodb(), &name, key, None).await.unwrap();
        let [old, new] = [create_kms_key(servers.kms()).await, create_kms_key(servers.kms()).await];
        let (old, new) = (old.unwrap(), new.unwrap());
        let known = Known(KmsKeyProvider::new(servers.kms().clone(), &*old));
        let table = Table::<Patient, _>::new(servers.dynamodb().clone(), known).named(&*name);
        let first = next_key() + 1;
        for number in 0..RECORDS {
            table.put(&patient(number)).send().await.unwrap();
        }
        let keys = first..next_key();
        assert_eq!(keys.len(), 2 * RECORDS, "a data key and that of a group for each record");
        let items = servers.dynamodb().scan().table_name(&name).send().await.unwrap().items;
        let wrapped = items.unwrap().into_iter().flatten();
        let wrapped = wrapped.filter(|(name, _)| name.starts_with("encrypted_dek"));
        let wrapped = wrapped.map(|(_, value)| value.as_b().unwrap().as_ref().to_vec()).collect();
        Self { servers, faults, loopback, name, old, new, keys, wrapped }
    }

    /// What is searched for: what nobody but a reader may hold, and what every run must read.
    fn sought(&self) -> Search {
        let mut search = Search::default();
        self.keys.clone().for_each(|number| search.add("data key", &masked_key(number)));
        let text = |number: usize| {
            Masked::new(LETTERS, |at| u8::try_from(TEXTS.letter(number, at)).unwrap())
        };
        for number in 0..RECORDS {
            search.add("id", &text(number * TEXTS_EACH));
            search.add("value", &text(number * TEXTS_EACH + 1));
            search.add("value", &text(number * TEXTS_EACH + 2));
        }
        self.wrapped.iter().for_each(|bytes| search.add("wrapped key", &Masked::of(bytes)));
        search
    }

    /// Runs a command from the old key to the new one. Returns what was found while all records
    /// waited for the answer to each of `calls`, and at the end.
    fn searched(&self, command: &str, calls: &[&'static str]) -> Vec<(&'static str, Vec<Find>)> {
        let (search, mut moments) = (self.sought(), Vec::new());
        calls.iter().for_each(|call| self.faults.hold(call));
        let mut child = self.start(command);
        for call in calls {
            while self.faults.calls(call) < RECORDS {
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none(), "{command} has ended before {call}: {ended:?}");
                std::thread::yield_now();
            }
            moments.push((*call, search.run_in(&child)));
            self.faults.release(call);
        }
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let said: Vec<_> = stdout
            .lines()
            .map(Result::unwrap)
            .take_while(|line| line != "the command has ended")
            .collect();
        moments.push(("the end", search.run_in(&child)));
        drop(child.stdin.take());
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{command}: {said:?} {stderr}");
        moments
    }

    fn start(&self, command: &str) -> Child {
        let schema = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.json", self.name));
        fs::write(&schema, SchemaFile::new().with::<Patient>().to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_watched"))
            .args([command, "--table", &self.name, "--schema"])
            .arg(&schema)
            .args(["--from", &self.old, "--to", &self.new])
            .env_clear()
            .envs(self.loopback.environment())
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    async fn assert_moved(&self) {
        let keys = KmsKeyProvider::new(self.servers.kms().clone(), &*self.new);
        let table = Table::<Patient, _>::new(self.servers.dynamodb().clone(), keys);
        let table = table.named(&*self.name);
        for number in 0..RECORDS {
            let read = table.get(patient(number).id).send().await.unwrap();
            assert!(read == Some(patient(number)));
        }
    }
}

/// How many different secrets of this name were found.
fn count(finds: &[Find], name: &str) -> usize {
    let numbers = finds.iter().filter(|find| find.name == name).map(|find| find.number);
    numbers.collect::<BTreeSet<_>>().len()
}

/// The search sees what the process holds: each id and each wrapped key.
#[track_caller]
fn assert_sees(moment: &str, finds: &[Find]) {
    let seen = [count(finds, "id"), count(finds, "wrapped key")];
    assert_eq!(seen, [RECORDS, 2 * RECORDS], "{moment}: {}", Find::summary(finds));
}

#[test]
fn the_rotator_holds_no_data_key_and_no_plaintext() {
    let _alone = alone();
    run(async {
        let clinic = Clinic::new().await;
        for (moment, finds) in clinic.searched("rewrap", &["ReEncrypt", "UpdateItem"]) {
            assert_sees(moment, &finds);
            let secrets = [count(&finds, "data key"), count(&finds, "value")];
            assert_eq!(secrets, [0, 0], "{moment}: {}", Find::summary(&finds));
        }
        assert_eq!((clinic.faults.calls("ReEncrypt"), clinic.faults.calls("Decrypt")), (24, 0));
        clinic.assert_moved().await;
    });
}

/// The same search finds the data keys of whoever does open records.
#[test]
fn the_resealer_holds_every_data_key() {
    let _alone = alone();
    run(async {
        let clinic = Clinic::new().await;
        for (moment, finds) in clinic.searched("reseal", &["UpdateItem"]) {
            assert_sees(moment, &finds);
            assert_eq!(count(&finds, "data key"), 2 * RECORDS, "{moment}");
        }
        clinic.assert_moved().await;
    });
}
