//! `envelope branch-keys`: creates, rotates, lists, moves and deletes branch keys.

use std::fmt;

use clap::{Args, Subcommand};
use envelope_dynamo::BranchKeyTable;
use envelope_dynamo::keys::{Branch, BranchKeyError, BranchVersion, KmsKeyWrapper};
use serde::Serialize;

use crate::args::Global;
use crate::aws::Aws;
use crate::commands::key_tables::{
    Branches, Created, Deleted, Lines, ListedVersion, confirmed, rewrap, shown, version,
};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, chain};
use crate::run::RunArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum BranchKeysCommand {
    /// Create the table of branch keys, with on-demand billing
    CreateTable(Store),

    /// Create a branch and the first version of its key
    Create(Wrapping),

    /// Give a branch a new version of its key
    Rotate(Wrapping),

    /// List the branches
    List(Store),

    /// List the versions of a branch's key, the oldest first
    Versions(OneBranch),

    /// Move the keys of all branches from one KMS key to another
    ///
    /// Only KMS sees the branch keys. The records do not change.
    Rewrap(Box<BranchRewrapArgs>),

    /// Delete one version of a branch's key: its records can never be read again
    DeleteVersion(DeleteVersion),

    /// Delete a branch with all versions: its records can never be read again
    Delete(Delete),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Store {
    /// The table of branch keys, by its physical name
    #[arg(long, value_name = "NAME", default_value = "branch-keys")]
    branch_keys: String,

    /// The logical name of the table, to which every branch key is bound
    #[arg(long, value_name = "NAME", default_value = "branch-keys")]
    logical: String,
}

impl Store {
    fn open<P>(&self, aws: &Aws, provider: P) -> BranchKeyTable<P> {
        let table = BranchKeyTable::new(aws.dynamodb.clone(), &*self.logical, provider);
        table.named(&*self.branch_keys)
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

    /// The KMS key that wraps the branch key
    #[arg(long, value_name = "KEY")]
    kms_key: String,
}

#[derive(Args, Debug)]
pub(crate) struct BranchRewrapArgs {
    #[command(flatten)]
    store: Store,

    /// The KMS key that wraps the branch keys now: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    from: String,

    /// The KMS key that shall wrap them: ARN, or alias without --part
    #[arg(long, value_name = "KEY")]
    to: String,

    #[command(flatten)]
    run: RunArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DeleteVersion {
    #[command(flatten)]
    of: OneBranch,

    /// The version to delete, which is not the active one
    #[arg(long, value_name = "UUID")]
    version: String,

    /// The version again: nothing brings its records back
    #[arg(long, value_name = "UUID")]
    confirm: String,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    of: OneBranch,

    /// The branch again: nothing brings its records back
    #[arg(long, value_name = "NAME")]
    confirm: String,
}

impl From<BranchKeyError> for Failure {
    fn from(error: BranchKeyError) -> Self {
        let text = chain(&error);
        if error.is_retryable() { Self::try_again(text) } else { Self::act_now(text) }
    }
}

pub(crate) async fn run(command: BranchKeysCommand, global: &Global) -> Outcome {
    match command {
        BranchKeysCommand::CreateTable(store) => {
            let aws = Aws::load(global).await?;
            let table = store.open(&aws, ());
            table.create_table().await?;
            global.output.print(&Created { table: table.name().to_owned() })?;
        }
        BranchKeysCommand::Create(args) => {
            let (branch, version) = make(&args, global, false).await?;
            global.output.print(&Version::new(branch, version))?;
        }
        BranchKeysCommand::Rotate(args) => {
            let (branch, version) = make(&args, global, true).await?;
            global.output.print(&Version::new(branch, version))?;
        }
        BranchKeysCommand::List(store) => return list(&store, global).await,
        BranchKeysCommand::Versions(of) => return versions(&of, global).await,
        BranchKeysCommand::Rewrap(args) => {
            let open = |aws: &Aws| args.store.open(aws, ()).stored_table();
            let (keys, command) = ([&*args.from, &*args.to], "branch-keys rewrap");
            return rewrap(command, open, keys, &args.run, global).await;
        }
        BranchKeysCommand::DeleteVersion(args) => return delete_version(&args, global).await,
        BranchKeysCommand::Delete(args) => return delete(&args, global).await,
    }
    Ok(Exit::Done)
}

/// Makes the first version of a branch, or another one.
async fn make<'a>(
    args: &'a Wrapping,
    global: &Global,
    is_rotation: bool,
) -> Result<(&'a str, BranchVersion), Failure> {
    let aws = Aws::load(global).await?;
    let wrapper = KmsKeyWrapper::new(aws.kms.clone(), &*args.kms_key);
    let (table, branch) = (args.of.store.open(&aws, wrapper), &*args.of.branch);
    let made = match is_rotation {
        true => table.rotate(branch).await,
        false => table.create(branch).await,
    };
    Ok((branch, made?))
}

/// The version under which a branch's records are written from now on.
#[derive(Serialize)]
struct Version {
    branch: String,
    version: String,
}

impl Version {
    fn new(branch: &str, version: BranchVersion) -> Self {
        Self { branch: branch.to_owned(), version: version.to_string() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)
    }
}

#[derive(Serialize)]
struct Listed {
    branch: String,
    /// `None` while the branch is being deleted.
    active_version: Option<String>,
}

impl From<&Branch> for Listed {
    fn from(branch: &Branch) -> Self {
        let active_version = branch.active().map(|version| version.to_string());
        Self { branch: branch.name().to_owned(), active_version }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.active_version.as_deref();
        write!(f, "{}\t{}", self.branch.escape_debug(), version.unwrap_or("(being deleted)"))
    }
}

async fn list(store: &Store, global: &Global) -> Outcome {
    let aws = Aws::load(global).await?;
    let (mut branches, mut all) = (store.open(&aws, ()).list(), Branches::new());
    while let Some(branch) = branches.next().await {
        let listed = branch.map(|branch| (branch.name().to_owned(), Listed::from(&branch)));
        all.add(listed, BranchKeyError::key_error)?;
    }
    all.print(global)
}

async fn versions(of: &OneBranch, global: &Global) -> Outcome {
    let aws = Aws::load(global).await?;
    let versions = of.store.open(&aws, ()).versions(&of.branch).await?;
    let listed = versions.iter().map(|version| ListedVersion {
        version: version.version().to_string(),
        created: shown(version.created()),
        active: version.is_active(),
    });
    global.output.print(&Lines(listed.collect()))?;
    Ok(Exit::Done)
}

async fn delete_version(args: &DeleteVersion, global: &Global) -> Outcome {
    confirmed("--version", &args.version, &args.confirm)?;
    let version = version(&args.version, "branch", "branch-keys")?;
    let aws = Aws::load(global).await?;
    let table = args.of.store.open(&aws, ());
    let was_there = table.delete_version(&args.of.branch, version).await?;
    let branch = args.of.branch.clone();
    global.output.print(&Deleted { branch, versions: usize::from(was_there) })?;
    Ok(Exit::Done)
}

async fn delete(args: &Delete, global: &Global) -> Outcome {
    confirmed("--branch", &args.of.branch, &args.confirm)?;
    let aws = Aws::load(global).await?;
    let versions = args.of.store.open(&aws, ()).delete(&args.of.branch).await?;
    global.output.print(&Deleted { branch: args.of.branch.clone(), versions })?;
    Ok(Exit::Done)
}
