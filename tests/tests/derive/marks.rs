//! Records outlive structs: every change of a field's mark, and how an attacker could use it.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::{Envelope, Error, ErrorKind, from_item, to_item};
use envelope_tests::{Item, local_keys, text};

async fn write<T: Envelope>(record: &T) -> Item {
    to_item(record, &local_keys(7)).await.unwrap()
}

async fn read<T: Envelope>(item: &Item) -> Result<T, Error> {
    from_item(item.clone(), &local_keys(7)).await
}

/// One version of a struct: `f` is the field whose mark changes.
macro_rules! versions {
    ($($name:ident { $($(#[$mark:meta])+ $field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Envelope)]
            #[envelope(table = "people")]
            struct $name {
                #[partition_key]
                id: String,
                #[encrypted]
                anchor: String,
                $($(#[$mark])+ $field: $type,)*
            }
        )*
    };
}

versions! {
    Without {}
    Encrypted { #[encrypted] f: String }
    Authenticated { #[authenticated] f: String }
    Plaintext { #[plaintext] f: String }

    OptionalEncrypted { #[encrypted] #[serde(skip_serializing_if = "Option::is_none")] f: Option<String> }
    OptionalAuthenticated { #[authenticated] #[serde(skip_serializing_if = "Option::is_none")] f: Option<String> }
    OptionalPlaintext { #[plaintext] #[serde(skip_serializing_if = "Option::is_none")] f: Option<String> }

    EncryptedOrPlaintext { #[encrypted(accept = "plaintext")] f: String }
    AuthenticatedOrPlaintext { #[authenticated(accept = "plaintext")] f: String }

    RenamedEncrypted { #[encrypted] #[serde(rename = "g", alias = "f")] f: String }
    RenamedAuthenticated { #[authenticated] #[serde(rename = "g", alias = "f")] f: String }
    RenamedPlaintext { #[plaintext] #[serde(rename = "g", alias = "f")] f: String }
}

macro_rules! record {
    ($name:ident $(, $f:expr)?) => {
        $name { id: "p_1".into(), anchor: "anchor".into(), $(f: $f)? }
    };
}

/// Writes `$from`, reads `$to`, and expects the field to arrive.
macro_rules! arrives {
    ($($test:ident: $from:ident => $to:ident;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let item = write(&record!($from, "value".into())).await;
                assert_eq!(read::<$to>(&item).await.unwrap().f, record!($to, "value".into()).f);
            }
        )*
    };
}

arrives! {
    encrypted_stays: Encrypted => Encrypted;
    authenticated_stays: Authenticated => Authenticated;
    plaintext_stays: Plaintext => Plaintext;
    encrypted_becomes_plaintext: Encrypted => Plaintext;
    encrypted_becomes_authenticated: Encrypted => Authenticated;
    authenticated_becomes_encrypted: Authenticated => Encrypted;
    authenticated_becomes_plaintext: Authenticated => Plaintext;
    plaintext_becomes_encrypted_where_that_is_accepted: Plaintext => EncryptedOrPlaintext;
    plaintext_becomes_authenticated_where_that_is_accepted: Plaintext => AuthenticatedOrPlaintext;
    encrypted_is_renamed: Encrypted => RenamedEncrypted;
    authenticated_is_renamed: Authenticated => RenamedAuthenticated;
    plaintext_is_renamed: Plaintext => RenamedPlaintext;
    encrypted_is_renamed_and_becomes_authenticated: Encrypted => RenamedAuthenticated;
    authenticated_is_renamed_and_becomes_encrypted: Authenticated => RenamedEncrypted;
}

#[track_caller]
fn assert_marks(error: &Error, attribute: &str, encrypted: &[&str], authenticated: &[&str]) {
    let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else {
        panic!("not about marks: {error}")
    };
    assert_eq!(marks.attribute(), attribute);
    assert_eq!(marks.written().encrypted, encrypted);
    assert_eq!(marks.written().authenticated, authenticated);
}

#[tokio::test]
async fn plaintext_does_not_become_encrypted_or_authenticated_unasked() {
    let item = write(&record!(Plaintext, "value".into())).await;
    let error = read::<Encrypted>(&item).await.unwrap_err();
    assert_marks(&error, "f", &["anchor"], &[]);
    assert_eq!(
        error.to_string(),
        "people[id=p_1]: `f` is marked #[encrypted], but the record was written with it unprotected, so anybody could \
         have changed the value (to read such records during a migration: #[encrypted(accept = \"plaintext\")]); written \
         with encrypted [anchor], authenticated []"
    );
    assert_marks(&read::<Authenticated>(&item).await.unwrap_err(), "f", &["anchor"], &[]);
    assert_marks(&read::<OptionalEncrypted>(&item).await.unwrap_err(), "f", &["anchor"], &[]);
    assert_marks(&read::<OptionalAuthenticated>(&item).await.unwrap_err(), "f", &["anchor"], &[]);
    assert_marks(&read::<RenamedEncrypted>(&item).await.unwrap_err(), "f", &["anchor"], &[]);
}

#[tokio::test]
async fn a_field_can_be_added_and_removed() {
    let old = write(&record!(Without)).await;
    assert_eq!(read::<OptionalEncrypted>(&old).await.unwrap().f, None);
    assert_eq!(read::<OptionalAuthenticated>(&old).await.unwrap().f, None);
    assert_eq!(read::<OptionalPlaintext>(&old).await.unwrap().f, None);
    let error = read::<Encrypted>(&old).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "people[id=p_1]: the record does not fit the struct: missing field `f` (a field newer than the data must be an \
         Option, or have #[serde(default)]; a renamed field needs #[serde(alias = \"its old name\")])"
    );

    for item in [
        write(&record!(Encrypted, "value".into())).await,
        write(&record!(Authenticated, "value".into())).await,
        write(&record!(Plaintext, "value".into())).await,
    ] {
        assert_eq!(read::<Without>(&item).await.unwrap(), record!(Without));
    }
}

/// A field cannot be added to a record that was written before the field existed.
#[tokio::test]
async fn nobody_can_add_a_protected_field_to_a_record_that_was_written_without_it() {
    for mut item in [
        write(&record!(Without)).await,
        write(&record!(OptionalEncrypted, None)).await,
        write(&record!(OptionalPlaintext, None)).await,
    ] {
        item.insert("f".into(), text("forged"));
        assert!(matches!(
            read::<OptionalEncrypted>(&item).await.unwrap_err().kind(),
            ErrorKind::Usage(UsageError::Marks(_))
        ));
        assert!(matches!(
            read::<OptionalAuthenticated>(&item).await.unwrap_err().kind(),
            ErrorKind::Usage(UsageError::Marks(_))
        ));
    }
    let mut item = write(&record!(OptionalAuthenticated, None)).await;
    item.insert("f".into(), text("forged"));
    let error = read::<OptionalAuthenticated>(&item).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })),
        "its absence was authenticated: {error}"
    );
    assert!(matches!(
        read::<OptionalEncrypted>(&item).await.unwrap_err().kind(),
        ErrorKind::Data(DataError::NotAuthentic { .. })
    ));
}

/// `accept = "plaintext"` does not help to forge a record that was written with the field
/// protected.
#[tokio::test]
async fn accepting_plaintext_does_not_weaken_records_that_were_written_protected() {
    let mut sealed = write(&record!(Encrypted, "value".into())).await;
    sealed.insert("f".into(), text("forged"));
    assert_marks(
        &read::<EncryptedOrPlaintext>(&sealed).await.unwrap_err(),
        "f",
        &["anchor", "f"],
        &[],
    );

    let mut absent = write(&record!(OptionalEncrypted, None)).await;
    absent.insert("f".into(), text("forged"));
    assert_marks(
        &read::<EncryptedOrPlaintext>(&absent).await.unwrap_err(),
        "f",
        &["anchor", "f"],
        &[],
    );

    let mut authenticated = write(&record!(Authenticated, "value".into())).await;
    authenticated.insert("f".into(), text("forged"));
    let error = read::<AuthenticatedOrPlaintext>(&authenticated).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

#[tokio::test]
async fn a_plaintext_copy_of_a_protected_field_is_refused() {
    let mut item = write(&record!(Encrypted, "value".into())).await;
    item.insert("f".into(), text("forged"));
    let error = read::<Encrypted>(&item).await.unwrap_err();
    assert_marks(&error, "f", &["anchor", "f"], &[]);
    assert!(error.to_string().contains("but the item also has it in plaintext"), "{error}");
    assert_marks(&read::<Authenticated>(&item).await.unwrap_err(), "f", &["anchor", "f"], &[]);
}

/// A field that was sealed and is plaintext now may have been updated in place since.
#[tokio::test]
async fn a_field_that_became_plaintext_is_read_from_where_it_was_last_written() {
    let mut item = write(&record!(Encrypted, "sealed".into())).await;
    item.insert("f".into(), text("updated in place"));
    assert_eq!(read::<Plaintext>(&item).await.unwrap().f, "updated in place");
}

#[tokio::test]
async fn an_authenticated_field_that_became_plaintext_and_was_updated_in_place_says_so() {
    let mut item = write(&record!(Authenticated, "value".into())).await;
    item.insert("f".into(), text("updated in place"));
    let error = read::<Plaintext>(&item).await.unwrap_err();
    let ErrorKind::Data(DataError::NotAuthentic { authenticated, now_plaintext }) = error.kind()
    else {
        panic!("{error}")
    };
    assert_eq!(
        (authenticated.as_slice(), now_plaintext.as_slice()),
        (&["f".to_owned()][..], &["f".to_owned()][..])
    );
    assert_eq!(
        error.to_string(),
        "people[id=p_1]: not authentic: the record was changed, moved from another place, or sealed under another key; \
         the record names as authenticated [f] (the struct marks [f] #[plaintext] now: was the record updated in place?)"
    );
}

#[tokio::test]
async fn an_authenticated_attribute_cannot_be_removed() {
    let mut item = write(&record!(OptionalAuthenticated, Some("value".into()))).await;
    item.remove("f");
    let error = read::<OptionalAuthenticated>(&item).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

#[tokio::test]
async fn a_record_read_under_new_marks_is_written_under_them() {
    let item = write(&record!(Plaintext, "value".into())).await;
    let record = read::<EncryptedOrPlaintext>(&item).await.unwrap();
    let item = write(&record).await;
    assert!(!item.contains_key("f"), "what is encrypted now no longer stands in the clear");
    assert_eq!(read::<Encrypted>(&item).await.unwrap().f, "value");
}

mod strict {
    use super::{DataError, Envelope, ErrorKind, read, text, write};

    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "people")]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[partition_key]
        id: String,
        #[encrypted]
        anchor: String,
    }

    #[tokio::test]
    async fn unknown_attributes_are_an_error_where_serde_is_told_so() {
        let mut item = write(&Strict { id: "p_1".into(), anchor: "x".into() }).await;
        assert!(read::<Strict>(&item).await.is_ok());
        item.insert("ttl".into(), text("1"));
        let error = read::<Strict>(&item).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::Deserialize { .. })), "{error}");
    }
}

mod forged_by_a_writer {
    //! What somebody can write who has the key, but no intention to keep to the format.

    use aws_sdk_dynamodb::primitives::Blob;
    use envelope_core::{Content, Context, FieldWriter, Sealed, Value, seal_payload};

    use super::{
        AttributeValue, Authenticated, ErrorKind, Item, UsageError, local_keys, read, text,
    };

    async fn sealed(authenticated: &str) -> Item {
        let context = Context::new("people")
            .partition_key("id", Value::string("p_1"))
            .authenticated(authenticated, Some(Value::string("value")))
            .unwrap();
        let mut fields = FieldWriter::new(64, []);
        fields.field("anchor", "anchor").unwrap();
        fields.field(authenticated, "sealed").unwrap();
        let Sealed { encrypted_payload, encrypted_dek } =
            seal_payload(fields.finish(), Content::Record, &context, &local_keys(7)).await.unwrap();
        Item::from([
            ("id".to_owned(), text("p_1")),
            (authenticated.to_owned(), text("value")),
            ("encrypted_payload".to_owned(), AttributeValue::B(Blob::new(encrypted_payload))),
            ("encrypted_dek".to_owned(), AttributeValue::B(Blob::new(encrypted_dek))),
        ])
    }

    #[tokio::test]
    async fn a_field_that_is_both_sealed_and_authenticated_is_refused() {
        let error = read::<Authenticated>(&sealed("f").await).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
        assert!(error.to_string().contains("both sealed and readable"), "{error}");
    }

    /// Names come from the table, and errors are written to logs.
    #[tokio::test]
    async fn a_name_from_storage_cannot_break_a_log_line() {
        let name = format!("f\nERROR forged {}", "x".repeat(10_000));
        let error = read::<Authenticated>(&sealed(&name).await).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains("f\\nERROR forged") && !message.contains('\n'), "{message}");
        assert!(message.len() < 1_500, "{} bytes", message.len());
        let mut item = sealed(&name).await;
        item.insert("id".into(), text("p_2\n"));
        let message = read::<Authenticated>(&item).await.unwrap_err().to_string();
        assert!(!message.contains('\n') && message.len() < 1_500, "{message}");
    }
}
