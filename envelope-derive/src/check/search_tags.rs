//! The rules of search tags: which fields are searchable, and what would leak for nothing.

use syn::Type;

use super::indexes::optional;
use super::key_type::{self, Refusal};
use super::names::named;
use crate::errors::Errors;
use crate::marks::{LibraryWrites, Mark};
use crate::names::{Name, similar, unraw};
use crate::parse::{Field, IndexKey, Input, SEARCHABLE_EXAMPLE, SearchTag, TaggedField};

/// A query takes the values of a tag as a tuple; `envelope-dynamo` implements tuples up to this
/// length.
const MAX_FIELDS: usize = 5;

/// Applies every rule.
pub(super) fn check(input: &Input, errors: &mut Errors) {
    for tag in &input.tags {
        let before = errors.len();
        if tag.is_compound {
            has_several_fields(input, tag, errors);
        }
        for tagged in &tag.fields {
            if let Some(field) = field_of(input, tagged, errors) {
                field_is_protected(tag, field, errors);
                field_is_stored(tag, field, errors);
                value_is_scalar(tag, tagged, field, errors);
            }
        }
        // A field that cannot be searched makes no tag whose values could be counted or indexed.
        if errors.len() == before {
            values_are_many(input, tag, errors);
            an_index_has_the_tag(input, tag, errors);
        }
    }
    names_are_free(input, errors);
}

fn field_of<'i>(input: &'i Input, tagged: &TaggedField, errors: &mut Errors) -> Option<&'i Field> {
    let name = unraw(&tagged.ident);
    let field = input.field(&name);
    if field.is_none() {
        let known = input.field_names();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        let help = match similar(&name, &known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "write the name of the field in the struct, not its serde name".to_owned(),
        };
        let problem = format_args!("there is no field `{name}` in the struct");
        errors.report(&tagged.ident, problem, help);
    }
    field
}

