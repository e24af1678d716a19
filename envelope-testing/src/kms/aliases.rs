//! The calls that create, move, delete and list aliases.

use serde_json::{Value, json};

use super::key::arn;
use super::refusal::Refusal;
use super::request::Request;
use super::store::{Store, alias_not_found};

const LONGEST_NAME: usize = 256;

pub(super) fn create(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    let (name, id) = name_and_target(store, request)?;
    let aliases = &mut store.region(request.region()).aliases;
    if aliases.contains_key(name) {
        let message =
            format!("An alias with the name {} already exists", arn(request.region(), name));
        return Err(Refusal::new("AlreadyExistsException", message));
    }
    aliases.insert(name.to_owned(), id);
    Ok(json!({}))
}

pub(super) fn update(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    let (name, id) = name_and_target(store, request)?;
    let alias = store.region(request.region()).aliases.get_mut(name);
    *alias.ok_or_else(|| alias_not_found(request.region(), name))? = id;
    Ok(json!({}))
}

pub(super) fn delete(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["AliasName"])?;
    let name = request.required("AliasName")?;
    let removed = store.region(request.region()).aliases.remove(name);
    removed.map(|_| json!({})).ok_or_else(|| alias_not_found(request.region(), name))
}

pub(super) fn list(store: &mut Store, request: &Request<'_>) -> Result<Value, Refusal> {
    request.only(&["KeyId"])?;
    let of_key = match request.text("KeyId")? {
        Some(name) => Some(store.key_without_alias(request.region(), name)?.id.clone()),
        None => None,
    };
    let aliases = &store.region(request.region()).aliases;
    let listed = aliases.iter().filter(|(_, id)| of_key.as_ref().is_none_or(|of| of == *id));
    let listed: Vec<_> = listed
        .map(|(name, id)| {
            let arn = arn(request.region(), name);
            json!({ "AliasName": name, "AliasArn": arn, "TargetKeyId": id })
        })
        .collect();
    Ok(json!({ "Aliases": listed, "Truncated": false }))
}

/// The valid name of an alias, and the id of the key to which it is to lead.
fn name_and_target<'r>(
    store: &Store,
    request: &'r Request<'_>,
) -> Result<(&'r str, String), Refusal> {
    request.only(&["AliasName", "TargetKeyId"])?;
    let name = request.required("AliasName")?;
    check_name(name)?;
    let target = request.required("TargetKeyId")?;
    if target.starts_with("alias/") || target.contains(":alias/") {
        return Err(Refusal::invalid("Aliases must refer to keys. Not aliases"));
    }
    let key = store.key(request.region(), target)?;
    key.changeable()?;
    Ok((name, key.id.clone()))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    let rest = name.strip_prefix("alias/").unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(allowed) || name.len() > LONGEST_NAME {
        return Err(Refusal::invalid(
            "AliasName is not `alias/` and at most 250 letters, digits, `/`, `_` and `-`",
        ));
    }
    if rest.starts_with("aws/") {
        let message = "alias/aws/ is reserved for keys that AWS manages";
        return Err(Refusal::new("NotAuthorizedException", message));
    }
    Ok(())
}
