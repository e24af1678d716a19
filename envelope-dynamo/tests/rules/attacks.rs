//! What somebody who writes the table, or chooses a value, a key or a name, tries beside the ways
//! that other tests close.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{Content, Context, FieldWriter, Value, seal_payload};
use envelope_dynamo::error::{DataError, UsageError, WriteError, WriteOutcome};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::transaction::TransactionErrorKind;
use envelope_dynamo::{
    Access, Envelope, Error, ErrorKind, GroupKeyProvider, LocalKeyProvider, RootKey, Table, View,
    from_item, to_item, transact_get, transact_write,
};
use serde::{Deserialize, Serialize};

use crate::setup::{Item, Setup, text};

mod kinds {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "kinds")]
    #[partition_key(name = "pk", format = "U-{user}")]
    struct User {
        #[key]
        user: String,
        #[encrypted]
        email: String,
        #[plaintext]
        role: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "kinds")]
    #[partition_key(name = "pk", format = "U-ADMIN-{name}")]
    struct Admin {
        #[key]
        name: String,
        #[encrypted]
        email: String,
        #[plaintext]
        role: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Envelope)]
    enum Person {
        User(User),
        Admin(Admin),
    }

    #[derive(Debug, PartialEq, View)]
    #[view(of = User)]
    struct Role {
        role: Option<String>,
    }

    fn assert_ambiguous(error: &Error) {
        let ErrorKind::Usage(UsageError::AmbiguousKey { entities }) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(entities, &["User", "Admin"]);
        assert!(error.to_string().contains("the key fits each of User, Admin"), "{error}");
    }

    /// The user of the name `ADMIN-zoe` would read, change and delete the admin `zoe`.
    #[tokio::test]
    async fn a_key_that_fits_another_kind_reads_changes_and_deletes_nothing() {
        let setup = Setup::new().await;
        let admins = setup.table::<Admin>().await;
        let admin =
            Admin { name: "zoe".into(), email: "zoe@example.com".into(), role: Some("all".into()) };
        admins.put(&admin).send().await.expect("a table of admins alone knows no users");
        let people: Table<Person> = Table::new(setup.dynamodb.clone(), setup.keys.clone());
        let users = people.of::<User>();
        let before = (setup.faults.all_requests().len(), setup.keys.unwrap_calls());

        let refusals = [
            users.get("ADMIN-zoe").send().await.expect_err("get"),
            users.view::<Role>("ADMIN-zoe").send().await.expect_err("view"),
            users
                .update("ADMIN-zoe")
                .set(|user| user.role, Some("none".into()))
                .send()
                .await
                .expect_err("update"),
            users
                .update("ADMIN-zoe")
                .modify(|user| user.role = None)
                .send()
                .await
                .expect_err("modify"),
            users.delete("ADMIN-zoe").send().await.expect_err("delete"),
            users
                .rewrap("ADMIN-zoe")
                .unwrap_and_wrap(&setup.keys, &[])
                .send()
                .await
                .expect_err("rewrap"),
        ];
        refusals.iter().for_each(assert_ambiguous);
        let deleted = users.batch_delete(["ADMIN-zoe"]).send().await.expect_err("batch");
        assert_ambiguous(deleted.failures()[0].error());
        assert_ambiguous(&users.batch_get(["ADMIN-zoe"]).send().await.expect_err("batch"));
        transact_get((users.get("ADMIN-zoe"),)).send().await.expect_err("transaction");

        assert_eq!(
            (setup.faults.all_requests().len(), setup.keys.unwrap_calls()),
            before,
            "nothing was sent"
        );
        assert_eq!(admins.get("zoe").send().await.expect("it opens"), Some(admin));
        assert_eq!(users.get("zoe").send().await.expect("other keys are read"), None);
    }
}

