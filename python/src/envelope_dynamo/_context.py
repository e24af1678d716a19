"""The context of a record: the place where a reader finds it, to which it is bound (FORMAT 5)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._cbor import encode
from ._values import Attribute, canonical, of_python
from .errors import escaped, refusal, refuse_if

__all__ = ["Context"]

FORMS = ("raw", "hashed", "table")
RESERVED_PAIRS = ("table", "partition_key", "sort_key", "envelope")


def ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


@dataclass(frozen=True)
class Place:
    """A context. `attributes` has the attributes that may be authenticated; an absent one is None
    or left out.
    """

    table: str
    form: str
    keys: tuple[tuple[str, Attribute], ...] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Attribute | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_pairs(self.pairs)
        refuse_if(
            self.form not in FORMS,
            "configuration",
            f"the context form is one of {', '.join(FORMS)}",
        )

    def with_pair(self, name: str, value: str) -> Place:
        taken = ascii_lower(name) in map(ascii_lower, self.pairs)
        refuse_if(taken, "pair", f"the encryption context has two pairs named `{escaped(name)}`")
        return replace(self, pairs={**self.pairs, name: value})

    def check_form(self, written: str) -> None:
        """Refuses another form than the reader's own (3.2-3)."""
        message = (
            f"the record was written with the context form `{written}`, and is read with "
            f"`{self.form}`"
        )
        refuse_if(written != self.form, "context-form", message)

    def encryption_context(self) -> dict[str, str]:
        """The KMS encryption context (5.2)."""
        result = {**self.pairs, "table": self.table}
        for role, (name, value) in zip(("partition_key", "sort_key"), self.keys, strict=False):
            if self.form != "table":
                result[role] = self._shown(name, value)
        return result

    def _shown(self, name: str, key: Attribute) -> str:
        kind, value = canonical(key)
        if self.form == "raw":
            return base64.b64encode(value).decode() if kind == "B" else str(value)
        digest = hashlib.sha256(encode(["envelope-key-digest", self.table, name, [kind, value]]))
        return base64.b64encode(digest.digest()).decode()

    def associated_data(self, content: str, names: Iterable[str]) -> bytes:
        """The associated data of AES-GCM (5.3), which binds the attributes `names`."""
        keys = [[name, canonical(value)] for name, value in self.keys]
        authenticated = {name: canonical(self.attributes.get(name)) for name in names}
        return encode([f"envelope-{content}", 1, 1, self.table, keys, authenticated, self.pairs])


def check_pairs(pairs: Mapping[str, str]) -> None:
    """Refuses pairs that the format does not allow (5.1-1)."""
    names = [ascii_lower(name) for name in pairs]
    reserved = [name for name in names if name.startswith("aws:") or name in RESERVED_PAIRS]
    refuse_if(
        reserved,
        "pair",
        f"the encryption context cannot have a pair named `{escaped(''.join(reserved[:1]))}`",
    )
    refuse_if(
        len(set(names)) < len(names), "pair", "the encryption context has two pairs of one name"
    )
    refuse_if(
        not all([*pairs.keys(), *pairs.values()]),
        "pair",
        "a pair of the encryption context is empty",
    )


class Context:
    """The place of bytes that are not a record: a stream, or a message.

    It must be the one for which they were sealed. ``form``, keys and pairs are as in Rust's
    ``message::Context``; ``authenticated`` has the attributes that are bound by value, with None
    for one that is absent.

    >>> Context("reports", pairs={"object": "2026/11/measurements.csv"})
    Context('reports')
    """

    def __init__(
        self,
        table: str,
        *,
        form: str = "raw",
        partition_key: tuple[str, Any] | None = None,
        sort_key: tuple[str, Any] | None = None,
        pairs: Mapping[str, str] | None = None,
        authenticated: Mapping[str, Any] | None = None,
    ) -> None:
        refuse_if(
            sort_key and not partition_key, "configuration", "a sort key needs a partition key"
        )
        keys = tuple(
            (name, _key(name, value)) for name, value in filter(None, (partition_key, sort_key))
        )
        attributes = {
            name: None if value is None else of_python(value)
            for name, value in (authenticated or {}).items()
        }
        self._place = Place(table, form, keys, dict(pairs or {}), attributes)

    def __repr__(self) -> str:
        return f"Context({self._place.table!r})"


def _key(name: str, value: Any) -> Attribute:
    key = of_python(value)
    if key.type not in ("S", "N", "B") or not key.value:
        raise refusal(
            "key-attribute",
            f"the key `{escaped(name)}` must be a text, a number or bytes, and not empty",
        )
    return key
