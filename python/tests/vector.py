"""Runs a test vector: what opens, what is refused and why, and every byte that the writer writes."""

import base64
import io
import json
import os
import pathlib
from uuid import UUID

from cryptography.hazmat.primitives.serialization import load_der_private_key
from fakes import KeyItems, PlayedKms

from envelope_dynamo import (
    Context,
    EnvelopeError,
    KmsKeys,
    LocalKeys,
    _streams,
    _writer,
    decrypt_message,
    open_stream,
)
from envelope_dynamo._items import Options, open_item
from envelope_dynamo._payload import derive, open_payload
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo._record import WITHHELD
from envelope_dynamo._tags import TaggedField
from envelope_dynamo.errors import refusal
from envelope_dynamo.keys import BranchKeys, GroupKeys, RsaKeys
from envelope_dynamo.keys._branch import branch_data_key
from envelope_dynamo.keys._local import local_id
from envelope_dynamo.keys._rsa import rsa_id
from envelope_dynamo.schema import Field, Key, RecordType, Table

VECTORS = pathlib.Path(
    os.environ.get("ENVELOPE_VECTORS") or pathlib.Path(__file__).parents[2] / "vectors"
).resolve()
FOLDERS = ["v1", "stream-v1", "kms-v1", "rsa-v1", "item-v1", "direct-v1", "search-v1"]
SUCCESSES = ("opens", "tag", "no-tag", "parsed")
EXPECTED = {
    "opens", "format-truncated", "format-trailing", "format-unknown-version", "format-unknown-suite", "format-malformed",
    "context-form", "key-wrong", "key-mismatch", "authentication", "malformed-record", "number", "pair", "key-attribute",
    "key-invalid-answer", "key-denied", "key-disabled", "key-pending-deletion", "key-not-found", "key-unavailable",
    "not-sealed", "incomplete", "group", "marks", "tag", "no-tag", "parsed", "step", "search-value",
}  # fmt: skip


def paths():
    return [path for folder in FOLDERS for path in sorted((VECTORS / folder).glob("*.json"))]


def read(path):
    return json.loads(pathlib.Path(path).read_text("utf-8"))


# --- the reader's keys and place ---


class VectorBranchKeys(BranchKeys):
    """A vector does not say whether the branch exists: a version that it does not have is simply
    not the reader's.
    """

    def unwrap(self, entries, context):
        try:
            return super().unwrap(entries, context)
        except EnvelopeError as error:
            raise refusal("key-wrong", error.message) if error.code == "key-not-found" else error


class NoKeys:
    def unwrap(self, entries, context):
        raise refusal("key-denied", "no key is configured")


def keys_of(keys):
    """The key provider of a vector, or of one of its groups."""
    if "branch_keys" in keys:
        versions = {
            str(UUID(hex=each["version"])): bytes.fromhex(each["key"])
            for each in keys["branch_keys"]
        }
        root_key = bytes(range(32))
        return VectorBranchKeys(KeyItems(versions, root_key), "branch-keys", LocalKeys(root_key))
    if "kms" in keys:
        return KmsKeys(PlayedKms(keys["kms"]["answers"]), *keys["kms"]["keys"])
    if "rsa_key" in keys:
        return RsaKeys(load_der_private_key(bytes.fromhex(keys["rsa_key"]), None))
    if "root_key" in keys:
        return LocalKeys(bytes.fromhex(keys["root_key"]))
    return NoKeys()


def place_of(vector):
    """Duplicate names cannot stand in a JSON object that every reader takes, so `more_pairs` lists
    further pairs.
    """
    import adapters

    attributes = vector.get("attributes", {})
    place = adapters.place(
        vector["table"], vector["context_form"], vector["keys"], attributes, vector["pairs"]
    )
    for name, value in vector.get("more_pairs", []):
        place = place.with_pair(name, value)
    return place


def context_of(vector):
    """The public context, for streams, messages and secrets."""
    context = Context(vector["table"])
    context._place = place_of(vector)
    return context


# --- reading ---


def outcome(vector):
    """The outcome by its name, the plaintext, and the fields or other values that were found."""
    readers = {
        "stream": open_stream_vector,
        "item": open_item_vector,
        "direct": open_direct,
        "bytes": open_bytes,
    }
    readers |= {"tag": tag, "stored-tag": tag}
    released = []
    try:
        plaintext, found = readers.get(vector["content"], open_record)(vector, released)
    except EnvelopeError as error:
        return error.code, b"".join(released), None
    if vector["content"] == "stored-tag":
        return "parsed", None, found
    if vector["content"] == "tag":
        return ("tag" if "tag" in found else "no-tag"), None, found
    return "opens", plaintext, found


