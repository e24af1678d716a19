//! What `modify` keeps of a record that another version of the struct wrote, and what it demands.

use envelope_dynamo::error::{UsageError, WriteError};
use envelope_dynamo::record::Partition;
use envelope_dynamo::{Access, Envelope, ErrorKind, Table};
use serde::{Deserialize, Serialize};

use crate::setup::{Item, Setup, text};

fn key(id: &str) -> Item {
    Item::from([("id".to_owned(), text(id))])
}

/// The item as it is stored.
async fn stored(setup: &Setup, table: &str) -> Item {
    let get =
        setup.dynamodb.get_item().table_name(table).set_key(Some(key("1"))).consistent_read(true);
    get.send().await.expect("the item is read").item.expect("there is an item")
}

async fn plant(setup: &Setup, table: &str, item: Item) {
    setup
        .dynamodb
        .put_item()
        .table_name(table)
        .set_item(Some(item))
        .send()
        .await
        .expect("the item is stored");
}

async fn get<T>(table: &Table<T>) -> T
where
    T: Envelope<Key = Partition<String>> + Send + 'static,
{
    table.get("1").send().await.expect("the record opens").expect("there is a record")
}

/// Declares versions of a struct that are stored in the table of the same name.
macro_rules! versions {
    ($table:literal: $($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = $table)]
        struct $name {
            #[partition_key]
            id: String,
            #[encrypted]
            note: String,
            $($(#[$attribute])* $field: $type,)*
        }
    )*};
}

mod nested {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Address {
        street: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zip: Option<String>,
    }

