//! Every version of a struct beside every other, as in a deployment that rolls: whatever one of
//! them protects, the other neither stores in the clear nor loses.

use std::pin::Pin;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::view_item;
use envelope_dynamo::record::Partition;
use envelope_dynamo::{Access, Envelope, ErrorKind, Table, View, from_item, to_item};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::setup::{Item, Setup, text};

/// What a version of the struct does with the field `secret`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Treats {
    /// It does not have the field.
    Nothing,
    Sealed,
    /// Sealed in a group.
    Grouped,
    Authenticated,
    Plain,
}

trait Version: Envelope<Key = Partition<String>> + std::fmt::Debug + Send + Sync + 'static {
    const TREATS: Treats;
    /// Whether serde both writes and reads the field.
    const IS_WHOLE: bool;
    fn new(id: &str, secret: &str) -> Self;
    fn secret(&self) -> Option<String>;
    /// What a view of the version shows of the field; `None` if the version does not leave it
    /// readable.
    fn view(item: Item) -> Option<Option<String>>;
    fn touch(&mut self);
    async fn count(table: &Table<Self>, id: &str);
}

macro_rules! versions {
    ($($name:ident: $treats:ident, $whole:literal, $secret:ident => $made:expr, $record:ident => $read:expr,
        $view:expr, { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "versions")]
        struct $name {
            #[partition_key]
            id: String,
            #[encrypted]
            note: String,
            #[plaintext]
            count: u64,
            $($(#[$attribute])* $field: $type,)*
        }

        impl Version for $name {
            const TREATS: Treats = Treats::$treats;
            const IS_WHOLE: bool = $whole;

            fn new(id: &str, $secret: &str) -> Self {
                Self { id: id.to_owned(), note: String::new(), count: 0, $($field: $made,)* }
            }

            fn secret(&self) -> Option<String> {
                let $record = self;
                $read
            }

            fn view(item: Item) -> Option<Option<String>> {
                let view: fn(Item) -> Option<Option<String>> = $view;
                view(item)
            }

            fn touch(&mut self) {
                self.note.push('!');
            }

            async fn count(table: &Table<Self>, id: &str) {
                table.update(id).add(|record| record.count, 1).send().await.expect("the record is counted");
            }
        }
    )*};
}

/// A view of a version that leaves the field readable.
macro_rules! views {
    ($($name:ident of $record:ident,)*) => {$(
        #[derive(Debug, View)]
        #[view(of = $record)]
        struct $name {
            secret: Option<String>,
        }

        impl $name {
            fn show(item: Item) -> Option<Option<String>> {
                Some(view_item::<Self>(item).expect("a view of any version's item").secret)
            }
        }
    )*};
}

views! {
    AuthenticatedView of Authenticated,
    AuthenticatedRenamedView of AuthenticatedRenamed,
    PlainView of Plain,
    PlainRenamedView of PlainRenamed,
}

fn hidden(_: Item) -> Option<Option<String>> {
    None
}

fn some(secret: &str) -> Option<String> {
    Some(secret.to_owned())
}

versions! {
    Bare: Nothing, true, _secret => (), _record => None, hidden, {}
    Sealed: Sealed, true, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] secret: Option<String>,
    }
    Renamed: Sealed, true, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] #[serde(rename = "renamed", alias = "secret")] secret: Option<String>,
    }
    Aliased: Sealed, true, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] #[serde(alias = "renamed")] secret: Option<String>,
    }
    LeftOut: Sealed, true, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] #[serde(skip_serializing_if = "Option::is_none")] secret: Option<String>,
    }
    OnlyRead: Sealed, false, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] #[serde(skip_serializing)] secret: Option<String>,
    }
    OnlyWritten: Sealed, false, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted] #[serde(skip_deserializing)] secret: Option<String>,
    }
    Accepting: Sealed, true, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted(accept = "plaintext")] #[serde(alias = "renamed")] secret: Option<String>,
    }
    AcceptingOnlyWritten: Sealed, false, secret => some(secret), record => record.secret.clone(), hidden, {
        #[encrypted(accept = "plaintext")] #[serde(skip_deserializing)] secret: Option<String>,
    }
    Group: Grouped, true, secret => Access::Granted(some(secret)), record => record.secret.clone().granted().flatten(), hidden, {
        #[encrypted(group = "g")] #[serde(default)] secret: Access<Option<String>>,
    }
    Authenticated: Authenticated, true, secret => some(secret), record => record.secret.clone(), AuthenticatedView::show, {
        #[authenticated] #[serde(skip_serializing_if = "Option::is_none")] secret: Option<String>,
    }
    AuthenticatedRenamed: Authenticated, true, secret => some(secret), record => record.secret.clone(), AuthenticatedRenamedView::show, {
        #[authenticated(accept = "plaintext")] #[serde(rename = "renamed", alias = "secret")] secret: Option<String>,
    }
    Plain: Plain, true, secret => some(secret), record => record.secret.clone(), PlainView::show, {
        #[plaintext] #[serde(skip_serializing_if = "Option::is_none")] secret: Option<String>,
    }
    PlainRenamed: Plain, true, secret => some(secret), record => record.secret.clone(), PlainRenamedView::show, {
        #[plaintext] #[serde(rename = "renamed", alias = "secret", skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    }
}

