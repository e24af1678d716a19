"""Exports of a table to S3, read from local files (`ExportTableToPointInTime`, format DYNAMODB_JSON)."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

from ._items import Options, open_item
from ._provider import Keys
from ._record import Record
from .errors import EnvelopeError, refusal
from .keys._search import SearchKey
from .schema import Schema

__all__ = ["open_export"]

MAX_LINE_BYTES = 8 * 1024 * 1024  # an item has 400 KB, and JSON makes each byte six at most


def open_export(
    path: str | os.PathLike[str],
    schema: Schema,
    keys: Keys,
    *,
    table: str | None = None,
    on_error: Callable[[EnvelopeError], object] | None = None,
    trust_plaintext_items: bool = False,
    search_keys: Sequence[SearchKey] = (),
) -> Iterator[Record]:
    """Opens the records of an export, one after the other. Memory does not grow with the export.

    ``path`` is a file of the export (``.json.gz`` or ``.json``), or a folder: then all such files below it are read, in
    the order of their names, except manifests. The other arguments are as for :func:`decrypt_item
    <envelope_dynamo.decrypt_item>`.

    A record that does not open raises its error, which names file and line, and ends the iteration. With ``on_error``,
    that function gets the error, and the next record follows.

    Security: as for `decrypt_item`. An export is read as it is: that it is complete is not verified.
    """
    options, found = Options(keys, trust_plaintext_items, search_keys), schema.table(table)
    for file in _files(os.fspath(path)):
        for number, line in _lines(file):
            try:
                record = open_item(_item(line), found, options)
            except EnvelopeError as error:
                error.location = f"{file}:{number}"
                if on_error is None:
                    raise
                on_error(error)
                continue
            yield record


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    files = sorted(each for each in paths if _is_data(os.path.basename(each)))
    if not files:
        raise refusal("configuration", "the folder has no file of an export: `.json.gz` or `.json`")
    return files


def _is_data(name: str) -> bool:
    return name.endswith((".json.gz", ".json")) and not name.startswith("manifest-")


def _lines(file: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    try:
        with _opened(file) as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise _no_item("it is longer than any item", f"{file}:{number}")
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise _no_item("the compressed file is damaged, or ends too early", file) from None


def _opened(file: str) -> BinaryIO:
    if file.endswith(".gz"):
        return cast(BinaryIO, gzip.open(file, "rb"))
    return open(file, "rb")


def _no_item(why: str, location: str | None = None) -> EnvelopeError:
    error = refusal("export", why)
    error.location = location
    return error


def _item(line: bytes) -> Any:
    try:
        entries = json.loads(line)
    except (ValueError, RecursionError):
        raise _no_item("the line is not JSON: only exports in the format DYNAMODB_JSON are read") from None
    if not isinstance(entries, dict) or not isinstance(entries.get("Item"), dict):
        raise _no_item("the line has no `Item`: incremental exports are not read")
    return entries["Item"]
