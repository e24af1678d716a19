"""RSAES-OAEP (FORMAT 6.4): what partners wrapped with a public key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from .._cbor import encode
from .._provider import RSA, WrappedKey
from .._secret import KEY_BYTES, Secret
from ..errors import escaped, refusal, refuse_if
from ._aws import KmsClient, ask
from ._kms import KmsKey

MIN_BITS = 2048


def oaep() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def rsa_id(public_key: RSAPublicKey) -> bytes:
    der = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).digest()[:8]


def rsa_digest(context: Mapping[str, str]) -> bytes:
    return hashlib.sha256(encode(["envelope-rsa-oaep", context])).digest()


def _find(public_key: RSAPublicKey, entries: Sequence[WrappedKey]) -> bytes:
    own_id = rsa_id(public_key)
    for entry in entries:
        if entry.kind == RSA and entry.id == own_id:
            return entry.wrapped
    raise refusal("key-wrong", "no wrapped key of the record is for this RSA key")


def _take(message: bytes, context: Mapping[str, str]) -> Secret:
    """The data key. Another length and another digest are refused alike (6.4-1)."""
    data_key, digest = message[:KEY_BYTES], message[KEY_BYTES:]
    if not hmac.compare_digest(digest, rsa_digest(context)):
        raise refusal(
            "key-mismatch", "the wrapped key is for another encryption context, or was changed"
        )
    return Secret(data_key)


class RsaKeys:
    """Unwraps with an RSA private key of the package `cryptography`.

    Security: anybody may have the public key. A record that opens so was written by somebody who
    had it and could write the table, and proves nothing more.
    """

    def __init__(self, private_key: RSAPrivateKey) -> None:
        refuse_if(
            private_key.key_size < MIN_BITS, "configuration", "an RSA key has 2,048 bits or more"
        )
        self._private_key = private_key

    def __repr__(self) -> str:
        return "RsaKeys(..)"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        wrapped = _find(self._private_key.public_key(), entries)
        try:
            message = self._private_key.decrypt(wrapped, oaep())
        except ValueError:
            raise refusal(
                "key-mismatch", "the wrapped key is for another encryption context, or was changed"
            ) from None
        return _take(message, context)


class KmsRsaKeys:
    """Unwraps with an RSA key in KMS (`RSAES_OAEP_SHA_256`), whose public key is ``public_key``.

    KMS has no encryption context for RSA: the context is checked here. Security: as for
    :class:`RsaKeys`.
    """

    def __init__(self, client: KmsClient, key: str, public_key: RSAPublicKey) -> None:
        self._client, self._key, self._public_key = client, KmsKey(key), public_key

    def __repr__(self) -> str:
        return f"KmsRsaKeys({self._key.name!r})"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        key_id, blob = self._key.id_in_requests, _find(self._public_key, entries)
        answer = ask(
            "Decrypt",
            escaped(key_id),
            lambda: self._client.decrypt(
                KeyId=key_id, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256"
            ),
        )
        self._key.accept(answer.get("KeyId"))
        plaintext = answer.get("Plaintext")
        return _take(plaintext if isinstance(plaintext, bytes) else b"", context)
