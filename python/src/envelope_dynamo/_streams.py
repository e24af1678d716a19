"""Streams: sealed objects of any size (FORMAT 12), and messages, which are bytes in one piece."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Protocol

from ._cbor import Reader
from ._context import Context
from ._payload import (
    TAG_BYTES,
    check_commitment,
    decrypt,
    hkdf,
    not_authentic,
    open_payload,
    parse_dek,
    unwrap,
)
from ._provider import Keys
from .errors import refuse_if

__all__ = ["decrypt_file", "decrypt_message", "open_stream"]

MAGIC, HEADER_BYTES, LONGEST_DEK = b"envs", 67, 102_451
MAX_CHUNKS = 1 << 32


class Readable(Protocol):
    """A file that is open for reading bytes, or the body of an answer of S3."""

    def read(self, size: int, /) -> bytes: ...


def derive(data_key: bytes, salt: bytes, exponent: int) -> tuple[bytes, bytes]:
    """Stream key and commitment (12.3)."""
    okm = hkdf(data_key, salt, b"envelope stream 1 1" + bytes([exponent]), 64)
    return okm[:32], okm[32:]


def nonce(number: int, is_last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")


def open_stream(stream: Readable, context: Context, keys: Keys) -> Iterator[bytes]:
    """Opens a sealed stream, and yields its plaintext chunk by chunk, in constant memory.

    ``stream`` is a file that is open for reading bytes, or the ``Body`` of an answer of S3.

    Security: every chunk is authentic when it is yielded, but only the end of the iterator proves
    that they are all of the object. Do not use the bytes before it. :func:`decrypt_file` takes care
    of that.
    """
    header = _read(stream, HEADER_BYTES)
    reader = Reader(header, what="the stream")
    for expected in MAGIC:
        if reader.integer() != expected:
            raise reader.malformation("these bytes are no stream")
    refuse_if(
        reader.integer() != 1,
        "format-unknown-version",
        "the stream has a version that is not known here",
    )
    refuse_if(
        reader.integer() != 1,
        "format-unknown-suite",
        "the stream has a suite that is not known here",
    )
    exponent = reader.integer()
    if exponent not in range(10, 21):
        raise reader.malformation("the size of a chunk")
    salt, commitment, length = reader.take(24), reader.take(32), reader.integer(4)
    if length not in range(1, LONGEST_DEK + 1):
        raise reader.malformation("the length of encrypted_dek")
    form, entries = parse_dek(Reader(_read(stream, length), what="the stream").take(length))
    place = context._place
    place.check_form(form)
    stream_key, derived = derive(unwrap(keys, entries, place.encryption_context()), salt, exponent)
    check_commitment(commitment, derived)
    yield from _chunks(
        stream,
        (1 << exponent) + TAG_BYTES,
        stream_key,
        place.associated_data("stream", place.attributes),
    )


def _chunks(stream: Readable, size: int, stream_key: bytes, additional: bytes) -> Iterator[bytes]:
    chunk = _read(
        stream, size + 1
    )  # a chunk is the last if, and only if, the stream ends with it (12.5-2)
    for number in range(MAX_CHUNKS):
        is_last = len(chunk) <= size
        sealed, chunk = chunk[:size], chunk[size:]
        if len(sealed) < TAG_BYTES or (len(sealed) == TAG_BYTES and number > 0):  # 12.5-3
            raise not_authentic()
        yield decrypt(stream_key, nonce(number, is_last), sealed, additional)
        if is_last:
            return
        chunk += _read(stream, size)
    raise not_authentic()


def _read(stream: Readable, count: int) -> bytes:
    """`count` bytes, or all that are left: one call to `read` may return fewer."""
    parts, missing = [], count
    while missing > 0:
        part = stream.read(missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def decrypt_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], context: Context, keys: Keys
) -> int:
    """Opens the sealed stream in the file ``source`` into the file ``target``, and returns the
    number of bytes.

    ``target`` appears when all of the object is authentic, and not before. Until then the bytes are
    in a temporary file beside it, which only this user may read. An existing file is replaced.
    """
    folder = os.path.dirname(os.path.abspath(target))
    descriptor, temporary = tempfile.mkstemp(prefix=".envelope-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as output, open(source, "rb") as stream:
            count = sum(output.write(chunk) for chunk in open_stream(stream, context, keys))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return count


def decrypt_message(
    encrypted_payload: bytes, encrypted_dek: bytes, context: Context, keys: Keys
) -> bytes:
    """Opens bytes that are no record, as Rust's `message::seal` made them."""
    place = context._place
    return open_payload(encrypted_payload, encrypted_dek, "bytes", lambda: place, keys).plaintext
