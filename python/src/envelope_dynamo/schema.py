"""The schema file: how each type of record is stored. The Rust program writes it
(`assert_schema!`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._context import FORMS
from ._key_format import KeyFormat, parse_format
from ._tags import PREFIX, STEPS, TaggedField
from .errors import escaped, refusal, refuse_if

__all__ = ["Schema"]

LAYOUT = 1
MARKS = ("key", "encrypted", "authenticated", "plaintext")
PROTECTED = ("encrypted", "authenticated")


@dataclass(frozen=True)
class Field:
    """A field that is not a key attribute."""

    name: str
    mark: str
    aliases: tuple[str, ...] = ()
    group: str | None = None
    accepts_plaintext: bool = False
    is_optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def is_protected(self) -> bool:
        return self.mark in PROTECTED


@dataclass(frozen=True)
class Key:
    """A key attribute of the table."""

    name: str
    format: KeyFormat | None = None


@dataclass(frozen=True)
class RecordType:
    """How one type of record is stored."""

    name: str
    table: str
    form: str
    keys: tuple[Key, ...]
    fields: Mapping[str, Field]
    context: Mapping[str, str] = field(default_factory=dict)
    pairs: tuple[str, ...] = ()
    entity: Mapping[str, str] = field(default_factory=dict)
    search_tags: Mapping[str, tuple[TaggedField, ...]] = field(default_factory=dict)
    index_keys: tuple[str, ...] = ()
    is_unprotected: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.group for each in self.fields.values() if each.group))

    def owner(self, name: str) -> Field | None:
        """The field that a name belongs to, as its stored name or as an alias."""
        return next((each for each in self.fields.values() if name in each.names), None)


class Table:
    """The types of record in one table."""

    def __init__(self, name: str, types: list[RecordType]) -> None:
        self.name, self.types = name, types
        keys = {tuple(key.name for key in each.keys) for each in types}
        refuse_if(
            len(keys) > 1,
            "schema",
            f"the table `{escaped(name)}` has record types with other key attributes",
        )
        for open_type in types:
            for other in types:
                if open_type.is_unprotected and not _are_apart(open_type, other):
                    message = (
                        f"`{escaped(open_type.name)}` is unprotected, and a record of "
                        f"`{escaped(other.name)}` could have the same key"
                    )
                    raise refusal("schema", message)

    @property
    def partition_key(self) -> str:
        return self.types[0].keys[0].name


class Schema:
    """The types of record of a program, from the schema file that the Rust side writes.

    >>> schema = Schema.parse('''{"envelope-schema": 1, "records": {"User": {
    ...     "table": "users", "form": "raw", "partition_key": {"name": "user_id", "type": "S"},
    ...     "fields": {"email": "encrypted"}}}}''')
    >>> schema
    Schema(['users'])
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = dict(tables)

    def __repr__(self) -> str:
        return f"Schema({sorted(self._tables)})"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Schema:
        """The schema in the file at ``path``: ``envelope.schema.json``."""
        with open(path, encoding="utf-8") as file:
            return cls.parse(file.read())

    @classmethod
    def parse(cls, text: str) -> Schema:
        """The schema in the text of such a file."""
        try:
            file = json.loads(text)
            json.dumps(file, ensure_ascii=False).encode()  # a name that UTF-8 cannot encode is none
        except (ValueError, RecursionError):
            raise refusal(
                "schema", "this is not a schema file of Envelope: it is not JSON"
            ) from None
        entries = _Object("the file", file)
        layout = entries.take("envelope-schema", int)
        refuse_if(
            layout != LAYOUT,
            "schema",
            f"the schema file has layout {layout}, and this version reads layout {LAYOUT}",
        )
        records = entries.take("records", dict)
        entries.end()
        tables: dict[str, list[RecordType]] = {}
        for name, record in records.items():
            found = _record(name, record)
            tables.setdefault(found.table, []).append(found)
        return cls({name: Table(name, types) for name, types in tables.items()})

    @property
    def tables(self) -> list[str]:
        """The logical names of the tables."""
        return sorted(self._tables)

    def table(self, name: str | None) -> Table:
        """The types of one table; without a name, of the only one."""
        known = ", ".join(map(escaped, self.tables))
        if name is None:
            refuse_if(
                len(self._tables) != 1,
                "schema",
                f"say which table of the schema file it is: {known}",
            )
            return next(iter(self._tables.values()))
        refuse_if(
            name not in self._tables,
            "schema",
            f"the schema file has no table `{escaped(name)}`, only {known}",
        )
        return self._tables[name]


