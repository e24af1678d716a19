//! Search tags as the keys of indexes: attributes whose values are those of the searched fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::TypeGenerics;

use super::attributes::{is_wrapped_in_tag, wrapper_name};
use super::this::This;
use crate::names::unraw;
use crate::parse::{Field, Input, SearchTag};

/// The fields of a tag, in the order of its definition.
fn fields<'a>(input: &'a Input, tag: &'a SearchTag) -> Vec<&'a Field> {
    tag.fields.iter().filter_map(|tagged| input.field(&unraw(&tagged.ident))).collect()
}

/// The type of the value that a query takes: that of the field, or `Parts` of several.
pub(super) fn value_type(input: &Input, tag: &SearchTag, this: &This) -> TokenStream {
    let types: Vec<_> =
        fields(input, tag).into_iter().map(|field| this.replace_self(&field.ty)).collect();
    match types.as_slice() {
        [only] => only.clone(),
        types => quote!(__envelope::Parts<(#(#types),*)>),
    }
}

/// The attribute of a tag, which takes the values of its fields and wipes them.
pub(super) fn attribute(
    input: &Input,
    tag: &SearchTag,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let (name, fields) = (input.tag_attribute(tag), fields(input, tag));
    let idents: Vec<_> = (0..fields.len()).map(|i| format_ident!("__searched_{i}")).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let (pattern, ty) = match (idents.as_slice(), types.as_slice()) {
        ([ident], [ty]) => (quote!(#ident), quote!(#ty)),
        (idents, types) => {
            (quote!(__envelope::Parts((#(#idents),*))), quote!(__envelope::Parts<(#(#types),*)>))
        }
    };
    let wrapped = fields.iter().zip(&idents).filter(|(field, _)| is_wrapped_in_tag(input, field));
    let wrapped = wrapped.map(|(field, ident)| {
        let wrapper = wrapper_name(field);
        quote! {
            let #ident: #wrapper #ty_generics =
                #wrapper { value: #ident, marker: __envelope::PhantomData };
        }
    });
    let wiped = fields.iter().zip(&idents).map(|(field, ident)| {
        let ty = &field.ty;
        let value = is_wrapped_in_tag(input, field).then(|| quote!(.value));
        quote!(__envelope::Wipe::<#ty>::__wipe(#ident #value);)
    });
    quote! {
        __envelope::Attribute::<Self, #ty, __envelope::mark::Key>::search_tag(
            #name,
            |#pattern| {
                use __envelope::NotWiped as _;
                #(#wrapped)*
                let __values = __envelope::searched_values([
                    #(__envelope::SearchedValue::of(&#idents)),*
                ]);
                #(#wiped)*
                __values
            },
        )
    }
}
