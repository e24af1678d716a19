//! The generated code: a description of the fields, and three calls into serde's own derive.

use proc_macro2::{Group, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, LitStr};

use crate::attr::{Entry, Mark};
use crate::attributes;
use crate::bound;
use crate::check::{Key, Record};
use crate::composed::ComposedKey;
use crate::field::Field;
use crate::indexes;
use crate::input::{ContextForm, Input, Pair, unraw};
use crate::role::Role;
use crate::serde_attr::ContainerDefault;

/// Generates `impl Envelope`, inside a scope of its own.
pub(crate) fn expand(record: &Record<'_>, krate: &TokenStream) -> TokenStream {
    let input = record.input;
    let deprecated = allow_deprecated(input.is_deprecated);
    let (shadow, key, attributes) = (shadow(input), key(record), attributes::definition(record));
    let indexes = indexes::definition(record);
    let implementation = implementation(record);
    let written = written(input);
    let seconds = input.fields.iter().filter_map(|field| seconds(input, field));
    quote! {
        #[doc(hidden)]
        #deprecated
        const _: () = {
            use #krate::__private as __envelope;
            #(#seconds)*
            #written
            #shadow
            #key
            #attributes
            #indexes
            #implementation
        };
    }
}

/// Allows generated code what the user allows: to use what is deprecated.
pub(crate) fn allow_deprecated(is_deprecated: bool) -> Option<TokenStream> {
    is_deprecated.then(|| quote!(#[allow(deprecated)]))
}

/// The module by which serde writes and reads a time. It names the field's type once: a wrong one
/// is reported once.
fn seconds(input: &Input, field: &Field) -> Option<TokenStream> {
    let name = field.seconds.as_ref()?;
    let (ty, place) = (This::new(input).replace_self(&field.ty), field.ty.span());
    let codec = quote_spanned!(place=> __envelope::epoch_seconds::seconds::<#ty>());
    Some(quote! {
        struct #name;

        impl #name {
            fn serialize<__S: __envelope::serde::Serializer>(
                __time: &#ty,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                __envelope::epoch_seconds::Seconds::serialize(&Self::codec(), __time, __serializer)
            }

            fn deserialize<'de, __D: __envelope::serde::Deserializer<'de>>(
                __deserializer: __D,
            ) -> __envelope::Result<#ty, __D::Error> {
                __envelope::epoch_seconds::Seconds::deserialize(&Self::codec(), __deserializer)
            }

            const fn codec() -> __envelope::epoch_seconds::Seconds<#ty> {
                #codec
            }
        }
    })
}

/// At the type of each field the compiler says whether serde cannot write it; serde itself says so
/// at the derive alone.
fn written(input: &Input) -> TokenStream {
    let this = This::new(input);
    let (generics, inline) = bound::apart(&input.generics);
    let impl_generics = this.replace_self(generics.split_for_impl().0);
    let predicates = inline.into_iter().chain(bound::predicates(input));
    let where_clause = where_clause(predicates.map(|predicate| this.replace_self(predicate)));
    let types = input.fields.iter().filter(|field| bound::is_written_by_type(field)).map(|field| {
        let ty = this.replace_self(&field.ty);
        quote_spanned!(field.ty.span()=> __envelope::is_written::<#ty>();)
    });
    quote! {
        const fn __written #impl_generics () #where_clause {
            #(#types)*
        }
    }
}

/// A copy of the struct for serde's derive, which writes and reads the original through it.
///
/// It carries the user's serde attributes, so they mean what serde says, whether or not the struct
/// derives serde itself.
fn shadow(input: &Input) -> TokenStream {
    let this = This::new(input);
    let impl_generics = this.replace_self(input.generics.split_for_impl().0);
    let predicates = bound::declared(input).into_iter().chain(bound::container_default(input));
    let where_clause = where_clause(predicates.map(|predicate| this.replace_self(predicate)));
    let remote = LitStr::new(&input.ident.to_string(), input.ident.span());
    let entries = this.container_entries(input);
    let fields = input.fields.iter().map(|field| this.shadow_field(field));
    let repr = &input.repr;
    quote! {
        #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
        #[serde(crate = "__envelope::serde", remote = #remote, #(#entries),*)]
        #(#repr)*
        struct __Record #impl_generics #where_clause {
            #(#fields,)*
        }
    }
}

