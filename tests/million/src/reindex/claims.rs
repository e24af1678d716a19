//! What must hold of the claims of unique addresses: each address has one, and none bars an address
//! that nobody has.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::to_item_with;

use crate::Outcome;
use crate::compare::Item;
use crate::model::{Model, State};
use crate::programs::Problems;
use crate::records::{id, index};
use crate::reindex::records::{Someone, World, first_of_pair, is_of_pair, person};
use crate::reindex::traffic::Traffic;

/// The attribute of the tag of an address.
const TAG: &str = "blind_email";
/// The bytes of a tag that name its generation (FORMAT 13.4).
const GENERATION: std::ops::Range<usize> = 1..5;

/// Claims, by their tags: the numbers of their owners.
type Claims = HashMap<Vec<u8>, u64>;

/// Two people who have one address after the run.
struct Pair {
    first: u64,
    second: u64,
}

/// Looks at the people whom the run named as failed. Each must be one of a pair with one address, of
/// which the other one has the claim. Gives them an address of their own, as the guide says, so that
/// nobody is due any more. Returns how many pairs have one address after the run.
///
/// # Errors
///
/// If a server refuses.
pub async fn decide<S: Someone>(
    world: &World,
    model: &Model,
    traffic: &Traffic<S>,
    logs: &Path,
    problems: &mut Problems,
) -> Outcome<usize> {
    let Some(table) = &world.claims else { return Ok(0) };
    let (claims, named) = (claims(world, table).await?, failed(logs)?);
    let pairs = pairs::<S>(model);
    for index in named.iter().copied() {
        let has_own = !is_of_pair::<S>(index);
        problems.must(!has_own, format!("{} failed, and has its own address", id(index)));
    }
    for Pair { first, second } in &pairs {
        let has_claim = match owner::<S>(world, &claims, *second).await? {
            Some(owner) if owner == *first => named.contains(second),
            Some(owner) if owner == *second => named.contains(first),
            _ => false,
        };
        let problem = format!("of {} and {}, none was named, or none has the claim", first, second);
        problems.must(has_claim, problem);
    }
    for index in named.into_iter().filter(|index| has_first_address(model, *index)) {
        // Its value may be free by now, and it may have claimed it by itself.
        if owner::<S>(world, &claims, index).await? != Some(index) {
            traffic.decide_against(index).await?;
        }
    }
    Ok(pairs.len())
}

/// Who has the claim of the first address of a person.
async fn owner<S: Someone>(world: &World, claims: &Claims, index: u64) -> Outcome<Option<u64>> {
    let first = person::<S>(index, State { exists: true, ..State::default() });
    let item = to_item_with(&first, &world.provider(), &world.keys()).await?;
    Ok(bytes(&item, TAG).and_then(|tag| claims.get(tag)).copied())
}

fn has_first_address(model: &Model, index: u64) -> bool {
    model.state(index).is_some_and(|state| state.exists && state.generation == 0)
}

/// The pairs of people who have one address.
fn pairs<S: Someone>(model: &Model) -> Vec<Pair> {
    let pairs = (0..model.items())
        .filter_map(|second| Some(Pair { first: first_of_pair::<S>(second)?, second }));
    let has_one_address = |pair: &Pair| {
        [pair.first, pair.second].iter().all(|index| has_first_address(model, *index))
    };
    pairs.filter(has_one_address).collect()
}

/// The people whom the processes named as failed.
fn failed(logs: &Path) -> Outcome<Vec<u64>> {
    let mut failed = Vec::new();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "err") {
            let printed = fs::read_to_string(&path)?;
            let lines = printed.lines().filter_map(|line| line.strip_prefix("failed "));
            let ids = lines.filter_map(|line| line.split_once("[id=")?.1.split_once(']'));
            failed.extend(ids.filter_map(|(id, _)| index(id)));
        }
    }
    failed.sort_unstable();
    failed.dedup();
    Ok(failed)
}

/// Compares the claims with the records: each address has its claim, and each claim under the key
/// in use is of the address that its owner has. Those under a retired key are never read again.
///
/// # Errors
///
/// If a server refuses.
pub async fn compare(world: &World, problems: &mut Problems) -> Outcome<()> {
    let Some(table) = &world.claims else { return Ok(()) };
    let claims = claims(world, table).await?;
    let mut tags = HashMap::new();
    for item in scanned(world, &world.name).await? {
        let owner = item.get("id").and_then(|id| id.as_s().ok()).and_then(|id| index(id));
        if let (Some(owner), Some(tag)) = (owner, bytes(&item, TAG)) {
            let is_claimed = claims.get(tag) == Some(&owner);
            problems.must(is_claimed, format!("{} has no claim of its address", id(owner)));
            tags.insert(owner, tag.to_owned());
        }
    }
    let generation = tags.values().find_map(|tag| tag.get(GENERATION).map(<[u8]>::to_owned));
    let is_in_use = |tag: &&Vec<u8>| tag.get(GENERATION) == generation.as_deref();
    let in_use = claims.keys().filter(is_in_use).count();
    for (tag, owner) in claims.iter().filter(|(tag, _)| is_in_use(tag)) {
        let is_had = tags.get(owner) == Some(tag);
        problems.must(is_had, format!("a claim of {} is of no address that it has", id(*owner)));
    }
    println!(
        "{} addresses, {in_use} claims under the key in use, {} under the retired one",
        tags.len(),
        claims.len() - in_use
    );
    Ok(())
}

/// All claims.
async fn claims(world: &World, table: &str) -> Outcome<Claims> {
    let mut claims = Claims::new();
    for item in scanned(world, table).await? {
        let owner = match item.get("owner") {
            Some(AttributeValue::M(key)) => key.get("id").and_then(|id| id.as_s().ok()),
            _ => None,
        };
        let owner = owner.and_then(|id| index(id)).ok_or("a claim has no owner")?;
        claims.insert(bytes(&item, "claim").ok_or("a claim has no tag")?.to_owned(), owner);
    }
    Ok(claims)
}

async fn scanned(world: &World, table: &str) -> Outcome<Vec<Item>> {
    let scan = world.dynamodb().scan().table_name(table).consistent_read(true);
    let mut pages = scan.into_paginator().send();
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        items.extend(page?.items.unwrap_or_default());
    }
    Ok(items)
}

fn bytes<'i>(item: &'i Item, name: &str) -> Option<&'i [u8]> {
    Some(item.get(name)?.as_b().ok()?.as_ref())
}
