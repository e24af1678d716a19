"""Caches of keys: bounded in number and in age."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from .._cbor import encode
from .._provider import Keys, WrappedKey
from .._secret import Secret
from ..errors import refuse_if

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_AGE_SECONDS, MAX_ENTRIES = 300.0, 1000


class Cache(Generic[K, V]):
    """Values that were fetched, by key. The age counts from the begin of the call that fetched."""

    def __init__(
        self, max_age: float, max_entries: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        refuse_if(
            not max_age > 0 or max_entries < 1,
            "configuration",
            "a cache needs an age and a number of entries above 0",
        )
        self._max_age, self._max_entries, self._clock = max_age, max_entries, clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, fetch: Callable[[], V]) -> V:
        now = self._clock()
        with self._lock:
            for expired in [
                name for name, (since, _) in self._entries.items() if now - since >= self._max_age
            ]:
                del self._entries[expired]
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][1]
        value = fetch()
        with self._lock:
            self._entries[key] = (now, value)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._entries)


class CachedKeys:
    """Keeps unwrapped data keys for a while, so that a record that is read again costs no call to
    KMS.

    It helps most for records that share a data key (Rust's `SharedKeyProvider`). At most
    ``max_entries`` keys are kept, each for ``max_age`` seconds.

    Security: a permission that was revoked, or a key that was disabled, is noticed when the data
    keys reach their age.
    """

    def __init__(
        self, keys: Keys, *, max_age: float = MAX_AGE_SECONDS, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._keys = keys
        self._cache: Cache[bytes, Secret] = Cache(max_age, max_entries)

    def __repr__(self) -> str:
        return f"CachedKeys({self._keys!r})"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        place = encode([[list(entry) for entry in entries], context])
        return self._cache.get(
            hashlib.sha256(place).digest(), lambda: self._keys.unwrap(entries, context)
        )
