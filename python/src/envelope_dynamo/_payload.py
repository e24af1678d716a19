"""`encrypted_dek` and `encrypted_payload`: their bytes, and opening them (FORMAT 3, 4 and steps 2
to 9 of 7-1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ._cbor import Reader, record_reader
from ._context import FORMS, Place
from ._provider import Keys, WrappedKey
from ._secret import KEY_BYTES, Secret
from .errors import refusal, refuse_if

NONCE, TAG_BYTES = bytes(12), 16
MAX_WRAPPED_KEYS, MAX_WRAPPED_BYTES = 16, 6144
MAPS = ("record", "group")  # contents that are a map of fields


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


class Dek(NamedTuple):
    """A parsed `encrypted_dek`. Nothing in it is authenticated."""

    form: str
    entries: tuple[WrappedKey, ...]


def parse_dek(data: bytes) -> Dek:
    """Parses an `encrypted_dek` (3.2)."""
    reader = Reader(data, what="encrypted_dek")
    refuse_if(
        reader.integer() != 1,
        "format-unknown-version",
        "encrypted_dek has a version that is not known here",
    )
    form, count = reader.integer(), reader.integer()
    if form >= len(FORMS) or not 1 <= count <= MAX_WRAPPED_KEYS:
        raise reader.malformation("a context form or a number of keys that does not exist")
    entries = []
    for _ in range(count):
        kind, key_id, length = reader.integer(), reader.take(reader.integer()), reader.integer(2)
        if not 1 <= length <= MAX_WRAPPED_BYTES:
            raise reader.malformation("the length of a wrapped key")
        entries.append(WrappedKey(kind, key_id, reader.take(length)))
    reader.end()
    return Dek(FORMS[form], tuple(entries))


def derive(data_key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Message key and commitment (4.3)."""
    okm = hkdf(data_key, salt, b"envelope payload 1 1", 64)
    return okm[:32], okm[32:]


class Payload(NamedTuple):
    """A parsed `encrypted_payload`. Its names are authentic only once it has been opened."""

    salt: bytes
    commitment: bytes
    names: list[str]
    sealed: bytes


def parse_payload(data: bytes) -> Payload:
    """Parses an `encrypted_payload` (4.2)."""
    reader = Reader(data, what="encrypted_payload")
    refuse_if(
        reader.integer() != 1,
        "format-unknown-version",
        "encrypted_payload has a version that is not known here",
    )
    refuse_if(
        reader.integer() != 1,
        "format-unknown-suite",
        "encrypted_payload has a suite that is not known here",
    )
    salt, commitment, names = reader.take(24), reader.take(32), reader.names()
    sealed = reader.rest()
    refuse_if(
        len(sealed) < TAG_BYTES, "format-truncated", "encrypted_payload: the bytes end too early"
    )
    return Payload(salt, commitment, names, sealed)


def unwrap(keys: Keys, entries: Sequence[WrappedKey], context: dict[str, str]) -> bytes:
    """The data key, which every provider gives or refuses (step 6)."""
    data_key = keys.unwrap(entries, context)
    if not isinstance(data_key, Secret) or len(data_key) != KEY_BYTES:
        raise refusal(
            "key-invalid-answer", "the key provider did not return a data key of 32 bytes"
        )
    return data_key.expose()


def check_commitment(stored: bytes, derived: bytes) -> None:
    """Refuses another data key than the one that sealed (step 7)."""
    if not hmac.compare_digest(stored, derived):
        raise not_authentic()


def decrypt(key: bytes, nonce: bytes, sealed: bytes, additional: bytes) -> bytes:
    """Decrypts, and checks the tag (step 8)."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, additional)
    except InvalidTag:
        raise not_authentic() from None


def not_authentic() -> Exception:
    return refusal(
        "authentication",
        "it is not what was sealed here: the bytes, the place, an authenticated attribute or the "
        "data key was changed",
    )


class Opened(NamedTuple):
    """What a payload holds. Only payloads of records and of groups have `fields`."""

    plaintext: bytes
    names: list[str]
    fields: dict[str, Any]


def open_payload(
    payload: bytes, dek: bytes, content: str, place: Callable[[], Place], keys: Keys
) -> Opened:
    """Opens a payload. `place` is called once the payload has been parsed: an error of it comes
    later (7-1).
    """
    parsed = parse_payload(payload)
    context = place()
    additional = context.associated_data(
        content, parsed.names
    )  # 2.2-2: before any key is asked for
    form, entries = parse_dek(dek)
    context.check_form(form)
    message_key, commitment = derive(
        unwrap(keys, entries, context.encryption_context()), parsed.salt
    )
    check_commitment(parsed.commitment, commitment)
    plaintext = decrypt(message_key, NONCE, parsed.sealed, additional)
    fields = record_reader(plaintext).record() if content in MAPS else {}
    return Opened(plaintext, parsed.names, fields)
