"""Branch keys (FORMAT 6.3): one call to KMS for thousands of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from .._cbor import encode
from .._payload import hkdf
from .._provider import BRANCH, Keys, WrappedKey
from .._secret import KEY_BYTES, Secret
from ..errors import DataKeyError, escaped, refusal, refuse_if
from ._cache import MAX_AGE_SECONDS, MAX_ENTRIES, Cache
from ._key_table import DynamoDb, KeyTable

SALT_BYTES, VERSION_BYTES, MAX_NAME_BYTES = 24, 16, 255


class Store(Protocol):
    """Where branch keys are kept. Raises `key-not-found` for a version that the branch does not
    have.
    """

    def key(self, branch: str, version: UUID) -> Secret: ...


def branch_data_key(branch_key: bytes, salt: bytes, context: Mapping[str, str]) -> bytes:
    """The data key of a record (6.3)."""
    return hkdf(branch_key, salt, encode(["envelope-branch-key", context]), KEY_BYTES)


class BranchKeys:
    """Derives data keys from the branch keys in a DynamoDB table, which ``keys`` unwraps.

    ``dynamodb`` is a client, a resource or a ``Table`` of boto3. ``table`` is the logical name of
    the table of branch keys, and ``named`` its name in DynamoDB, if that is another. ``per_pair``
    is the pair of the encryption context that names the branch, as in Rust's
    `HierarchicalKeyProvider::per_pair`; without it, there is one branch per table.
    ``partition_key`` is such a pair in the context forms `raw` and `hashed`.

    A branch key is kept for ``max_age`` seconds, and at most ``max_entries`` are. The caller needs
    ``dynamodb:GetItem`` on the table of branch keys, and what ``keys`` needs.

    Security: a branch that was deleted is noticed when its key reaches the age.
    """

    def __init__(
        self,
        dynamodb: DynamoDb,
        table: str,
        keys: Keys,
        *,
        per_pair: str | None = None,
        named: str | None = None,
        max_age: float = MAX_AGE_SECONDS,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._store: Store = KeyTable(dynamodb, table, named, keys)
        self._pair = per_pair or "table"
        self._cache: Cache[tuple[str, UUID], Secret] = Cache(max_age, max_entries)

    def __repr__(self) -> str:
        return f"BranchKeys(per {self._pair!r})"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        branch, absent = self._branch(context), None
        for entry in entries:
            if entry.kind != BRANCH or len(entry.id) != VERSION_BYTES:
                continue
            try:
                key = self._key(branch, UUID(bytes=entry.id))
            except DataKeyError as error:
                if error.code != "key-not-found":
                    raise
                absent = error  # it may be of another region's store; the next may be of this one
                continue
            # 6.3-2: only the salt of a version that this branch has is checked.
            refuse_if(
                len(entry.wrapped) != SALT_BYTES,
                "key-mismatch",
                "the entry of a branch key must be a salt of 24 bytes",
            )
            return Secret(branch_data_key(key.expose(), entry.wrapped, context))
        raise absent or refusal("key-wrong", "no wrapped key of the record belongs to a branch key")

    def _branch(self, context: Mapping[str, str]) -> str:
        """The branch, from the reader's own context and never from the record (6.3-2)."""
        branch = context.get(self._pair)
        if branch is None:
            pair = escaped(self._pair)
            raise refusal(
                "configuration",
                f"the encryption context has no pair `{pair}`, which names the branch of a record",
            )
        length = len(branch.encode())
        refuse_if(
            not 1 <= length <= MAX_NAME_BYTES,
            "configuration",
            "the name of a branch has 1 to 255 bytes",
        )
        return branch

    def _key(self, branch: str, version: UUID) -> Secret:
        return self._cache.get((branch, version), lambda: self._store.key(branch, version))