mod entity_types {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "jobs", entity(kind = "mail"))]
    struct Mail {
        #[partition_key]
        id: u32,
        #[encrypted]
        body: String,
        #[plaintext]
        state: Option<String>,
        #[plaintext]
        tries: u32,
    }

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "jobs", entity(kind = "call"))]
    struct Call {
        #[partition_key]
        id: u32,
        #[encrypted]
        number: String,
        #[plaintext]
        state: Option<String>,
        #[plaintext]
        tries: u32,
    }

    #[derive(Clone, Debug, PartialEq, Envelope)]
    enum Job {
        Mail(Mail),
        Call(Call),
    }

    #[derive(Debug, PartialEq, View)]
    #[view(of = Call)]
    struct State {
        state: Option<String>,
    }

    fn mail() -> Mail {
        Mail { id: 7, body: "b".into(), state: Some("sent".into()), tries: 3 }
    }

    fn assert_is_no_call(error: &Error) {
        let kind = error.kind();
        let ErrorKind::Data(DataError::WrongEntity { entity: "Call", .. }) = kind else {
            panic!("{error}")
        };
        assert_eq!(
            error.to_string(),
            "jobs[id=7]: the item is not of type `Call`: its `kind` is not `call`"
        );
        assert_eq!(error.write_outcome(), WriteOutcome::NotWritten);
    }

    /// The key of a job does not say its type. Only the item does.
    #[tokio::test]
    async fn a_call_by_key_refuses_an_item_of_another_type_and_changes_nothing() {
        let setup = Setup::new().await;
        setup.table::<Mail>().await;
        let jobs: Table<Job> = Table::new(setup.dynamodb.clone(), setup.keys.clone());
        jobs.put(&Job::Mail(mail())).send().await.expect("the mail is stored");
        for calls in [jobs.of::<Call>(), setup.table::<Call>().await] {
            let update = || calls.update(7);
            let refusals = [
                calls.get(7).send().await.expect_err("get"),
                calls.view::<State>(7).send().await.expect_err("view"),
                update().set(|call| call.state, "done").send().await.expect_err("update"),
                update().add(|call| call.tries, 1).send().await.expect_err("update"),
                update()
                    .set(|call| call.state, "done")
                    .condition(|call| call.state.eq("none"))
                    .send()
                    .await
                    .expect_err("update"),
                update()
                    .remove(|call| call.state)
                    .returning_new()
                    .send()
                    .await
                    .expect_err("update"),
                update().modify(|call| call.tries = 0).send().await.expect_err("modify"),
                calls.delete(7).send().await.expect_err("delete"),
                calls.delete(7).if_exists().send().await.expect_err("delete"),
                calls.delete(7).returning_old().send().await.expect_err("delete"),
                calls
                    .rewrap(7)
                    .unwrap_and_wrap(&setup.keys, &[&setup.keys])
                    .send()
                    .await
                    .expect_err("rewrap"),
                calls.batch_get([7]).send().await.expect_err("batch"),
            ];
            refusals.iter().for_each(assert_is_no_call);
            let error = transact_get((calls.get(7),)).send().await.expect_err("transaction");
            let TransactionErrorKind::Record(error) = error.kind() else { panic!("{error}") };
            assert_is_no_call(error);
            let transaction = || transact_write(&setup.dynamodb);
            let update = calls.update(7).set(|call| call.state, "done");
            let refusals = [
                transaction().update(update).send().await.expect_err("update"),
                transaction().delete(calls.delete(7)).send().await.expect_err("delete"),
            ];
            for error in refusals {
                let [reason] = error.reasons() else { panic!("{error}") };
                assert_is_no_call(reason.error());
            }
            for check in
                [calls.check(7).if_exists(), calls.check(7).condition(|call| call.tries.eq(3))]
            {
                let error = transaction().check(check).send().await.expect_err("check");
                assert_eq!(error.reasons().len(), 1, "{error}");
            }
        }
        let stored = jobs.of::<Mail>().get(7).send().await.expect("the mail opens");
        assert_eq!(stored, Some(mail()), "nothing was changed");
    }

    #[tokio::test]
    async fn calls_by_key_reach_the_records_of_their_own_type() {
        let setup = Setup::new().await;
        setup.table::<Mail>().await;
        let jobs: Table<Job> = Table::new(setup.dynamodb.clone(), setup.keys.clone());
        let mails = jobs.of::<Mail>();
        let error = mails.update(7).add(|mail| mail.tries, 1).send().await.expect_err("no mail");
        assert!(matches!(error.kind(), ErrorKind::Write(WriteError::NoRecord)), "{error}");
        mails.delete(7).send().await.expect("there is nothing to delete");
        let absent = transact_write(&setup.dynamodb).check(mails.check(7).if_not_exists());
        absent.put(mails.put(&Mail { id: 8, ..mail() })).send().await.expect("there is no mail 7");

        jobs.put(&Job::Mail(mail())).send().await.expect("the mail is stored");
        let update = mails.update(7).set(|mail| mail.state, "done");
        update.condition(|mail| mail.state.eq("sent")).send().await.expect("the mail is changed");
        mails.update(7).modify(|mail| mail.body = "c".into()).send().await.expect("changed");
        let write = transact_write(&setup.dynamodb)
            .update(mails.update(7).add(|mail| mail.tries, 1))
            .delete(mails.delete(8).condition(|mail| mail.tries.eq(3)));
        write.send().await.expect("both are mails");
        let check = mails.check(7).condition(|mail| mail.tries.eq(4));
        transact_write(&setup.dynamodb).check(check).send().await.expect("it is a mail");
        let error = mails.delete(7).condition(|mail| mail.tries.eq(0)).send().await;
        let error = error.expect_err("the condition does not hold");
        assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
        let deleted = mails.delete(7).returning_old().send().await.expect("the mail is deleted");
        let changed = Mail { id: 7, body: "c".into(), state: Some("done".into()), tries: 4 };
        assert_eq!(deleted, Some(changed));
        assert_eq!(mails.batch_get([7, 8]).send().await.expect("they are read"), [None, None]);
    }
}