#[derive(Debug, PartialEq, View)]
#[view(of = Bare)]
struct Counted {
    id: String,
    count: u64,
}

/// Two versions of the struct, and one record of theirs.
struct Pair<'s> {
    setup: &'s Setup,
    id: String,
    secret: String,
    what: String,
}

impl Pair<'_> {
    async fn item(&self) -> Item {
        let key = Item::from([("id".to_owned(), AttributeValue::S(self.id.clone()))]);
        let get = self
            .setup
            .dynamodb
            .get_item()
            .table_name("versions")
            .set_key(Some(key))
            .consistent_read(true);
        get.send().await.expect("the item is read").item.expect("there is an item")
    }

    async fn read<T: Version>(&self) -> Result<Option<String>, envelope_dynamo::Error> {
        from_item::<T>(self.item().await, &self.setup.keys).await.map(|record| record.secret())
    }

    async fn modify<T: Version>(&self) {
        let table = self.setup.table::<T>().await;
        let changed = table.update(&*self.id).modify(T::touch).send().await;
        assert!(changed.expect(&self.what).is_some(), "{}", self.what);
    }

    fn is_in_the_clear(&self, item: &Item) -> bool {
        item.values().any(|value| value.as_s().is_ok_and(|text| *text == self.secret))
    }

    /// A view shows what `T` leaves readable, as it is, and nothing else.
    async fn assert_viewed<T: Version>(&self, expected: Option<String>) {
        if let Some(viewed) = T::view(self.item().await) {
            assert_eq!(viewed, expected, "{}", self.what);
        }
    }

    /// Whether `T` still finds what it wrote, though `Other` has changed the record meanwhile.
    async fn assert_not_lost<T: Version, Other: Version>(&self, before: Option<&str>) {
        match self.read::<T>().await {
            // `Other` says that nothing protects the field: `T` is told.
            Err(error) if Other::TREATS == Treats::Plain => {
                assert!(
                    matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))),
                    "{}: {error}",
                    self.what
                );
            }
            // It moved to a group that `T` does not have.
            Ok(None) if Other::TREATS == Treats::Grouped && T::TREATS != Treats::Grouped => {}
            read => assert_eq!(read.expect(&self.what).as_deref(), before, "{}", self.what),
        }
    }
}

