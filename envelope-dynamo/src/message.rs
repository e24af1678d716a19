//! Seals bytes that are not a record: messages, tokens, small files.
//!
//! Messages have the same format and the same key providers as records. A [`Context`] says what the
//! bytes are bound to: they open only with an equal context. For data that does not fit into
//! memory, see [`stream`](crate::stream).
//!
//! | to | use |
//! |---|---|
//! | seal bytes | [`seal()`] |
//! | open them | [`open()`] |
//! | say what they are bound to | [`Context`], with [`Value`]s that are strings, bytes or a [`Number`] |
//! | choose what KMS and CloudTrail see of the context | [`ContextForm`] |
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
//!
//! // The message of one user does not open as the message of another.
//! let other = Context::new("notifications").pair("user", "u_2")?;
//! assert!(open(&sealed, &other, &provider).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

#[doc(inline)]
pub use envelope_core::{
    Context, ContextForm, EncryptionContext, Number, Plaintext, Sealed, Value, open, seal,
};