/// A struct of the key fields alone, which serde writes and reads as it does in the record.
fn key(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let this = This::new(input);
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let impl_generics = this.replace_self(impl_generics);
    let where_clause =
        where_clause(bound::declared(input).iter().map(|predicate| this.replace_self(predicate)));
    let name = &input.ident;
    let bound = input.serde.entries.iter().filter(|entry| entry.name == "bound");
    let fields = key_fields(record).into_iter().map(|(ident, field)| this.key_field(&ident, field));
    // Parameters that the key does not use must be used all the same.
    let marker = has_unused_parameters(input).then(
        || quote!(#[serde(skip)] __marker: __envelope::PhantomData<fn() -> #name #ty_generics>,),
    );
    quote! {
        #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
        #[serde(crate = "__envelope::serde", #(#bound),*)]
        struct __Key #impl_generics #where_clause {
            #(#fields)*
            #marker
        }
    }
}

/// The fields of `__Key`.
fn key_fields<'a>(record: &'a Record<'_>) -> Vec<(Ident, &'a Field)> {
    let sort = record
        .sort_key
        .iter()
        .flat_map(|key| key_idents("__sort", key).into_iter().zip(&key.fields));
    let partition = key_idents("__partition", &record.partition_key)
        .into_iter()
        .zip(&record.partition_key.fields);
    partition.chain(sort).map(|(ident, field)| (ident, *field)).collect()
}

/// `__sort`, or one name for each of several parts.
pub(crate) fn key_idents(name: &str, key: &Key<'_>) -> Vec<Ident> {
    match key.fields.as_slice() {
        [_] => vec![format_ident!("{name}")],
        fields => (0..fields.len()).map(|i| format_ident!("{name}_{i}")).collect(),
    }
}

