//! The schema file: what it says of a struct, and what it finds in a change.

use std::time::{Duration, UNIX_EPOCH};
use std::{env, fs};

use envelope_dynamo::maintain::{Change, Effect, SchemaFile, SchemaFileError};
use envelope_dynamo::{Access, Envelope, assert_schema};

/// A struct `User` in a module of its own, so that versions of it can be compared.
macro_rules! version {
    ($module:ident: $(#[$attribute:meta])* { $($fields:tt)* }) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            #[derive(Envelope)]
            $(#[$attribute])*
            #[allow(dead_code)]
            pub(super) struct User { $($fields)* }
        }
    };
}

version!(plain: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});

/// What the change from `Old` to `New` does, and where.
fn changes<Old: Envelope, New: Envelope>() -> Vec<(Effect, String)> {
    let changes = SchemaFile::new().with::<New>().changes_since(&SchemaFile::new().with::<Old>());
    changes.iter().map(|change| (change.effect(), change.place())).collect()
}

/// The only change from `Old` to `New`.
fn change<Old: Envelope, New: Envelope>() -> Change {
    let new = SchemaFile::new().with::<New>();
    let mut changes = new.changes_since(&SchemaFile::new().with::<Old>());
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes.remove(0)
}

#[test]
fn the_same_struct_has_no_changes() {
    assert_eq!(changes::<plain::User, plain::User>(), []);
}

version!(readable: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[plaintext] email: String,
    #[plaintext] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn a_field_that_is_less_protected_needs_a_reason() {
    let less = Effect::LessProtected;
    assert_eq!(
        changes::<plain::User, readable::User>(),
        [(less, "User.email".to_owned()), (less, "User.plan".to_owned())]
    );

    let before = SchemaFile::new().with::<plain::User>();
    let now = with_reasons::<readable::User>(r#"{"email": "published since 2026"}"#);
    assert_eq!(places(&now, &before), ["User.plan"]);
    let no_reason = with_reasons::<readable::User>(r#"{"email": " "}"#);
    assert_eq!(places(&no_reason, &before), ["User.email", "User.plan"]);
}

#[test]
fn a_reason_excuses_one_change_and_no_later_one() {
    let reasons = r#"{"email": "published since 2026", "plan": "not secret"}"#;
    let before = with_reasons::<plain::User>(reasons);
    let now = with_reasons::<readable::User>(reasons);
    assert_eq!(places(&now, &before), ["User.email", "User.plan"]);
    let now = with_reasons::<readable::User>(
        r#"{"email": "published again since 2027", "plan": "not secret"}"#,
    );
    assert_eq!(places(&now, &before), ["User.plan"]);
}

/// The schema of a struct, with reasons that a person wrote.
fn with_reasons<T: Envelope>(reasons: &str) -> SchemaFile {
    let text = SchemaFile::new().with::<T>().to_string();
    let end = "\n    }\n  }\n}\n";
    text.replace(end, &format!(",\n      \"reasons\": {reasons}{end}")).parse().unwrap()
}

fn places(now: &SchemaFile, before: &SchemaFile) -> Vec<String> {
    now.changes_since(before).iter().map(Change::place).collect()
}

version!(accepting: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted(accept = "plaintext")] email: String,
    #[authenticated(accept = "plaintext")] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn a_field_that_becomes_protected_must_accept_plaintext() {
    let refused = Effect::Refused;
    assert_eq!(
        changes::<readable::User, plain::User>(),
        [(refused, "User.email".to_owned()), (refused, "User.plan".to_owned())]
    );
    assert_eq!(changes::<readable::User, accepting::User>(), []);
}

#[test]
fn plaintext_is_no_longer_accepted_with_a_reason() {
    let refused = Effect::Refused;
    assert_eq!(
        changes::<accepting::User, plain::User>(),
        [(refused, "User.email".to_owned()), (refused, "User.plan".to_owned())]
    );
    let before = SchemaFile::new().with::<accepting::User>();
    let now = with_reasons::<plain::User>(
        r#"{"email": "all sealed on 1 May", "plan": "all sealed on 1 May"}"#,
    );
    assert_eq!(now.changes_since(&before), []);
}

version!(renamed: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] mail: String,
    #[authenticated] plan: String,
    #[plaintext] memo: Option<String>,
});
version!(renamed_with_alias: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] #[serde(alias = "email")] mail: String,
    #[authenticated] plan: String,
    #[plaintext] #[serde(alias = "note")] memo: Option<String>,
});

