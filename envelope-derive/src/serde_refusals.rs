//! What serde's derive would refuse: reported here, since its code would be missing, and that would
//! be reported too.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

use crate::attr::Entry;
use crate::errors::Errors;
use crate::serde_attr::{Directions, strings};
use crate::serde_form as form;

/// The entries seen so far; serde takes each once.
#[derive(Default)]
pub(crate) struct Seen(Vec<(&'static str, Said)>);

/// The subject of an entry: how something is written, or read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Written,
    Read,
}

impl Seen {
    /// Whether the entry says nothing that another has said; reports it otherwise.
    pub(crate) fn is_new(&mut self, entry: &Entry, errors: &mut Errors) -> bool {
        let said = said(entry);
        let mut distinct = said.clone();
        distinct.dedup();
        let is_new = distinct.len() == said.len() && said.iter().all(|said| !self.0.contains(said));
        if !is_new {
            let problem = format_args!("`#[serde({})]` says what is said already", entry.name);
            errors.report(entry, problem, "keep one of the two");
        }
        self.0.extend(said);
        is_new
    }
}

/// What an entry decides, in the words of serde.
fn said(entry: &Entry) -> Vec<(&'static str, Said)> {
    let known = form::CONTAINER.iter().chain(&form::FIELD).map(|(name, _)| *name);
    let Some(name) = known.into_iter().find(|name| *name == entry.name) else { return Vec::new() };
    match name {
        // Many names may be read, so that only those that are written can be said twice.
        "alias" => Vec::new(),
        "rename" => strings(entry).serialize.iter().map(|_| (name, Said::Written)).collect(),
        "rename_all" | "bound" => {
            let Directions { serialize, deserialize } = strings(entry);
            let written = serialize.iter().map(|_| (name, Said::Written));
            written.chain(deserialize.iter().map(|_| (name, Said::Read))).collect()
        }
        "with" => vec![("with", Said::Written), ("with", Said::Read)],
        "serialize_with" => vec![("with", Said::Written)],
        "deserialize_with" => vec![("with", Said::Read)],
        "skip" => vec![("skip", Said::Written), ("skip", Said::Read)],
        "skip_serializing" => vec![("skip", Said::Written)],
        "skip_deserializing" => vec![("skip", Said::Read)],
        name => vec![(name, Said::Read)],
    }
}

/// Checks that the type has the lifetimes that serde is to borrow.
pub(crate) fn lifetimes_are_there(entry: &Entry, ty: &Type, errors: &mut Errors) -> bool {
    if entry.name != "borrow" {
        return true;
    }
    let there = lifetimes_of(ty.to_token_stream());
    if there.is_empty() {
        let problem = "`#[serde(borrow)]` on a type without lifetimes, which can borrow nothing";
        errors.report(entry, problem, "remove it");
        return false;
    }
    let asked = entry.string().and_then(|string| form::lifetimes(&string)).unwrap_or_default();
    let missing = asked.iter().find(|lifetime| !there.contains(&lifetime.ident.to_string()));
    if let Some(lifetime) = missing {
        let problem = format_args!(
            "`#[serde(borrow)]` names `{lifetime}`, which the field's type does not have"
        );
        errors.report(entry, problem, "`#[serde(borrow)]` alone borrows all that there are");
    }
    missing.is_none()
}

/// The names of the lifetimes in a type.
fn lifetimes_of(ty: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut after_quote = false;
    for token in ty {
        match token {
            TokenTree::Group(group) => found.extend(lifetimes_of(group.stream())),
            TokenTree::Ident(ident) if after_quote => found.push(ident.to_string()),
            token => {
                after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
                continue;
            }
        }
        after_quote = false;
    }
    found
}
