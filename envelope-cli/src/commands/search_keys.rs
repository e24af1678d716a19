//! `envelope search-keys`: creates, rotates, retires, lists, moves and deletes search keys.

use std::fmt;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use envelope_dynamo::KmsKeyProvider;
use envelope_dynamo::keys::{
    Generation, KmsKeyWrapper, SearchBranch, SearchKeyError, SearchKeyTable, SearchKeys,
};
use envelope_dynamo::maintain::{RetireError, SchemaFile};
use serde::Serialize;

use crate::args::Global;
use crate::aws::Aws;
use crate::commands::key_tables::{
    Branches, Created, Deleted, Lines, ListedVersion, confirmed, rewrap, shown, version,
};
use crate::commands::reindex::parse_generation;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, chain};
use crate::input::Logical;
use crate::run::{RunArgs, TableArgs, explained};
use crate::schema_source::SchemaArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum SearchKeysCommand {
    /// Create the table of search keys, with on-demand billing
    CreateTable(Store),

    /// Create a branch and the first version of its search key
    ///
    /// A program that has one search key for each table uses the logical name of the table as
    /// branch.
    #[command(verbatim_doc_comment)]
    Create(Create),

    /// Add a version to a branch: searched for at once, and written from a later time on
    ///
    /// The times are printed. After the second one, write all records anew and retire the older
    /// version.
    #[command(verbatim_doc_comment)]
    Rotate(Wrapping),

    /// Take a rotation back, until the new version is written
    ///
    /// The new version is searched for until it is retired.
    Cancel(OneBranch),

    /// End a rotation: the version that is not written any more is not searched for any more
    ///
    /// Searches miss records that have tags of this version. So the table is counted, as `envelope
    /// stale` does it, and nothing is retired while a record is left whose tags are not current:
    /// exit code 3. Of several tables that use the branch, count the others with `envelope stale`.
    #[command(verbatim_doc_comment)]
    Retire(Box<RetireArgs>),

    /// List the branches
    List(Store),

    /// List the versions of a branch's search key, the oldest first
    Versions(OneBranch),

    /// Move the search keys of all branches from one KMS key to another
    ///
    /// Only KMS sees the search keys. No tag and no record changes.
    Rewrap(Box<SearchRewrapArgs>),

    /// Delete one version of a search key that was retired
    DeleteVersion(DeleteVersion),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Store {
    /// The table of search keys, by its physical name
    #[arg(long, value_name = "NAME", default_value = "search-keys")]
    search_keys: String,

    /// The logical name of the table, to which every search key is bound
    #[arg(long, value_name = "NAME", default_value = "search-keys")]
    logical: String,
}

impl Store {
    fn open<P>(&self, aws: &Aws, provider: P) -> SearchKeyTable<P> {
        let table = SearchKeyTable::new(aws.dynamodb.clone(), &*self.logical, provider);
        table.named(&*self.search_keys)
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct OneBranch {
    #[command(flatten)]
    store: Store,

    /// The branch
    #[arg(long, value_name = "NAME")]
    branch: String,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Wrapping {
    #[command(flatten)]
    of: OneBranch,

    /// The KMS key that wraps the search key
    #[arg(long, value_name = "KEY")]
    kms_key: String,
}

impl Wrapping {
    fn open(&self, aws: &Aws) -> SearchKeyTable<KmsKeyWrapper> {
        self.of.store.open(aws, KmsKeyWrapper::new(aws.kms.clone(), &*self.kms_key))
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    wrapping: Wrapping,

    /// How long a process may use what it read about the branch: a second to a day
    ///
    /// A rotation takes at least two times this time and an hour.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_age: u64,
}

#[derive(Args, Debug)]
pub(crate) struct SearchRewrapArgs {
    #[command(flatten)]
    store: Store,

    /// The KMS key that wraps the search keys now: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    from: String,

    /// The KMS key that shall wrap them: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    to: String,

    #[command(flatten)]
    run: RunArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RetireArgs {
    #[command(flatten)]
    store: Store,

    /// The branch
    #[arg(long, value_name = "NAME")]
    branch: String,

    /// The table that uses the branch, by its physical name
    #[arg(long, value_name = "NAME", required_unless_present = "without_count")]
    table: Option<String>,

    #[command(flatten)]
    schema: SchemaArgs,

    /// The logical name of the table that uses the branch, if the schema has several
    #[arg(long, value_name = "NAME")]
    table_logical: Option<String>,

    /// The KMS key that unwraps the search key, which tells the current generations
    #[arg(long, value_name = "KEY", conflicts_with = "generation")]
    search_kms_key: Option<String>,

    /// In place of a search key: a generation that writers use now, one for each search tag
    ///
    /// Eight hexadecimal digits, as `envelope stale` prints them. Nobody can tell here whether
    /// they are the right ones.
    #[arg(long, value_name = "HEX", value_parser = parse_generation, verbatim_doc_comment)]
    generation: Vec<Generation>,

    /// Count nothing: searches miss every record that has tags of the version
    #[arg(long, conflicts_with_all = ["table", "search_kms_key", "generation"])]
    without_count: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DeleteVersion {
    #[command(flatten)]
    of: OneBranch,

    /// The version to delete, which was retired
    #[arg(long, value_name = "UUID")]
    version: String,

    /// The version again: nothing brings it back
    #[arg(long, value_name = "UUID")]
    confirm: String,
}

impl From<SearchKeyError> for Failure {
    fn from(error: SearchKeyError) -> Self {
        let text = chain(&error);
        if error.is_retryable() { Self::try_again(text) } else { Self::act_now(text) }
    }
}

pub(crate) async fn run(
    command: SearchKeysCommand,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    match command {
        SearchKeysCommand::CreateTable(store) => {
            let aws = Aws::load(global).await?;
            let table = store.open(&aws, ());
            table.create_table().await?;
            global.output.print(&Created { table: table.name().to_owned() })?;
        }
        SearchKeysCommand::Create(Create { wrapping, max_age }) => {
            let aws = Aws::load(global).await?;
            let table = wrapping.open(&aws).max_age(Duration::from_secs(max_age));
            let branch = table.create(&wrapping.of.branch).await?;
            global.output.print(&Listed::from(&branch))?;
        }
        SearchKeysCommand::Rotate(wrapping) => {
            let aws = Aws::load(global).await?;
            let branch = wrapping.open(&aws).rotate(&wrapping.of.branch).await?;
            global.output.print(&Listed::from(&branch))?;
        }
        SearchKeysCommand::Cancel(of) => {
            let aws = Aws::load(global).await?;
            let branch = of.store.open(&aws, ()).cancel(&of.branch).await?;
            global.output.print(&Listed::from(&branch))?;
        }
        SearchKeysCommand::Retire(args) => return retire(*args, global, of_code).await,
        SearchKeysCommand::List(store) => return list(&store, global).await,
        SearchKeysCommand::Versions(of) => return versions(&of, global).await,
        SearchKeysCommand::Rewrap(args) => {
            let open = |aws: &Aws| args.store.open(aws, ()).stored_table();
            let (keys, command) = ([&*args.from, &*args.to], "search-keys rewrap");
            return rewrap(command, open, keys, &args.run, global).await;
        }
        SearchKeysCommand::DeleteVersion(args) => return delete_version(&args, global).await,
    }
    Ok(Exit::Done)
}

/// A branch: which versions are used, and from when. Times are in RFC 3339, UTC.
#[derive(Serialize)]
struct Listed {
    branch: String,
    /// The version that is written, or will be from `write_from` on.
    write: String,
    /// The other version that is searched for, during a rotation.
    also_search: Option<String>,
    write_from: Option<String>,
    cancelled: Option<String>,
    /// When `also_search` may be retired.
    retire_from: Option<String>,
    /// In seconds.
    max_age: u64,
    /// Whether `write` is written at this moment.
    #[serde(skip)]
    is_written: bool,
}

impl From<&SearchBranch> for Listed {
    fn from(branch: &SearchBranch) -> Self {
        Self {
            branch: branch.name().to_owned(),
            write: branch.write().to_string(),
            also_search: branch.also_search().map(|version| version.to_string()),
            write_from: branch.write_from().map(shown),
            cancelled: branch.cancelled().map(shown),
            retire_from: branch.retire_from().map(shown),
            max_age: branch.max_age().as_secs(),
            is_written: branch.written_at(SystemTime::now()) == branch.write(),
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}", self.branch.escape_debug(), self.write)?;
        if let Some(time) = &self.write_from {
            let is = if self.is_written { "written since" } else { "written from" };
            write!(f, "\t{is} {time}")?;
        }
        if let Some(time) = &self.cancelled {
            write!(f, "\trotation cancelled {time}")?;
        }
        let (Some(version), Some(time)) = (&self.also_search, &self.retire_from) else {
            return Ok(());
        };
        write!(f, "\talso searched {version}\tto retire from {time}")
    }
}

#[derive(Serialize)]
struct Retired {
    branch: String,
    /// The version, if there was one to retire.
    retired: Option<String>,
}

impl fmt::Display for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.retired {
            Some(version) => write!(f, "retired {version}"),
            None => f.write_str("one version is searched for: nothing was there to retire"),
        }
    }
}

async fn retire(args: RetireArgs, global: &Global, of_code: Option<SchemaFile>) -> Outcome {
    let aws = Aws::load(global).await?;
    let store = args.store.open(&aws, ());
    let retired = match &args.table {
        None => store.retire(&args.branch).await?,
        Some(name) => {
            let table = TableArgs {
                table: name.clone(),
                schema: args.schema.clone(),
                logical: Logical { logical: args.table_logical.clone() },
            };
            let table = table.open(&aws, of_code)?;
            let count = match &args.search_kms_key {
                Some(key) => {
                    let kms = KmsKeyProvider::new(aws.kms.clone(), key);
                    let keys = SearchKeys::branch(args.store.open(&aws, kms), &*args.branch);
                    table.stale(&keys)
                }
                None => table.stale_of(args.generation.iter().copied()),
            };
            match store.retire_unless_stale(&args.branch, [count]).await {
                Ok(retired) => retired,
                Err(RetireError::Stale(report)) => {
                    eprintln!("envelope: {}", RetireError::Stale(report));
                    return Ok(Exit::LeftOver);
                }
                Err(RetireError::Count(error)) => return Err(explained(error.kind())),
                Err(RetireError::Keys(error)) => return Err(error.into()),
                Err(error) => return Err(Failure::act_now(chain(&error))),
            }
        }
    };
    let retired = retired.map(|version| version.to_string());
    global.output.print(&Retired { branch: args.branch, retired })?;
    Ok(Exit::Done)
}

async fn list(store: &Store, global: &Global) -> Outcome {
    let aws = Aws::load(global).await?;
    let (mut branches, mut all) = (store.open(&aws, ()).list(), Branches::new());
    while let Some(branch) = branches.next().await {
        let listed = branch.map(|branch| (branch.name().to_owned(), Listed::from(&branch)));
        all.add(listed, SearchKeyError::key_error)?;
    }
    all.print(global)
}

async fn versions(of: &OneBranch, global: &Global) -> Outcome {
    let aws = Aws::load(global).await?;
    let versions = of.store.open(&aws, ()).versions(&of.branch).await?;
    let listed = versions.iter().map(|version| ListedVersion {
        version: version.version().to_string(),
        created: shown(version.created()),
        active: version.is_live(),
    });
    global.output.print(&Lines(listed.collect()))?;
    Ok(Exit::Done)
}

async fn delete_version(args: &DeleteVersion, global: &Global) -> Outcome {
    confirmed("--version", &args.version, &args.confirm)?;
    let version = version(&args.version, "search", "search-keys")?;
    let aws = Aws::load(global).await?;
    let table = args.of.store.open(&aws, ());
    let was_there = table.delete_version(&args.of.branch, version).await?;
    let branch = args.of.branch.clone();
    global.output.print(&Deleted { branch, versions: usize::from(was_there) })?;
    Ok(Exit::Done)
}
