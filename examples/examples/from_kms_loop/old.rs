//! How the old program encrypted an item, as many tutorials show it. Nothing ties a field to its
//! item.

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::types::DataKeySpec::Aes256;
use envelope_dynamo::item::Item;

use crate::{Failure, User};

/// The old form: `email_ciphertext`, `email_nonce`, and so on; `encrypted_dek` as KMS returned it.
pub(crate) async fn old_item(
    user: &User,
    kms: &aws_sdk_kms::Client,
    key: &str,
) -> Result<Item, Failure> {
    let generated = kms.generate_data_key().key_id(key).key_spec(Aes256).send().await?;
    let cipher = Aes256Gcm::new_from_slice(generated.plaintext().ok_or("no key")?.as_ref())?;
    let mut item = Item::from([("user_id".to_owned(), AttributeValue::S(user.user_id.clone()))]);
    let mut insert = |name: String, bytes| item.insert(name, AttributeValue::B(bytes));
    insert("encrypted_dek".to_owned(), generated.ciphertext_blob.ok_or("no wrapped key")?);
    for (name, secret) in [("email", &user.email), ("phone", &user.phone)] {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce)?;
        let ciphertext = cipher.encrypt(&nonce.into(), secret.as_bytes());
        insert(format!("{name}_ciphertext"), Blob::new(ciphertext.map_err(|_| "too long")?));
        insert(format!("{name}_nonce"), Blob::new(nonce));
    }
    Ok(item)
}

pub(crate) async fn old_user(item: &Item, kms: &aws_sdk_kms::Client) -> Result<User, Failure> {
    let bytes = |name: &str| item.get(name)?.as_b().ok();
    let wrapped = bytes("encrypted_dek").ok_or("an item without `encrypted_dek`")?;
    let unwrapped = kms.decrypt().ciphertext_blob(wrapped.clone()).send().await?;
    let cipher = Aes256Gcm::new_from_slice(unwrapped.plaintext().ok_or("no key")?.as_ref())?;
    let open = |name: &str| -> Result<String, Failure> {
        let ciphertext = bytes(&format!("{name}_ciphertext")).ok_or("a field is missing")?;
        let nonce = bytes(&format!("{name}_nonce")).ok_or("a nonce is missing")?;
        let plaintext = cipher.decrypt(nonce.as_ref().try_into()?, ciphertext.as_ref());
        Ok(String::from_utf8(plaintext.map_err(|_| "a field does not decrypt")?)?)
    };
    let user_id = item.get("user_id").and_then(|id| id.as_s().ok()).ok_or("no user_id")?;
    Ok(User { user_id: user_id.clone(), email: open("email")?, phone: open("phone")? })
}
