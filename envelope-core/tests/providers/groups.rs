//! A provider for each group of fields.

use envelope_core::{GROUP_PAIR, GroupKeyProvider, KeyErrorKind};

use super::*;

fn of_group(name: &str) -> Context<'_> {
    Context::new("patients").pair(GROUP_PAIR, name).unwrap()
}

#[tokio::test]
async fn each_group_uses_its_provider_and_the_rest_the_default() {
    let (record, medical, billing) = (party(), party(), party());
    let provider = GroupKeyProvider::new(record.clone())
        .group("medical", medical.clone())
        .group("billing", billing.clone());
    for (context, own) in [
        (Context::new("patients"), &record),
        (of_group("medical"), &medical),
        (of_group("billing"), &billing),
    ] {
        let sealed = seal(b"dear", &context, &provider).await.unwrap();
        assert_opens(&sealed, &context, &provider).await;
        assert_opens(&sealed, &context, own).await;
    }
    for own in [record, medical, billing] {
        assert_eq!((own.generate_calls(), own.unwrap_calls()), (1, 2));
    }
}

#[tokio::test]
async fn a_group_without_a_provider_is_neither_written_nor_read() {
    let (record, medical) = (party(), party());
    let sealed = seal(b"dear", &of_group("medical"), &medical).await.unwrap();
    let without = GroupKeyProvider::new(record.clone()).group("billing", party());
    for error in [
        refusal_to_seal(&of_group("medical"), &without).await,
        refusal(&sealed, &of_group("medical"), &without).await,
    ] {
        assert_eq!(error.kind(), KeyErrorKind::AccessDenied);
        assert_eq!(
            error.to_string(),
            "access denied: no key provider is configured for the group `medical`: add one with \
             `GroupKeyProvider::group`"
        );
    }
    record.assert_calls_at_most(0);
    let error = refusal_to_seal(&of_group("a\nb"), &without).await;
    assert!(error.to_string().contains("the group `a\\nb`:"), "{error}");
}

#[tokio::test]
async fn a_write_only_group_is_withheld_from_readers() {
    let (record, medical) = (party(), party());
    let writer = GroupKeyProvider::new(record.clone()).write_only_group("medical", medical.clone());
    let sealed = seal(b"dear", &of_group("medical"), &writer).await.unwrap();
    assert_eq!(
        refusal(&sealed, &of_group("medical"), &writer).await.kind(),
        KeyErrorKind::AccessDenied
    );
    assert_eq!((medical.generate_calls(), medical.unwrap_calls()), (1, 0));
    assert_opens(&sealed, &of_group("medical"), &medical).await;
    record.assert_calls_at_most(0);
}

#[test]
fn debug_shows_the_names_of_groups_and_no_keys() {
    let provider = GroupKeyProvider::new(party())
        .group("medical", party())
        .write_only_group("billing", party());
    assert_eq!(
        format!("{provider:?}"),
        r#"GroupKeyProvider { groups: ["billing", "medical"], .. }"#
    );
}