class _Object:
    """A JSON object whose entries are taken one by one; what is left at the end is refused, as by
    the Rust side.
    """

    def __init__(self, what: str, value: Any) -> None:
        self.what = what
        if not isinstance(value, dict):
            raise self.problem("it is no object")
        self.entries = dict(value)

    def problem(self, why: str) -> Exception:
        return refusal(
            "schema", f"this is not a schema file of Envelope: {escaped(self.what)}: {why}"
        )

    def take(self, name: str, kind: type, default: Any = ...) -> Any:
        value = self.entries.pop(name, default)
        if value is ...:
            raise self.problem(f"`{name}` is missing")
        if value is not default and (
            not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        ):
            raise self.problem(f"`{name}` is of another type")
        return value

    def texts(self, name: str, kind: type) -> Any:
        """A list of texts, or an object whose values are texts."""
        value = self.take(name, kind, kind())
        inner = value.values() if kind is dict else value
        if not all(isinstance(each, str) for each in inner):
            raise self.problem(f"`{name}` is of another type")
        return value

    def end(self) -> None:
        if self.entries:
            raise self.problem(
                f"`{escaped(min(self.entries))}` is not known: a newer version of the library "
                "wrote it"
            )


def _record(name: str, value: Any) -> RecordType:
    entries = _Object(name, value)
    fields = {
        each: _field(f"{name}.{each}", each, of)
        for each, of in entries.take("fields", dict).items()
    }
    found = RecordType(
        name=name,
        table=entries.take("table", str),
        form=entries.take("form", str),
        keys=_keys(entries, fields),
        fields=fields,
        context=entries.texts("context", dict),
        pairs=tuple(entries.texts("pairs", list)),
        entity=entries.texts("entity", dict),
        search_tags=_search_tags(name, entries.take("search_tags", dict, {})),
        index_keys=tuple(entries.texts("index_keys", dict)),
        is_unprotected=entries.take("unprotected", bool, False),
    )
    groups, unique = set(entries.texts("groups", list)), entries.texts("unique", list)
    if not found.search_tags.keys() >= set(unique):
        raise entries.problem("`unique` names something else than a search tag")
    (
        entries.take("plaintext_until", str, None),
        entries.texts("reasons", dict),
    )  # for people, and for `schema check`
    entries.end()
    problem = _problem(found, groups)
    if problem:
        raise entries.problem(problem)
    return found


def _keys(entries: _Object, fields: Mapping[str, Field]) -> tuple[Key, ...]:
    keys = [_key(entries, entries.take("partition_key", dict), fields)]
    sort_key = entries.take("sort_key", dict, None)
    return tuple(keys if sort_key is None else [*keys, _key(entries, sort_key, fields)])


def _key(record: _Object, value: Any, fields: Mapping[str, Field]) -> Key:
    entries = _Object(f"{record.what}: a key", value)
    name, text = entries.take("name", str), entries.take("format", str, None)
    entries.take("type", str, None)
    entries.end()
    if text is None:
        return Key(name)
    found = parse_format(
        text, lambda part: part in fields and fields[part].mark in ("key", "authenticated")
    )
    if found is None:
        raise entries.problem(
            f"the format of `{escaped(name)}` is not valid, or names no field that may be part "
            "of a key"
        )
    return Key(name, found)