    /// What an older version of the code knows of it.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Street {
        street: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Plan {
        Free,
        Gold,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum OlderPlan {
        Free,
        #[serde(other)]
        Unknown,
    }

    versions! { "nested":
        New {
            #[encrypted] home: Address,
            #[encrypted(group = "g")] work: Access<Address>,
            #[authenticated] billing: Address,
            #[plaintext] shipping: Address,
            #[encrypted] plan: Plan,
            #[authenticated] tier: Plan,
        }
        Old {
            #[encrypted] home: Street,
            #[encrypted(group = "g")] work: Access<Street>,
            #[authenticated] billing: Street,
            #[plaintext] shipping: Street,
            #[encrypted] plan: OlderPlan,
            #[authenticated] tier: OlderPlan,
        }
    }

    fn new() -> New {
        let address =
            |street: &str| Address { street: street.to_owned(), zip: Some("1201".to_owned()) };
        New {
            id: "1".into(),
            note: "n".into(),
            home: address("a"),
            work: Access::Granted(address("b")),
            billing: address("c"),
            shipping: address("d"),
            plan: Plan::Gold,
            tier: Plan::Gold,
        }
    }

    #[tokio::test]
    async fn what_the_closure_does_not_touch_stays_as_a_newer_struct_stored_it() {
        let setup = Setup::new().await;
        let (newer, older) = (setup.table::<New>().await, setup.table::<Old>().await);
        newer.put(&new()).send().await.expect("stored");
        let before = stored(&setup, "nested").await;
        older.update("1").modify(|record| record.note.push('!')).send().await.expect("changed");
        assert_eq!(get(&newer).await, New { note: "n!".into(), ..new() });
        let after = stored(&setup, "nested").await;
        for name in ["billing", "shipping", "tier", "encrypted_payload_g", "encrypted_dek_g"] {
            assert_eq!(after[name], before[name], "{name}");
        }
    }

    #[tokio::test]
    async fn only_the_field_that_the_closure_changes_is_written_anew() {
        let setup = Setup::new().await;
        let (newer, older) = (setup.table::<New>().await, setup.table::<Old>().await);
        newer.put(&new()).send().await.expect("stored");
        older
            .update("1")
            .modify(|record| record.home.street = "z".into())
            .send()
            .await
            .expect("changed");
        let home = Address { street: "z".into(), zip: None };
        assert_eq!(
            get(&newer).await,
            New { home, ..new() },
            "the entries that the older struct does not have are gone"
        );
        older
            .update("1")
            .modify(|record| record.tier = OlderPlan::Free)
            .send()
            .await
            .expect("changed");
        let read = get(&newer).await;
        assert_eq!((read.tier, read.plan, read.billing), (Plan::Free, Plan::Gold, new().billing));
    }

    #[tokio::test]
    async fn a_group_in_which_one_field_changes_keeps_the_others() {
        versions! { "nested":
            Groups { #[encrypted(group = "g")] a: Access<Address>, #[encrypted(group = "g")] b: Access<u8>, }
            OlderGroups { #[encrypted(group = "g")] a: Access<Street>, #[encrypted(group = "g")] b: Access<u8>, }
        }
        let setup = Setup::new().await;
        let (newer, older) = (setup.table::<Groups>().await, setup.table::<OlderGroups>().await);
        let a = Address { street: "a".into(), zip: Some("z".into()) };
        let record = Groups {
            id: "1".into(),
            note: "n".into(),
            a: Access::Granted(a),
            b: Access::Granted(1),
        };
        newer.put(&record).send().await.expect("stored");
        older
            .update("1")
            .modify(|record| record.b = Access::Granted(2))
            .send()
            .await
            .expect("changed");
        assert_eq!(get(&newer).await, Groups { b: Access::Granted(2), ..record });
    }
}

mod one_way {
    use super::*;

    versions! { "one_way":
        Whole {
            #[encrypted] written: Option<String>,
            #[encrypted] read: Option<String>,
            #[authenticated] shown: Option<String>,
            #[encrypted] maybe: u8,
        }
        OneWay {
            #[encrypted] #[serde(skip_deserializing)] written: Option<String>,
            #[encrypted] #[serde(skip_serializing)] read: Option<String>,
            #[authenticated] #[serde(skip_deserializing)] shown: Option<String>,
            #[encrypted] #[serde(default, skip_serializing_if = "is_small")] maybe: u8,
        }
    }

    fn is_small(value: &u8) -> bool {
        *value < 10
    }

    fn whole() -> Whole {
        let some = |value: &str| Some(value.to_owned());
        Whole {
            id: "1".into(),
            note: "n".into(),
            written: some("a"),
            read: some("b"),
            shown: some("c"),
            maybe: 5,
        }
    }

    #[tokio::test]
    async fn fields_that_are_only_written_or_only_read_keep_their_values() {
        let setup = Setup::new().await;
        let (whole_table, one_way) = (setup.table::<Whole>().await, setup.table::<OneWay>().await);
        whole_table.put(&whole()).send().await.expect("stored");
        let changed = one_way
            .update("1")
            .modify(|record| record.note.push('!'))
            .send()
            .await
            .expect("changed");
        assert_eq!(changed.expect("there is a record").read.as_deref(), Some("b"));
        assert_eq!(get(&whole_table).await, Whole { note: "n!".into(), ..whole() });
        one_way
            .update("1")
            .modify(|record| record.written = Some("new".into()))
            .send()
            .await
            .expect("changed");
        assert_eq!(get(&whole_table).await.written.as_deref(), Some("new"));
        one_way.update("1").modify(|record| record.maybe = 50).send().await.expect("changed");
        assert_eq!(get(&whole_table).await.maybe, 50);
    }

    #[tokio::test]
    async fn a_value_that_is_skipped_after_a_change_is_gone() {
        let setup = Setup::new().await;
        let (whole_table, one_way) = (setup.table::<Whole>().await, setup.table::<OneWay>().await);
        whole_table.put(&Whole { maybe: 50, ..whole() }).send().await.expect("stored");
        one_way.update("1").modify(|record| record.maybe = 3).send().await.expect("changed");
        assert_eq!(get(&one_way).await.maybe, 0, "left out, and read as the default");
    }
}

mod names {
    use super::*;

    versions! { "names":
        Before { #[encrypted] mail: String, #[authenticated] role: String, #[plaintext] count: u8, }
        After {
            #[encrypted] #[serde(alias = "mail")] email: String,
            #[authenticated] #[serde(alias = "role")] position: String,
            #[plaintext] #[serde(alias = "count")] visits: u8,
        }
    }

    #[tokio::test]
    async fn a_field_under_an_alias_stays_there_until_it_changes() {
        let setup = Setup::new().await;
        let (before, after) = (setup.table::<Before>().await, setup.table::<After>().await);
        let record = Before {
            id: "1".into(),
            note: "n".into(),
            mail: "m".into(),
            role: "r".into(),
            count: 1,
        };
        before.put(&record).send().await.expect("stored");
        after.update("1").modify(|record| record.note.push('!')).send().await.expect("changed");
        assert_eq!(
            get(&before).await,
            Before { note: "n!".into(), ..record.clone() },
            "older readers find it"
        );
        assert_eq!(get(&after).await.position, "r");

        let change = |record: &mut After| {
            record.email.push('!');
            record.position.push('!');
            record.visits += 1;
        };
        after.update("1").modify(change).send().await.expect("changed");
        let item = stored(&setup, "names").await;
        assert!(!item.contains_key("role") && !item.contains_key("count"), "{:?}", item.keys());
        let read = get(&after).await;
        assert_eq!((read.email.as_str(), read.position.as_str(), read.visits), ("m!", "r!", 2));
    }
}

mod marks {
    use super::*;

    versions! { "marks":
        Old {
            #[plaintext] sealed_now: String,
            #[authenticated] also_sealed_now: String,
            #[encrypted] shown_now: String,
            #[encrypted] free_now: String,
            #[encrypted] grouped_now: String,
        }
        New {
            #[encrypted(accept = "plaintext")] sealed_now: String,
            #[encrypted] also_sealed_now: String,
            #[authenticated] shown_now: String,
            #[plaintext] free_now: String,
            #[encrypted(group = "g")] grouped_now: Access<String>,
        }
        NeverReads {
            #[encrypted(accept = "plaintext")] #[serde(skip_deserializing)] sealed_now: Option<String>,
        }
    }

    fn old() -> Old {
        Old {
            id: "1".into(),
            note: "n".into(),
            sealed_now: "a".into(),
            also_sealed_now: "b".into(),
            shown_now: "c".into(),
            free_now: "d".into(),
            grouped_now: "e".into(),
        }
    }

    #[tokio::test]
    async fn a_field_whose_mark_has_changed_moves_though_its_value_has_not() {
        let setup = Setup::new().await;
        let (before, after) = (setup.table::<Old>().await, setup.table::<New>().await);
        before.put(&old()).send().await.expect("stored");
        after.update("1").modify(|record| record.note.push('!')).send().await.expect("changed");
        let item = stored(&setup, "marks").await;
        assert!(
            !item.contains_key("sealed_now") && !item.contains_key("also_sealed_now"),
            "{:?}",
            item.keys()
        );
        assert_eq!((&item["shown_now"], &item["free_now"]), (&text("c"), &text("d")));
        let read = get(&after).await;
        assert_eq!((read.sealed_now.as_str(), read.also_sealed_now.as_str()), ("a", "b"));
        assert_eq!((read.shown_now.as_str(), read.grouped_now), ("c", Access::Granted("e".into())));
    }

    #[tokio::test]
    async fn a_value_that_the_struct_does_not_read_cannot_be_moved_and_stays() {
        let setup = Setup::new().await;
        let (before, after) = (setup.table::<Old>().await, setup.table::<NeverReads>().await);
        before.put(&old()).send().await.expect("stored");
        after.update("1").modify(|record| record.note.push('!')).send().await.expect("changed");
        assert_eq!(get(&before).await, Old { note: "n!".into(), ..old() });
    }
}

mod bound {
    use super::*;

    versions! { "bound":
        Record {
            #[authenticated] role: String,
            #[authenticated] #[serde(default, skip_serializing_if = "Option::is_none")] team: Option<String>,
            #[plaintext] #[encryption_context] ward: String,
        }
    }

    fn record() -> Record {
        Record {
            id: "1".into(),
            note: "n".into(),
            role: "nurse".into(),
            team: None,
            ward: "w".into(),
        }
    }

    /// Changes a record while `meanwhile` happens to what was read.
    async fn changed_while(
        meanwhile: fn(&mut Item),
    ) -> (Result<Option<Record>, envelope_dynamo::Error>, bool) {
        let setup = Setup::new().await;
        let table = setup.table::<Record>().await;
        table.put(&record()).send().await.expect("stored");
        setup.faults.hold("UpdateItem");
        let change = table.update("1").modify(|record| record.note.push('!')).send();
        let other = async {
            while setup.faults.calls("UpdateItem") == 0 {
                tokio::task::yield_now().await;
            }
            let mut item = stored(&setup, "bound").await;
            meanwhile(&mut item);
            plant(&setup, "bound", item).await;
            setup.faults.release("UpdateItem");
        };
        let (outcome, ()) = tokio::join!(change, other);
        let opens = table.get("1").send().await.is_ok();
        (outcome, opens)
    }

    #[tokio::test]
    async fn what_is_bound_must_still_be_as_it_was_read() {
        let meanwhile: [fn(&mut Item); 4] = [
            |item| drop(item.insert("role".into(), text("doctor"))),
            |item| drop(item.insert("team".into(), text("red"))),
            |item| drop(item.insert("ward".into(), text("other"))),
            |item| drop(item.remove("role")),
        ];
        for meanwhile in meanwhile {
            let (outcome, opens) = changed_while(meanwhile).await;
            let error = outcome.expect_err("no success may be reported");
            assert!(
                !opens && !matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)),
                "{error}"
            );
        }
        let (outcome, opens) =
            changed_while(|item| drop(item.insert("other".into(), text("x")))).await;
        assert!(outcome.is_ok() && opens, "what is not bound may change");
    }
}

mod groups {
    use super::*;

    versions! { "groups":
        Grouped { #[plaintext] #[encryption_context] ward: String, #[encrypted(group = "lab")] result: Access<u8>, }
        Ungrouped { #[plaintext] #[encryption_context] ward: String, }
    }

    #[tokio::test]
    async fn a_pair_that_unknown_groups_are_bound_to_cannot_change() {
        let setup = Setup::new().await;
        let (newer, older) = (setup.table::<Grouped>().await, setup.table::<Ungrouped>().await);
        let record = Grouped {
            id: "1".into(),
            note: "n".into(),
            ward: "w".into(),
            result: Access::Granted(7),
        };
        newer.put(&record).send().await.expect("stored");
        let error = older
            .update("1")
            .modify(|record| record.ward.push('!'))
            .send()
            .await
            .expect_err("refused");
        let ErrorKind::Usage(UsageError::UnknownGroups { groups }) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(groups, &["lab"]);
        assert!(error.to_string().contains("[lab]") && !error.is_in_doubt(), "{error}");
        older
            .update("1")
            .modify(|record| record.note.push('!'))
            .send()
            .await
            .expect("the rest can change");
        assert_eq!(get(&newer).await, Grouped { note: "n!".into(), ..record.clone() });
        newer
            .update("1")
            .modify(|record| record.ward.push('!'))
            .send()
            .await
            .expect("who has the group may change it");
        assert_eq!(get(&newer).await.result, Access::Granted(7));
    }
}