/// How the values of a key are taken apart and put together: one alone, several as `Parts`.
pub(crate) fn key_pattern(name: &str, key: &Key<'_>) -> TokenStream {
    match key_idents(name, key).as_slice() {
        [ident] => quote!(#ident),
        idents => quote!(__envelope::Parts((#(#idents),*))),
    }
}

/// `impl AuthenticatedVersion`.
fn versioned(record: &Record<'_>) -> Option<TokenStream> {
    let is_version = |(field, mark): &&(&Field, Mark)| {
        field.role() == Some(Role::Version) && *mark == Mark::Authenticated
    };
    record.fields.iter().find(is_version)?;
    let input = record.input;
    let (name, (impl_generics, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
    let where_clause = where_clause(bound::predicates(input).into_iter());
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics __envelope::AuthenticatedVersion for #name #ty_generics #where_clause {}
    })
}

fn implementation(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let name = &input.ident;
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let where_clause = where_clause(bound::predicates(input).into_iter());
    let constants = constants(record);
    let (key, attributes) = (key_type(record), attributes::implementation(record));
    let (withheld, restate, versioned) = (withheld(record), restate(record), versioned(record));
    let partition = key_pattern("__partition", &record.partition_key);
    let pattern = match record.typed_sort_key().map(|sort| key_pattern("__sort", sort)) {
        None => quote!(__envelope::Partition { partition: #partition }),
        Some(sort) => quote!(__envelope::Composite { partition: #partition, sort: #sort }),
    };
    let idents: Vec<_> = key_fields(record).into_iter().map(|(ident, _)| ident).collect();
    let indexes = indexes::implementation(record);
    let marker = has_unused_parameters(input).then(|| quote!(__marker: __envelope::PhantomData,));
    quote! {
        #[automatically_derived]
        impl #impl_generics __envelope::Envelope for #name #ty_generics #where_clause {
            #constants
            #key
            #attributes
            #withheld
            #indexes
            #restate

            fn serialize<__S: __envelope::serde::Serializer>(
                &self,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                __Record::serialize(self, __serializer)
            }

            fn serialize_key<__S: __envelope::serde::Serializer>(
                __key: Self::Key,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                let #pattern = __key;
                let __key: __Key #ty_generics = __Key { #(#idents,)* #marker };
                __envelope::serde::Serialize::serialize(&__key, __serializer)
            }

            fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
                __deserializer: __D,
            ) -> __envelope::Result<Self::Key, __D::Error> {
                let __key: __envelope::Result<__Key #ty_generics, __D::Error> =
                    __envelope::serde::Deserialize::deserialize(__deserializer);
                __key.map(|__Key { #(#idents,)* .. }| #pattern)
            }

            fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
                __deserializer: __D,
            ) -> __envelope::Result<Self, __D::Error> {
                __Record::deserialize(__deserializer)
            }
        }
        #versioned
    }
}

/// `fn withheld`, for a struct with groups: at each field's type the compiler says that it must be
/// `Access<..>`.
fn withheld(record: &Record<'_>) -> Option<TokenStream> {
    let grouped =
        record.fields.iter().filter_map(|(field, _)| Some((field, field.group.as_ref()?)));
    let mut states = grouped
        .map(|(field, group)| {
            let (ident, place) = (&field.ident, field.ty.span());
            let is_withheld = quote_spanned!(place=> __envelope::Access::is_withheld(&self.#ident));
            quote!((#group, #is_withheld))
        })
        .peekable();
    states.peek()?;
    Some(quote! {
        fn withheld(&self) -> __envelope::Vec<(&'static str, bool)> {
            __envelope::list([#(#states),*])
        }
    })
}

/// The type of the primary key, which must be as visible as the struct: the compiler says so at the
/// field's type.
fn key_type(record: &Record<'_>) -> TokenStream {
    let partition = &record.partition_key;
    let place = partition.fields.first().map_or_else(Span::call_site, |field| field.ty.span());
    let partition = value_type(partition);
    match record.typed_sort_key().map(value_type) {
        None => quote_spanned!(place=> type Key = __envelope::Partition<#partition>;),
        Some(sort) => quote_spanned!(place=> type Key = __envelope::Composite<#partition, #sort>;),
    }
}

/// The type of a key's value in calls: that of the one field, or `Parts` of several.
pub(crate) fn value_type(key: &Key<'_>) -> TokenStream {
    let types = key.fields.iter().map(|field| &field.ty);
    if key.fields.len() == 1 {
        quote!(#(#types)*)
    } else {
        quote!(__envelope::Parts<(#(#types),*)>)
    }
}

pub(crate) fn where_clause(predicates: impl Iterator<Item = TokenStream>) -> Option<TokenStream> {
    let mut predicates = predicates.peekable();
    predicates.peek()?;
    Some(quote!(where #(#predicates),*))
}

/// The associated constants; those that have their default value are left out.
fn constants(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let (name, table) = (unraw(&input.ident), &record.table);
    let fields = record.fields.iter().map(|(field, mark)| description(input, field, *mark));
    let composed = input.composed.iter().map(|key| composed(input, key));
    let entity = input.options.entity.iter().map(
        |Pair { name, value }| quote!(__envelope::Field::new(#name, __envelope::Mark::Authenticated).constant(#value)),
    );
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
    quote! {
        const NAME: &'static str = #name;
        const TABLE: &'static str = #table;
        #context_form
        #context
        const SCHEMA: __envelope::Schema = __envelope::Schema::new(&[#(#fields,)* #(#composed,)* #(#entity),*]);
        #deny
    }
}

/// The entry for a field in `Envelope::SCHEMA`.
fn description(input: &Input, field: &Field, mark: Mark) -> TokenStream {
    let (name, aliases) = (&field.name.value, field.aliases.iter().map(|alias| &alias.value));
    let aliases = (!field.aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let accepting_plaintext = field.accepts_plaintext.then(|| quote!(.accepting_plaintext()));
    let in_encryption_context =
        field.encryption_context.is_some().then(|| quote!(.in_encryption_context()));
    let role = field.role().map(|role| role_of(field, role));
    let in_group = field.group.as_ref().map(|group| quote!(.in_group(#group)));
    let is_part = input.composed.iter().flat_map(ComposedKey::parts).any(|part| part.is(field));
    let unread =
        (field.serde.skip.deserialize && !field.serde.skip.serialize).then(|| quote!(.unread()));
    let in_key = (is_part && mark != Mark::Key).then(|| quote!(.in_key()));
    quote! {
        __envelope::Field::new(#name, __envelope::Mark::#mark)
            #aliases #accepting_plaintext #in_encryption_context #in_group #in_key #unread #role
    }
}

/// What the library keeps the field for.
fn role_of(field: &Field, role: Role) -> TokenStream {
    match role {
        Role::Version => {
            let (ty, place) = (&field.ty, field.ty.span());
            let max = quote_spanned!(place=> <#ty as __envelope::VersionNumber>::MAX);
            quote!(.version(#max))
        }
        Role::Ttl => quote!(.ttl()),
        Role::Created => quote!(.created()),
        Role::Updated => quote!(.updated()),
    }
}

/// `fn restate`, for a struct with fields that the library writes.
fn restate(record: &Record<'_>) -> Option<TokenStream> {
    let kept = record.fields.iter().filter(|(field, _)| field.role().is_some_and(Role::is_written));
    let mut kept = kept.map(|(field, _)| &field.ident).peekable();
    kept.peek()?;
    Some(quote! {
        fn restate(&mut self, __stored: &__envelope::Item) -> __envelope::Result<(), __envelope::ValueError> {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            #(self.#kept = __envelope::Attribute::restated(&__attributes.#kept, __stored)?;)*
            __envelope::Result::Ok(())
        }
    })
}

/// The entry for a composed key in `Envelope::SCHEMA`.
fn composed(input: &Input, key: &ComposedKey) -> TokenStream {
    let (name, mark, format, pieces) =
        (&key.name.value, key.mark, &key.format, key.expand(&input.fields));
    quote!(__envelope::Field::new(#name, __envelope::Mark::#mark).composed(#format, #pieces))
}

/// Whether `__Key` may have parameters that its fields do not use; constants need no use.
pub(crate) fn has_unused_parameters(input: &Input) -> bool {
    input.generics.type_params().next().is_some() || input.generics.lifetimes().next().is_some()
}

/// The struct's own type, for places where `Self` would mean something else.
pub(crate) struct This {
    /// `User<'a, T>`
    pub(crate) ty: TokenStream,
}

impl This {
    pub(crate) fn new(input: &Input) -> Self {
        let (name, (_, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
        Self { ty: quote!(#name #ty_generics) }
    }

    /// The serde entries of the shadow struct.
    fn container_entries(&self, input: &Input) -> Vec<TokenStream> {
        let mut entries = Vec::new();
        if !input.serde.is_renamed {
            let name = unraw(&input.ident);
            entries.push(quote!(rename = #name));
        }
        for entry in &input.serde.entries {
            let is_default =
                entry.name == "default" && input.serde.default == Some(ContainerDefault::Trait);
            entries.push(if is_default {
                self.container_default()
            } else {
                entry.to_token_stream()
            });
        }
        entries
    }

    /// `default` on the struct: serde would ask for the default of the shadow.
    fn container_default(&self) -> TokenStream {
        let path = format!("<{} as __envelope::Default>::default", self.ty);
        quote!(default = #path)
    }

    /// A field of the shadow struct.
    ///
    /// serde reports a type that it cannot write or read at the first token of the field, so that
    /// token takes the place of the type.
    fn shadow_field(&self, field: &Field) -> TokenStream {
        let place = field.ty.span();
        let entries = field.serde.entries.iter().map(|entry| self.field_entry(entry));
        let serde = (!field.serde.entries.is_empty())
            .then(|| quote_spanned!(place=> #[serde(#(#entries),*)]));
        let mut ident = field.ident.clone();
        ident.set_span(ident.span().located_at(place));
        let ty = self.replace_self(&field.ty);
        quote!(#serde #ident: #ty)
    }

    /// A field of the key struct, stored under the same name and written by the same code.
    pub(crate) fn key_field(&self, ident: &Ident, field: &Field) -> TokenStream {
        let name = &field.name.value;
        let entries = field.serde.entries.iter().filter(|entry| {
            ["with", "serialize_with", "deserialize_with", "bound"].contains(&entry.name.as_str())
        });
        let ty = self.replace_self(&field.ty);
        quote!(#[serde(rename = #name, #(#entries),*)] #ident: #ty,)
    }

    /// An entry of a field; serde calls `skip_serializing_if` where `Self` is the shadow.
    fn field_entry(&self, entry: &Entry) -> TokenStream {
        let path = (entry.name == "skip_serializing_if").then(|| entry.string()).flatten();
        match path
            .as_ref()
            .and_then(|path| Some((path, path.value().strip_prefix("Self::")?.to_owned())))
        {
            Some((path, rest)) => {
                let path = LitStr::new(&format!("<{}>::{rest}", self.ty), path.span());
                quote!(skip_serializing_if = #path)
            }
            None => entry.to_token_stream(),
        }
    }

    /// Writes out `Self`, which means another struct inside a copy.
    pub(crate) fn replace_self(&self, tokens: impl ToTokens) -> TokenStream {
        let mut tokens = tokens.into_token_stream().into_iter().peekable();
        let mut replaced = TokenStream::new();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "Self" => {
                    let is_prefix = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
                    let ty = &self.ty;
                    replaced.extend(if is_prefix { quote!(<#ty>) } else { ty.clone() });
                }
                TokenTree::Group(group) => {
                    let mut copy = Group::new(group.delimiter(), self.replace_self(group.stream()));
                    copy.set_span(group.span());
                    replaced.extend([TokenTree::Group(copy)]);
                }
                token => replaced.extend([token]),
            }
        }
        replaced
    }
}
