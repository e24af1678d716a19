//! Parts of one record moved to another: another row, table, struct or key provider.

use super::*;

/// Like [`Secret`], in another table.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "safe", kms_context = "table")]
struct Kept {
    #[partition_key]
    owner: String,
    #[sort_key]
    at: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    plan: String,
}

/// Another struct for the same table, with fewer names authenticated.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault", kms_context = "table")]
struct Note {
    #[partition_key]
    owner: String,
    #[sort_key]
    at: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    plan: String,
}

/// The same table and names; KMS sees a digest of the key.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault", kms_context = "hashed")]
struct Hashed {
    #[partition_key]
    owner: String,
    #[sort_key]
    at: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    plan: String,
}

/// The same; KMS sees the key.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "vault", kms_context = "raw")]
struct Shown {
    #[partition_key]
    owner: String,
    #[sort_key]
    at: u64,
    #[encrypted]
    text: String,
    #[authenticated]
    plan: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Struct {
    Secret,
    Kept,
    Note,
    Hashed,
    Shown,
}

/// A stored record, and the party that wrote it.
struct Stored {
    keys: usize,
    of: Struct,
    item: Item,
}

async fn opens(keys: &Keys, of: Struct, item: &Item) -> bool {
    match of {
        Struct::Secret => keys.read::<Secret>(item).await.is_ok(),
        Struct::Kept => keys.read::<Kept>(item).await.is_ok(),
        Struct::Note => keys.read::<Note>(item).await.is_ok(),
        Struct::Hashed => keys.read::<Hashed>(item).await.is_ok(),
        Struct::Shown => keys.read::<Shown>(item).await.is_ok(),
    }
}

macro_rules! same {
    ($struct:ident, $owner:expr, $text:expr) => {
        $struct { owner: $owner.into(), at: 1_700_000_000, text: $text.into(), plan: "pro".into() }
    };
}

/// Two rows of each struct under each of `keys`, and an earlier and a later version of one.
async fn everything_stored(everybody: &[Keys]) -> Vec<Stored> {
    let mut stored = Vec::new();
    for (keys, by) in everybody.iter().enumerate() {
        let upgraded = Secret { plan: "enterprise".into(), ..secret("zoe", "later") };
        for record in [secret("zoe", "4111"), upgraded, secret("max", "5500")] {
            stored.push(Stored { keys, of: Struct::Secret, item: by.write(&record).await });
        }
        stored.push(Stored {
            keys,
            of: Struct::Kept,
            item: by.write(&same!(Kept, "zoe", "4111")).await,
        });
        stored.push(Stored {
            keys,
            of: Struct::Note,
            item: by.write(&same!(Note, "zoe", "4111")).await,
        });
        stored.push(Stored {
            keys,
            of: Struct::Hashed,
            item: by.write(&same!(Hashed, "zoe", "4111")).await,
        });
        stored.push(Stored {
            keys,
            of: Struct::Shown,
            item: by.write(&same!(Shown, "zoe", "4111")).await,
        });
    }
    stored
}

/// Ways to put parts of one record into another.
const EXCHANGES: [&[&str]; 8] = [
    &["encrypted_payload"],
    &["encrypted_dek"],
    &SEALED,
    &["owner"],
    &["owner", "at"],
    &["plan"],
    &["encrypted_payload", "plan"],
    &["encrypted_dek", "plan"],
];

/// The hierarchical provider has branches for the two tables only, and the context form is part of
/// the wrapped key. Whatever is exchanged, only records that somebody stored open.
#[tokio::test]
async fn no_part_of_a_record_can_stand_in_another() {
    let servers = Servers::from_env().await.unwrap();
    let everybody: Vec<_> = everybody(&servers).await;
    let stored = everything_stored(&everybody).await;
    let everybody: Vec<_> = everybody.into_iter().map(Keys::remembering).collect();
    let mut refused = 0;
    for (i, here) in stored.iter().enumerate() {
        assert!(opens(&everybody[here.keys], here.of, &here.item).await, "as it was stored");
        for (_, there) in stored.iter().enumerate().filter(|(j, _)| *j != i) {
            for parts in EXCHANGES {
                let mut item = here.item.clone();
                for part in parts {
                    item.insert((*part).to_owned(), there.item[*part].clone());
                }
                if item == here.item {
                    continue; // both have the same key, or the same plan
                }
                let opened = opens(&everybody[here.keys], here.of, &item).await;
                let what = format!(
                    "{parts:?} of {:?} by {} in {:?} by {}",
                    there.of, everybody[there.keys].name, here.of, everybody[here.keys].name
                );
                assert!(!opened, "{what}");
                refused += 1;
            }
        }
    }
    assert!(refused > 8_000, "{refused} exchanges");
}

/// A whole record, read with other keys, or as another struct of its table.
#[tokio::test]
async fn a_record_opens_for_no_other_keys() {
    let servers = Servers::from_env().await.unwrap();
    let everybody: Vec<_> = everybody(&servers).await;
    for stored in everything_stored(&everybody).await {
        for (i, keys) in everybody.iter().enumerate() {
            let opened = opens(keys, stored.of, &stored.item).await;
            assert_eq!(
                opened,
                i == stored.keys,
                "{:?} by {} with {}",
                stored.of,
                everybody[stored.keys].name,
                keys.name
            );
        }
    }
}
