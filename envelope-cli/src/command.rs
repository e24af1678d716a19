//! The command with the record types of a program, and with what a backfill does to them.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use envelope_dynamo::item::{Entity, Item};
use envelope_dynamo::maintain::{Backfill, Converted, SchemaFile};
use envelope_dynamo::{Envelope, KeyProvider};

use crate::exit::Exit;
use crate::failure::{Failure, reported};
use crate::records::{Place, RecordType, Records};
use crate::{args, commands};

/// The command of a program: its record types, and what a backfill does to their items.
///
/// [`main_with`](crate::main_with) is the short form for record types alone.
///
/// ```no_run
/// use envelope_dynamo::Envelope;
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// fn main() -> std::process::ExitCode {
///     envelope_cli::Command::new()
///         .records::<(User,)>()
///         .transform(|user: &mut User| user.email.make_ascii_lowercase())
///         .main()
/// }
/// ```
#[derive(Default)]
#[must_use = "the command does nothing until `main`"]
pub struct Command {
    /// `None` if the command has no record types.
    schema: Option<SchemaFile>,
    types: Vec<RecordType>,
    settings: Vec<Setting>,
}

/// What a backfill does to the items of one type.
struct Setting {
    /// The logical name of the table of the type.
    table: &'static str,
    entity: &'static str,
    apply: Box<Apply>,
}

type Apply = dyn FnOnce(Backfill, &SdkConfig) -> Backfill;

impl Command {
    /// The command without record types, for the tables of a schema file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the record types, of one table or of several.
    ///
    /// # Panics
    ///
    /// If two different structs have one name.
    pub fn records<R: Records>(mut self) -> Self {
        self.schema = Some(R::schema());
        self.types = R::types();
        self
    }

    /// `backfill` changes each record of type `T` before it seals it; see
    /// [`Table::backfill_with`](envelope_dynamo::Table::backfill_with).
    pub fn transform<T: Entity + 'static>(
        self,
        transform: impl Fn(&mut T) + Send + Sync + 'static,
    ) -> Self {
        let apply = |backfill: Backfill, _: &SdkConfig| backfill.transform(transform);
        self.with_setting::<T>(apply)
    }

    /// `backfill` reads items of another program as records of type `T`, by the function that
    /// `reader` returns; see [`Table::backfill_from`](envelope_dynamo::Table::backfill_from).
    ///
    /// `reader` gets the configuration of the AWS SDK, with region and profile as the arguments
    /// name them, to make the clients that the function needs.
    ///
    /// ```no_run
    /// use envelope_dynamo::Envelope;
    /// use envelope_dynamo::item::Item;
    /// use envelope_dynamo::maintain::Converted;
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    /// }
    ///
    /// async fn read(
    ///     kms: aws_sdk_kms::Client,
    ///     item: Item,
    /// ) -> Result<Option<Converted<User>>, std::io::Error> {
    ///     # drop((kms, item));
    ///     # Ok(None)
    ///     // decrypt as the other program does it
    /// }
    ///
    /// fn main() -> std::process::ExitCode {
    ///     envelope_cli::Command::new()
    ///         .records::<(User,)>()
    ///         .convert(|aws| {
    ///             let kms = aws_sdk_kms::Client::new(aws);
    ///             move |item| read(kms.clone(), item)
    ///         })
    ///         .main()
    /// }
    /// ```
    pub fn convert<T, Read, Fut, E>(self, reader: impl FnOnce(&SdkConfig) -> Read + 'static) -> Self
    where
        T: Entity + 'static,
        Read: Fn(Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Converted<T>>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let apply = |backfill: Backfill, aws: &SdkConfig| backfill.convert(reader(aws));
        self.with_setting::<T>(apply)
    }

    fn with_setting<T: Entity>(
        mut self,
        apply: impl FnOnce(Backfill, &SdkConfig) -> Backfill + 'static,
    ) -> Self {
        let (table, entity) = (T::First::TABLE, T::First::NAME);
        self.settings.push(Setting { table, entity, apply: Box::new(apply) });
        self
    }

    /// Runs the command with the arguments of this process.
    ///
    /// Return what it returns from `main`: the exit code is part of the interface, see [`Exit`].
    #[must_use]
    pub fn main(self) -> ExitCode {
        self.run(std::env::args_os()).into()
    }

    /// Runs the command with these arguments, of which the first is its name.
    ///
    /// It starts threads of its own, and must not be called in a task of Tokio.
    pub fn run(self, arguments: impl IntoIterator<Item = OsString>) -> Exit {
        match args::parse(arguments, self.schema.is_some()) {
            Ok(args) => reported(commands::run(args, self)),
            Err(error) => {
                // Help and version go to stdout, mistakes to stderr. A closed pipe is not reported.
                let _ = error.print();
                if error.use_stderr() { Exit::ActNow } else { Exit::Done }
            }
        }
    }

    /// The schema of the record types.
    pub(crate) const fn schema(&self) -> Option<&SchemaFile> {
        self.schema.as_ref()
    }

    /// Checks that there is a record type of the table of each setting.
    pub(crate) fn check_settings(&self) -> Result<(), Failure> {
        let is_lost = |setting: &&Setting| self.types.iter().all(|ty| ty.table != setting.table);
        match self.settings.iter().find(is_lost) {
            None => Ok(()),
            Some(Setting { entity, .. }) => Err(Failure::act_now(format!(
                "this command has a transform or a conversion of {entity}, which is none of its \
                 record types: add it to `records`"
            ))),
        }
    }

    /// A backfill of the record types of the table `logical` in this `place`; `None` if there are
    /// none.
    pub(crate) fn backfill(
        self,
        logical: &str,
        place: &Place<'_>,
        aws: &SdkConfig,
        dynamodb: Client,
        keys: Arc<dyn KeyProvider>,
    ) -> Option<Backfill> {
        let mut types = self.types.iter().filter(|ty| ty.table == logical);
        let first = types.next()?;
        let backfill = (first.backfill)(dynamodb, keys, place);
        let backfill = types.fold(backfill, |backfill, ty| (ty.join)(backfill));
        let settings = self.settings.into_iter().filter(|setting| setting.table == logical);
        Some(settings.fold(backfill, |backfill, setting| (setting.apply)(backfill, aws)))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("types", &self.types).finish_non_exhaustive()
    }
}
