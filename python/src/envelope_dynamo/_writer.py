"""The writer that the test vectors need. It is not public: this package reads.

Every random value is an argument, so that the vectors are the same on every machine. A writer of
records must draw them anew each time (FORMAT 4.4-1, 6.3-1, 12.4-1), and nothing here makes sure of
that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ._cbor import encode, order
from ._context import FORMS
from ._payload import NONCE, derive
from ._provider import WrappedKey
from ._streams import MAGIC, nonce
from ._streams import derive as derive_stream
from .keys._kms import key_hint
from .keys._local import local_cipher
from .keys._rsa import rsa_digest


def encode_dek(form: str, entries: Sequence[WrappedKey]) -> bytes:
    """The bytes of `encrypted_dek` (3.2)."""
    encoded = [
        bytes([kind, len(i)]) + i + len(wrapped).to_bytes(2, "big") + wrapped
        for kind, i, wrapped in entries
    ]
    return bytes([1, FORMS.index(form), len(entries)]) + b"".join(encoded)


def seal(
    data_key: bytes, salt: bytes, names: Iterable[str], additional: bytes, plaintext: bytes
) -> bytes:
    """The bytes of `encrypted_payload` (4.2, 4.4)."""
    message_key, commitment = derive(data_key, salt)
    sealed = AESGCM(message_key).encrypt(NONCE, plaintext, additional)
    return b"\1\1" + salt + commitment + encode(sorted(names, key=order)) + sealed


def local_wrap(
    root_key: bytes, wrap_salt: bytes, context: Mapping[str, str], data_key: bytes
) -> bytes:
    """Wraps under a local root key (6.1)."""
    cipher, additional = local_cipher(root_key, wrap_salt, context)
    return wrap_salt + cipher.encrypt(NONCE, data_key, additional)


def kms_id(arn: str, material_id: str | None = None) -> bytes:
    """The id of an entry of KMS (6.2): half for the key, half for the key material."""
    material = hashlib.sha256(material_id.encode()).digest()[:4] if material_id else bytes(4)
    return key_hint(arn) + material


def rsa_wrap(
    public_key: RSAPublicKey, context: Mapping[str, str], data_key: bytes, seed: bytes
) -> bytes:
    """Wraps for an RSA key (6.4)."""
    return rsa_encrypt(public_key, data_key + rsa_digest(context), seed)


def rsa_encrypt(public_key: RSAPublicKey, message: bytes, seed: bytes, label: bytes = b"") -> bytes:
    """RSAES-OAEP of RFC 8017, 7.1.1, with the seed named, which no library takes."""
    numbers, size = public_key.public_numbers(), public_key.key_size // 8
    data = hashlib.sha256(label).digest() + bytes(size - len(message) - 66) + b"\x01" + message
    masked_data = _xor(data, _mgf1(seed, len(data)))
    masked_seed = _xor(seed, _mgf1(masked_data, len(seed)))
    number = int.from_bytes(b"\x00" + masked_seed + masked_data, "big")
    return pow(number, numbers.e, numbers.n).to_bytes(size, "big")


def _mgf1(seed: bytes, length: int) -> bytes:  # RFC 8017, B.2.1
    blocks = (
        hashlib.sha256(seed + counter.to_bytes(4, "big")).digest()
        for counter in range(-(-length // 32))
    )
    return b"".join(blocks)[:length]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def stream_header(exponent: int, salt: bytes, commitment: bytes, dek: bytes) -> bytes:
    """The header of a stream (12.2)."""
    return (
        MAGIC
        + b"\x01\x01"
        + bytes([exponent])
        + salt
        + commitment
        + len(dek).to_bytes(4, "big")
        + dek
    )


def seal_chunks(
    stream_key: bytes, exponent: int, additional: bytes, plaintext: bytes
) -> list[bytes]:
    """Chunks of 2^exponent bytes, and the last with the rest (12.4)."""
    whole, cipher = 1 << exponent, AESGCM(stream_key)
    chunks: list[bytes] = []
    while True:
        chunk, plaintext = plaintext[:whole], plaintext[whole:]
        chunks.append(cipher.encrypt(nonce(len(chunks), not plaintext), chunk, additional))
        if not plaintext:
            return chunks


def seal_stream(
    data_key: bytes, salt: bytes, exponent: int, dek: bytes, additional: bytes, plaintext: bytes
) -> bytes:
    """A whole stream (12)."""
    stream_key, commitment = derive_stream(data_key, salt, exponent)
    return stream_header(exponent, salt, commitment, dek) + b"".join(
        seal_chunks(stream_key, exponent, additional, plaintext)
    )
