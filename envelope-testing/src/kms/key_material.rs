//! `KeyMaterialId` in the answers of the embedded KMS. As at AWS, it changes with each rotation of
//! a key.
//!
//! The emulated service would forget the old material of a rotated key; AWS keeps it and continues
//! to decrypt. So the service never rotates, and this module counts the rotations. Only the ids
//! depend on them.

use std::collections::HashMap;

use serde::Deserialize;

/// The number of rotations of each key, and the blobs that were made after a rotation.
#[derive(Debug, Default)]
pub(super) struct KeyMaterials {
    rotations: HashMap<String, u32>,
    /// Does not list blobs of keys that were never rotated: there are many, and the first material
    /// made all of them.
    rotated_blobs: HashMap<String, u32>,
}

/// The members of a request or an answer that are read. A data key is not among them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    key_id: Option<String>,
    source_key_id: Option<String>,
    ciphertext_blob: Option<String>,
}

impl Body {
    fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

impl KeyMaterials {
    /// The answer to a call that succeeded, with the ids that AWS adds to it.
    pub(super) fn complete(&mut self, operation: &str, request: &[u8], answer: Vec<u8>) -> Vec<u8> {
        match operation {
            "RotateKeyOnDemand" => self.rotate(&answer),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                let id = self.encrypted(&Body::parse(&answer));
                return with(answer, &[("KeyMaterialId", id)]);
            }
            // AWS does not say it here; the blob's material is asked for later.
            "Encrypt" => drop(self.encrypted(&Body::parse(&answer))),
            "Decrypt" => {
                let key = Body::parse(&answer).key_id;
                return with(answer, &[("KeyMaterialId", self.of_blob(key, request))]);
            }
            "ReEncrypt" => {
                let body = Body::parse(&answer);
                let destination = self.encrypted(&body);
                let source = self.of_blob(body.source_key_id, request);
                let ids =
                    [("SourceKeyMaterialId", source), ("DestinationKeyMaterialId", destination)];
                return with(answer, &ids);
            }
            _ => {}
        }
        answer
    }

    fn rotate(&mut self, answer: &[u8]) {
        let key = Body::parse(answer).key_id.unwrap_or_default();
        *self.rotations.entry(key_id(&key).to_owned()).or_default() += 1;
    }

    /// The material that made the blob of `answer`: the newest of its key.
    fn encrypted(&mut self, answer: &Body) -> Option<String> {
        let key = key_id(answer.key_id.as_deref()?);
        let rotation = self.rotations.get(key).copied().unwrap_or_default();
        if let (1.., Some(blob)) = (rotation, &answer.ciphertext_blob) {
            self.rotated_blobs.insert(blob.clone(), rotation);
        }
        Some(material_id(key, rotation))
    }

    /// The material that made the blob of `request`, by the key that the answer names.
    fn of_blob(&self, key: Option<String>, request: &[u8]) -> Option<String> {
        let blob = Body::parse(request).ciphertext_blob?;
        let rotation = self.rotated_blobs.get(&blob).copied().unwrap_or_default();
        Some(material_id(key_id(&key?), rotation))
    }
}

/// The part of an ARN after `:key/`.
fn key_id(name: &str) -> &str {
    name.rsplit_once(":key/").map_or(name, |(_, id)| id)
}

/// 64 hexadecimal digits, as at AWS: the number of the rotation, and the digits of the key id.
fn material_id(key: &str, rotation: u32) -> String {
    let digits: String = key.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{rotation:08x}{digits:0>56.56}")
}

/// The JSON object `answer` with more members, added to its text, so that its content is neither
/// parsed nor copied.
fn with(mut answer: Vec<u8>, members: &[(&str, Option<String>)]) -> Vec<u8> {
    for (name, id) in members {
        let Some(id) = id else { continue };
        if answer.pop() == Some(b'}') {
            answer.extend_from_slice(format!(",\"{name}\":\"{id}\"}}").as_bytes());
        }
    }
    answer
}
