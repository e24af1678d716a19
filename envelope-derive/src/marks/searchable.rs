//! `#[searchable]`: records are found by an encrypted field, through a search tag.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

/// The name of the attribute, and of the option of the struct.
pub(crate) const SEARCHABLE: &str = "searchable";

/// The beginning of the names of the attributes that hold search tags.
pub(crate) const TAG_PREFIX: &str = "blind_";

/// A step that text goes through before its tag is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The name in `normalize(..)`.
    pub(crate) name: &'static str,
    /// The variant of `envelope_core::search::Step`.
    variant: &'static str,
}

impl Step {
    pub(crate) const ALL: [Self; 3] = [
        Self { name: "trim", variant: "Trim" },
        Self { name: "ascii_lowercase", variant: "AsciiLowercase" },
        Self { name: "digits", variant: "Digits" },
    ];

    /// The step with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name == name)
    }
}

impl ToTokens for Step {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let variant = Ident::new(self.variant, Span::call_site());
        tokens.extend(quote!(__envelope::Step::#variant));
    }
}
