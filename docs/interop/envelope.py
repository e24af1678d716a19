"""A reader and writer of envelope records, written from docs/FORMAT.md alone; numbers in brackets are its sections.

    python envelope.py ../../vectors/v1/*.json     opens each vector, with its keys, and prints what comes out
"""

import hmac, json, sys
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.serialization import load_der_private_key

import chunked, tags, wrapping
from encoding import *
from encoding import AESGCM


def open_payload(payload, dek, content, context_with, unwrap):
    """Steps 2 to 9 of section 7: plaintext, the names it authenticates, and what a record holds.

    `context_with` gives the context for the names of the authenticated attributes.
    """
    salt, commitment, names, sealed = parse_payload(payload)
    context = context_with(names)
    additional = associated_data(content, context, names)  # [2.2-2]: before any key is asked for
    form, entries = parse_dek(dek)
    context.check_form(form)
    message_key, expected = derive(unwrap(entries, context.encryption_context()), salt)
    try:
        refuse_if(not hmac.compare_digest(commitment, expected), "authentication", "does not open")
        plaintext = AESGCM(message_key).decrypt(NONCE, sealed, additional)
    except InvalidTag:
        raise Refused("authentication", "does not open") from None
    fields = Reader(plaintext, *["malformed-record"] * 3).record() if content in MAPS else None
    return plaintext, names, fields


def unwrap_of(keys):
    """What unwraps with the keys that a vector's reader has: `keys` is the vector, or one of its groups."""
    if "branch_keys" in keys:
        versions = {bytes.fromhex(entry["version"]): bytes.fromhex(entry["key"]) for entry in keys["branch_keys"]}
        return partial(wrapping.branch_unwrap, versions)
    if "kms" in keys:
        return partial(wrapping.kms_unwrap, wrapping.PlayedKms(keys["kms"]["answers"]), keys["kms"]["keys"])
    if "rsa_key" in keys:
        return partial(wrapping.rsa_unwrap, load_der_private_key(bytes.fromhex(keys["rsa_key"]), None))
    if "root_key" in keys:
        return partial(wrapping.local_unwrap, bytes.fromhex(keys["root_key"]))
    return wrapping.no_key


def context_of(vector):
    """Duplicate names cannot stand in a JSON object that every reader takes, so `more_pairs` lists further pairs."""
    context = Context(vector["table"], vector["context_form"], vector["keys"], vector.get("attributes", {}), vector["pairs"])
    for name, value in vector.get("more_pairs", []):
        context = context.with_pair(name, value)
    return context


def open_vector(vector):
    payload, dek = (bytes.fromhex(vector[field]) for field in ("encrypted_payload", "encrypted_dek"))
    plaintext, _, fields = open_payload(payload, dek, vector["content"], lambda _: context_of(vector), unwrap_of(vector))
    return plaintext, fields


def open_direct_vector(vector):
    (arn,), kms = vector["kms"]["keys"], wrapping.PlayedKms(vector["kms"]["answers"])
    blob = bytes.fromhex(vector["ciphertext_blob"])
    return wrapping.direct_decrypt(kms, arn, blob, context_of(vector).encryption_context())


def open_stream_vector(vector, release):
    chunked.open_stream(bytes.fromhex(vector["stream"]), context_of(vector), unwrap_of(vector), release)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        try:
            if vector["content"] == "stream":
                open_stream_vector(vector, lambda chunk: print(f"{path}: {chunk.hex()}"))
                continue
            if vector["content"] == "direct":
                print(f"{path}: {open_direct_vector(vector).hex()}")
                continue
            if vector["content"] in ("tag", "stored-tag"):
                print(f"{path}: {tags.of_vector(vector)}")
                continue
            if vector["content"] == "item":
                from items import open_item  # which needs this module

                print(f"{path}: {open_item(vector)}")
                continue
            plaintext, fields = open_vector(vector)
            print(f"{path}: {plaintext.hex() if fields is None else fields}")
        except Refused as refused:
            print(f"{path}: {refused}")
