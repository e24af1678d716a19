//! Skips CBOR items that nobody reads.

use super::head::{ReadError, Reader, major, simple};
use crate::serde_error::ValueError;

/// Skips one item, which may nest at most `depth` arrays and maps. Encodings that the format does
/// not allow are refused even if no field of the struct reads them (FORMAT 4.5-3).
pub(crate) fn skip(reader: &mut Reader<'_>, depth: usize) -> Result<(), ValueError> {
    let head = reader.head()?;
    let items = match head.major {
        major::ARRAY => head.argument,
        major::MAP => head.argument.saturating_mul(2),
        major::UNSIGNED | major::NEGATIVE => return Ok(()),
        major::BYTES => return reader.bytes(head.argument).map(|_| ()).map_err(Into::into),
        major::TEXT => return reader.text(head.argument).map(|_| ()).map_err(Into::into),
        // A tag is followed by the bytes of a bignum, never by another tag. So a chain of tags
        // cannot exhaust the stack.
        major::TAG => return reader.bignum(head.argument).map(|_| ()).map_err(Into::into),
        _ if simple::is_known(head.info) => return Ok(()),
        _ => return Err(ReadError::Malformed.into()),
    };
    let depth = depth.checked_sub(1).ok_or(ValueError::TOO_DEEP)?;
    (0..items).try_for_each(|_| skip(reader, depth))
}
