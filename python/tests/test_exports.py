"""Exports: files and folders, lines that do not open, damaged files."""

import base64
import gzip
import json
import threading

import pytest
from sealed import KEYS, SECRET, USER, schema, seal
from test_items import client_form

from envelope_dynamo import DataKeyError, EnvelopeError, UsageError, open_export
from envelope_dynamo._exports import LINES_PER_THREAD, _side_by_side

SCHEMA = schema(User=USER)


def line(number, **changes):
    item = seal({"email": SECRET}, {"user_id": f"u_{number}", "plan": "pro"}, ["plan"])
    item = client_form({**item, **changes}, lambda value: base64.b64encode(value).decode())
    return json.dumps({"Item": item}).encode() + b"\n"


def export(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "ab") as file:  # each call adds a member, as DynamoDB writes them
        file.writelines(lines)
    return path


def ids(path, **options):
    return [record["user_id"] for record in open_export(path, SCHEMA, KEYS, **options)]


def test_a_folder_is_read_in_the_order_of_its_files_and_without_manifests(tmp_path):
    data = tmp_path / "AWSDynamoDB" / "0170" / "data"
    export(data / "b.json.gz", line(3))
    export(data / "a.json.gz", line(1))
    export(data / "a.json.gz", b"\n", line(2))
    (data / "c.json").write_bytes(line(4))
    (data.parent / "manifest-files.json").write_text("{}")
    (data.parent / "_started").write_text("")
    assert ids(tmp_path) == ["u_1", "u_2", "u_3", "u_4"]
    assert ids(data / "b.json.gz") == ["u_3"]


def test_the_first_record_that_does_not_open_ends_the_iteration_and_is_named(tmp_path):
    path = export(tmp_path / "a.json.gz", line(1), line(2, plan="free"), line(3))
    records = open_export(path, SCHEMA, KEYS)
    assert next(records)["user_id"] == "u_1"
    with pytest.raises(EnvelopeError) as error:
        next(records)
    assert (
        str(error.value).startswith(f"{path}:2: users[user_id=u_2]: ")
        and error.value.code == "authentication"
    )


def test_with_on_error_the_next_record_follows(tmp_path):
    incremental = json.dumps({"NewImage": {}}).encode() + b"\n"
    path = export(
        tmp_path / "a.json.gz", line(1), line(2, plan="free"), b"no json\n", incremental, line(3)
    )
    errors = []
    assert ids(path, on_error=errors.append) == ["u_1", "u_3"]
    assert [error.code for error in errors] == ["authentication", "export", "export"]
    assert [error.location for error in errors] == [f"{path}:{number}" for number in (2, 3, 4)]


class Gate:
    """A key provider whose first call waits until `calls` calls are under way."""

    def __init__(self, calls):
        self.barrier = threading.Barrier(calls)

    def unwrap(self, entries, context):
        self.barrier.wait(
            timeout=60
        )  # fails the test, instead of hanging, if there are fewer threads
        return KEYS.unwrap(entries, context)


@pytest.mark.parametrize("code", ["key-unavailable", "key-throttled", "key-other"])
@pytest.mark.parametrize("threads", [1, 3])
def test_an_outage_ends_the_iteration_even_with_on_error(tmp_path, code, threads):
    class Down:
        def unwrap(self, entries, context):
            raise DataKeyError(code, "down")

    path, errors = export(tmp_path / "a.json.gz", line(1), line(2)), []
    with pytest.raises(DataKeyError) as error:
        list(open_export(path, SCHEMA, Down(), threads=threads, on_error=errors.append))
    assert (error.value.code, error.value.location, errors) == (code, f"{path}:1", [])


def test_threads_open_records_side_by_side_and_keep_their_order(tmp_path):
    path = export(
        tmp_path / "a.json.gz",
        *(line(number, **({"plan": "x"} if number % 5 == 3 else {})) for number in range(40)),
    )
    errors = []
    records = open_export(path, SCHEMA, Gate(4), threads=4, on_error=errors.append)
    assert [record["user_id"] for record in records] == [
        f"u_{number}" for number in range(40) if number % 5 != 3
    ]
    assert [error.location for error in errors] == [
        f"{path}:{number + 1}" for number in range(3, 40, 5)
    ]


def test_with_threads_the_first_error_ends_the_iteration(tmp_path):
    path = export(tmp_path / "a.json.gz", line(0), line(1, plan="free"), *map(line, range(2, 300)))
    records = open_export(path, SCHEMA, KEYS, threads=2)
    assert next(records)["user_id"] == "u_0"
    with pytest.raises(EnvelopeError) as error:
        next(records)
    assert error.value.location == f"{path}:2"


def test_threads_read_no_more_lines_ahead_than_the_bound():
    read = []
    lines = (read.append(number) or number for number in range(1000))
    results = _side_by_side(lambda number: number, lines, 3)
    assert (next(results), len(read)) == (0, 3 * LINES_PER_THREAD)
    assert (next(results), len(read)) == (1, 3 * LINES_PER_THREAD + 1)
    results.close()


def test_a_damaged_file_is_an_error_with_threads_too(tmp_path):
    path = export(tmp_path / "a.json.gz", *map(line, range(3)))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(EnvelopeError, match="damaged, or ends too early"):
        ids(path, threads=2)


@pytest.mark.parametrize("threads", [0, 65])
def test_the_number_of_threads_has_a_bound(tmp_path, threads):
    with pytest.raises(UsageError):
        ids(export(tmp_path / "a.json.gz", line(1)), threads=threads)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[:40] + b"\xff" * 20 + data[60:],
        lambda data: b"text",
    ],
)
def test_a_damaged_file_is_an_error_even_with_on_error(tmp_path, damage):
    path = export(tmp_path / "a.json.gz", *map(line, range(3)))
    path.write_bytes(damage(path.read_bytes()))
    errors = []
    with pytest.raises(EnvelopeError, match="damaged, or ends too early"):
        ids(path, on_error=errors.append)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path):
    path = export(tmp_path / "a.json.gz", b" " * (9 * 1024 * 1024))
    with pytest.raises(EnvelopeError, match="longer than any item"):
        ids(path)
    path = export(tmp_path / "b.json.gz", b'{"Item": ' + b"[" * 500_000 + b"\n")
    with pytest.raises(EnvelopeError, match="not JSON"):
        ids(path)


def test_a_folder_without_an_export_is_refused(tmp_path):
    with pytest.raises(UsageError):
        ids(tmp_path)


def test_an_export_with_items_in_plaintext_is_read_if_the_caller_asks_for_it(tmp_path):
    plain = (
        json.dumps(
            {"Item": {"user_id": {"S": "u_9"}, "email": {"S": "x"}, "plan": {"S": "pro"}}}
        ).encode()
        + b"\n"
    )
    path = export(tmp_path / "a.json.gz", line(1), plain)
    found = list(open_export(path, SCHEMA, KEYS, trust_plaintext_items=True))
    assert [record.is_sealed for record in found] == [True, False]
    with pytest.raises(EnvelopeError) as error:
        ids(path)
    assert error.value.code == "not-sealed"
