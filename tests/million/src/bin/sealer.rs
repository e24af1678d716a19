//! The command `my-envelope` of a program with the record types of the plaintext table.

use std::process::ExitCode;

use envelope_million_tests::bring_in::records::{Note, Person};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("backfill") {
        return backfill::main();
    }
    envelope_cli::main_with::<(Person, Note)>()
}

/// Seals one part, type after type.
mod backfill {
    use std::error::Error;
    use std::process::ExitCode;

    use envelope_dynamo::maintain::{Counts, Limits, Part, RunErrorKind, RunEvent};
    use envelope_dynamo::{KmsKeyProvider, Table};
    use envelope_examples::Servers;
    use envelope_million_tests::bring_in::records::{Note, Person, Record};

    /// `backfill --table NAME .. --part auto/COUNT ..`, with the exit codes of the command.
    #[tokio::main]
    pub(super) async fn main() -> ExitCode {
        match run().await {
            Ok(counts) if counts.failed > 0 => ExitCode::from(3),
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error:?}");
                ExitCode::from(1)
            }
        }
    }

    async fn run() -> Result<Counts, Box<dyn Error>> {
        let words: Vec<String> = std::env::args().collect();
        let after = |flag: &str| {
            let at = words.iter().position(|word| word == flag).ok_or("a flag is missing")?;
            words.get(at + 1).ok_or("a value is missing")
        };
        let parts: u32 = after("--part")?.trim_start_matches("auto/").parse()?;
        let part = Part::of(std::env::var("JOB_COMPLETION_INDEX")?.parse()?, parts)?;
        let servers = Servers::from_env().await?;
        let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
        let table = Table::<Record>::new(servers.dynamodb().clone(), provider);
        let table = table.named(after("--table")?);
        let (people, notes) = (table.of::<Person>(), table.of::<Note>());
        let mut sum = Counts::default();
        for run in [people.backfill(), notes.backfill()] {
            let run = run.part(part).limits(Limits::new()).without_recovery();
            let run = run.observed_by(|event| {
                if let RunEvent::Failed(error) = event {
                    eprintln!("failed {error}");
                }
            });
            match run.send().await {
                Ok(counts) => sum += counts,
                Err(error) if matches!(error.kind(), RunErrorKind::Refused(_)) => {
                    eprintln!("{error}");
                    std::process::exit(2);
                }
                Err(error) => return Err(error.into()),
            }
        }
        println!("{}", serde_json::json!({ "counts": sum }));
        Ok(sum)
    }
}
