//! No value in a composed key makes a record stand where a record of another kind does.

use envelope_dynamo::error::UsageError;
use envelope_dynamo::item::Entity;
use envelope_dynamo::{Envelope, ErrorKind, Fault, Table, from_item, to_item};

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "U-{user}")]
struct User {
    #[key]
    user: String,
    #[encrypted]
    email: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "U-{user}#C-{coupon}")]
struct Coupon {
    #[key]
    user: String,
    #[key]
    coupon: String,
    #[encrypted]
    email: String,
}

/// Its keys have the form of those of a user.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "U-ADMIN-{name}")]
struct Admin {
    #[key]
    name: String,
    #[encrypted]
    email: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    User(User),
    Coupon(Coupon),
    Admin(Admin),
}

fn user(user: &str) -> User {
    User { user: user.to_owned(), email: "mallory@example.com".to_owned() }
}

fn coupon() -> Coupon {
    Coupon {
        user: "victim".to_owned(),
        coupon: "x".to_owned(),
        email: "victim@example.com".to_owned(),
    }
}

fn admin() -> Admin {
    Admin { name: "zoe".to_owned(), email: "zoe@example.com".to_owned() }
}

async fn shop(setup: &Setup) -> Table<Shop> {
    setup.table::<Coupon>().await;
    Table::new(setup.dynamodb.clone(), setup.keys.clone())
}

#[tokio::test]
async fn a_user_whose_name_has_a_separator_does_not_replace_a_coupon() {
    let setup = Setup::new().await;
    let shop = shop(&setup).await;
    shop.put(&Shop::Coupon(coupon())).send().await.expect("the coupon is stored");
    let before = setup.faults.all_requests().len();
    let attacker = user("victim#C-x");
    let refusals = [
        shop.put(&Shop::User(attacker.clone())).send().await.expect_err("refused"),
        shop.of::<User>().put(&attacker).send().await.expect_err("refused"),
        shop.of::<User>().get("victim#C-x").send().await.expect_err("refused"),
        to_item(&attacker, &setup.keys).await.expect_err("refused"),
    ];
    for error in refusals {
        assert!(
            error
                .to_string()
                .contains("`user` is a part of a composed key, but contains a separator"),
            "{error}"
        );
        assert!(!error.to_string().contains("victim#"), "{error}");
    }
    assert_eq!(setup.faults.all_requests().len(), before, "nothing was sent");
    let stored = shop.of::<Coupon>().get(("victim", "x")).send().await.expect("the coupon opens");
    assert_eq!(stored, Some(coupon()));
}

#[tokio::test]
async fn a_key_that_fits_two_kinds_of_an_enum_is_refused_unsent() {
    let setup = Setup::new().await;
    let shop = shop(&setup).await;
    let attacker = user("ADMIN-zoe");
    let before = (setup.faults.all_requests().len(), setup.keys.generate_calls());
    let batch = shop.batch_put([Shop::User(attacker.clone())]).send().await.expect_err("refused");
    let refusals = [
        shop.put(&Shop::User(attacker.clone())).send().await.expect_err("refused"),
        shop.of::<User>().put(&attacker).send().await.expect_err("the table knows its other kinds"),
        to_item(&Shop::User(attacker.clone()), &setup.keys).await.expect_err("refused"),
    ];
    for error in refusals.iter().chain(batch.failures().iter().map(|failure| failure.error())) {
        let ErrorKind::Usage(UsageError::AmbiguousKey { entities }) = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(entities, &["User", "Admin"]);
        assert_eq!(error.fault(), Fault::Caller);
        assert!(error.to_string().contains("fits each of User, Admin"), "{error}");
    }
    assert_eq!(batch.failures().len(), 1);
    assert_eq!(
        (setup.faults.all_requests().len(), setup.keys.generate_calls()),
        before,
        "nothing was sent"
    );
    shop.put(&Shop::Admin(admin())).send().await.expect_err("its key fits a user as well");
    shop.put(&Shop::User(user("zoe"))).send().await.expect("other users are stored");
}

#[tokio::test]
async fn kinds_with_keys_of_one_form_are_told_apart_by_their_entity_types() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "jobs", entity(kind = "mail"))]
    #[partition_key(name = "pk", format = "JOB#{id}")]
    struct Mail {
        #[key]
        id: String,
        #[encrypted]
        body: String,
    }
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "jobs", entity(kind = "call"))]
    #[partition_key(name = "pk", format = "JOB#{id}")]
    struct Call {
        #[key]
        id: String,
        #[encrypted]
        body: String,
    }
    #[derive(Debug, PartialEq, Envelope)]
    enum Job {
        Mail(Mail),
        Call(Call),
    }
    async fn comes_back<E: Entity + PartialEq + std::fmt::Debug>(setup: &Setup, record: E) {
        let item = to_item(&record, &setup.keys).await.expect("one kind fits");
        assert_eq!(from_item::<E>(item, &setup.keys).await.expect("it opens"), record);
    }
    let setup = Setup::new().await;
    let (id, body) = ("a-b_c.d@e+f".to_owned(), "hello".to_owned());
    comes_back(&setup, Job::Mail(Mail { id: id.clone(), body: body.clone() })).await;
    comes_back(&setup, Job::Call(Call { id, body })).await;
}
