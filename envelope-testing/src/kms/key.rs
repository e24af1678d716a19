//! One key of one region: its state, and what DescribeKey says of it.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::blob::random;
use super::refusal::Refusal;

/// No AWS account has this number, so no key of AWS has such an ARN.
pub(super) const ACCOUNT: &str = "000000000000";

/// What a key encrypts with. A rotation adds one, and the older ones still decrypt.
pub(super) struct Material {
    bytes: [u8; 32],
    /// 64 hexadecimal digits, as at AWS.
    pub(super) id: String,
}

impl Material {
    pub(super) fn generate() -> Result<Self, Refusal> {
        Ok(Self { bytes: random()?, id: digits(&random::<32>()?) })
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    Enabled,
    Disabled,
    /// Until this time, in seconds since 1970.
    PendingDeletion(f64),
}

/// A key. Replicas in several regions have the same id, and each has its own state.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) region: String,
    pub(super) description: String,
    pub(super) state: State,
    /// The region of the primary key, if this is a multi-region key.
    pub(super) primary_region: Option<String>,
    created: f64,
}

impl Key {
    pub(super) fn new(
        id: String,
        region: &str,
        description: &str,
        primary_region: Option<&str>,
    ) -> Self {
        Self {
            id,
            region: region.to_owned(),
            description: description.to_owned(),
            state: State::Enabled,
            primary_region: primary_region.map(str::to_owned),
            created: seconds_from_now(Duration::ZERO),
        }
    }

    pub(super) fn arn(&self) -> String {
        arn(&self.region, &format!("key/{}", self.id))
    }

    /// Refuses to use a key that is disabled, or that is to be deleted.
    pub(super) fn usable(&self) -> Result<(), Refusal> {
        let arn = self.arn();
        match self.state {
            State::Enabled => Ok(()),
            State::Disabled => {
                Err(Refusal::new("DisabledException", format!("{arn} is disabled.")))
            }
            State::PendingDeletion(_) => Err(self.pending_deletion()),
        }
    }

    /// Refuses to change a key that is to be deleted.
    pub(super) fn changeable(&self) -> Result<(), Refusal> {
        match self.state {
            State::PendingDeletion(_) => Err(self.pending_deletion()),
            _ => Ok(()),
        }
    }

    fn pending_deletion(&self) -> Refusal {
        Refusal::invalid_state(format!("{} is pending deletion.", self.arn()))
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            State::Enabled => "Enabled",
            State::Disabled => "Disabled",
            State::PendingDeletion(_) => "PendingDeletion",
        }
    }

    /// The member `KeyMetadata` of CreateKey and DescribeKey, without the replicas.
    pub(super) fn metadata(&self, material: &str) -> Value {
        let mut metadata = json!({
            "AWSAccountId": ACCOUNT,
            "KeyId": self.id,
            "Arn": self.arn(),
            "CreationDate": self.created,
            "Enabled": self.state == State::Enabled,
            "Description": self.description,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": self.state_name(),
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": self.primary_region.is_some(),
            "CurrentKeyMaterialId": material,
        });
        if let (State::PendingDeletion(date), Some(members)) =
            (self.state, metadata.as_object_mut())
        {
            members.insert("DeletionDate".to_owned(), json!(date));
        }
        metadata
    }
}

pub(super) fn arn(region: &str, resource: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:{resource}")
}

/// A time as JSON of AWS has it: seconds since 1970.
pub(super) fn seconds_from_now(later: Duration) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now + later).as_secs_f64()
}

/// A UUID; of a multi-region key `mrk-` and 32 digits.
pub(super) fn new_id(is_multi_region: bool) -> Result<String, Refusal> {
    let digits = digits(&random::<16>()?);
    if is_multi_region {
        return Ok(format!("mrk-{digits}"));
    }
    let mut id = String::with_capacity(36);
    for (position, digit) in digits.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    Ok(id)
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
