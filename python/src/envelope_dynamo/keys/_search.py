"""Search keys, with which search tags are checked (FORMAT 13.2)."""

from __future__ import annotations

from .._provider import Keys
from .._secret import KEY_BYTES, Secret
from ..errors import refuse_if
from ._key_table import DynamoDb, KeyTable


class SearchKey:
    """One version of a search key: 32 bytes, with which guesses of values can be tested."""

    def __init__(self, data: bytes) -> None:
        refuse_if(len(data) != KEY_BYTES, "configuration", "a search key has 32 bytes")
        self._secret = Secret(data)

    def __repr__(self) -> str:
        return "SearchKey(..)"


def read_search_keys(
    dynamodb: DynamoDb, table: str, keys: Keys, branch: str, *, named: str | None = None
) -> list[SearchKey]:
    """All versions of a branch's search key, from the table in which Rust's `SearchKeyTable` keeps
    them.

    ``branch`` is the logical name of the records' table, if the program searches per table. The
    other arguments are as for :class:`BranchKeys`. The caller needs ``dynamodb:Query``.

    Security: whoever has a search key can test guesses. To read records, none is needed.
    """
    store = KeyTable(dynamodb, table, named, keys, purpose="search")
    found = store.versions(branch)
    return [
        SearchKey(store.unwrapped(branch, version, item).expose())
        for version, item in found.items()
    ]
