//! All keys and aliases, by region, and the ways to name a key.

use std::collections::{BTreeMap, HashMap};

use super::key::{ACCOUNT, Key, Material, arn};
use super::refusal::Refusal;

/// The keys of all regions.
#[derive(Default)]
pub(super) struct Store {
    regions: HashMap<String, Region>,
    /// By key id: the replicas of a key share them. The last one encrypts.
    materials: HashMap<String, Vec<Material>>,
}

/// The keys by id, and the ids of keys by alias.
#[derive(Default)]
pub(super) struct Region {
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) aliases: BTreeMap<String, String>,
}

impl Store {
    pub(super) fn region(&mut self, name: &str) -> &mut Region {
        self.regions.entry(name.to_owned()).or_default()
    }

    /// The key that `name` names: an id, an ARN, an alias or the ARN of an alias.
    pub(super) fn key(&self, region: &str, name: &str) -> Result<&Key, Refusal> {
        let resource = resource(region, name)?;
        match resource.strip_prefix("alias/") {
            Some(_) => {
                let id = self.regions.get(region).and_then(|region| region.aliases.get(resource));
                let id = id.ok_or_else(|| alias_not_found(region, resource))?;
                self.key_of_id(region, id)
            }
            None => self.key_of_id(region, resource),
        }
    }

    /// The key that `name` names: an id or an ARN, but no alias.
    pub(super) fn key_without_alias(&self, region: &str, name: &str) -> Result<&Key, Refusal> {
        match resource(region, name)? {
            alias if alias.starts_with("alias/") => {
                Err(Refusal::not_found(format!("Invalid keyId '{name}'")))
            }
            id => self.key_of_id(region, id),
        }
    }

    /// The same, to change it.
    pub(super) fn key_mut(&mut self, region: &str, name: &str) -> Result<&mut Key, Refusal> {
        let id = self.key_without_alias(region, name)?.id.clone();
        let key = self.region(region).keys.get_mut(&id);
        key.ok_or_else(|| key_not_found(region, &id))
    }

    pub(super) fn key_of_id(&self, region: &str, id: &str) -> Result<&Key, Refusal> {
        let key = self.regions.get(region).and_then(|region| region.keys.get(id));
        key.ok_or_else(|| key_not_found(region, id))
    }

    /// The keys of all regions with this id.
    pub(super) fn replicas(&self, id: &str) -> Vec<&Key> {
        let mut keys: Vec<_> =
            self.regions.values().filter_map(|region| region.keys.get(id)).collect();
        keys.sort_by(|one, other| one.region.cmp(&other.region));
        keys
    }

    pub(super) fn add(&mut self, key: Key) -> Result<(), Refusal> {
        if !self.materials.contains_key(&key.id) {
            self.rotate(&key.id)?;
        }
        self.region(&key.region.clone()).keys.insert(key.id.clone(), key);
        Ok(())
    }

    /// Adds a material.
    pub(super) fn rotate(&mut self, id: &str) -> Result<(), Refusal> {
        let material = Material::generate()?;
        self.materials.entry(id.to_owned()).or_default().push(material);
        Ok(())
    }

    /// The material that encrypts, and its number.
    pub(super) fn newest_material(&self, id: &str) -> Result<(usize, &Material), Refusal> {
        let materials = self.materials.get(id);
        let newest = materials.and_then(|all| all.iter().enumerate().next_back());
        newest.ok_or_else(|| Refusal::invalid_state("the key has no material"))
    }

    pub(super) fn material(&self, id: &str, number: usize) -> Result<&Material, Refusal> {
        let material = self.materials.get(id).and_then(|all| all.get(number));
        material.ok_or_else(Refusal::invalid_ciphertext)
    }
}

/// `alias/..` or the id of a key, without the front of an ARN.
fn resource<'n>(region: &str, name: &'n str) -> Result<&'n str, Refusal> {
    let Some(parts) = name.strip_prefix("arn:") else { return Ok(name) };
    let invalid = || Refusal::not_found(format!("Invalid arn {name}"));
    let [partition, service, of_region, account, resource] =
        parts.splitn(5, ':').collect::<Vec<_>>()[..]
    else {
        return Err(invalid());
    };
    if partition != "aws" || service != "kms" {
        return Err(invalid());
    }
    if of_region != region {
        return Err(Refusal::not_found(format!("Invalid arn {of_region}")));
    }
    if account != ACCOUNT {
        // As at AWS, for an account that has granted nothing.
        let message = format!("no policy of account {account} allows access to {name}");
        return Err(Refusal::new("AccessDeniedException", message));
    }
    match resource.strip_prefix("key/") {
        Some(id) => Ok(id),
        None if resource.starts_with("alias/") => Ok(resource),
        None => Err(invalid()),
    }
}

pub(super) fn alias_not_found(region: &str, alias: &str) -> Refusal {
    Refusal::not_found(format!("Alias {} is not found.", arn(region, alias)))
}

fn key_not_found(region: &str, id: &str) -> Refusal {
    let name = arn(region, &format!("key/{id}"));
    Refusal::not_found(format!("Key '{name}' does not exist"))
}