mod groups {
    use super::*;

    #[derive(Debug, Envelope)]
    #[envelope(table = "groups")]
    struct Newer {
        #[partition_key]
        id: String,
        #[encrypted(group = "medical")]
        diagnosis: Access<String>,
    }

    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "groups")]
    struct Older {
        #[partition_key]
        id: String,
        #[encrypted(accept = "plaintext")]
        diagnosis: Option<String>,
    }

    #[derive(Debug, Envelope)]
    #[envelope(table = "groups")]
    struct OlderAuthenticated {
        #[partition_key]
        id: String,
        #[encrypted]
        note: Option<String>,
        #[authenticated(accept = "plaintext")]
        #[serde(alias = "diagnosis")]
        finding: Option<String>,
    }

    /// It knows the group, and has the diagnosis outside of it.
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "groups")]
    struct Outside {
        #[partition_key]
        id: String,
        #[encrypted]
        note: Option<String>,
        #[encrypted(accept = "plaintext")]
        diagnosis: Option<String>,
        #[encrypted(group = "medical")]
        #[serde(default)]
        allergies: Access<Option<String>>,
    }

    fn without_medical(keys: &TestKeyProvider) -> GroupKeyProvider {
        let other = LocalKeyProvider::new(RootKey::generate().expect("random bytes"));
        GroupKeyProvider::new(keys.clone()).group("medical", other)
    }

    async fn grouped(keys: &TestKeyProvider) -> Item {
        let record = Newer { id: "1".into(), diagnosis: Access::Granted("gout".into()) };
        to_item(&record, keys).await.expect("sealed")
    }

    #[tokio::test]
    async fn plaintext_is_not_accepted_beside_a_group_that_the_struct_does_not_have() {
        let keys = TestKeyProvider::default();
        let mut item = grouped(&keys).await;
        let without = from_item::<Older>(item.clone(), &keys).await.expect("nothing was planted");
        assert_eq!(without.diagnosis, None);
        item.insert("diagnosis".into(), text("healthy"));
        for error in [
            from_item::<Older>(item.clone(), &keys).await.expect_err("refused"),
            from_item::<OlderAuthenticated>(item, &keys).await.expect_err("refused"),
        ] {
            let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(marks.attribute(), "diagnosis");
            let told = error.to_string();
            assert!(
                told.contains("a group of the record that this reader cannot open")
                    && !told.contains("healthy"),
                "{told}"
            );
        }
    }

    /// Who spoils the wrapped key of a group has it withheld, also from readers that have the right
    /// to it.
    #[tokio::test]
    async fn plaintext_is_not_accepted_beside_a_group_that_is_withheld() {
        let keys = TestKeyProvider::default();
        let mut item = grouped(&keys).await;
        item.insert("diagnosis".into(), text("healthy"));
        let error = from_item::<Outside>(item, &without_medical(&keys)).await.expect_err("refused");
        let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
        assert_eq!(marks.attribute(), "diagnosis");
    }

    #[tokio::test]
    async fn a_change_marks_no_field_that_may_stand_in_a_withheld_group() {
        let setup = Setup::new().await;
        setup.table::<Outside>().await;
        let item = grouped(&setup.keys).await;
        setup
            .dynamodb
            .put_item()
            .table_name("groups")
            .set_item(Some(item))
            .send()
            .await
            .expect("stored");
        let outside =
            Table::<Outside, _>::new(setup.dynamodb.clone(), without_medical(&setup.keys));
        let changed =
            outside.update("1").modify(|record| record.note = Some("n".into())).send().await;
        assert_eq!(
            changed.expect("changed").expect("there is a record").allergies,
            Access::Withheld
        );
        let newer = setup
            .table::<Newer>()
            .await
            .get("1")
            .send()
            .await
            .expect("it opens")
            .expect("there is a record");
        assert_eq!(newer.diagnosis, Access::Granted("gout".into()));
    }

    #[tokio::test]
    async fn an_error_about_a_group_names_it_and_what_is_missing() {
        let keys = TestKeyProvider::default();
        let mut item = grouped(&keys).await;
        let dek = item.remove("encrypted_dek_medical").expect("there is a group");
        let error = from_item::<Newer>(item, &keys).await.expect_err("refused");
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Data(DataError::IncompleteGroup { group: "medical", .. })
            ),
            "{error}"
        );
        let told = "groups[id=1]: the record was sealed with the group `medical`, but `encrypted_dek_medical` is missing";
        assert_eq!(error.to_string(), told);

        let mut item =
            to_item(&Older { id: "1".into(), diagnosis: None }, &keys).await.expect("sealed");
        item.insert("encrypted_dek_medical".into(), dek);
        let error = from_item::<Newer>(item, &keys).await.expect_err("refused");
        assert!(
            matches!(error.kind(), ErrorKind::Data(DataError::AddedGroup { group: "medical" })),
            "{error}"
        );
        assert!(
            error.to_string().contains("the group `medical`, which was not sealed with the record"),
            "{error}"
        );
    }
}

