"""Exports of a table to S3, read from local files (`ExportTableToPointInTime`, format
DYNAMODB_JSON).
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

from ._items import Options, open_item
from ._provider import Keys
from ._record import Record
from .errors import EnvelopeError, refusal, refuse_if
from .keys._search import SearchKey
from .schema import Schema

__all__ = ["open_export"]

T = TypeVar("T")

MAX_LINE_BYTES = 8 * 1024 * 1024  # an item has 400 KB, and JSON makes each byte six at most
MAX_THREADS, LINES_PER_THREAD = 64, 4

# Failures that are no property of the record: the next one would fail too.
OF_NO_RECORD = ("key-unavailable", "key-throttled", "key-other", "configuration")


def open_export(
    path: str | os.PathLike[str],
    schema: Schema,
    keys: Keys,
    *,
    table: str | None = None,
    on_error: Callable[[EnvelopeError], object] | None = None,
    threads: int = 1,
    trust_plaintext_items: bool = False,
    search_keys: Sequence[SearchKey] = (),
) -> Iterator[Record]:
    """Opens the records of an export, one after the other. Memory does not grow with the export.

    ``path`` is a file of the export (``.json.gz`` or ``.json``), or a folder: then all such files
    below it are read, in the order of their names, except manifests. The other arguments are as for
    :func:`decrypt_item <envelope_dynamo.decrypt_item>`.

    A record that does not open raises its error, which names file and line, and ends the iteration.
    With ``on_error``, that function gets the error, and the next record follows. An outage of KMS,
    expired credentials and a damaged file end the iteration in any case: they are not about one
    record.

    ``threads`` (1 to 64) calls to KMS are under way at a time. The records come in their order all
    the same, and ``on_error`` is called in the caller's thread. The clients of boto3 may be shared
    by threads, and its resources may not.

    Security: as for `decrypt_item`. An export is read as it is: that it is complete is not
    verified.
    """
    options, found = Options(keys, trust_plaintext_items, search_keys), schema.table(table)
    refuse_if(
        not 1 <= threads <= MAX_THREADS,
        "configuration",
        f"an export is read by 1 to {MAX_THREADS} threads",
    )

    def open_line(line: Line) -> Record | EnvelopeError:
        try:
            return open_item(_item(line.text), found, options)
        except EnvelopeError as error:
            error.location = f"{line.file}:{line.number}"
            return error

    lines = (line for file in _files(os.fspath(path)) for line in _lines(file))
    for opened in (
        map(open_line, lines) if threads == 1 else _side_by_side(open_line, lines, threads)
    ):
        if isinstance(opened, Record):
            yield opened
        elif on_error is None or opened.code in OF_NO_RECORD:
            raise opened
        else:
            on_error(opened)


class Line(NamedTuple):
    """A line that is not empty."""

    file: str
    number: int
    text: bytes


def _side_by_side(
    open_line: Callable[[Line], T], lines: Iterator[Line], threads: int
) -> Iterator[T]:
    """The results in the order of the lines. At most four lines for each thread are in memory."""
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for line in lines:
                pending.append(pool.submit(open_line, line))
                if len(pending) == threads * LINES_PER_THREAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for unfinished in pending:
                unfinished.cancel()


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


def _lines(file: str) -> Iterator[Line]:
    try:
        with _opened(file) as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise _no_item("it is longer than any item", f"{file}:{number}")
                if line.strip():
                    yield Line(file, number, line)
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
        raise _no_item(
            "the line is not JSON: only exports in the format DYNAMODB_JSON are read"
        ) from None
    if not isinstance(entries, dict) or not isinstance(entries.get("Item"), dict):
        raise _no_item("the line has no `Item`: incremental exports are not read")
    return entries["Item"]
