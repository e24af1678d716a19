//! Somebody who can write the table tries to pass sealed records off as unprotected ones, and the
//! reverse.

use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::item::{Item, PlaintextItems};
use envelope_dynamo::{Envelope, Error, ErrorKind, LocalKeyProvider, Table, from_item, to_item};
use envelope_tests::{binary, local_keys, plant, text, with};

use super::{Bench, Coupon, Shop, coupon, local};
use crate::entities::composed::is_moved;
use crate::shop::{Profile, profile};

const SEALED: [&str; 2] = ["encrypted_payload", "encrypted_dek"];

async fn as_enum(item: &Item, provider: &LocalKeyProvider) -> Result<Shop, Error> {
    from_item(item.clone(), provider).await
}

/// `item` without its payload and its wrapped key.
fn bare(item: &Item) -> Item {
    SEALED.iter().fold(item.clone(), |item, name| with(&item, name, None))
}

/// All attributes of `one`, and those of `other` that it does not have.
fn both(one: &Item, other: &Item) -> Item {
    let mut item = other.clone();
    item.extend(one.clone());
    item
}

fn is_not_sealed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data(DataError::NotSealed))
}

fn is_sealed_unprotected(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data(DataError::SealedUnprotected { entity: "Coupon", .. }))
}

/// Whatever attributes the item has, its key decides.
#[tokio::test]
async fn a_sealed_record_never_opens_as_an_unprotected_one() {
    let provider = local();
    let sealed = to_item(&profile(), &provider).await.unwrap();
    let unprotected = to_item(&coupon("a"), &provider).await.unwrap();
    let under_key_of_profile = both(&bare(&sealed), &unprotected);
    let attempts = [
        bare(&sealed),
        under_key_of_profile.clone(),
        with(&under_key_of_profile, "kind", text("unprotected")),
        with(&under_key_of_profile, "unprotected", text("true")),
    ];
    for item in attempts {
        let error = as_enum(&item, &provider).await.unwrap_err();
        assert!(is_not_sealed(&error), "{error}");
        let error = from_item::<Profile>(item.clone(), &provider).await.unwrap_err();
        assert!(is_not_sealed(&error), "{error}");
        let error = from_item::<Coupon>(item, &provider).await.unwrap_err();
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::Data(DataError::WrongEntity { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_sealed_record_under_the_key_of_an_unprotected_one_is_refused() {
    let provider = local();
    let sealed = to_item(&profile(), &provider).await.unwrap();
    let unprotected = to_item(&coupon("a"), &provider).await.unwrap();
    let moved = both(&unprotected, &sealed);
    for item in [
        moved.clone(),
        with(&moved, "encrypted_payload", None),
        with(&moved, "encrypted_dek", None),
        with(&unprotected, "encrypted_payload", text("text")),
        with(&unprotected, "encrypted_payload_medical", binary([1])),
        with(&unprotected, "encrypted_dek_medical", binary([1])),
    ] {
        for read in [
            as_enum(&item, &provider).await.map(drop),
            from_item::<Coupon>(item.clone(), &provider).await.map(drop),
        ] {
            let error = read.unwrap_err();
            assert!(is_sealed_unprotected(&error), "{error}");
            assert!(error.to_string().contains("`Coupon` are stored unprotected"), "{error}");
        }
    }
    assert_eq!(
        as_enum(&unprotected, &provider).await.unwrap(),
        Shop::Coupon(coupon("a")),
        "as it was written"
    );
}

#[tokio::test]
async fn an_unprotected_record_never_opens_as_a_sealed_one() {
    let provider = local();
    let sealed = to_item(&profile(), &provider).await.unwrap();
    let unprotected = to_item(&coupon("a"), &provider).await.unwrap();
    let mut moved = unprotected.clone();
    for name in ["pk", "sk"] {
        moved.insert(name.into(), sealed[name].clone());
    }
    moved.extend([("email".into(), text("eve@example.com")), ("logins".into(), text("1"))]);
    let error = as_enum(&moved, &provider).await.unwrap_err();
    assert!(is_not_sealed(&error), "{error}");
    // With the payload of another record.
    let other = Profile { user_id: "u_2".into(), ..profile() };
    let other = to_item(&other, &provider).await.unwrap();
    moved.extend(SEALED.map(|name| (name.to_owned(), other[name].clone())));
    assert!(is_moved(&as_enum(&moved, &provider).await.unwrap_err()));
}

/// In a table, by every call that reads.
#[tokio::test]
async fn calls_of_a_table_refuse_what_was_planted() {
    let bench = Bench::new().await;
    let (profiles, coupons) = (bench.shop.of::<Profile>(), bench.shop.of::<Coupon>());
    profiles.put(&profile()).send().await.unwrap();
    coupons.put(&coupon("a")).send().await.unwrap();
    let sealed = bench.stored("PROFILE").await.unwrap();
    let unprotected = bench.stored("COUPON#a").await.unwrap();
    for item in [both(&bare(&sealed), &unprotected), both(&unprotected, &sealed)] {
        plant(&bench.servers, bench.shop.name(), item).await;
    }

    let error = profiles.get("u_1").send().await.unwrap_err();
    assert!(is_not_sealed(&error), "{error}");
    let error = profiles.update("u_1").modify(|profile| profile.logins += 1).send().await;
    assert!(is_not_sealed(&error.unwrap_err()));
    let error = coupons.get(("u_1", "a")).send().await.unwrap_err();
    assert!(is_sealed_unprotected(&error), "{error}");
    let error = coupons.update(("u_1", "a")).modify(|coupon| coupon.used += 1).send().await;
    assert!(is_sealed_unprotected(&error.unwrap_err()));
    let mut records = bench.shop.query("u_1").stream().unwrap();
    let mut failures = Vec::new();
    while let Some(record) = records.next().await {
        failures.push(record.unwrap_err());
    }
    assert_eq!(failures.len(), 2);
    assert!(is_sealed_unprotected(&failures[0]) && is_not_sealed(&failures[1]), "{failures:?}");
    let error = profiles.delete("u_1").returning_old().send().await.unwrap_err();
    assert!(is_not_sealed(&error), "{error}");

    // Between reading and writing, too.
    bench.faults.hold("UpdateItem");
    coupons.put(&coupon("b")).send().await.unwrap();
    let change = coupons.update(("u_1", "b")).modify(|coupon| coupon.used += 1);
    let plants = async {
        envelope_tests::called(&bench.faults, "UpdateItem", 1).await;
        let stored = bench.stored("COUPON#b").await.unwrap();
        let planted = with(&stored, "encrypted_payload", binary([1; 100]));
        plant(&bench.servers, bench.shop.name(), planted).await;
        bench.faults.release("UpdateItem");
    };
    let (changed, ()) = tokio::join!(change.send(), plants);
    assert!(is_sealed_unprotected(&changed.unwrap_err()));
}

/// Only a state in which plain items are believed believes one under the key of a sealed record, as
/// it does without an unprotected type.
#[tokio::test]
async fn an_unprotected_type_widens_no_state_of_plaintext_items() {
    let bench = Bench::new().await;
    let profiles = bench.shop.of::<Profile>();
    profiles.put(&profile()).send().await.unwrap();
    let planted = with(&bare(&bench.stored("PROFILE").await.unwrap()), "email", text("eve@x.y"));
    plant(&bench.servers, bench.shop.name(), planted).await;
    let refused = bench.shop.query("u_1").send().await.unwrap_err();
    assert!(is_not_sealed(&refused), "{refused}");
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = seen.clone();
    let shop: Table<Shop> = bench.shop.clone();
    let shop = shop.plaintext_items(PlaintextItems::Read).observe_plaintext(move |_, _| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(shop.query("u_1").send().await.unwrap().len(), 1);
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 1, "it is counted");
}

/// The key of a record of the enum cannot be made to look like that of another type by a value.
#[tokio::test]
async fn no_value_makes_a_key_of_one_a_key_of_the_other() {
    let provider = local_keys(7);
    for code in ["PROFILE", "x#PROFILE", "#", "REMINDER#00001"] {
        let record = Shop::Coupon(coupon(code));
        match to_item(&record, &provider).await {
            Ok(item) => assert_eq!(from_item::<Shop>(item, &provider).await.unwrap(), record),
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
            }
        }
    }
    const { assert!(Coupon::UNPROTECTED && !Profile::UNPROTECTED) };
}
