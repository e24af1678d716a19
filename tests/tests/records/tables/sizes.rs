//! How many bytes a record takes, and the limit of DynamoDB.

use envelope_dynamo::error::UsageError;

use super::*;

#[tokio::test]
async fn an_item_over_400_kb_is_refused_before_it_is_sent() {
    let setup = users().await;
    let alice = User { email: "x".repeat(400 * 1024), ..user("alice") };
    let error = setup.table.put(&alice).send().await.unwrap_err();
    let ErrorKind::Usage(UsageError::TooLarge { bytes }) = error.kind() else { panic!("{error}") };
    assert!(*bytes > 400 * 1024 && *bytes < 401 * 1024, "{bytes}");
    assert_eq!(setup.faults.calls("PutItem"), 0);
}

#[tokio::test]
async fn the_largest_item_dynamodb_takes_is_sent() {
    let setup = TestTable::<Document>::new().await;
    let document = |len| Document { digest: vec![1], body: vec![7; len] };
    // Each KMS may return wrapped keys of another length, so measure one of this KMS.
    setup.table.put(&document(0)).send().await.unwrap();
    let item = setup
        .stored(Item::from([("digest".to_owned(), AttributeValue::B(Blob::new([1])))]))
        .await
        .unwrap();
    let overhead: usize = item
        .iter()
        .map(|(name, value)| name.len() + value.as_b().map_or(0, |blob| blob.as_ref().len()))
        .sum();
    // A byte string of this length has a head of five bytes; an empty one has a head of one.
    let largest = 400 * 1024 - overhead - 4;
    setup.table.put(&document(largest)).send().await.unwrap();
    let error = setup.table.put(&document(largest + 1)).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::TooLarge { bytes: 409_601 })),
        "{error}"
    );
}

/// The format adds at most 80 bytes to the payload and 15 to the wrapped key.
#[tokio::test]
async fn the_format_adds_no_more_bytes_than_it_says() {
    #[derive(Envelope)]
    #[envelope(table = "people")]
    struct Person {
        #[partition_key]
        id: u8,
        #[encrypted]
        name: String,
        #[authenticated]
        plan: u8,
    }
    let blob = vec![7; 184];
    let item =
        to_item(&Person { id: 1, name: "x".repeat(50), plan: 1 }, &AsLongAsKms(blob.clone()))
            .await
            .unwrap();
    let bytes = |name| item[name].as_b().unwrap().as_ref().len();
    // A map with one entry, `name`; its text of 50 bytes has a head of two.
    let plaintext = 1 + (1 + 4) + (2 + 50);
    assert_eq!(bytes("encrypted_payload") - plaintext, 75 + (1 + 4));
    assert_eq!(bytes("encrypted_dek") - blob.len(), 15);
}

/// README and FORMAT 9 name these figures, for an item without authenticated attributes.
#[tokio::test]
async fn an_item_grows_by_304_bytes_with_a_kms_key_and_152_with_a_branch_key() {
    #[derive(Envelope)]
    #[envelope(table = "people")]
    struct Person {
        #[partition_key]
        id: u8,
        #[encrypted]
        name: String,
    }
    let added = async |provider: &dyn WrapKey| {
        let item = to_item(&Person { id: 1, name: String::new() }, provider).await.unwrap();
        let sealed =
            ["encrypted_payload", "encrypted_dek"].map(|name| name.len() + as_bytes(&item, name));
        // A map with one entry: `name`, an empty text.
        sealed.iter().sum::<usize>() - (1 + (1 + 4) + 1)
    };
    assert_eq!(added(&AsLongAsKms(vec![7; 184])).await, 304);
    let branches =
        HierarchicalKeyProvider::per_table(OneBranch, CacheLimits::new(Duration::from_secs(60)));
    assert_eq!(added(&branches).await, 152);
}

fn as_bytes(item: &Item, name: &str) -> usize {
    item[name].as_b().unwrap().as_ref().len()
}

/// A store that has one version of every branch.
#[derive(Debug)]
struct OneBranch;

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(BranchVersion::from_bytes([7; 16])) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            Ok(BranchKey::new(branch.clone(), version, DataKey::from_slice(&[7; 32])?))
        })
    }
}

/// Wraps into a blob as long as one of KMS.
#[derive(Debug)]
struct AsLongAsKms(Vec<u8>);

impl WrapKey for AsLongAsKms {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async {
            let wrapped = WrappedKey::new(KeyKind::AWS_KMS, *b"key hint", self.0.clone()).unwrap();
            Ok(GeneratedKey { data_key: DataKey::generate()?, wrapped: vec![wrapped] })
        })
    }
}
