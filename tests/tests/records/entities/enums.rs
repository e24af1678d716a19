//! An enum of the entity types of one table.

use envelope_dynamo::error::DataError;
use envelope_dynamo::{Envelope, ErrorKind, Fault, LocalKeyProvider, from_item, to_item};
use envelope_tests::{Item, text};

use super::composed::{is_moved, provider};
use crate::shop::{Order, Profile, Shop, order, profile};

async fn read(item: Item, provider: &LocalKeyProvider) -> Result<Shop, envelope_dynamo::Error> {
    from_item(item, provider).await
}

#[tokio::test]
async fn an_item_opens_as_its_own_entity_type() {
    let provider = provider();
    let order_item = to_item(&order(5, "o_1"), &provider).await.unwrap();
    let profile_item = to_item(&Shop::Profile(profile()), &provider).await.unwrap();
    assert_eq!(read(order_item, &provider).await.unwrap(), Shop::Order(order(5, "o_1")));
    assert_eq!(read(profile_item.clone(), &provider).await.unwrap(), Shop::Profile(profile()));
    assert_eq!(
        from_item::<Profile>(profile_item, &provider).await.unwrap(),
        profile(),
        "the enum adds nothing"
    );
}

#[tokio::test]
async fn an_item_of_no_known_entity_type_is_an_error_with_its_key() {
    let provider = provider();
    let item = to_item(&profile(), &provider).await.unwrap();
    for sk in ["ORDER#00000000000000000005#o_1", "INVOICE#1", "PROFILE#"] {
        let mut moved = item.clone();
        moved.insert("sk".into(), text(sk));
        let error = read(moved, &provider).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "shop[pk=USER#u_1, sk={sk}]: the item is not one of Profile, Order: neither its keys nor the \
                 attribute of its entity type fit"
            )
        );
        assert_eq!(error.fault(), Fault::Data);
    }
}

#[tokio::test]
async fn a_record_disguised_as_one_of_another_type_does_not_open() {
    let provider = provider();
    let mut disguised = to_item(&profile(), &provider).await.unwrap();
    disguised.insert("sk".into(), text("ORDER#00000000000000000005#o_1"));
    disguised.insert("kind".into(), text("order"));
    disguised.insert("order_id".into(), text("o_1"));
    let error = read(disguised, &provider).await.unwrap_err();
    assert!(is_moved(&error), "{error}");

    let mut disguised = to_item(&order(5, "o_1"), &provider).await.unwrap();
    disguised.insert("sk".into(), text("PROFILE"));
    let error = read(disguised, &provider).await.unwrap_err();
    assert!(is_moved(&error), "{error}");
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "jobs", entity(kind = "mail"))]
struct Mail {
    #[partition_key]
    id: u32,
    #[encrypted]
    body: String,
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "jobs", entity(kind = "call"))]
struct Call {
    #[partition_key]
    id: u32,
    #[encrypted]
    body: String,
}

#[derive(Debug, PartialEq, Envelope)]
enum Job {
    Mail(Mail),
    Call(Call),
}

#[tokio::test]
async fn keys_of_one_form_are_told_apart_by_the_entity_type_which_is_authenticated() {
    let provider = provider();
    let mut item =
        to_item(&Job::Mail(Mail { id: 7, body: "s3cr3t".into() }), &provider).await.unwrap();
    assert_eq!(item["kind"], text("mail"));
    let read = from_item::<Job>(item.clone(), &provider).await.unwrap();
    assert_eq!(read, Job::Mail(Mail { id: 7, body: "s3cr3t".into() }));
    item.insert("kind".into(), text("call"));
    let error = from_item::<Job>(item, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

#[tokio::test]
async fn an_item_that_could_be_several_of_them_is_an_error() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "shop", entity(kind = "order"))]
    #[partition_key(name = "pk", format = "{account}#{number}")]
    #[sort_key(name = "sk", format = "{place}#{created:020}#{order_id}")]
    struct AnyOrder {
        #[key]
        account: String,
        #[key]
        number: String,
        #[key]
        place: String,
        #[key]
        created: u64,
        #[authenticated]
        order_id: String,
        #[encrypted]
        card: String,
    }
    #[derive(Debug, PartialEq, Envelope)]
    enum Unclear {
        Order(Order),
        AnyOrder(AnyOrder),
    }
    let provider = provider();
    let item = to_item(&order(5, "o_1"), &provider).await.unwrap();
    let error = from_item::<Unclear>(item, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::SeveralEntities { .. })), "{error}");
    assert!(error.to_string().contains("could be each of Order, AnyOrder"), "{error}");
}

#[tokio::test]
async fn a_key_is_hidden_until_its_entity_type_is_known() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "jobs", kms_context = "table", entity(kind = "secret"))]
    struct Secret {
        #[partition_key]
        id: u32,
        #[encrypted]
        body: String,
    }
    #[derive(Debug, PartialEq, Envelope)]
    enum Mixed {
        Mail(Mail),
        Secret(Secret),
    }
    let provider = provider();
    let mut item = to_item(&Secret { id: 4242, body: "s3cr3t".into() }, &provider).await.unwrap();
    item.insert("kind".into(), text("other"));
    let error = from_item::<Mixed>(item, &provider).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("4242"), "{error:?}");
}
