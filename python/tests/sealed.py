"""Records that a writer in the process has sealed, for tests of one rule."""

import json

import cbor2

from envelope_dynamo import LocalKeys, Schema, _writer
from envelope_dynamo._cbor import UNDEFINED
from envelope_dynamo._context import Place
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo._values import of_python
from envelope_dynamo.keys._local import local_id

ROOT_KEY, DATA_KEY = bytes(range(32)), bytes(range(100, 132))
KEYS = LocalKeys(ROOT_KEY)
SECRET = "zoe@example.com"
USER = {
    "table": "users",
    "form": "raw",
    "partition_key": {"name": "user_id", "type": "S"},
    "fields": {
        "email": "encrypted",
        "plan": "authenticated",
        "visits": {"mark": "plaintext", "optional": True},
    },
}


def schema(**records):
    return Schema.parse(json.dumps({"envelope-schema": 1, "records": records}))


def with_fields(**fields):
    return schema(User={**USER, "fields": fields})


def cbor(fields):
    return cbor2.dumps(
        {name: cbor2.undefined if value is UNDEFINED else value for name, value in fields.items()}
    )


def seal(
    fields,
    attributes,
    authenticated,
    *,
    table="users",
    form="raw",
    keys=("user_id",),
    pairs=None,
    content="record",
):
    """An item in the form of boto3's resources."""
    stored = {name: of_python(value) for name, value in attributes.items()}
    place = Place(table, form, tuple((key, stored[key]) for key in keys), pairs or {}, stored)
    payload = _writer.seal(
        DATA_KEY,
        bytes(24),
        authenticated,
        place.associated_data(content, authenticated),
        cbor(fields),
    )
    wrapped = _writer.local_wrap(ROOT_KEY, bytes(24), place.encryption_context(), DATA_KEY)
    encoded = _writer.encode_dek(form, [WrappedKey(1, local_id(ROOT_KEY), wrapped)])
    return {**attributes, "encrypted_payload": payload, "encrypted_dek": encoded}


def user(**changes):
    fields, attributes = {"email": SECRET}, {"user_id": "u_1", "plan": "pro", "visits": 7}
    return {**seal(fields, attributes, ["plan"]), **changes}