/// A record that `W` wrote, and that `R` reads, stores, changes, counts and views.
async fn pair<W: Version, R: Version>(setup: &Setup, secret: String) {
    let what = format!("written by {}, then by {}", W::NAME, R::NAME);
    let pair = Pair { setup, id: format!("{}-{}", W::NAME, R::NAME), secret, what };
    let (writer, reader) = (setup.table::<W>().await, setup.table::<R>().await);
    writer.put(&W::new(&pair.id, &pair.secret)).send().await.expect(&pair.what);
    // A field that is not serialized was not stored, and one that is not deserialized is not read.
    let written = pair.read::<W>().await.expect(&pair.what);

    let read = match reader.get(&*pair.id).send().await {
        Ok(record) => record.expect("there is a record"),
        Err(error) => {
            // Nothing but a breach of marks keeps a version from reading, and then it changes
            // nothing.
            assert!(
                matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_)))
                    && W::TREATS == Treats::Plain,
                "{}: {error}",
                pair.what
            );
            let before = pair.item().await;
            reader.update(&*pair.id).modify(R::touch).send().await.expect_err(&pair.what);
            return assert_eq!(pair.item().await, before, "{}", pair.what);
        }
    };

    // Get and put.
    let put = to_item(&read, &setup.keys).await.expect(&pair.what);
    let shows = matches!(R::TREATS, Treats::Authenticated | Treats::Plain);
    assert!(shows || !pair.is_in_the_clear(&put), "{}", pair.what);
    let again = from_item::<R>(put, &setup.keys).await.expect(&pair.what);
    assert!(!R::IS_WHOLE || again.secret() == read.secret(), "{}", pair.what);

    // Update in place, and a view.
    R::count(&reader, &pair.id).await;
    assert_eq!(pair.read::<W>().await.expect(&pair.what), written, "{}", pair.what);
    let view: Counted = view_item(pair.item().await).expect(&pair.what);
    assert_eq!((view.id, view.count), (pair.id.clone(), 1));
    let was_readable = matches!(W::TREATS, Treats::Authenticated | Treats::Plain);
    pair.assert_viewed::<R>(read.secret().filter(|_| was_readable)).await;

    // Modify, again and again by turns.
    pair.modify::<R>().await;
    pair.assert_viewed::<R>(read.secret()).await;
    let item = pair.item().await;
    let stays = matches!(W::TREATS, Treats::Authenticated | Treats::Plain)
        && (read.secret().is_none() || !R::IS_WHOLE);
    assert!(shows || stays || !pair.is_in_the_clear(&item), "{}: {:?}", pair.what, item.keys());
    assert_eq!(pair.read::<R>().await.expect(&pair.what), read.secret(), "{}", pair.what);
    pair.assert_not_lost::<W, R>(written.as_deref()).await;
    if pair.read::<W>().await.is_ok_and(|read| read == written) {
        pair.modify::<W>().await;
        pair.modify::<R>().await;
        pair.assert_not_lost::<W, R>(written.as_deref()).await;
    }
}

/// On the heap, since the futures of all pairs have no room on the stack of a test.
fn boxed<'s, W: Version, R: Version>(
    setup: &'s Setup,
    secret: String,
) -> Pin<Box<dyn Future<Output = ()> + 's>> {
    Box::pin(pair::<W, R>(setup, secret))
}

macro_rules! every_pair {
    ($setup:ident $secret:ident [$($writer:ident)*] $readers:tt) => {$(
        every_pair!(@beside $setup $secret $writer $readers);
    )*};
    (@beside $setup:ident $secret:ident $writer:ident [$($reader:ident)*]) => {$(
        boxed::<$writer, $reader>(&$setup, $secret()).await;
    )*};
}

#[tokio::test]
async fn no_version_of_a_struct_exposes_or_loses_what_another_protects() {
    let setup = Setup::new().await;
    let mut runner = TestRunner::deterministic();
    let mut secret = || "secret \\PC{8,40}".new_tree(&mut runner).expect("a text").current();
    every_pair! { setup secret
        [Bare Sealed Renamed Aliased LeftOut OnlyRead OnlyWritten Accepting AcceptingOnlyWritten Group Authenticated
            AuthenticatedRenamed Plain PlainRenamed]
        [Bare Sealed Renamed Aliased LeftOut OnlyRead OnlyWritten Accepting AcceptingOnlyWritten Group Authenticated
            AuthenticatedRenamed Plain PlainRenamed]
    }
}