#[test]
fn a_field_is_renamed_with_an_alias() {
    assert_eq!(
        changes::<plain::User, renamed::User>(),
        [
            (Effect::Refused, "User.mail".to_owned()),
            (Effect::MayLoseValues, "User.memo".to_owned())
        ]
    );
    let new = SchemaFile::new().with::<renamed::User>();
    let found = new.changes_since(&SchemaFile::new().with::<plain::User>());
    assert!(found[0].repair().contains("#[serde(alias = \"email\")]"), "{}", found[0]);
    assert!(found[1].repair().contains("#[serde(alias = \"note\")]"), "{}", found[1]);
    assert_eq!(changes::<plain::User, renamed_with_alias::User>(), []);
}

#[test]
fn an_alias_is_taken_away_with_a_reason() {
    assert_eq!(
        changes::<renamed_with_alias::User, renamed::User>(),
        [
            (Effect::Refused, "User.mail".to_owned()),
            (Effect::MayLoseValues, "User.memo".to_owned())
        ]
    );
    let before = SchemaFile::new().with::<renamed_with_alias::User>();
    let now = with_reasons::<renamed::User>(
        r#"{"mail": "all renamed on 1 May", "memo": "all renamed on 1 May"}"#,
    );
    assert_eq!(now.changes_since(&before), []);
}

version!(wider: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
    #[encrypted] phone: String,
});
version!(wider_by_default: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
    #[encrypted] #[serde(default)] phone: String,
    #[encrypted] fax: Option<String>,
});
version!(note_required: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: String,
});

#[test]
fn a_new_field_must_be_optional() {
    let change = change::<plain::User, wider::User>();
    assert_eq!((change.effect(), change.place()), (Effect::Refused, "User.phone".to_owned()));
    assert_eq!(changes::<plain::User, wider_by_default::User>(), []);
    assert_eq!(changes::<wider::User, plain::User>(), [], "a removed field is ignored");
    assert_eq!(
        changes::<plain::User, note_required::User>(),
        [(Effect::Refused, "User.note".to_owned())]
    );
}

version!(other_table: #[envelope(table = "people")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(other_context: #[envelope(table = "users", kms_context = "hashed", context(purpose = "pii"))] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] #[encryption_context] plan: String,
    #[plaintext] note: Option<String>,
});
version!(other_key: #[envelope(table = "users")] {
    #[partition_key] id: u64,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(other_kind: #[envelope(table = "users", entity(kind = "user"))] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[sort_key] day: String,
    #[encrypted] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn what_records_are_bound_to_does_not_change() {
    let does_not_open = |count| vec![(Effect::DoesNotOpen, "User".to_owned()); count];
    assert_eq!(changes::<plain::User, other_table::User>(), does_not_open(1));
    assert_eq!(changes::<plain::User, other_context::User>(), does_not_open(3));
    assert_eq!(changes::<plain::User, other_key::User>(), does_not_open(1));
    assert_eq!(changes::<plain::User, other_kind::User>(), does_not_open(2));
    let change = change::<plain::User, other_table::User>();
    assert_eq!(
        change.to_string(),
        "User: the logical table name was \"users\" and is now \"people\"; every stored record is bound to it\n  \
         repair: keep `table = \"users\"`, and name the physical table with `Table::named`"
    );
}

version!(composed: #[envelope(table = "users")] #[partition_key(name = "pk", format = "USER#{id}#{number:08}")] {
    #[key] #[serde(rename = "userId")] id: String,
    #[key] number: u32,
    #[encrypted] email: String,
});
version!(composed_otherwise: #[envelope(table = "users")] #[partition_key(name = "pk", format = "USER#{id}/{number:08}")] {
    #[key] #[serde(rename = "userId")] id: String,
    #[key] number: u32,
    #[encrypted] email: String,
});

