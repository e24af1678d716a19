"""The Python package in the terms of the vectors: attributes in DynamoDB JSON, bytes in hexadecimal, keys as in a vector.

The package is read-only. Its writer, `envelope_dynamo._writer`, is there for these vectors alone.
"""

import base64
from types import SimpleNamespace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from envelope_dynamo import _context, _payload, _streams, _tags, _values, _writer
from envelope_dynamo._cbor import Reader, record_reader
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo.errors import EnvelopeError
from envelope_dynamo.keys._branch import branch_data_key
from envelope_dynamo.keys._local import local_id
from envelope_dynamo.keys._rsa import rsa_digest, rsa_id

# What KMS refuses, and the kind of the failure.
REFUSALS = {
    "AccessDeniedException": "key-denied",
    "DisabledException": "key-disabled",
    "KMSInvalidStateException": "key-pending-deletion",
    "NotFoundException": "key-not-found",
    "KMSInternalException": "key-unavailable",
}


def attribute(value):
    return None if value is None else _values._of_client(value)


def dynamodb_json(found):
    """An attribute of type S, N or B as in a vector; None if it is absent."""
    if found is None:
        return None
    return {found.type: base64.b64encode(found.value).decode() if found.type == "B" else found.value}


def place(table, form, keys, attributes, pairs):
    own = tuple((key["name"], attribute(key["value"])) for key in keys)
    return _context.Place(table, form, own, pairs, {name: attribute(value) for name, value in attributes.items()})


def encode_dek(form, entries):
    return _writer.encode_dek(form, [WrappedKey(*entry) for entry in entries])


def direct_context(context):
    return {**context, "envelope": "direct"}


# --- search tags: `fields` are [{"name", "steps"}] ---


def tagged(fields):
    return [_tags.TaggedField(field["name"], tuple(field["steps"])) for field in fields]


def definition(table, name, fields):
    return _tags.definition(table, name, tagged(fields))


def message(fields, values):
    return _tags.message(tagged(fields), [attribute(value) for value in values])


def of_encoded(sealed):
    """The attribute that the encoded value of an encrypted field counts as."""
    return dynamodb_json(_tags.of_sealed(Reader(sealed, *["malformed-record"] * 3).item(undefined=True)))


def of_attribute(value):
    return dynamodb_json(_tags.of_attribute(attribute(value)))


def of_vector(vector):
    """The generation of a stored tag; or every value on the way to a tag, without message and tag if there is none."""
    if vector["content"] == "stored-tag":
        return {"generation": _tags.generation_of(bytes.fromhex(vector["tag"])).hex()}
    encoded = definition(vector["table"], vector["name"], vector["fields"])
    keys = _tags.derive(bytes.fromhex(vector["search_key"]), encoded)
    found = {"definition": encoded.hex(), "mac_key": keys.mac_key.hex(), "generation": keys.generation.hex()}
    values = [
        of_encoded(bytes.fromhex(value["sealed"])) if value and "sealed" in value else of_attribute(value)
        for value in vector["values"]
    ]
    encoded = message(vector["fields"], values)
    return found if encoded is None else {**found, "message": encoded.hex(), "tag": _tags.tag(keys, encoded).hex()}


def values_of(fields, sealed, listed, keys, attributes):  # [13.6-2]: the authentic values of a record
    """`sealed` has the encoded values of the map; `listed` the authenticated names; `keys` the key attributes."""
    for field in fields:
        name = field["name"]
        if name in sealed:
            yield of_encoded(sealed[name])
        elif name in keys or name in listed:
            yield of_attribute(keys.get(name) or attributes.get(name))
        else:
            yield None


def encoded_fields(plaintext):
    """The encoded value of each field in the map of a payload."""
    reader, result = record_reader(plaintext), {}
    _, _, count = reader.head()
    for _ in range(count):
        name, start = reader.text_item(), reader.at
        reader.item(undefined=True)
        result[name] = plaintext[start : reader.at]
    return result


def search(vector, plaintext, names):
    """What a search makes of a record that was opened: the tags it asks for, whether the index lists the record under one
    of them, and whether the record matches."""
    asked = vector["search"]
    encoded = definition(vector["table"], asked["name"], asked["fields"])
    question = message(asked["fields"], asked["question"])
    keys = [_tags.derive(bytes.fromhex(key), encoded) for key in asked["search_keys"]]
    found = [] if question is None else [_tags.tag(key, question) for key in keys]
    stored = vector["attributes"].get(_tags.PREFIX + asked["name"], {}).get("B")
    own_keys = {key["name"]: key["value"] for key in vector["keys"]}
    sealed = encoded_fields(plaintext)
    own = message(asked["fields"], list(values_of(asked["fields"], sealed, names, own_keys, vector["attributes"])))
    return {
        **asked,
        "tags": [each.hex() for each in found],
        "listed": stored is not None and base64.b64decode(stored) in found,
        "matches": question is not None and own == question,
    }


envelope = SimpleNamespace(
    AESGCM=AESGCM,
    MAPS=_payload.MAPS,
    NONCE=_payload.NONCE,
    Refused=EnvelopeError,
    derive=_payload.derive,
    encode_dek=encode_dek,
    fields_of=lambda plaintext: record_reader(plaintext).record(),
    parse_dek=_payload.parse_dek,
    place=place,
    seal=_writer.seal,
)
chunked = SimpleNamespace(
    derive=_streams.derive,
    header=_writer.stream_header,
    nonce=_streams.nonce,
    seal_chunks=_writer.seal_chunks,
)
wrapping = SimpleNamespace(
    REFUSALS=REFUSALS,
    branch_data_key=branch_data_key,
    direct_context=direct_context,
    kms_hint=_writer.kms_id,
    local_id=local_id,
    local_wrap=_writer.local_wrap,
    rsa_digest=rsa_digest,
    rsa_encrypt=_writer.rsa_encrypt,
    rsa_id=rsa_id,
    rsa_wrap=_writer.rsa_wrap,
)
tags = SimpleNamespace(
    PREFIX=_tags.PREFIX,
    STEPS=_tags.STEPS,
    definition=definition,
    derive=_tags.derive,
    message=message,
    of_vector=of_vector,
    search=search,
    tag=_tags.tag,
    values_of=values_of,
)
