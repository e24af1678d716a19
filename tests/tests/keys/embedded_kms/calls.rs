//! Calls to a KMS, each with the answer that AWS documents.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::Region;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::decrypt::builders::DecryptFluentBuilder;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::operation::generate_data_key::builders::GenerateDataKeyFluentBuilder;
use aws_sdk_kms::operation::re_encrypt::builders::ReEncryptFluentBuilder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, EncryptionAlgorithmSpec, KeyMetadata};
use envelope_examples::servers::unique_name;

const THERE: &str = "eu-west-1";
const NO_KEY: &str = "00000000-0000-0000-0000-000000000000";

/// The answer to one call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) call: &'static str,
    /// `ok`, or the code of the error.
    pub(super) of_aws: &'static str,
    /// `ok`, `wrong` if the call succeeded with a wrong result, or the code of the error.
    pub(super) given: String,
}

/// All answers of a KMS. Its keys are new.
pub(super) async fn answers(kms: &Client) -> Vec<Answer> {
    let mut calls = Calls::new(kms).await;
    calls.data_keys().await;
    calls.names_of_keys().await;
    calls.contexts().await;
    calls.damaged_ciphertexts().await;
    calls.plaintexts().await;
    calls.states().await;
    calls.re_encryption().await;
    calls.regions().await;
    calls.rotation().await;
    calls.aliases().await;
    calls.refused_members().await;
    calls.answers
}

type Context = HashMap<String, String>;