#[test]
fn the_format_of_a_composed_key_is_part_of_the_schema() {
    let text = SchemaFile::new().with::<composed::User>().to_string();
    assert!(text.contains(r#""format": "USER#{userId}#{number:08}""#), "{text}");
    assert!(text.contains(r#""type": "S""#), "{text}");
    let change = change::<composed::User, composed_otherwise::User>();
    assert_eq!(change.effect(), Effect::DoesNotOpen);
}

version!(grouped: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted(group = "mail")] email: Access<String>,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(grouped_otherwise: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted(group = "contact")] email: Access<String>,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn a_field_that_changes_its_group_is_found() {
    let email = |effects: &[Effect]| -> Vec<_> {
        effects.iter().map(|effect| (*effect, "User.email".to_owned())).collect()
    };
    let left = email(&[Effect::LessProtected, Effect::Refused]);
    assert_eq!(changes::<plain::User, grouped::User>(), email(&[Effect::Refused]));
    assert_eq!(changes::<grouped::User, plain::User>(), left);
    assert_eq!(changes::<grouped::User, grouped_otherwise::User>(), left);
    let mut still = changes::<grouped::User, still_grouped::User>();
    still.retain(|(_, place)| place == "User.email");
    assert_eq!(still, email(&[Effect::LessProtected]), "its group is still opened");
}

version!(still_grouped: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[encrypted(group = "mail")] draft: Access<Option<String>>,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});

mod customers {
    use super::*;

    #[derive(Envelope)]
    #[envelope(table = "users")]
    #[allow(dead_code)]
    pub(super) struct Customer {
        #[partition_key]
        id: String,
        #[encrypted]
        ssn: Option<String>,
        #[plaintext]
        email: String,
    }
}

#[test]
fn a_renamed_struct_is_compared_by_its_place() {
    let found = changes::<plain::User, customers::Customer>();
    assert_eq!(found, [(Effect::LessProtected, "Customer.email".to_owned())]);
}

#[test]
fn every_struct_reads_back_from_its_text() {
    let file = SchemaFile::new().with::<grouped::User>().with::<customers::Customer>();
    assert_eq!(file.to_string().parse(), Ok(file));
    let file = SchemaFile::new().with::<accepting::User>();
    assert_eq!(file.to_string().parse(), Ok(file));
    let file = SchemaFile::new().with::<other_context::User>();
    assert_eq!(file.to_string().parse(), Ok(file));
}

#[test]
fn a_text_that_is_no_schema_file_is_explained() {
    let refused =
        |text: &str| text.parse::<SchemaFile>().map_err(|error: SchemaFileError| error.to_string());
    for (text, said) in [
        ("", "EOF"),
        ("{}", "missing field `envelope-schema`"),
        (r#"{"envelope-schema": 2, "records": {}}"#, "it has layout 2"),
        (r#"{"envelope-schema": 1, "records": {}, "recrods": {}}"#, "unknown field `recrods`"),
    ] {
        let message = refused(text).unwrap_err();
        assert!(message.starts_with("this is not a schema file of Envelope: "), "{message}");
        assert!(message.contains(said), "{message}");
    }
    let text = SchemaFile::new().with::<plain::User>().to_string();
    let message = refused(&text.replace("\"encrypted\"", "\"encrpyted\"")).unwrap_err();
    assert!(message.contains("`encrpyted`, expected one of"), "{message}");
}

#[test]
fn the_file_in_the_repository_is_that_of_the_code() {
    assert_schema!("tests/rules/schema_file/users.json", plain::User, customers::Customer);
}

version!(taken_in: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted(accept = "plaintext")] email: String,
    #[authenticated(accept = "plaintext")] plan: String,
});

/// The file of a struct, with a day that a person wrote.
fn with_day<T: Envelope>(day: &str) -> SchemaFile {
    let text = SchemaFile::new().with::<T>().to_string();
    let end = "\n      }\n    }\n  }\n}\n";
    text.replace(
        end,
        &format!("\n      }},\n      \"plaintext_until\": \"{day}\"\n    }}\n  }}\n}}\n"),
    )
    .parse()
    .unwrap()
}

/// 2027-03-31T00:00:00Z, a day on which all tests here are.
const MARCH_31: u64 = 1_806_451_200;

/// What is overdue so many seconds after the beginning of 2027-03-31.
fn overdue(file: &SchemaFile, seconds: u64) -> Vec<String> {
    let now = UNIX_EPOCH + Duration::from_secs(MARCH_31 + seconds);
    file.overdue(now).iter().map(ToString::to_string).collect()
}

#[test]
fn plaintext_is_overdue_on_the_day_after_the_last_one() {
    let day = 24 * 60 * 60;
    let last = with_day::<taken_in::User>("2027-03-31");
    assert_eq!(overdue(&last, 0), [""; 0]);
    assert_eq!(overdue(&last, day - 1), [""; 0]);
    let [said] = &overdue(&last, day)[..] else { panic!("one is overdue") };
    for part in [
        "User: plaintext is accepted for `email`, `plan`, which could be so until 2027-03-31",
        "repair: seal what is left, until `envelope coverage --expect-sealed` holds",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(overdue(&with_day::<taken_in::User>("2027-03-30"), 0).len(), 1);
    assert_eq!(overdue(&with_day::<taken_in::User>("2028-01-01"), day).len(), 0);
}

/// A table that is taken in has no field that says so: whoever begins writes the day.
#[test]
fn a_day_alone_says_that_a_table_is_taken_in() {
    assert_eq!(overdue(&SchemaFile::new().with::<plain::User>(), 0), [""; 0]);
    let file = with_day::<plain::User>("2027-03-30");
    let said = &overdue(&file, 0)[0];
    assert!(said.starts_with("User: records could be in plaintext until 2027-03-30"), "{said}");
    assert_eq!(overdue(&with_day::<plain::User>("2027-03-31"), 0), [""; 0]);
}

#[test]
fn a_field_that_accepts_plaintext_needs_a_day() {
    let said = overdue(&SchemaFile::new().with::<taken_in::User>(), 0).remove(0);
    assert!(said.contains("accepts plaintext for `email`, `plan`, and the schema"), "{said}");
    assert!(said.contains("`\"plaintext_until\": \"2027-03-31\"`"), "{said}");
}

#[test]
fn only_a_day_of_the_calendar_is_a_day() {
    let text = with_day::<plain::User>("2028-02-29").to_string();
    for wrong in ["2027-02-29", "2027-3-31", "31.03.2027", "2027-03-31T00:00:00Z", "", "soon"] {
        let wrong = text.replace("2028-02-29", wrong);
        let error = wrong.parse::<SchemaFile>().unwrap_err().to_string();
        assert!(error.contains("`User`: `plaintext_until` is `"), "{error}");
    }
}

/// The code knows neither reasons nor days: it is the same without them.
#[test]
fn a_day_and_reasons_stay_when_the_code_is_compared() {
    let text = with_day::<taken_in::User>("2027-03-31").to_string();
    let reasons = "\"plaintext_until\": \"2027-03-31\",\n      \"reasons\": {\n        \"plan\": \"new\"\n      }";
    let text = text.replace("\"plaintext_until\": \"2027-03-31\"", reasons);
    let path = env::temp_dir().join(format!("envelope-day-{}.json", std::process::id()));
    fs::write(&path, &text).unwrap();
    let code = SchemaFile::new().with::<taken_in::User>();
    envelope_dynamo::maintain::assert_file(path.to_str().unwrap(), code);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is also written again as it was");
    fs::remove_file(&path).unwrap();
}

#[test]
#[should_panic(expected = "two structs of this schema file are named `User`")]
fn two_structs_of_one_name_are_refused() {
    let file = SchemaFile::new().with::<plain::User>().with::<plain::User>();
    let _ = file.with::<wider::User>();
}

/// The panic of [`assert_schema!`] for a file with this text.
fn panic_with(text: Option<&str>) -> String {
    let path = env::temp_dir().join(format!("{:?}.json", std::thread::current().id()));
    match text {
        Some(text) => fs::write(&path, text).unwrap(),
        None => assert!(!path.exists() || fs::remove_file(&path).is_ok()),
    }
    let (path, code) = (path.to_str().unwrap(), SchemaFile::new().with::<plain::User>());
    let panic = std::panic::catch_unwind(|| envelope_dynamo::maintain::assert_file(path, code));
    panic.unwrap_err().downcast_ref::<String>().unwrap().clone()
}

#[test]
fn a_test_says_which_lines_of_the_file_differ() {
    let text = SchemaFile::new().with::<plain::User>().to_string();
    let message =
        panic_with(Some(&text.replace("\"email\": \"encrypted\"", "\"email\": \"plaintext\"")));
    assert!(
        message
            .contains("-         \"email\": \"plaintext\",\n+         \"email\": \"encrypted\",\n"),
        "{message}"
    );
    assert!(message.contains("ENVELOPE_SCHEMA=write"), "{message}");
    assert!(panic_with(None).starts_with("there is no schema file at "));
    assert!(panic_with(Some("[]")).contains("this is not a schema file"));
}

version!(closed: #[envelope(table = "users")]
    #[partition_key(name = "pk", format = "USER#{id}")]
{
    #[key] id: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(open: #[envelope(table = "users", unprotected)]
    #[partition_key(name = "pk", format = "USER#{id}")]
{
    #[key] id: String,
    #[plaintext] plan: String,
    #[plaintext] note: Option<String>,
});
version!(open_elsewhere: #[envelope(table = "users", unprotected)]
    #[partition_key(name = "pk", format = "PERSON#{id}")]
{
    #[key] id: String,
    #[plaintext] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn a_type_that_becomes_unprotected_or_protected_is_reported() {
    let text = SchemaFile::new().with::<open::User>().to_string();
    assert!(text.contains("\"unprotected\": true"), "{text}");
    assert!(!SchemaFile::new().with::<closed::User>().to_string().contains("unprotected"));
    let expected = [(Effect::Refused, "User".to_owned())];
    assert_eq!(changes::<open::User, open::User>(), []);
    let lost = changes::<closed::User, open::User>();
    assert!(lost.contains(&expected[0]), "{lost:?}");
    assert!(lost.contains(&(Effect::LessProtected, "User.plan".to_owned())), "{lost:?}");
    let gained = changes::<open::User, closed::User>();
    assert!(gained.contains(&expected[0]), "{gained:?}");
    assert_eq!(changes::<open::User, open_elsewhere::User>(), expected);
}

#[test]
fn an_unprotected_type_of_a_file_promises_nothing() {
    let text = SchemaFile::new().with::<open::User>().to_string();
    for (what, instead) in [
        ("\"plan\": \"plaintext\"", "\"plan\": \"authenticated\""),
        ("\"plan\": \"plaintext\"", "\"plan\": \"encrypted\""),
        ("\"form\": \"raw\",", "\"form\": \"raw\", \"context\": { \"purpose\": \"care\" },"),
        ("\"form\": \"raw\",", "\"form\": \"raw\", \"pairs\": [\"plan\"],"),
        ("\"fields\": {", "\"entity\": { \"kind\": \"user\" }, \"fields\": {"),
    ] {
        assert!(text.contains(what), "{text}");
        let error = text.replace(what, instead).parse::<SchemaFile>().unwrap_err();
        assert!(error.to_string().contains("it is unprotected"), "{instead}: {error}");
    }
}

version!(listed: #[envelope(
    table = "users",
    index(name = "gsi1", partition_key(name = "gsi1pk", format = "PLAN#{plan}")),
)] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] #[serde(rename = "tariff")] plan: String,
    #[plaintext] note: Option<String>,
});
version!(listed_elsewhere: #[envelope(
    table = "users",
    index(name = "gsi1", partition_key(name = "gsi1pk", format = "T#{plan}")),
)] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] #[serde(rename = "tariff")] plan: String,
    #[plaintext] note: Option<String>,
});
version!(unlisted: #[envelope(table = "users")] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[authenticated] #[serde(rename = "tariff")] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn stored_records_keep_the_old_keys_of_indexes() {
    let file = SchemaFile::new().with::<listed::User>();
    let text = file.to_string();
    assert!(text.contains("\"index_keys\": {\n        \"gsi1pk\": \"PLAN#{tariff}\"\n"), "{text}");
    assert_eq!(text.parse::<SchemaFile>().unwrap(), file);

    assert_eq!(changes::<listed::User, listed::User>(), []);
    assert_eq!(changes::<listed::User, unlisted::User>(), []);
    let changed = change::<listed::User, listed_elsewhere::User>();
    assert_eq!((changed.effect(), changed.place().as_str()), (Effect::NotListed, "User.gsi1pk"));
    assert!(changed.problem().contains("\"PLAN#{tariff}\" and is now \"T#{tariff}\""), "{changed}");
    let new = change::<unlisted::User, listed::User>();
    assert_eq!((new.effect(), new.place().as_str()), (Effect::NotListed, "User.gsi1pk"));
    assert!(new.repair().contains("`modify`"), "{new}");
    let excused = with_reasons::<listed::User>(r#"{"gsi1pk": "all written again on 1 May"}"#);
    assert_eq!(excused.changes_since(&SchemaFile::new().with::<unlisted::User>()), []);

    for (from, to, expected) in [
        ("{tariff}", "{email}", "`{email}` names no field that may be part of this key"),
        ("gsi1pk", "note", "the attribute `note` stands there twice"),
    ] {
        let error = text.replace(from, to).parse::<SchemaFile>().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

version!(searchable: #[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-email-plan", partition_key = email_plan),
    searchable(fields(email(trim), plan)),
)] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] #[searchable(normalize(trim, ascii_lowercase))] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(other_steps: #[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-email-plan", partition_key = email_plan),
    searchable(fields(email(trim), plan)),
)] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] #[searchable(normalize(trim))] email: String,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});
version!(new_searchable_field: #[envelope(
    table = "users",
    index(name = "by-phone", partition_key = phone),
)] {
    #[partition_key] id: String,
    #[encrypted] ssn: Option<String>,
    #[encrypted] email: String,
    #[encrypted] #[searchable(normalize(digits))] phone: Option<String>,
    #[authenticated] plan: String,
    #[plaintext] note: Option<String>,
});