/// A tag of several fields has several, each once, and one of them is encrypted.
fn has_several_fields(input: &Input, tag: &SearchTag, errors: &mut Errors) {
    let name = &tag.ident;
    match tag.fields.as_slice() {
        [] => {
            let problem = format_args!("the search tag `{name}` has no field");
            errors.report(tag, problem, format_args!("write {SEARCHABLE_EXAMPLE}"));
        }
        [only] => {
            let problem = format_args!("the search tag `{name}` has one field");
            let help = format_args!("write `#[searchable]` on the field `{}`", only.ident);
            errors.report(tag, problem, help);
        }
        fields if fields.len() > MAX_FIELDS => {
            let count = fields.len();
            let problem = format_args!(
                "the search tag `{name}` has {count} fields, and the most is {MAX_FIELDS}"
            );
            errors.report(tag, problem, "name fewer fields");
        }
        fields => {
            let mark = |field: &TaggedField| input.field(&unraw(&field.ident))?.mark;
            let marks: Option<Vec<_>> = fields.iter().map(mark).collect();
            if marks.is_some_and(|marks| !marks.contains(&Mark::Encrypted)) {
                let problem = format_args!("the search tag `{name}` has no encrypted field");
                let names: Vec<_> = fields.iter().map(|field| field.ident.to_string()).collect();
                let help = format_args!(
                    "index the readable fields: `partition_key = ({})`",
                    names.join(", ")
                );
                errors.report(tag, problem, help);
            }
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for field in &tag.fields {
        let ident = unraw(&field.ident);
        if seen.contains(&ident) {
            let problem = format_args!("`{ident}` is twice in the search tag `{name}`");
            errors.report(&field.ident, problem, "keep one of the two");
        }
        seen.push(ident);
    }
}

/// A searchable field is encrypted. A readable field in a tag of several cannot change alone.
fn field_is_protected(tag: &SearchTag, field: &Field, errors: &mut Errors) {
    let ident = &field.ident;
    if field.name.value.contains('+') {
        let problem = format_args!(
            "`{ident}` is stored as `{}`, and the name of a searchable field has no `+`, which \
             separates the names of fields in the name of a search tag",
            field.name.value
        );
        let help = "remove `searchable`, or store the field under another name";
        return errors.report(tag, problem, help);
    }
    if let Some(group) = &field.group {
        let problem = format_args!(
            "`{ident}` is in the group `{}`, and finding a record by the field would tell its \
             value to readers from whom the group withholds it",
            group.value
        );
        let help = "remove `#[searchable]`, or take the field out of the group";
        return errors.report(tag, problem, help);
    }
    let is_encrypted = field.has_mark(Mark::Encrypted);
    if tag.is_compound {
        let is_changed =
            field.role().is_some_and(|role| role.library_writes != LibraryWrites::Never);
        if field.has_mark(Mark::Plaintext) {
            let problem = format_args!(
                "`{ident}` is plaintext: an update in place would change the field, but not the \
                 search tag"
            );
            let help = format_args!("mark `{ident}` `#[authenticated]`, or name another field");
            errors.report(tag, problem, help);
        } else if field.has_mark(Mark::Key) {
            let problem = format_args!(
                "`{ident}` is stored only in a composed key, so it cannot be part of a search tag"
            );
            let help = format_args!(
                "mark `{ident}` `#[authenticated]`: it is then also stored as an attribute"
            );
            errors.report(tag, problem, help);
        } else if is_changed {
            let problem =
                format_args!("the library changes `{ident}`, so it cannot be part of a search tag");
            errors.report(tag, problem, "name another field");
        }
    } else if !is_encrypted && field.marks().next().is_some() {
        let problem = format_args!("`{ident}` is not encrypted, so it needs no `#[searchable]`");
        let help = format_args!(
            "remove `#[searchable]`: `index(name = \"..\", partition_key = {ident})` finds records \
             by a readable field"
        );
        errors.report(tag, problem, help);
    }
}

/// A searchable field is written and read.
fn field_is_stored(tag: &SearchTag, field: &Field, errors: &mut Errors) {
    let skip = &field.serde.skip;
    if field.serde.is_skipped() || skip.serialize || skip.deserialize {
        let ident = &field.ident;
        let problem = format_args!("serde skips `{ident}`, so records cannot be found by it");
        let help = "remove `#[searchable]`, or the serde attribute that skips the field";
        errors.report(tag, problem, help);
    }
}

/// The value of a searchable field is a string, an integer or bytes. Steps are for strings.
fn value_is_scalar(tag: &SearchTag, tagged: &TaggedField, field: &Field, errors: &mut Errors) {
    if field.serde.with.serialize {
        return;
    }
    let (ident, ty) = (&field.ident, optional(&field.ty).unwrap_or(&field.ty));
    let what = match key_type::refused(ty) {
        _ if key_type::is_float(ty) => "a float",
        Some(Refusal::Bytes) => {
            let problem = format_args!(
                "`{ident}` is searchable, but serde writes its type as a list of numbers"
            );
            let help = "write it as bytes: `#[serde(with = \"serde_bytes\")]`";
            return errors.report(&field.ty, problem, help);
        }
        // `values_are_many` says why not.
        Some(Refusal::Is("a bool")) if !tag.is_compound => return,
        Some(Refusal::Is(what)) => what,
        None => return steps_are_for_text(tag, tagged, field, ty, errors),
    };
    let problem = format_args!("`{ident}` is searchable, so it cannot be {what}");
    let help = "make a field that is a string, an integer or bytes searchable: an encrypted field \
                of its own with what records are to be found by";
    errors.report(&field.ty, problem, help);
}

fn steps_are_for_text(
    tag: &SearchTag,
    tagged: &TaggedField,
    field: &Field,
    ty: &Type,
    errors: &mut Errors,
) {
    if !tagged.steps.is_empty() && is_integer(ty) {
        let problem = format_args!("`{}` is a number, and steps normalize text alone", field.ident);
        errors.report(tag, problem, "remove the steps: equal numbers are found as they are");
    }
}

fn is_integer(ty: &Type) -> bool {
    const INTEGERS: [&str; 12] =
        ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];
    is_one_of(ty, &INTEGERS)
}

fn is_one_of(ty: &Type, names: &[&str]) -> bool {
    match ty {
        Type::Group(group) => is_one_of(&group.elem, names),
        Type::Paren(paren) => is_one_of(&paren.elem, names),
        Type::Path(path) => names.iter().any(|name| path.path.is_ident(name)),
        _ => false,
    }
}

/// The encrypted fields of a tag have more than a few values. Otherwise how often each tag occurs
/// tells the value.
fn values_are_many(input: &Input, tag: &SearchTag, errors: &mut Errors) {
    let is_small = |field: &&Field| {
        let ty = optional(&field.ty).unwrap_or(&field.ty);
        !field.serde.with.serialize && is_one_of(ty, &["bool", "u8", "i8", "char"])
    };
    let fields = tag.fields.iter().filter_map(|tagged| input.field(&unraw(&tagged.ident)));
    let encrypted: Vec<_> = fields.filter(|field| field.mark == Some(Mark::Encrypted)).collect();
    let Some(first) = encrypted.first().filter(|_| encrypted.iter().all(is_small)) else { return };
    let (ident, ty) = (&first.ident, optional(&first.ty).unwrap_or(&first.ty));
    let ty = quote::ToTokens::to_token_stream(ty);
    let problem = format_args!(
        "`{ident}` is searchable, but a `{ty}` has so few values that the number of records with \
         each search tag tells which tag is which value"
    );
    let help = "remove `#[searchable]` and filter the records after reading them; or make the \
                field `#[authenticated]` if it may be readable in the table";
    errors.report(tag, problem, help);
}

/// A search tag that no index has would reveal equal values for nothing. A unique one is found by
/// its claim.
fn an_index_has_the_tag(input: &Input, tag: &SearchTag, errors: &mut Errors) {
    if tag.is_unique {
        return;
    }
    let name = unraw(&tag.ident);
    let mut keys = input.options.indexes.iter().flat_map(|index| index.keys());
    if keys.any(|key| key.fields().iter().any(|ident| unraw(ident) == name)) {
        return;
    }
    let mut composed = input.options.indexes.iter().flat_map(|index| index.keys());
    let in_format = composed.any(|key| match key {
        IndexKey::Composed(key) => key.parts().any(|part| part.field == name),
        IndexKey::Named(_) | IndexKey::Several(_) => false,
    });
    // That mistake is reported with advice of its own.
    if in_format {
        return;
    }
    let problem = format_args!(
        "no index has the search tag `{name}`: it would show which records have equal values, and \
         nobody could search"
    );
    let help = format_args!(
        "add `index(name = \"by_{name}\", partition_key = {name})` to `#[envelope(..)]`, or remove \
         `searchable`"
    );
    errors.report(tag, problem, help);
}

/// No two tags have one attribute, and what an index names is either a tag or a field or key.
fn names_are_free(input: &Input, errors: &mut Errors) {
    let mut taken: Vec<(String, String)> = Vec::new();
    for tag in &input.tags {
        let (name, ident) = (input.tag_name(tag), unraw(&tag.ident));
        let is_own = |field: &Field| {
            !tag.is_compound && tag.given.is_none() && tag.has_field(&unraw(&field.ident))
        };
        let is_stored = |given: &Name| named(input).any(|(_, stored)| stored.value == given.value);
        let problem = if taken
            .iter()
            .any(|(other, ident_of_other)| *other == name || *ident_of_other == ident)
        {
            format!("there are two search tags `{ident}`")
        } else if input.field(&ident).is_some_and(|field| !is_own(field))
            || tag.given.as_ref().is_some_and(is_stored)
        {
            format!("`{ident}` is the name of a field too")
        } else if input.composed_key_named(&tag.ident).is_some() {
            format!("`{ident}` is the name of a composed key too")
        } else {
            taken.push((name, ident));
            continue;
        };
        let example = match tag.is_compound {
            false => format!("#[searchable(name = \"{ident}_2\")]"),
            true => format!("searchable(fields(..), name = \"by_{ident}\")"),
        };
        let help = format_args!("give the search tag another name: `{example}`");
        errors.report(tag, problem, help);
    }
}