mod limits {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "limits")]
    struct Older {
        #[partition_key]
        id: String,
        #[encrypted]
        note: String,
    }

    /// A record in which a newer struct has authenticated so many attributes that this one does not
    /// have.
    async fn with_attributes(keys: &TestKeyProvider, count: usize) -> Item {
        let names: Vec<String> = (0..count).map(|number| format!("a{number}")).collect();
        let mut fields = FieldWriter::new(16, names.iter().map(String::as_str));
        fields.field("note", "n").expect("it serializes");
        let mut context = Context::new("limits").partition_key("id", Value::string("1"));
        let mut item = Item::from([("id".to_owned(), text("1"))]);
        for name in &names {
            context = context
                .authenticated(name.as_str(), Some(Value::string("v")))
                .expect("it can be bound");
            item.insert(name.clone(), text("v"));
        }
        let sealed =
            seal_payload(fields.finish(), Content::Record, &context, keys).await.expect("sealed");
        let [payload, dek] = [sealed.encrypted_payload, sealed.encrypted_dek]
            .map(|b| AttributeValue::B(Blob::new(b)));
        item.extend([("encrypted_payload".to_owned(), payload), ("encrypted_dek".to_owned(), dek)]);
        item
    }

    #[tokio::test]
    async fn a_change_that_demands_more_than_dynamodb_takes_is_refused_unsent() {
        let setup = Setup::new().await;
        let table = setup.table::<Older>().await;
        for (count, fits) in [(120, true), (140, false), (10_000, false)] {
            let item = with_attributes(&setup.keys, count).await;
            setup
                .dynamodb
                .put_item()
                .table_name("limits")
                .set_item(Some(item))
                .send()
                .await
                .expect("stored");
            let before = setup.faults.requests("UpdateItem").len();
            let changed = table.update("1").modify(|record| record.note.push('!')).send().await;
            assert_eq!(
                setup.faults.requests("UpdateItem").len() - before,
                usize::from(fits),
                "{count}"
            );
            if fits {
                assert_eq!(changed.expect("it fits").expect("there is a record").note, "n!");
                continue;
            }
            let error = changed.expect_err("it does not fit");
            assert!(
                matches!(error.kind(), ErrorKind::Usage(UsageError::ExpressionTooLong { bytes }) if *bytes > 4096),
                "{error}"
            );
            assert!(!error.is_retryable() && !error.is_in_doubt(), "{error}");
            assert!(error.to_string().contains("nothing was sent"), "{error}");
        }
    }
}

mod written_only {
    use super::*;

    #[derive(Debug, Envelope)]
    #[envelope(table = "written_only")]
    struct Report {
        #[partition_key]
        id: String,
        #[encrypted]
        #[serde(skip_deserializing)]
        total: Option<u128>,
        #[encrypted]
        sums: Sum,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Sum {
        Whole(u128),
        Text(String),
    }

