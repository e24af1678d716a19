"""What a key provider is: the reader's side of FORMAT 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ._secret import Secret

__all__ = ["Keys", "WrappedKey"]

LOCAL, KMS, BRANCH, RSA = 1, 2, 3, 4


class WrappedKey(NamedTuple):
    """An entry of `encrypted_dek`: nothing in it is authenticated, and the id is a hint only."""

    kind: int
    id: bytes
    wrapped: bytes


class Keys(Protocol):
    """Unwraps the data keys of records.

    The providers of :mod:`envelope_dynamo.keys` have this method. A program may have providers of
    its own.
    """

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        """The data key in one of ``entries``, which all wrap the same one, for the KMS encryption
        context.

        Must pass over entries of kinds that it does not know and of keys that it is not configured
        for. Raises :class:`DataKeyError <envelope_dynamo.errors.DataKeyError>` if no entry unwraps.
        """
        ...
