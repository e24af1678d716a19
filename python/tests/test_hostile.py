"""Bytes that anybody may have written: every failure is an `EnvelopeError`, and nothing hangs.

The random changes are the same in each run.
"""

import base64
import copy
import io
import json
import random

import pytest
import sealed
from sealed import KEYS, USER, schema, seal, user
from test_items import ORDER, REMINDER, SHOP, client_form, order
from test_streams import CONTEXT
from test_streams import sealed as sealed_stream

from envelope_dynamo import EnvelopeError, Schema, decrypt_item, open_export, open_stream
from envelope_dynamo._cbor import Reader, record_reader
from envelope_dynamo._payload import parse_dek, parse_payload

ROUNDS = 3000


def outcome(call):
    """Whether the call succeeded. Any other failure than an `EnvelopeError` fails the test."""
    try:
        call()
    except EnvelopeError as error:
        assert error.code and str(error)
        return False
    return True


def changed(rng, data):
    """Some bits flipped, bytes put in or cut out."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.choice([0, 0, 1, 1, 3])] = rng.randbytes(rng.choice([0, 1, 1, 2]))
    return bytes(data)


@pytest.mark.parametrize(
    "parse",
    [
        parse_dek,
        parse_payload,
        lambda data: record_reader(data).record(),
        lambda data: Reader(data).names(),
    ],
)
def test_parsers_of_bytes(parse):
    rng, item = random.Random(1), user()
    seeds = [
        item["encrypted_payload"],
        item["encrypted_dek"],
        sealed.cbor({"a": [1.5, {"b": None}], "c": 2**70}),
        b"\x81\x61a",
    ]
    opened = [outcome(lambda: parse(changed(rng, rng.choice(seeds)))) for _ in range(ROUNDS)]
    opened += [outcome(lambda: parse(rng.randbytes(rng.randint(0, 80)))) for _ in range(ROUNDS)]
    assert not all(opened)


@pytest.mark.parametrize(
    "head",
    [
        b"\x9b" + b"\xff" * 8,
        b"\xbb" + b"\xff" * 8,
        b"\x5b" + b"\xff" * 8,
        b"\x81" * 200,
        b"\xa1\x01" * 200,
    ],
)
def test_lengths_that_are_not_there_cost_nothing(head):
    for data in (head, b"\xa1\x61a" + head):
        assert not outcome(lambda: record_reader(data).record())
        assert not outcome(lambda: Reader(data).names())


def test_authentic_plaintexts_that_are_no_record(monkeypatch):
    rng, opened = random.Random(2), 0
    for _ in range(ROUNDS // 3):
        plaintext = changed(rng, sealed.cbor({"email": sealed.SECRET, "x": [1, {"y": b"z"}]}))
        monkeypatch.setattr(sealed, "cbor", lambda _: plaintext)
        item = seal({}, {"user_id": "u_1", "plan": "pro"}, ["plan"])
        opened += outcome(lambda: decrypt_item(item, schema(User=USER), KEYS))
        monkeypatch.undo()
    assert 0 < opened < ROUNDS // 3


VALUES = [None, "", "x", "\ud800", "1" * 5000, "1E999999999", True, 7, 1.5, [], {}, {"S": "x"}, {"N": "x"}, {"B": "%"}, {"L": [{}]},
          {"M": {"\udfff": {"S": ""}}}, {"SS": "x"}, {"NULL": "x"}, {"S": "ORDER#" + "1" * 5000 + "#o"}, {"N": "1" * 5000}]  # fmt: skip


def changed_json(rng, value):
    """One value of a JSON document replaced, removed, or put under another name."""
    value = copy.deepcopy(value)
    place = value
    while True:
        inner = (
            list(place)
            if isinstance(place, dict)
            else range(len(place))
            if isinstance(place, list)
            else []
        )
        if not inner:
            return value
        name = rng.choice(list(inner))
        if isinstance(place[name], (dict, list)) and place[name] and rng.random() < 0.7:
            place = place[name]
            continue
        found = place.pop(name)
        if isinstance(place, dict) and rng.random() < 0.8:
            place[
                rng.choice([name, name, name, "x", "\ud800", "encrypted_payload", "blind_email"])
            ] = rng.choice([*VALUES, found])
        return value


@pytest.mark.parametrize(
    "item, table", [(user(), schema(User=USER)), (order(), SHOP)], ids=["user", "order"]
)
def test_changed_items_in_both_forms_of_boto3(item, table):
    rng, in_client_form = random.Random(3), client_form(item)
    for _ in range(ROUNDS):
        for form in (item, in_client_form):
            changed_item = changed_json(rng, form)
            outcome(
                lambda: decrypt_item(
                    changed_item, table, KEYS, trust_plaintext_items=rng.random() < 0.5
                )
            )


def test_changed_schema_files():
    rng = random.Random(4)
    tags = {
        "search_tags": {"email": [{"field": "email", "steps": ["trim"]}]},
        "pairs": ["plan"],
        "groups": ["g"],
    }
    fields = {
        **USER["fields"],
        "more": {"mark": "encrypted", "group": "g", "aliases": ["much"], "optional": True},
    }
    file = {
        "envelope-schema": 1,
        "records": {
            "User": {**USER, **tags, "fields": fields},
            "Order": ORDER,
            "Reminder": REMINDER,
        },
    }
    assert Schema.parse(json.dumps(file)).tables == ["shop", "users"]
    opened = 0
    for _ in range(ROUNDS):
        changed_file = json.dumps(changed_json(rng, file))
        opened += outcome(lambda: Schema.parse(changed_file))
    assert 0 < opened < ROUNDS


def test_changed_streams_open_in_no_place():
    rng, stream = random.Random(5), sealed_stream()
    for _ in range(ROUNDS // 3):
        data = changed(rng, stream)
        assert data == stream or not outcome(
            lambda: list(open_stream(io.BytesIO(data), CONTEXT, KEYS))
        )


def test_changed_exports(tmp_path):
    rng, path = random.Random(6), tmp_path / "a.json"
    item = client_form(user(), lambda value: base64.b64encode(value).decode())
    lines = [json.dumps(changed_json(rng, {"Item": item})) for _ in range(ROUNDS // 10)]
    lines += [changed(rng, line.encode()).decode("latin-1").replace("\n", "") for line in lines]
    path.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    errors = []
    opened = list(open_export(path, schema(User=USER), KEYS, on_error=errors.append))
    assert opened and errors and len(opened) + len(errors) <= len(lines)
