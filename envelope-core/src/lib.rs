//! The envelope record format and its keys.
#![forbid(unsafe_code)]

mod form;
mod value_error;

pub use form::ContextForm;
pub use value_error::ValueError;