#[test]
fn search_tags_are_in_the_file_with_their_fields_and_steps() {
    let file = SchemaFile::new().with::<searchable::User>();
    let text = file.to_string();
    let expected = r#""search_tags": {
        "email": [
          {
            "field": "email",
            "steps": [
              "trim",
              "ascii_lowercase"
            ]
          }
        ],
        "email+plan": [
          {
            "field": "email",
            "steps": [
              "trim"
            ]
          },
          {
            "field": "plan"
          }
        ]
      },"#;
    assert!(text.contains(expected), "{text}");
    assert_eq!(text.parse::<SchemaFile>().unwrap(), file);
    for (from, to, expected) in [
        ("\"trim\"", "\"trin\"", "the search tag `email` has the step `trin`"),
        ("\"email\": [", "\"mail\": [", "the search tag `mail` is not named after its fields"),
        ("\"email+plan\"", "\"email+plan+2+3\"", "`email+plan+2+3` is not named after its fields"),
        (
            "\"plan\": \"authenticated\"",
            "\"plan\": \"plaintext\"",
            "names `plan`, which is no field",
        ),
        ("\"email\": \"encrypted\"", "\"email\": \"authenticated\"", "has no encrypted field"),
        ("\"note\": {", "\"blind_note\": {", "the name `blind_note` is reserved for search tags"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = changed.parse::<SchemaFile>().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let several = text.replace("email+plan", "email+plan+2");
    several.parse::<SchemaFile>().unwrap();
}

#[test]
fn stored_records_keep_their_search_tags() {
    let place = |attribute: &str| format!("User.{attribute}");
    let (listed, less) = (Effect::NotListed, Effect::LessProtected);
    assert_eq!(changes::<searchable::User, searchable::User>(), []);
    assert_eq!(
        changes::<plain::User, searchable::User>(),
        [
            (listed, place("blind_email")),
            (listed, place("blind_email+plan")),
            (less, place("email")),
        ]
    );
    let changed = change::<searchable::User, other_steps::User>();
    assert_eq!((changed.effect(), changed.place()), (listed, place("blind_email")));
    assert!(
        changed
            .problem()
            .contains("\"email(trim, ascii_lowercase)\" and is now from \"email(trim)\""),
        "{changed}"
    );
    assert!(changed.repair().contains("#[searchable(name = \"email_2\", ..)]"), "{changed}");
    assert_eq!(
        changes::<searchable::User, plain::User>(),
        [(listed, place("blind_email")), (listed, place("blind_email+plan"))]
    );
    let excused = with_reasons::<searchable::User>(
        r#"{"blind_email": "all written again on 1 May", "email": "log-in by address"}"#,
    );
    let before = SchemaFile::new().with::<plain::User>();
    assert_eq!(places(&excused, &before), [place("blind_email+plan")]);
    assert_eq!(changes::<plain::User, new_searchable_field::User>(), [], "nobody has a phone yet");
}

version!(authenticated_part: #[envelope(table = "users")] #[partition_key(name = "pk", format = "USER#{id}")] {
    #[authenticated] id: String,
    #[encrypted] email: String,
});

#[test]
fn a_part_of_a_key_may_be_an_attribute_as_well() {
    let file = SchemaFile::new().with::<authenticated_part::User>();
    assert_eq!(file.to_string().parse::<SchemaFile>().unwrap(), file);
}