def sealed_bytes(vector):
    return bytes.fromhex(vector["encrypted_payload"]), bytes.fromhex(vector["encrypted_dek"])


def open_record(vector, _):
    payload, dek = sealed_bytes(vector)
    opened = open_payload(
        payload, dek, vector["content"], lambda: place_of(vector), keys_of(vector)
    )
    return opened.plaintext, opened.fields


def open_bytes(vector, _):
    """By the public function, unless the payload lists attributes: a message has none."""
    payload, dek = sealed_bytes(vector)
    return decrypt_message(payload, dek, context_of(vector), keys_of(vector)), None


def open_direct(vector, _):
    secret = keys_of(vector).decrypt_direct(
        bytes.fromhex(vector["ciphertext_blob"]), context_of(vector)
    )
    return secret.expose(), None


def open_stream_vector(vector, released):
    stream = io.BytesIO(bytes.fromhex(vector["stream"]))
    for chunk in open_stream(stream, context_of(vector), keys_of(vector)):
        released.append(chunk)
    return b"".join(released), None


def tag(vector, _):
    import adapters

    return None, adapters.tags.of_vector(vector)


def open_item_vector(vector, _):
    reader = vector["reader"]
    provider = GroupKeys(
        keys_of(vector), {name: keys_of(keys) for name, keys in reader.get("groups", {}).items()}
    )
    record = open_item(
        vector["item"], Table(vector["table"], [record_type(vector)]), Options(provider)
    )
    found = {}
    for name in reader["fields"]:
        value = record.get(name)
        found[name] = (
            {"withheld": True}
            if value is WITHHELD
            else {"value": value}
            if name in record
            else {"missing": True}
        )
    return None, found


def record_type(vector):
    """Fields are optional: the vectors say what is missing, and not whether that is an error."""
    given = vector["reader"]["fields"]
    fields = {
        name: Field(
            name,
            of["mark"],
            tuple(of.get("aliases", [])),
            of.get("group"),
            of.get("accepts_plaintext", False),
            True,
        )
        for name, of in given.items()
        if of["mark"] != "key"
    }
    tags = {name: (TaggedField(name),) for name, of in given.items() if of.get("searchable")}
    groups = {
        name: Field(f"a field of {name}", "encrypted", group=name, is_optional=True)
        for name in vector["reader"].get("groups", {})
    }
    return RecordType(
        name="Record",
        table=vector["table"],
        form=vector["context_form"],
        keys=tuple(Key(name) for name in vector["key_names"]),
        fields={**fields, **groups},
        context=vector["pairs"],
        search_tags=tags,
    )


# --- writing ---


def own_entry(vector, given, context):
    """The data key, and the entry of `encrypted_dek` that this writer makes."""
    if "branch_keys" in vector:
        version, key = (
            bytes.fromhex(vector["branch_keys"][0][name]) for name in ("version", "key")
        )
        return branch_data_key(key, given["wrap_salt"], context), (3, version, given["wrap_salt"])
    if "kms" in vector:
        answer = vector["kms"]["answers"][0]
        key_id = _writer.kms_id(answer["key"], answer.get("key_material_id"))
        return bytes.fromhex(answer["plaintext"]), (
            2,
            key_id,
            bytes.fromhex(answer["ciphertext_blob"]),
        )
    if "rsa_key" in vector:
        public = load_der_private_key(bytes.fromhex(vector["rsa_key"]), None).public_key()
        wrapped = _writer.rsa_wrap(public, context, given["data_key"], given["wrap_salt"])
        return given["data_key"], (4, rsa_id(public), wrapped)
    root_key = bytes.fromhex(vector["root_key"])
    wrapped = _writer.local_wrap(root_key, given["wrap_salt"], context, given["data_key"])
    return given["data_key"], (1, local_id(root_key), wrapped)


def entries(vector, given, context):
    """The data key, and all entries of `encrypted_dek`, this writer's own among them."""
    data_key, (own_kind, own_id, own) = own_entry(vector, given, context)
    found = [
        (each["kind"], bytes.fromhex(each["id"]), bytes.fromhex(each["wrapped_key"]))
        for each in vector["wrapped_keys"]
    ]
    return data_key, [
        WrappedKey(kind, i, own if (kind, i) == (own_kind, own_id) else wrapped)
        for kind, i, wrapped in found
    ]


