//! The associated constants: the name, the table, the context and the schema.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::Record;
use crate::marks::Mark;
use crate::names::unraw;
use crate::parse::{ComposedKey, ContextForm, Field, Input, Pair, Piece, SearchTag};

/// The associated constants. A constant with the default value of the trait is left out.
pub(super) fn constants(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let (name, table) = (unraw(&input.ident), &record.table);
    let fields = record.fields.iter().map(|(field, mark)| field_entry(input, field, *mark));
    let composed = input.composed.iter().map(|key| key_entry(input, key));
    let index_keys = input.index_keys().into_iter().map(|key| index_key_entry(input, key));
    let tags = input.tags.iter().map(|tag| tag_entry(input, tag));
    let entity = input.options.entity.iter().map(entity_entry);
    let context_form = (input.options.context_form != ContextForm::Raw).then(|| {
        let form = input.options.context_form.variant();
        quote!(const CONTEXT_FORM: __envelope::ContextForm = __envelope::ContextForm::#form;)
    });
    let context = (!input.options.context.is_empty()).then(|| {
        let pairs = input.options.context.iter().map(|pair| {
            let (name, value) = (&pair.name, &pair.value);
            quote!((#name, #value))
        });
        quote!(const CONTEXT: &'static [(&'static str, &'static str)] = &[#(#pairs),*];)
    });
    let deny = input.serde.deny_unknown_fields.then(|| {
        quote!(
            const DENY_UNKNOWN_FIELDS: bool = true;
        )
    });
    let unprotected = input.options.unprotected.is_some().then(|| {
        quote!(
            const UNPROTECTED: bool = true;
        )
    });
    quote! {
        const NAME: &'static str = #name;
        const TABLE: &'static str = #table;
        #context_form
        #context
        const SCHEMA: __envelope::Schema =
            __envelope::Schema::new(&[#(#fields,)* #(#composed,)* #(#index_keys,)* #(#tags,)* #(#entity),*]);
        #deny
        #unprotected
    }
}

/// The entry of a field in `Envelope::SCHEMA`.
fn field_entry(input: &Input, field: &Field, mark: Mark) -> TokenStream {
    let (name, aliases) = (&field.name.value, field.aliases.iter().map(|alias| &alias.value));
    let aliases = (!field.aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let accepting_plaintext = field.accepts_plaintext.then(|| quote!(.accepting_plaintext()));
    let in_encryption_context =
        field.encryption_context.is_some().then(|| quote!(.in_encryption_context()));
    let role = field.role().map(|role| (role.schema)(&field.ty));
    let in_group = field.group.as_ref().map(|group| quote!(.in_group(#group)));
    let unread =
        (field.serde.skip.deserialize && !field.serde.skip.serialize).then(|| quote!(.unread()));
    let in_key = (input.is_part_of_key(field) && mark != Mark::Key).then(|| quote!(.in_key()));
    let in_index_key = input.is_part_of_index_key(field).then(|| quote!(.in_index_key()));
    let in_search_tag = input.is_part_of_tag(field).then(|| quote!(.in_search_tag()));
    quote! {
        __envelope::Field::new(#name, __envelope::Mark::#mark)
            #aliases #accepting_plaintext #in_encryption_context #in_group #in_key #in_index_key
            #in_search_tag #unread #role
    }
}

/// The entry of an index's composed key in `Envelope::SCHEMA`.
fn index_key_entry(input: &Input, key: &ComposedKey) -> TokenStream {
    let (name, mark, format, pieces) = (&key.name.value, key.mark, &key.format, pieces(input, key));
    quote!(__envelope::Field::new(#name, __envelope::Mark::#mark).index_key(#format, #pieces))
}

/// The entry of a search tag in `Envelope::SCHEMA`.
fn tag_entry(input: &Input, tag: &SearchTag) -> TokenStream {
    let (attribute, name) = (input.tag_attribute(tag), input.tag_name(tag));
    let fields = tag.fields.iter().map(|tagged| {
        let name = input.field(&unraw(&tagged.ident)).map(|field| &field.name.value);
        let steps = &tagged.steps;
        quote!((#name, &[#(#steps),*]))
    });
    let unique = tag.is_unique.then(|| quote!(.unique()));
    quote! {
        __envelope::Field::new(#attribute, __envelope::Mark::Authenticated)
            .search_tag(#name, &[#(#fields),*]) #unique
    }
}

/// The entry of a composed key in `Envelope::SCHEMA`.
fn key_entry(input: &Input, key: &ComposedKey) -> TokenStream {
    let (name, mark, format, pieces) = (&key.name.value, key.mark, &key.format, pieces(input, key));
    quote!(__envelope::Field::new(#name, __envelope::Mark::#mark).composed(#format, #pieces))
}

/// The entry of the `entity(..)` attribute in `Envelope::SCHEMA`.
fn entity_entry(Pair { name, value }: &Pair) -> TokenStream {
    quote!(__envelope::Field::new(#name, __envelope::Mark::Authenticated).constant(#value))
}

/// The pieces of a format, with the names under which the fields are stored.
fn pieces(input: &Input, key: &ComposedKey) -> TokenStream {
    let pieces = key.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => quote!(__envelope::Piece::Literal(#text)),
        Piece::Part(part) => {
            let name = input.field(&part.field).map(|field| &field.name.value);
            match part.digits {
                None => quote!(__envelope::Piece::Part(#name)),
                Some(digits) => quote!(__envelope::Piece::Padded(#name, #digits)),
            }
        }
    });
    quote!(&[#(#pieces),*])
}