#[tokio::test]
async fn plaintext_is_accepted_only_where_no_name_of_the_field_is_protected() {
    let keys = envelope_dynamo::testing::TestKeyProvider::default();
    let accepting = Accepting { secret: None, ..Accepting::new("1", "") };
    for (mut item, planted) in [
        (to_item(&accepting, &keys).await.expect("sealed"), "renamed"),
        (to_item(&Sealed::new("1", "value"), &keys).await.expect("sealed"), "renamed"),
        (
            to_item(&Authenticated { secret: None, ..Authenticated::new("1", "") }, &keys)
                .await
                .expect("sealed"),
            "renamed",
        ),
    ] {
        item.insert(planted.to_owned(), text("forged"));
        let error = from_item::<Accepting>(item, &keys).await.expect_err("refused");
        let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
        assert_eq!(marks.attribute(), planted);
        assert!(error.to_string().contains("under another of its names"), "{error}");
    }
    let mut unprotected = to_item(&Bare::new("1", ""), &keys).await.expect("sealed");
    unprotected.insert("renamed".to_owned(), text("older"));
    assert_eq!(
        from_item::<Accepting>(unprotected, &keys).await.expect("accepted").secret.as_deref(),
        Some("older")
    );
}

#[tokio::test]
async fn plaintext_that_was_updated_under_its_own_name_is_read_from_there() {
    let keys = envelope_dynamo::testing::TestKeyProvider::default();
    let mut item = to_item(&Plain::new("1", "older"), &keys).await.expect("sealed");
    item.insert("renamed".to_owned(), text("newer"));
    assert_eq!(
        from_item::<PlainRenamed>(item, &keys).await.expect("read").secret.as_deref(),
        Some("newer")
    );
    let mut item = to_item(&Sealed::new("1", "older"), &keys).await.expect("sealed");
    item.insert("renamed".to_owned(), text("newer"));
    assert_eq!(
        from_item::<PlainRenamed>(item, &keys).await.expect("read").secret.as_deref(),
        Some("newer")
    );
}

mod withheld {
    use envelope_dynamo::error::UsageError;
    use envelope_dynamo::{Access, Envelope, ErrorKind, LocalKeyProvider, RootKey, to_item};

    #[derive(Clone, Debug, Envelope)]
    #[envelope(table = "withheld")]
    struct Hidden {
        #[partition_key]
        id: String,
        #[encrypted]
        sealed: Vec<Access<u8>>,
        #[plaintext]
        shown: Option<Access<u8>>,
        #[encrypted(group = "g")]
        inner: Access<Vec<Access<u8>>>,
    }

    #[tokio::test]
    async fn a_withheld_value_is_stored_nowhere_as_null() {
        let provider = LocalKeyProvider::new(RootKey::generate().expect("random bytes"));
        let granted =
            Hidden { id: "1".into(), sealed: vec![], shown: None, inner: Access::Granted(vec![]) };
        to_item(&granted, &provider).await.expect("nothing is withheld");
        for (attribute, record) in [
            ("sealed", Hidden { sealed: vec![Access::Withheld], ..granted.clone() }),
            ("shown", Hidden { shown: Some(Access::Withheld), ..granted.clone() }),
            ("inner", Hidden { inner: Access::Granted(vec![Access::Withheld]), ..granted }),
        ] {
            let error = to_item(&record, &provider).await.expect_err("refused");
            assert!(
                matches!(error.kind(), ErrorKind::Usage(UsageError::Serialize { .. })),
                "{error}"
            );
            let told = error.to_string();
            assert!(
                told.contains(attribute) && told.contains("withheld cannot be stored"),
                "{told}"
            );
        }
    }
}