def steps(vector, plaintext, found):
    """Each value on the way to the bytes, as computed here, under the name that it has in the
    vector.
    """
    content = vector["content"]
    if content in ("tag", "stored-tag"):
        yield from found.items()
    elif content == "item":
        yield from item_steps(vector, found)
    elif content == "direct":
        yield "plaintext", plaintext.hex()
        yield "encryption_context", {**place_of(vector).encryption_context(), "envelope": "direct"}
    else:
        yield from sealed_steps(vector, plaintext, found)


def sealed_steps(vector, plaintext, found):
    given = {name: bytes.fromhex(vector[name]) for name in ("data_key", "salt", "wrap_salt")}
    place = place_of(vector)
    context = place.encryption_context()
    data_key, wrapped = entries(vector, given, context)
    dek = _writer.encode_dek(vector["context_form"], wrapped)
    yield "data_key", data_key.hex()
    yield "encryption_context", context
    yield "plaintext", plaintext.hex()
    if vector["content"] == "stream":
        additional, exponent = (
            place.associated_data("stream", place.attributes),
            vector["chunk_size"],
        )
        stream_key, commitment = _streams.derive(data_key, given["salt"], exponent)
        yield "stream_key", stream_key.hex()
        yield (
            "stream",
            _writer.seal_stream(
                data_key, given["salt"], exponent, dek, additional, plaintext
            ).hex(),
        )
    else:
        names = vector["authenticated_names"]
        additional = place.associated_data(vector["content"], names)
        message_key, commitment = derive(given["data_key"], given["salt"])
        yield "message_key", message_key.hex()
        yield (
            "encrypted_payload",
            _writer.seal(
                given["data_key"], given["salt"], reversed(names), additional, plaintext
            ).hex(),
        )
        yield "encrypted_dek", dek.hex()
        yield from field_steps(vector, plaintext, found)
    yield "commitment", commitment.hex()
    yield "associated_data", additional.hex()


def field_steps(vector, plaintext, found):
    import adapters

    if vector["content"] in ("record", "group"):
        yield "field_names", list(found)
    if "fields" in vector:
        yield "fields", found
    if "search" in vector:
        yield "search", adapters.tags.search(vector, plaintext, vector["authenticated_names"])


def item_steps(vector, found):
    yield "outcome", found
    if "written" in vector:
        yield "written", [part | written_part(vector, part) for part in vector["written"]]


def written_part(vector, part):
    """Payload and wrapped key of the record or of one of its groups, as sealed here."""
    import adapters

    attributes = {
        name: value
        for name, value in vector["item"].items()
        if name not in ("encrypted_payload", "encrypted_dek")
    }
    keys = [{"name": name, "value": attributes[name]} for name in vector["key_names"]]
    place = adapters.place(
        vector["table"], vector["context_form"], keys, attributes, vector["pairs"]
    )
    if "group" in part:
        place = place.with_pair("group", part["group"])
    data_key, salt, wrap_salt, plaintext, root_key = (
        bytes.fromhex(part[name])
        for name in ("data_key", "salt", "wrap_salt", "plaintext", "root_key")
    )
    names = part["authenticated_names"]
    additional = place.associated_data("group" if "group" in part else "record", names)
    wrapped = WrappedKey(
        1,
        local_id(root_key),
        _writer.local_wrap(root_key, wrap_salt, place.encryption_context(), data_key),
    )
    return {
        "encrypted_payload": _writer.seal(data_key, salt, names, additional, plaintext).hex(),
        "encrypted_dek": _writer.encode_dek(place.form, [wrapped]).hex(),
    }


def surprises(vector):
    """What differs from the vector, in words."""
    kind, plaintext, found = outcome(vector)
    if vector["expect"] not in EXPECTED:
        yield f"unknown outcome {vector['expect']}"
    if kind != vector["expect"]:
        yield f"expected {vector['expect']}, got {kind}"
    elif "released" in vector and plaintext.hex() != vector["released"]:
        yield "another plaintext was released before the failure"
    elif kind in SUCCESSES:
        yield from (
            f"{name} differs"
            for name, value in steps(vector, plaintext, found)
            if vector[name] != value
        )


def item_of(vector):
    """The item of a vector of content `record`, in the form of a boto3 client."""
    item = {**vector["attributes"], **{key["name"]: key["value"] for key in vector["keys"]}}
    payload, dek = sealed_bytes(vector)
    return {
        **item,
        "encrypted_payload": {"B": payload},
        "encrypted_dek": {"B": base64.b64encode(dek).decode()},
    }
