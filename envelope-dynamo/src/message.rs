//! Seals bytes that are not a record: messages, tokens, small files.
//!
//! The same format and the same key providers as for records; [`Context`] says what the bytes are
//! bound to. For more than fits into memory, see [`stream`](crate::stream).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use envelope_dynamo::message::{Context, open, seal};
//! use envelope_dynamo::{LocalKeyProvider, RootKey};
//!
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let context = Context::new("notifications").pair("user", "u_1")?;
//! let sealed = seal(b"your parcel has arrived", &context, &provider).await?;
//! assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"your parcel has arrived");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

#[doc(inline)]
pub use envelope_core::{
    Context, ContextForm, EncryptionContext, Number, Plaintext, Sealed, Value, open, seal,
};
