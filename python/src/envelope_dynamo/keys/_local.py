"""Local root keys (FORMAT 6.1): for tests, development, and machines without KMS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .._cbor import encode
from .._payload import NONCE, hkdf
from .._provider import LOCAL, WrappedKey
from .._secret import KEY_BYTES, Secret
from ..errors import refusal, refuse_if

SALT_BYTES, WRAPPED_BYTES = 24, 72


def local_id(root_key: bytes) -> bytes:
    return hkdf(root_key, b"", b"envelope local root key id", 8)


def local_cipher(
    root_key: bytes, wrap_salt: bytes, context: Mapping[str, str]
) -> tuple[AESGCM, bytes]:
    """The cipher that wraps, and its associated data."""
    wrapping_key = hkdf(root_key, wrap_salt, b"envelope local wrap 1", 32)
    return AESGCM(wrapping_key), encode(["envelope-local-wrap", context])


class LocalKeys:
    """Unwraps with a root key of 32 bytes, as Rust's `LocalKeyProvider` wraps.

    >>> LocalKeys(bytes(32))
    LocalKeys(..)
    """

    def __init__(self, root_key: bytes) -> None:
        refuse_if(len(root_key) != KEY_BYTES, "configuration", "a root key has 32 bytes")
        self._root_key = Secret(root_key)

    def __repr__(self) -> str:
        return "LocalKeys(..)"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        root_key = self._root_key.expose()
        own_id = local_id(root_key)
        wrapped = next(
            (each.wrapped for each in entries if each.kind == LOCAL and each.id == own_id), None
        )
        if wrapped is None:
            raise refusal("key-wrong", "no wrapped key of the record is for this root key")
        changed = "the wrapped key is for another encryption context, or was changed"
        refuse_if(len(wrapped) != WRAPPED_BYTES, "key-mismatch", changed)
        cipher, additional = local_cipher(root_key, wrapped[:SALT_BYTES], context)
        try:
            return Secret(cipher.decrypt(NONCE, wrapped[SALT_BYTES:], additional))
        except InvalidTag:
            raise refusal("key-mismatch", changed) from None
