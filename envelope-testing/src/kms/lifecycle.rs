//! The calls that create, describe, disable, delete, rotate and replicate keys.

use std::time::Duration;

use serde_json::{Value, json};

use super::key::{Key, State, new_id, seconds_from_now};
use super::refusal::Refusal;
use super::request::Request;
use super::store::Store;

const DAY: Duration = Duration::from_secs(86_400);
const DEFAULT_WINDOW_DAYS: usize = 30;

pub(super) fn create(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin"])?;
    for (member, only) in
        [("KeySpec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "ENCRYPT_DECRYPT"), ("Origin", "AWS_KMS")]
    {
        match request.text(member)? {
            Some(other) if other != only => {
                return Err(Refusal::not_implemented(format_args!("keys with {member} {other}")));
            }
            _ => {}
        }
    }
    let (region, description) = (request.region(), request.text("Description")?);
    let is_multi_region = request.flag("MultiRegion")?;
    let id = new_id(is_multi_region)?;
    let primary = is_multi_region.then_some(region);
    store.add(Key::new(id.clone(), region, description.unwrap_or_default(), primary))?;
    metadata(store, region, &id).map(|metadata| json!({ "KeyMetadata": metadata }))
}

pub(super) fn describe(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["KeyId", "GrantTokens"])?;
    request.no_grants()?;
    let key = store.key(request.region(), request.required("KeyId")?)?;
    metadata(store, request.region(), &key.id).map(|metadata| json!({ "KeyMetadata": metadata }))
}

fn metadata(store: &Store, region: &str, id: &str) -> Result<Value, Refusal> {
    let key = store.key_of_id(region, id)?;
    let (_, material) = store.newest_material(id)?;
    let mut metadata = key.metadata(&material.id);
    if let (Some(primary), Some(members)) = (&key.primary_region, metadata.as_object_mut()) {
        let place = |key: &Key| json!({ "Arn": key.arn(), "Region": key.region });
        let (primary_keys, replicas): (Vec<_>, Vec<_>) =
            store.replicas(id).into_iter().partition(|key| key.region == *primary);
        let configuration = json!({
            "MultiRegionKeyType": if key.region == *primary { "PRIMARY" } else { "REPLICA" },
            "PrimaryKey": primary_keys.first().map(|key| place(key)),
            "ReplicaKeys": replicas.into_iter().map(place).collect::<Vec<_>>(),
        });
        members.insert("MultiRegionConfiguration".to_owned(), configuration);
    }
    Ok(metadata)
}

pub(super) fn list(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&[])?;
    let keys = &store.region(request.region()).keys;
    let keys: Vec<_> =
        keys.values().map(|key| json!({ "KeyId": key.id, "KeyArn": key.arn() })).collect();
    Ok(json!({ "Keys": keys, "Truncated": false }))
}

pub(super) fn enable(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    set_state(store, request, State::Enabled)
}

pub(super) fn disable(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    set_state(store, request, State::Disabled)
}

fn set_state(store: &mut Store, request: &Request<'_>, state: State) -> Result<Value, Refusal> {
    request.only(&["KeyId"])?;
    let key = store.key_mut(request.region(), request.required("KeyId")?)?;
    key.changeable()?;
    key.state = state;
    Ok(json!({}))
}

pub(super) fn schedule_deletion(
    store: &mut Store,
    request: &Request<'_>,
) -> Result<Value, Refusal> {
    request.only(&["KeyId", "PendingWindowInDays"])?;
    let days = request.number("PendingWindowInDays", 7..=30)?.unwrap_or(DEFAULT_WINDOW_DAYS);
    let name = request.required("KeyId")?;
    let key = store.key_without_alias(request.region(), name)?;
    let is_primary = key.primary_region.as_ref() == Some(&key.region);
    if is_primary && store.replicas(&key.id).len() > 1 {
        return Err(Refusal::not_implemented("the deletion of a primary key that has replicas"));
    }
    let key = store.key_mut(request.region(), name)?;
    key.changeable()?;
    let date = seconds_from_now(DAY * u32::try_from(days).unwrap_or_default());
    key.state = State::PendingDeletion(date);
    Ok(json!({
        "KeyId": key.arn(),
        "DeletionDate": date,
        "KeyState": key.state_name(),
        "PendingWindowInDays": days,
    }))
}

pub(super) fn cancel_deletion(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["KeyId"])?;
    let key = store.key_mut(request.region(), request.required("KeyId")?)?;
    if !matches!(key.state, State::PendingDeletion(_)) {
        return Err(Refusal::invalid_state(format!("{} is not pending deletion.", key.arn())));
    }
    key.state = State::Disabled;
    Ok(json!({ "KeyId": key.arn() }))
}

pub(super) fn rotate(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["KeyId"])?;
    let key = store.key_without_alias(request.region(), request.required("KeyId")?)?;
    key.usable()?;
    if key.primary_region.as_ref().is_some_and(|primary| *primary != key.region) {
        let message = "a replica is rotated with its primary key";
        return Err(Refusal::new("UnsupportedOperationException", message));
    }
    let id = key.id.clone();
    store.rotate(&id)?;
    Ok(json!({ "KeyId": id }))
}

pub(super) fn replicate(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["KeyId", "ReplicaRegion", "Description"])?;
    let (name, there) = (request.required("KeyId")?, request.required("ReplicaRegion")?);
    let key = store.key_without_alias(request.region(), name)?;
    if key.primary_region.as_ref() != Some(&key.region) {
        let message = format!("{} is not a multi-region primary key.", key.arn());
        return Err(Refusal::new("UnsupportedOperationException", message));
    }
    key.usable()?;
    if store.key_of_id(there, &key.id).is_ok() {
        let message = format!("{there} has this key already");
        return Err(Refusal::new("AlreadyExistsException", message));
    }
    let description = request.text("Description")?.unwrap_or_default();
    let id = key.id.clone();
    store.add(Key::new(id.clone(), there, description, Some(request.region())))?;
    let metadata = metadata(store, there, &id)?;
    Ok(json!({ "ReplicaKeyMetadata": metadata }))
}

/// The keys here are symmetric, and have none.
pub(super) fn public_key(store: &Store, request: &Request<'_>) -> Result<Value, Refusal> {
    let key = store.key(request.region(), request.required("KeyId")?)?;
    let message = format!("{} is symmetric: it has no public key", key.arn());
    Err(Refusal::new("UnsupportedOperationException", message))
}
