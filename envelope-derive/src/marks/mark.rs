//! The marks: how a field is stored, and where else its value may be.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Ident;

/// The option of `#[encrypted]` and `#[authenticated]`: `accept = "plaintext"`.
pub(crate) const ACCEPT: &str = "accept";

/// The option of `#[encrypted]`: `group = "medical"`.
pub(crate) const GROUP: &str = "group";

/// How a field is stored. Each stored field has exactly one mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    PartitionKey,
    SortKey,
    /// A part of a composed key, stored nowhere else.
    Key,
    Encrypted,
    Authenticated,
    Plaintext,
}

/// What the derive knows of a mark.
struct Rules {
    /// The name of the attribute.
    name: &'static str,
    /// The variant of `envelope_dynamo::record::Mark`.
    variant: &'static str,
    /// The options that the attribute takes in parentheses.
    options: &'static [&'static str],
    /// What the attribute means on the struct.
    on_struct: OnStruct,
    /// Why the value cannot be in the KMS encryption context, if it cannot.
    in_context: Option<Refusal>,
    /// Why the format of a composed key cannot name the field, if it cannot.
    in_format: Option<Refusal>,
    /// Why the field cannot be the key of an index, if it cannot.
    in_index: Option<Refusal>,
    /// Why the format of an index's key cannot name the field, if it cannot.
    in_index_format: Option<Refusal>,
}

/// What a field's attribute means on the struct.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStruct {
    /// It composes a key.
    ComposesKey,
    /// A mistake; `#[envelope(unmarked = "..")]` may be meant, the mark of all fields without one.
    MeantAsDefault,
    /// A mistake.
    Misplaced,
}

/// Why a mark does not go together with something else, and what to write instead. `{field}` is
/// replaced by the name of the field.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    problem: &'static str,
    help: &'static str,
}

impl Refusal {
    pub(crate) fn problem(self, field: &str) -> String {
        self.problem.replace("{field}", field)
    }

    pub(crate) fn help(self, field: &str) -> String {
        self.help.replace("{field}", field)
    }
}

const KEY_IN_FORMAT: Refusal = Refusal {
    problem: "`{field}` is itself a key attribute",
    help: "remove `{field}` from the format; if it is not the key, mark it `#[key]` or \
         `#[authenticated]`",
};

const PARTITION_KEY: Rules = Rules {
    name: "partition_key",
    variant: "PartitionKey",
    options: &[],
    on_struct: OnStruct::ComposesKey,
    in_context: None,
    in_format: Some(KEY_IN_FORMAT),
    in_index: None,
    in_index_format: None,
};

const SORT_KEY: Rules = Rules { name: "sort_key", variant: "SortKey", ..PARTITION_KEY };

const KEY: Rules = Rules {
    name: "key",
    variant: "Key",
    options: &[],
    on_struct: OnStruct::Misplaced,
    in_context: None,
    in_format: None,
    in_index: Some(Refusal {
        problem: "`{field}` is stored only in a composed key, so it cannot be the key of an index",
        help: "give the index a key of its own, such as `partition_key(name = \"gsi1pk\", format = \
               \"{{field}}\")`; or mark `{field}` `#[authenticated]`: it is then also stored as an \
               attribute",
    }),
    in_index_format: None,
};

const ENCRYPTED: Rules = Rules {
    name: "encrypted",
    variant: "Encrypted",
    options: &[ACCEPT, GROUP],
    on_struct: OnStruct::MeantAsDefault,
    in_context: Some(Refusal {
        problem: "`{field}` is encrypted, but CloudTrail shows the encryption context in plaintext",
        help: "remove `#[encryption_context]`, or mark the field `#[authenticated]` instead of \
               `#[encrypted]`",
    }),
    in_format: Some(Refusal {
        problem: "`{field}` is encrypted, but a key is stored in plaintext",
        help: "name another field, or mark `{field}` `#[key]` (stored only in the key) or \
               `#[authenticated]` instead",
    }),
    in_index: Some(Refusal {
        problem: "`{field}` is encrypted, so DynamoDB cannot index it",
        help: "mark `{field}` `#[searchable]` too: whoever reads storage then sees which records \
               have equal values; or mark it `#[authenticated]` instead of `#[encrypted]` if it \
               may be readable in the table",
    }),
    in_index_format: Some(Refusal {
        problem: "`{field}` is encrypted, but a key of an index is stored in plaintext",
        help: "mark `{field}` `#[searchable]` and name it in a key of several attributes: \
               `partition_key = (tenant, {field})`; or mark `{field}` `#[authenticated]` if it may \
               be readable in the table",
    }),
};

const AUTHENTICATED: Rules = Rules {
    name: "authenticated",
    variant: "Authenticated",
    options: &[ACCEPT],
    on_struct: OnStruct::Misplaced,
    in_context: None,
    in_format: None,
    in_index: None,
    in_index_format: None,
};

const PLAINTEXT: Rules = Rules {
    name: "plaintext",
    variant: "Plaintext",
    options: &[],
    on_struct: OnStruct::MeantAsDefault,
    in_context: None,
    in_format: Some(Refusal {
        problem: "`{field}` is plaintext: an update in place would change the field, but not the \
             key",
        help: "mark `{field}` `#[key]` (stored only in the key) or `#[authenticated]` (also \
             stored as an \
               attribute)",
    }),
    in_index: None,
    in_index_format: None,
};

impl Mark {
    pub(crate) const ALL: [Self; 6] = [
        Self::PartitionKey,
        Self::SortKey,
        Self::Key,
        Self::Encrypted,
        Self::Authenticated,
        Self::Plaintext,
    ];

    const fn rules(self) -> &'static Rules {
        match self {
            Self::PartitionKey => &PARTITION_KEY,
            Self::SortKey => &SORT_KEY,
            Self::Key => &KEY,
            Self::Encrypted => &ENCRYPTED,
            Self::Authenticated => &AUTHENTICATED,
            Self::Plaintext => &PLAINTEXT,
        }
    }

    /// The mark whose attribute has this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.attribute() == name)
    }

    /// The name of the attribute.
    pub(crate) fn attribute(self) -> &'static str {
        self.rules().name
    }

    /// The options that the attribute takes in parentheses.
    pub(crate) fn options(self) -> &'static [&'static str] {
        self.rules().options
    }

    /// What the attribute means on the struct.
    pub(crate) fn on_struct(self) -> OnStruct {
        self.rules().on_struct
    }

    /// Whether the field is a key attribute of the table.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::PartitionKey | Self::SortKey)
    }

    /// Why the value cannot be in the KMS encryption context, if it cannot.
    pub(crate) fn refused_in_context(self) -> Option<Refusal> {
        self.rules().in_context
    }

    /// Why the format of a composed key cannot name the field, if it cannot.
    pub(crate) fn refused_in_format(self) -> Option<Refusal> {
        self.rules().in_format
    }

    /// Why the field cannot be the key of an index, if it cannot.
    pub(crate) fn refused_in_index(self) -> Option<Refusal> {
        self.rules().in_index
    }

    /// Why the format of an index's key cannot name the field, if it cannot.
    pub(crate) fn refused_in_index_format(self) -> Option<Refusal> {
        self.rules().in_index_format
    }
}

/// The variant of `envelope_dynamo::record::Mark`.
impl ToTokens for Mark {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Ident::new(self.rules().variant, Span::call_site()).to_tokens(tokens);
    }
}