    /// Nobody reads the field, so that nothing of it can be lost.
    #[tokio::test]
    async fn a_field_that_is_only_written_may_hold_what_not_every_type_reads() {
        let keys = TestKeyProvider::default();
        let record =
            Report { id: "1".into(), total: Some(u128::MAX), sums: Sum::Text("none".into()) };
        let item = to_item(&record, &keys).await.expect("sealed");
        assert_eq!(from_item::<Report>(item, &keys).await.expect("it opens").total, None);
        let error =
            to_item(&Report { sums: Sum::Whole(1), ..record }, &keys).await.expect_err("refused");
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::Serialize { attribute: Some(name), .. }) if name == "sums"),
            "{error}"
        );
    }
}

mod names {
    use super::*;

    #[derive(Debug, Envelope)]
    #[envelope(table = "names")]
    struct Plain {
        #[partition_key]
        id: String,
        #[encrypted]
        note: String,
    }

    #[test]
    fn a_name_that_a_user_chose_cannot_break_a_log_line() {
        let path = Plain::attribute::<u8>("a\nERROR forged".to_owned());
        for shown in [
            format!("{path:?}"),
            format!("{:?}", path.clone().gt(1)),
            format!("{:?}", path.size().gt(1)),
        ] {
            assert!(!shown.contains('\n') && shown.contains("a\\n"), "{shown}");
        }
    }
}

mod indexes {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    };

    use super::*;

    macro_rules! versions {
        ($($name:ident { $(#[$mark:meta])* $field:ident })*) => {$(
            #[derive(Debug, PartialEq, Envelope)]
            #[envelope(table = "articles", index(name = "by-topic", partition_key = topic))]
            struct $name {
                #[partition_key]
                id: String,
                #[encrypted]
                note: String,
                #[plaintext]
                topic: String,
                $(#[$mark])*
                $field: Option<String>,
            }
        )*};
    }

    versions! {
        Older { #[plaintext] summary }
        Renamed { #[plaintext] #[serde(alias = "summary")] abstracted }
        Accepting { #[encrypted(accept = "plaintext")] summary }
    }

    fn key(name: &str) -> KeySchemaElement {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(KeyType::Hash)
            .build()
            .expect("complete")
    }

    /// A table with an index that has everything but the attribute `summary`.
    async fn create(setup: &Setup) {
        let definition = |name: &str| {
            let definition = AttributeDefinition::builder().attribute_name(name);
            definition.attribute_type(ScalarAttributeType::S).build().expect("complete")
        };
        let included =
            ["encrypted_payload", "encrypted_dek", "abstracted"].map(str::to_owned).to_vec();
        let projection = Projection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(included))
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name("by-topic")
            .key_schema(key("topic"))
            .projection(projection);
        let table = setup
            .dynamodb
            .create_table()
            .table_name("articles")
            .billing_mode(BillingMode::PayPerRequest);
        let table = table.key_schema(key("id")).attribute_definitions(definition("id"));
        let table = table.attribute_definitions(definition("topic"));
        table
            .global_secondary_indexes(index.build().expect("complete"))
            .send()
            .await
            .expect("created");
    }

    /// DynamoDB refuses a request for an attribute that an index lacks; the embedded server answers
    /// without it.
    fn asks_for_summary(setup: &Setup) -> bool {
        let requests = setup.faults.requests("Query");
        let last: serde_json::Value =
            serde_json::from_slice(requests.last().expect("a query")).expect("JSON");
        last["ExpressionAttributeNames"]
            .as_object()
            .expect("a projection")
            .values()
            .any(|name| name == "summary")
    }

    #[tokio::test]
    async fn a_value_under_another_name_is_asked_for_in_an_index() {
        let setup = Setup::new().await;
        create(&setup).await;
        let summary = Some("short".to_owned());
        let record = Older { id: "1".into(), note: "n".into(), topic: "t".into(), summary };
        setup.table::<Older>().await.put(&record).send().await.expect("stored");
        let renamed = setup.table::<Renamed>().await;
        renamed.index(|indexes| indexes.by_topic).query("t").send().await.expect("read");
        assert!(asks_for_summary(&setup));
        let accepting = setup.table::<Accepting>().await;
        accepting.index(|indexes| indexes.by_topic).query("t").send().await.expect("read");
        assert!(asks_for_summary(&setup));
    }
}