fn context(pairs: &[(&str, &str)]) -> Context {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A key, a data key under it, and the answers so far.
struct Calls {
    kms: Client,
    there: Client,
    key: KeyMetadata,
    other: KeyMetadata,
    alias: String,
    pairs: Context,
    data_key: GenerateDataKeyOutput,
    answers: Vec<Answer>,
}

async fn new_key(kms: &Client) -> KeyMetadata {
    kms.create_key().send().await.unwrap().key_metadata.unwrap()
}

impl Calls {
    async fn new(kms: &Client) -> Self {
        let there = kms.config().to_builder().region(Region::new(THERE)).build();
        let (key, other) = (new_key(kms).await, new_key(kms).await);
        let alias = format!("alias/{}", unique_name("calls"));
        kms.create_alias().alias_name(&alias).target_key_id(&key.key_id).send().await.unwrap();
        let pairs = context(&[("table", "orders"), ("tenant", "t1")]);
        let data_key = kms.generate_data_key().key_id(&key.key_id).key_spec(DataKeySpec::Aes256);
        let data_key = data_key.set_encryption_context(Some(pairs.clone())).send().await.unwrap();
        Self {
            kms: kms.clone(),
            there: Client::from_conf(there),
            key,
            other,
            alias,
            pairs,
            data_key,
            answers: Vec::new(),
        }
    }

    /// Notes the answer to `call`. A success must also fulfil `is_right`.
    fn note<T, E: ProvideErrorMetadata>(
        &mut self,
        call: &'static str,
        of_aws: &'static str,
        answer: Result<T, SdkError<E>>,
        is_right: impl FnOnce(&T) -> bool,
    ) {
        let given = match &answer {
            Ok(output) if is_right(output) => "ok",
            Ok(_) => "wrong",
            Err(error) => error.code().unwrap_or("an error without a code"),
        };
        self.answers.push(Answer { call, of_aws, given: given.to_owned() });
    }

    fn arn(&self) -> String {
        self.key.arn.clone().unwrap()
    }

    fn blob(&self) -> Blob {
        self.data_key.ciphertext_blob.clone().unwrap()
    }

    fn generate(&self, key: impl Into<String>) -> GenerateDataKeyFluentBuilder {
        self.kms.generate_data_key().key_id(key).set_encryption_context(Some(self.pairs.clone()))
    }

    /// Decrypts the data key.
    fn decrypt(&self) -> DecryptFluentBuilder {
        let decrypt = self.kms.decrypt().ciphertext_blob(self.blob());
        decrypt.set_encryption_context(Some(self.pairs.clone()))
    }

    fn re_encrypt(&self) -> ReEncryptFluentBuilder {
        let call = self.kms.re_encrypt().ciphertext_blob(self.blob());
        call.set_source_encryption_context(Some(self.pairs.clone()))
            .destination_key_id(&self.other.key_id)
    }

    /// Whether an answer has the data key, and names its key.
    fn is_data_key(&self) -> impl Fn(&DecryptOutput) -> bool + use<> {
        let (plaintext, arn) = (self.data_key.plaintext.clone(), self.arn());
        move |output| output.plaintext == plaintext && output.key_id() == Some(arn.as_str())
    }

    async fn encrypted(&self, pairs: &[(&str, &str)]) -> Blob {
        let encrypt = self.kms.encrypt().key_id(&self.key.key_id).plaintext(Blob::new("x"));
        let encrypt = encrypt.set_encryption_context(Some(context(pairs)));
        encrypt.send().await.unwrap().ciphertext_blob.unwrap()
    }

    async fn data_keys(&mut self) {
        let arn = self.arn();
        let aes = |key: &str| self.generate(key).key_spec(DataKeySpec::Aes256);
        let (id, bytes) = (self.key.key_id.clone(), |output: &GenerateDataKeyOutput| {
            output.plaintext.as_ref().map_or(0, |key| key.as_ref().len())
        });
        let whole = aes(&id).send().await;
        let small = self.generate(&id).key_spec(DataKeySpec::Aes128).send().await;
        let sized = self.generate(&id).number_of_bytes(64).send().await;
        let too_long = self.generate(&id).number_of_bytes(1025).send().await;
        let both = aes(&id).number_of_bytes(32).send().await;
        let neither = self.generate(&id).send().await;
        let dry = aes(&id).dry_run(true).send().await;
        let without = self.kms.generate_data_key_without_plaintext().key_id(&id);
        let without = without.key_spec(DataKeySpec::Aes256).send().await;
        let opened = self.kms.decrypt();
        let opened = opened
            .set_ciphertext_blob(without.as_ref().ok().and_then(|it| it.ciphertext_blob.clone()))
            .send()
            .await;
        let before = self.blob();
        self.note("GenerateDataKey", "ok", whole, |it| {
            bytes(it) == 32
                && it.key_id() == Some(arn.as_str())
                && it.ciphertext_blob.as_ref() != Some(&before)
                && it.key_material_id().is_some_and(|id| id.len() == 64)
        });
        self.note("GenerateDataKey AES_128", "ok", small, |it| bytes(it) == 16);
        self.note("GenerateDataKey of 64 bytes", "ok", sized, |it| bytes(it) == 64);
        self.note("GenerateDataKey of 1,025 bytes", "ValidationException", too_long, |_| true);
        self.note("GenerateDataKey of a spec and a size", "ValidationException", both, |_| true);
        self.note("GenerateDataKey without a size", "ValidationException", neither, |_| true);
        self.note("GenerateDataKey, dry run", "DryRunOperationException", dry, |_| true);
        self.note("GenerateDataKeyWithoutPlaintext", "ok", without, |it| {
            it.key_id() == Some(arn.as_str())
        });
        self.note("Decrypt a data key made without plaintext", "ok", opened, |it| {
            it.plaintext.as_ref().is_some_and(|key| key.as_ref().len() == 32)
        });
    }

    async fn names_of_keys(&mut self) {
        let (arn, alias) = (self.arn(), self.alias.clone());
        let alias_arn = format!("{}:{alias}", arn.split_once(":key/").unwrap().0);
        for (call, name) in [
            ("Decrypt by key id", &self.key.key_id.clone()),
            ("Decrypt by key ARN", &arn),
            ("Decrypt by alias", &alias),
            ("Decrypt by alias ARN", &alias_arn),
        ] {
            let opened = self.decrypt().key_id(name).send().await;
            self.note(call, "ok", opened, self.is_data_key());
        }
        let described = self.kms.describe_key().key_id(&alias_arn).send().await;
        self.note("DescribeKey by alias ARN", "ok", described, |it| {
            let key = it.key_metadata.as_ref();
            key.is_some_and(|key| key.arn() == Some(arn.as_str()) && key.enabled)
        });
        let elsewhere = arn.replace(":us-east-1:", ":eu-west-1:");
        for (call, name, of_aws) in [
            ("Decrypt by another key", self.other.key_id.as_str(), "IncorrectKeyException"),
            ("Decrypt by an unknown key", NO_KEY, "NotFoundException"),
            ("Decrypt by an unknown alias", "alias/none", "NotFoundException"),
            ("Decrypt by an alias without alias/", "users", "NotFoundException"),
            ("Decrypt by an ARN of another region", &elsewhere, "NotFoundException"),
        ] {
            let refused =
                self.kms.decrypt().ciphertext_blob(self.data_key.ciphertext_blob.clone().unwrap());
            let refused = refused.set_encryption_context(Some(self.pairs.clone()));
            let refused = refused.key_id(name).send().await;
            let given = refused.err().and_then(|e| e.code().map(str::to_owned));
            self.answers.push(Answer { call, of_aws, given: given.unwrap_or("ok".into()) });
        }
        for (call, name) in [
            ("GenerateDataKey of an unknown key", NO_KEY),
            ("GenerateDataKey of an unknown alias", "alias/none"),
        ] {
            let refused = self.generate(name).key_spec(DataKeySpec::Aes256).send().await;
            self.note(call, "NotFoundException", refused, |_| true);
        }
        let (id, moved) = (self.other.key_id.clone(), format!("{alias}-moved"));
        let create = self.kms.create_alias().alias_name(&moved).target_key_id(&self.key.key_id);
        create.send().await.unwrap();
        let update = self.kms.update_alias().alias_name(&moved).target_key_id(id).send().await;
        self.note("UpdateAlias", "ok", update, |_| true);
        let opened = self.decrypt().key_id(moved).send().await;
        self.note("Decrypt by an alias that was moved", "IncorrectKeyException", opened, |_| true);
    }

    async fn contexts(&mut self) {
        const REFUSED: &str = "InvalidCiphertextException";
        for (call, pairs) in [
            ("Decrypt with another value", &[("table", "orders"), ("tenant", "t2")][..]),
            ("Decrypt with another case", &[("table", "orders"), ("tenant", "T1")]),
            ("Decrypt with a pair less", &[("tenant", "t1")]),
            ("Decrypt with a pair more", &[("table", "orders"), ("tenant", "t1"), ("x", "y")]),
            ("Decrypt without a context", &[]),
        ] {
            let refused = self.kms.decrypt().ciphertext_blob(self.blob());
            let refused = refused.set_encryption_context(Some(context(pairs))).send().await;
            self.note(call, REFUSED, refused, |_| true);
        }
        for (call, made, asked, of_aws) in [
            (
                "{a: bc, d: e} read as {ab: c, d: e}",
                &[("a", "bc"), ("d", "e")][..],
                &[("ab", "c"), ("d", "e")][..],
                REFUSED,
            ),
            (
                "{a: bcde} read as {a: bc, d: e}",
                &[("a", "bcde")],
                &[("a", "bc"), ("d", "e")],
                REFUSED,
            ),
            ("{} read as {a: b}", &[], &[("a", "b")], REFUSED),
            ("{} read as {}", &[], &[], "ok"),
            ("a context that is not ASCII", &[("é", "日本")], &[("é", "日本")], "ok"),
        ] {
            let opened = self.kms.decrypt().ciphertext_blob(self.encrypted(made).await);
            let opened = opened.set_encryption_context(Some(context(asked))).send().await;
            self.note(call, of_aws, opened, |it| it.plaintext == Some(Blob::new("x")));
        }
    }

    async fn damaged_ciphertexts(&mut self) {
        let blob = self.blob().into_inner();
        let decrypt = |bytes: Vec<u8>| self.decrypt().ciphertext_blob(Blob::new(bytes)).send();
        let mut accepted = 0;
        for position in 0..blob.len() {
            let mut changed = blob.clone();
            changed[position] ^= 1;
            accepted += usize::from(decrypt(changed).await.is_ok());
        }
        let shorter = decrypt(blob[..blob.len() - 1].to_vec()).await;
        let longer = decrypt([&blob[..], &[0]].concat()).await;
        let (noise, one, none) =
            (decrypt(vec![7; 184]).await, decrypt(vec![7]).await, decrypt(vec![]).await);
        let given = if accepted == 0 { "ok".to_owned() } else { format!("{accepted} accepted") };
        self.answers.push(Answer { call: "one bit of each byte", of_aws: "ok", given });
        const REFUSED: &str = "InvalidCiphertextException";
        self.note("a ciphertext without its last byte", REFUSED, shorter, |_| true);
        self.note("a ciphertext with a byte more", REFUSED, longer, |_| true);
        self.note("a ciphertext of noise", REFUSED, noise, |_| true);
        self.note("a ciphertext of one byte", REFUSED, one, |_| true);
        self.note("an empty ciphertext", "ValidationException", none, |_| true);
    }

    async fn plaintexts(&mut self) {
        for (call, length, of_aws) in [
            ("Encrypt 4,096 bytes", 4096, "ok"),
            ("Encrypt 4,097 bytes", 4097, "ValidationException"),
            ("Encrypt nothing", 0, "ValidationException"),
        ] {
            let plaintext = Blob::new(vec![b'a'; length]);
            let encrypt = self.kms.encrypt().key_id(&self.key.key_id).plaintext(plaintext.clone());
            let encrypted = encrypt.send().await;
            let opened = match &encrypted {
                Ok(it) => self.kms.decrypt().set_ciphertext_blob(it.ciphertext_blob.clone()),
                Err(_) => self.kms.decrypt(),
            };
            let opened = opened.send().await;
            self.note(call, of_aws, encrypted, |_| {
                opened.is_ok_and(|it| it.plaintext == Some(plaintext))
            });
        }
    }

    async fn states(&mut self) {
        let id = new_key(&self.kms).await.key_id;
        let generate = self.kms.generate_data_key().key_id(&id).key_spec(DataKeySpec::Aes256);
        let blob = generate.clone().send().await.unwrap().ciphertext_blob.unwrap();
        let decrypt = self.kms.decrypt().ciphertext_blob(blob.clone());
        let disable = self.kms.disable_key().key_id(&id);
        let disabled = disable.clone().send().await;
        self.note("DisableKey", "ok", disabled, |_| true);
        const DISABLED: &str = "DisabledException";
        let used = generate.clone().send().await;
        self.note("disabled: GenerateDataKey", DISABLED, used, |_| true);
        let without = self.kms.generate_data_key_without_plaintext().key_id(&id);
        let without = without.key_spec(DataKeySpec::Aes256).send().await;
        self.note("disabled: GenerateDataKeyWithoutPlaintext", DISABLED, without, |_| true);
        let encrypt = self.kms.encrypt().key_id(&id).plaintext(Blob::new("x")).send().await;
        self.note("disabled: Encrypt", DISABLED, encrypt, |_| true);
        self.note("disabled: Decrypt", DISABLED, decrypt.clone().send().await, |_| true);
        let named = decrypt.clone().key_id(&id).send().await;
        self.note("disabled: Decrypt by key id", DISABLED, named, |_| true);
        let from = self.re_encrypt().ciphertext_blob(blob).source_key_id(&id);
        let from = from.set_source_encryption_context(None).send().await;
        self.note("disabled: ReEncrypt from it", DISABLED, from, |_| true);
        let to = self.re_encrypt().source_key_id(&self.key.key_id).destination_key_id(&id);
        let to = to.send().await;
        self.note("disabled: ReEncrypt to it", DISABLED, to, |_| true);
        let described = self.kms.describe_key().key_id(&id).send().await;
        self.note("disabled: DescribeKey", "ok", described, |it| {
            it.key_metadata.as_ref().is_some_and(|key| !key.enabled)
        });
        self.kms.enable_key().key_id(&id).send().await.unwrap();
        self.note("enabled again: Decrypt", "ok", decrypt.clone().send().await, |_| true);

        const STATE: &str = "KMSInvalidStateException";
        let schedule =
            |days| self.kms.schedule_key_deletion().key_id(&id).pending_window_in_days(days).send();
        let early = schedule(6).await;
        let scheduled = schedule(7).await;
        let twice = schedule(7).await;
        self.note("ScheduleKeyDeletion in 6 days", "ValidationException", early, |_| true);
        self.note("ScheduleKeyDeletion in 7 days", "ok", scheduled, |it| {
            it.deletion_date.is_some()
        });
        self.note("ScheduleKeyDeletion twice", STATE, twice, |_| true);
        self.note("to be deleted: GenerateDataKey", STATE, generate.send().await, |_| true);
        self.note("to be deleted: Decrypt", STATE, decrypt.clone().send().await, |_| true);
        self.note("to be deleted: DisableKey", STATE, disable.send().await, |_| true);
        let cancelled = self.kms.cancel_key_deletion().key_id(&id).send().await;
        self.note("CancelKeyDeletion", "ok", cancelled, |_| true);
        self.note("after CancelKeyDeletion: Decrypt", DISABLED, decrypt.send().await, |_| true);
        let again = self.kms.cancel_key_deletion().key_id(&id).send().await;
        self.note("CancelKeyDeletion twice", STATE, again, |_| true);
    }

    async fn re_encryption(&mut self) {
        let (from, to) = (self.arn(), self.other.arn.clone().unwrap());
        let call = || self.re_encrypt().destination_encryption_context("n", "1");
        let moved = call().source_key_id(&self.key.key_id).send().await;
        let blob = moved.as_ref().ok().and_then(|it| it.ciphertext_blob.clone());
        let opened = self.kms.decrypt().set_ciphertext_blob(blob);
        let opened = opened.encryption_context("n", "1").send().await;
        let unnamed = call().send().await;
        let wrong = call().source_key_id(&self.key.key_id);
        let wrong = wrong.set_source_encryption_context(None).send().await;
        let other = call().source_key_id(&self.other.key_id).send().await;
        let nowhere =
            call().source_key_id(&self.key.key_id).destination_key_id(NO_KEY).send().await;
        self.note("ReEncrypt", "ok", moved, |it| {
            it.source_key_id() == Some(from.as_str()) && it.key_id() == Some(to.as_str())
        });
        let plaintext = self.data_key.plaintext.clone();
        self.note("Decrypt what was re-encrypted", "ok", opened, |it| it.plaintext == plaintext);
        self.note("ReEncrypt without the source key", "ok", unnamed, |_| true);
        const REFUSED: &str = "InvalidCiphertextException";
        self.note("ReEncrypt with another source context", REFUSED, wrong, |_| true);
        self.note("ReEncrypt from another key", "IncorrectKeyException", other, |_| true);
        self.note("ReEncrypt to an unknown key", "NotFoundException", nowhere, |_| true);
    }

    async fn regions(&mut self) {
        let key = self.kms.create_key().multi_region(true).send().await.unwrap();
        let key = key.key_metadata.unwrap();
        let id = key.key_id.as_str();
        let generate = self.kms.generate_data_key().key_id(id).key_spec(DataKeySpec::Aes256);
        let made = generate.encryption_context("a", "b").send().await.unwrap();
        let there = self.there.clone();
        let decrypt = there.decrypt().set_ciphertext_blob(made.ciphertext_blob.clone());
        let decrypt = decrypt.encryption_context("a", "b");
        let before = decrypt.clone().send().await;
        let replicate = self.kms.replicate_key().replica_region(THERE);
        let single = replicate.clone().key_id(&self.key.key_id).send().await;
        let replica = replicate.clone().key_id(id).send().await;
        let twice = replicate.key_id(id).send().await;
        let after = decrypt.clone().send().await;
        let named = decrypt.clone().key_id(id).send().await;
        let wrong = decrypt.set_encryption_context(None).send().await;
        let back = there.generate_data_key().key_id(id).key_spec(DataKeySpec::Aes256);
        let back = back.send().await.ok().and_then(|it| it.ciphertext_blob);
        let back = self.kms.decrypt().set_ciphertext_blob(back).send().await;
        let foreign = there.decrypt().ciphertext_blob(self.blob());
        let foreign = foreign.set_encryption_context(Some(self.pairs.clone())).send().await;
        let arn = self.arn();
        let by_arn = there.generate_data_key().key_id(&arn).key_spec(DataKeySpec::Aes256);
        let by_arn = by_arn.send().await;

        const NO_ACCESS: &str = "AccessDeniedException";
        let is_mrk = id.starts_with("mrk-") && id.len() == 36;
        let given = if is_mrk { "ok" } else { "wrong" }.to_owned();
        self.answers.push(Answer { call: "the id of a multi-region key", of_aws: "ok", given });
        self.note("Decrypt in a region without a replica", NO_ACCESS, before, |_| true);
        let unsupported = "UnsupportedOperationException";
        self.note("ReplicateKey of a single-region key", unsupported, single, |_| true);
        let replica_arn = key.arn.clone().unwrap().replace(":us-east-1:", ":eu-west-1:");
        self.note("ReplicateKey", "ok", replica, |it| {
            it.replica_key_metadata.as_ref().is_some_and(|key| key.arn() == Some(&replica_arn))
        });
        self.note("ReplicateKey twice", "AlreadyExistsException", twice, |_| true);
        self.note("Decrypt by the replica", "ok", after, |it| {
            it.plaintext == made.plaintext && it.key_id() == Some(&replica_arn)
        });
        self.note("Decrypt by the id of the replica", "ok", named, |_| true);
        let refused = "InvalidCiphertextException";
        self.note("Decrypt by the replica, another context", refused, wrong, |_| true);
        self.note("Decrypt what the replica made", "ok", back, |it| it.key_id() == key.arn());
        self.note("Decrypt what another region made", NO_ACCESS, foreign, |_| true);
        self.note(
            "GenerateDataKey by an ARN of another region",
            "NotFoundException",
            by_arn,
            |_| true,
        );
    }

    async fn rotation(&mut self) {
        let material = self.data_key.key_material_id.clone();
        let rotated = self.kms.rotate_key_on_demand().key_id(&self.key.key_id).send().await;
        self.note("RotateKeyOnDemand", "ok", rotated, |_| true);
        let opened = self.decrypt().send().await;
        let is_data_key = self.is_data_key();
        self.note("Decrypt what was made before the rotation", "ok", opened, |it| {
            is_data_key(it) && it.key_material_id == material
        });
        let id = self.key.key_id.clone();
        let made = self.generate(id).key_spec(DataKeySpec::Aes256).send().await;
        self.note("GenerateDataKey after the rotation", "ok", made, |it| {
            it.key_material_id.is_some() && it.key_material_id != material
        });
    }

    async fn aliases(&mut self) {
        let create = |name: &str, target: &str| {
            let call = self.kms.create_alias().alias_name(name).target_key_id(target);
            call.send()
        };
        let new_alias = || format!("alias/{}", unique_name("new"));
        let (alias, id) = (self.alias.clone(), self.other.key_id.clone());
        let reserved = format!("alias/aws/{}", unique_name("new"));
        let (bare, of_alias, nowhere) = (unique_name("new"), new_alias(), new_alias());
        let twice = create(&alias, &id).await;
        let reserved = create(&reserved, &id).await;
        let bare = create(&bare, &id).await;
        let of_alias = create(&of_alias, &alias).await;
        let nowhere = create(&nowhere, NO_KEY).await;
        let update = self.kms.update_alias().alias_name(new_alias()).target_key_id(&id);
        let update = update.send().await;
        let delete = self.kms.delete_alias().alias_name(&alias).send().await;
        let again = self.kms.delete_alias().alias_name(&alias).send().await;
        let gone = self.kms.describe_key().key_id(&alias).send().await;
        let (key, of_key) = (new_key(&self.kms).await.key_id, new_alias());
        create(&of_key, &key).await.unwrap();
        let listed = self.kms.list_aliases().key_id(&key).send().await;
        self.note("CreateAlias twice", "AlreadyExistsException", twice, |_| true);
        self.note("CreateAlias under alias/aws/", "NotAuthorizedException", reserved, |_| true);
        self.note("CreateAlias without alias/", "ValidationException", bare, |_| true);
        self.note("CreateAlias of an alias", "ValidationException", of_alias, |_| true);
        self.note("CreateAlias of an unknown key", "NotFoundException", nowhere, |_| true);
        self.note("UpdateAlias of an unknown alias", "NotFoundException", update, |_| true);
        self.note("ListAliases of a key", "ok", listed, |it| {
            it.aliases().len() == 1 && it.aliases()[0].alias_name() == Some(&of_key)
        });
        self.note("DeleteAlias", "ok", delete, |_| true);
        self.note("DeleteAlias twice", "NotFoundException", again, |_| true);
        self.note("DescribeKey by a deleted alias", "NotFoundException", gone, |_| true);
    }

    async fn refused_members(&mut self) {
        let granted = self.decrypt().grant_tokens("token").send().await;
        self.note("Decrypt with a grant token", "InvalidGrantTokenException", granted, |_| true);
        let rsa = EncryptionAlgorithmSpec::RsaesOaepSha256;
        let encrypt = self.kms.encrypt().key_id(&self.key.key_id).plaintext(Blob::new("x"));
        let encrypt = encrypt.encryption_algorithm(rsa.clone()).send().await;
        self.note("Encrypt by RSA", "InvalidKeyUsageException", encrypt, |_| true);
        let decrypt = self.decrypt().encryption_algorithm(rsa).send().await;
        self.note("Decrypt by RSA", "InvalidKeyUsageException", decrypt, |_| true);
        let public = self.kms.get_public_key().key_id(&self.key.key_id).send().await;
        self.note("GetPublicKey", "UnsupportedOperationException", public, |_| true);
        let plain = self.decrypt().encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault);
        let plain = plain.send().await;
        self.note("Decrypt by SYMMETRIC_DEFAULT", "ok", plain, self.is_data_key());
    }
}
