"""AWS KMS, symmetric keys (FORMAT 6.2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._context import Context
from .._provider import KMS, WrappedKey
from .._secret import KEY_BYTES, Secret
from ..errors import DataKeyError, escaped, refusal, refuse_if
from ._aws import KmsClient, ask

_ARN = re.compile(r"(arn:[^:]+:kms:[^:]+:[^:]+):key/(.+)", re.ASCII)

# KMS may answer so if the key is in another region or account: the next key is tried.
_TRIES_NEXT = ("key-wrong", "key-mismatch", "key-denied")


class KmsKey:
    """A key as it was configured, and its ARN once KMS has named it. So an alias that moves changes
    nothing later.
    """

    def __init__(self, name: str) -> None:
        refuse_if(
            not isinstance(name, str) or not name,
            "configuration",
            "a KMS key is named by its ARN, id or alias",
        )
        self.name = name
        self.arn = name if _ARN.fullmatch(name) else None

    @property
    def id_in_requests(self) -> str:
        return self.arn or self.name

    def hint(self) -> bytes | None:
        """How records name the key; None for an alias that is not resolved."""
        if self.arn:
            return key_hint(self.arn)
        return None if re.search("[:/]", self.name) else _digest(self.name)

    def may_be(self, wrapped: WrappedKey) -> bool | None:
        """Whether the entry names this key; None if that is not known."""
        hint = self.hint()
        return None if hint is None else len(wrapped.id) == 8 and wrapped.id[:4] == hint

    def accept(self, answered: object) -> str:
        """Checks the ARN in an answer (6.2-1). The first ARN of an alias is kept."""
        found = _ARN.fullmatch(answered) if isinstance(answered, str) else None
        if not found or not isinstance(answered, str):
            raise refusal(
                "key-invalid-answer", f"KMS answered for {escaped(self.name)} without a key ARN"
            )
        if not self._is_expected(answered, found):
            message = f"KMS answered for {escaped(self.name)} with another key, {escaped(answered)}"
            raise refusal("key-invalid-answer", message)
        self.arn = answered
        return answered

    def _is_expected(self, answered: str, found: re.Match[str]) -> bool:
        if self.arn:
            return self.arn == answered
        place, alias, _ = self.name.partition(":alias/")
        if alias:
            return found[1] == place
        return self.name.startswith("alias/") or self.name == found[2]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:4]


def key_hint(arn: str) -> bytes:
    """The first half of the id of an entry: it names the key, and the replicas of a multi-region
    key alike.
    """
    return _digest(arn.split(":key/", 1)[1])


class KmsKeys:
    """Unwraps data keys with AWS KMS: one call to Decrypt for each record.

    ``client`` is ``boto3.client("kms")``, or any object with its ``decrypt``. ``keys`` are the
    ARNs, ids or aliases of the keys that may have wrapped the data keys. The call names one of
    them, and the answer is checked. The caller needs ``kms:Decrypt``.

    Security: without a configured key, whoever can write the table could have this process decrypt
    under a key of their own. So there is no default. KMS checks the encryption context: a record
    that was moved does not open.
    """

    def __init__(self, client: KmsClient, *keys: str, grant_tokens: Sequence[str] = ()) -> None:
        refuse_if(
            not keys,
            "configuration",
            "name the KMS keys that wrap the data keys, such as `alias/users`",
        )
        self._client, self._keys = client, [KmsKey(key) for key in keys]
        self._options: dict[str, Any] = {"GrantTokens": list(grant_tokens)} if grant_tokens else {}

    def __repr__(self) -> str:
        return f"KmsKeys({', '.join(repr(key.name) for key in self._keys)})"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        told: DataKeyError | None = None
        for key, wrapped in self._candidates(entries):
            try:
                return self._unwrap_with(key, wrapped, context)
            except DataKeyError as error:
                if error.code not in _TRIES_NEXT:
                    raise
                if told is None or error.code != "key-wrong":  # any other error says more
                    told = error
        raise told or self._not_ours(entries)

    def decrypt_direct(self, blob: bytes, context: Context) -> Secret:
        """A secret that KMS itself encrypted (5.2-1), as Rust's `encrypt_direct` does, under the
        first key.
        """
        key, pairs = self._keys[0], {**context._place.encryption_context(), "envelope": "direct"}
        answer = self._decrypt(key, blob, pairs)
        key.accept(answer.get("KeyId"))
        return Secret(_plaintext(answer))

    def _candidates(self, entries: Sequence[WrappedKey]) -> list[tuple[KmsKey, WrappedKey]]:
        """If the hints tell that key and entry belong together, these alone; otherwise every
        unresolved alias.
        """
        pairs = [(key, wrapped) for wrapped in entries if wrapped.kind == KMS for key in self._keys]
        known = [pair for pair in pairs if pair[0].may_be(pair[1])]
        return known[:1] or [pair for pair in pairs if pair[0].may_be(pair[1]) is None]

    def _unwrap_with(self, key: KmsKey, wrapped: WrappedKey, context: Mapping[str, str]) -> Secret:
        answer = self._decrypt(key, wrapped.wrapped, context)
        plaintext = _plaintext(answer)
        refuse_if(
            len(plaintext) != KEY_BYTES,
            "key-invalid-answer",
            "KMS did not answer with a data key of 32 bytes",
        )
        arn = key.accept(answer.get("KeyId"))
        if not key.may_be(wrapped):  # the hint that an unresolved alias let pass
            raise refusal(
                "key-wrong",
                f"the record names another KMS key than {escaped(arn)}, which unwrapped it",
            )
        return Secret(plaintext)

    def _decrypt(self, key: KmsKey, blob: bytes, context: Mapping[str, str]) -> Mapping[str, Any]:
        return ask(
            "Decrypt",
            escaped(key.id_in_requests),
            lambda: self._client.decrypt(
                KeyId=key.id_in_requests,
                CiphertextBlob=blob,
                EncryptionContext=dict(context),
                EncryptionAlgorithm="SYMMETRIC_DEFAULT",
                **self._options,
            ),
        )

    def _not_ours(self, entries: Sequence[WrappedKey]) -> Exception:
        if not any(wrapped.kind == KMS for wrapped in entries):
            return refusal(
                "key-wrong",
                "the data key is not wrapped by KMS: another kind of key provider wrote the record",
            )
        names = ", ".join(escaped(key.name) for key in self._keys)
        return refusal("key-wrong", f"the data key is wrapped by a KMS key other than {names}")


def _plaintext(answer: Mapping[str, Any]) -> bytes:
    plaintext = answer.get("Plaintext")
    if not isinstance(plaintext, bytes):
        raise refusal("key-invalid-answer", "KMS answered without a plaintext")
    return plaintext