def _field(what: str, name: str, value: Any) -> Field:
    entries = _Object(what, {"mark": value} if isinstance(value, str) else value)
    accepts = entries.take("accept", str, None)
    found = Field(
        name=name,
        mark=entries.take("mark", str),
        aliases=tuple(entries.texts("aliases", list)),
        group=entries.take("group", str, None),
        accepts_plaintext=accepts is not None,
        is_optional=entries.take("optional", bool, False),
    )
    entries.end()
    if found.mark not in MARKS or accepts not in (None, "plaintext"):
        raise entries.problem("its mark, or what it accepts, is not known")
    return found


def _search_tags(record: str, tags: Mapping[str, Any]) -> dict[str, tuple[TaggedField, ...]]:
    return {
        name: tuple(_tagged(f"{record}: the search tag {name}", each) for each in tags[name])
        for name in tags
    }


def _tagged(what: str, value: Any) -> TaggedField:
    entries = _Object(what, value)
    found = TaggedField(entries.take("field", str), tuple(entries.texts("steps", list)))
    entries.end()
    unknown = [step for step in found.steps if step not in STEPS]
    if unknown:
        raise entries.problem(f"the step `{escaped(unknown[0])}` is not known")
    return found


def _problem(record: RecordType, groups: set[str]) -> str | None:
    """What is wrong with a record type, if anything."""
    stored = [name for each in record.fields.values() for name in each.names]
    names = [key.name for key in record.keys] + [*record.entity, *record.index_keys] + stored
    if record.form not in FORMS:
        return "its context form is not known"
    if (
        "" in names
        or len(set(names)) < len(names)
        or any(name.startswith(PREFIX) for name in names)
    ):
        return "an attribute has no name, stands there twice, or has a name that is reserved"
    if any(pair not in names for pair in record.pairs):
        return "`pairs` names something else than a field"
    if set(record.groups) != groups:
        return "`groups` are not the groups of the fields"
    if any(each.group and each.mark != "encrypted" for each in record.fields.values()):
        return "a field of a group is not encrypted"
    return _problem_of_tags(record) or _problem_of_unprotected(record)


def _problem_of_tags(record: RecordType) -> str | None:
    keys = {key.name for key in record.keys if key.format is None}
    for name, tagged in record.search_tags.items():
        own = "+".join(each.name for each in tagged)
        if not tagged or not (
            name == own or (name.startswith(f"{own}+") and "+" not in name[len(own) + 1 :])
        ):
            return f"the search tag `{escaped(name)}` is not named after its fields"
        for each in tagged:
            of = record.fields.get(each.name)
            if each.name not in keys and not (of and of.is_protected and not of.group):
                return f"the search tag `{escaped(name)}` names a field that it may not have"
    return None


def _problem_of_unprotected(record: RecordType) -> str | None:
    promises = (
        record.entity
        or record.context
        or record.pairs
        or any(each.is_protected for each in record.fields.values())
    )
    return (
        "it is unprotected, and promises protection" if record.is_unprotected and promises else None
    )


def _are_apart(one: RecordType, other: RecordType) -> bool:
    """Whether both are protected or both are not, or no key can be of both.

    Whoever can write the table writes all attributes of an item, so only its key can tell which
    type it has.
    """
    if one.is_unprotected == other.is_unprotected:
        return True
    return any(
        _have_other_texts(a.format, b.format) for a, b in zip(one.keys, other.keys, strict=True)
    )


def _have_other_texts(one: KeyFormat | None, other: KeyFormat | None) -> bool:
    if one is None or other is None:
        return False
    a, b = one.prefix, other.prefix
    if one.is_constant and other.is_constant:
        return a != b
    if one.is_constant:
        return not a.startswith(b)
    if other.is_constant:
        return not b.startswith(a)
    return not a.startswith(b) and not b.startswith(a)
