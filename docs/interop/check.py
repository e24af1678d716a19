"""Checks envelope.py against every vector: what opens, what is refused and why, and every byte it writes.

    python check.py            exits with 1 on any surprise
"""

import hashlib, hmac, json, pathlib, re, sys

from cryptography.hazmat.primitives.serialization import load_der_private_key

import chunked, envelope, items, tags, wrapping

VECTORS = pathlib.Path(__file__).resolve().parent.parent.parent / "vectors"
FOLDERS = ["v1", "stream-v1", "kms-v1", "rsa-v1", "item-v1", "direct-v1", "search-v1"]
KINDS = {
    "opens", "format-truncated", "format-trailing", "format-unknown-version", "format-unknown-suite", "format-malformed",
    "context-form", "key-wrong", "key-mismatch", "authentication", "malformed-record", "number", "pair", "key-attribute",
    "key-invalid-answer", "key-denied", "key-disabled", "key-pending-deletion", "key-not-found", "key-unavailable",
    "not-sealed", "incomplete", "group", "marks", "tag", "no-tag", "parsed", "step", "search-value",
}  # fmt: skip
SUCCESSES = ("opens", "tag", "no-tag", "parsed")


def outcome(vector):
    if vector["content"] == "stream":
        return stream_outcome(vector)
    if vector["content"] == "item":
        return item_outcome(vector)
    if vector["content"] == "direct":
        return direct_outcome(vector)
    if vector["content"] in ("tag", "stored-tag"):
        return tag_outcome(vector)
    try:
        plaintext, fields = envelope.open_vector(vector)
    except envelope.Refused as refused:
        return refused.kind, None, None
    return "opens", plaintext, fields


def stream_outcome(vector):
    released = []
    try:
        envelope.open_stream_vector(vector, released.append)
    except envelope.Refused as refused:
        return refused.kind, b"".join(released), None
    return "opens", b"".join(released), None


def item_outcome(vector):
    try:
        return "opens", None, items.open_item(vector)
    except envelope.Refused as refused:
        return refused.kind, None, None


def direct_outcome(vector):
    try:
        return "opens", envelope.open_direct_vector(vector), None
    except envelope.Refused as refused:
        return refused.kind, None, None


def tag_outcome(vector):
    """The values on the way to the tag in place of fields."""
    try:
        found = tags.of_vector(vector)
    except envelope.Refused as refused:
        return refused.kind, None, None
    return "parsed" if vector["content"] == "stored-tag" else "tag" if "tag" in found else "no-tag", None, found


def own_entry(vector, given, kms_context):
    """The data key, and the entry of `encrypted_dek` that this writer makes."""
    if "branch_keys" in vector:
        version, key = (bytes.fromhex(vector["branch_keys"][0][name]) for name in ("version", "key"))
        return wrapping.branch_data_key(key, given["wrap_salt"], kms_context), (3, version, given["wrap_salt"])
    if "kms" in vector:
        answer = vector["kms"]["answers"][0]
        hint = wrapping.kms_hint(answer["key"], answer.get("key_material_id"))
        return bytes.fromhex(answer["plaintext"]), (2, hint, bytes.fromhex(answer["ciphertext_blob"]))
    if "rsa_key" in vector:
        public = load_der_private_key(bytes.fromhex(vector["rsa_key"]), None).public_key()
        wrapped = wrapping.rsa_wrap(public, kms_context, given["data_key"], given["wrap_salt"])
        return given["data_key"], (4, wrapping.rsa_id(public), wrapped)
    root_key = bytes.fromhex(vector["root_key"])
    wrapped = wrapping.local_wrap(root_key, given["wrap_salt"], kms_context, given["data_key"])
    return given["data_key"], (1, wrapping.local_id(root_key), wrapped)


def entries(vector, given, kms_context):
    """The data key, and all entries of `encrypted_dek`, this writer's own among them."""
    data_key, (own_kind, own_id, own) = own_entry(vector, given, kms_context)
    found = [(e["kind"], bytes.fromhex(e["id"]), bytes.fromhex(e["wrapped_key"])) for e in vector["wrapped_keys"]]
    return data_key, [(kind, i, own if (kind, i) == (own_kind, own_id) else wrapped) for kind, i, wrapped in found]


def steps(vector, plaintext, fields):
    """Each value on the way to the bytes, as computed here, under the name it has in the vector."""
    if vector["content"] == "stream":
        yield from stream_steps(vector, plaintext)
        return
    if vector["content"] == "direct":
        yield "plaintext", plaintext.hex()
        yield "encryption_context", wrapping.direct_context(envelope.context_of(vector).encryption_context())
        return
    if vector["content"] == "item":
        yield from item_steps(vector, fields)
        return
    if vector["content"] in ("tag", "stored-tag"):
        yield from fields.items()
        return
    given = {name: bytes.fromhex(vector[name]) for name in ("data_key", "salt", "wrap_salt")}
    context = envelope.context_of(vector)
    kms_context = context.encryption_context()
    names = vector["authenticated_names"]
    aad = envelope.associated_data(vector["content"], context, names)
    message_key, commitment = envelope.derive(given["data_key"], given["salt"])
    data_key, wrapped = entries(vector, given, kms_context)
    yield "data_key", data_key.hex()
    yield "encryption_context", kms_context
    yield "associated_data", aad.hex()
    yield "message_key", message_key.hex()
    yield "commitment", commitment.hex()
    yield "plaintext", plaintext.hex()
    yield "encrypted_payload", envelope.seal(given["data_key"], given["salt"], reversed(names), aad, plaintext).hex()
    yield "encrypted_dek", envelope.encode_dek(vector["context_form"], wrapped).hex()
    if fields is not None:
        yield "field_names", list(fields)
    if "fields" in vector:
        yield "fields", fields
    if "search" in vector:
        yield "search", tags.search(vector, plaintext, names)


def stream_steps(vector, plaintext):
    given = {name: bytes.fromhex(vector[name]) for name in ("data_key", "salt", "wrap_salt")}
    context = envelope.context_of(vector)
    kms_context = context.encryption_context()
    aad = envelope.associated_data("stream", context, context.attributes)
    stream_key, commitment = chunked.derive(given["data_key"], given["salt"], vector["chunk_size"])
    data_key, wrapped = entries(vector, given, kms_context)
    dek = envelope.encode_dek(vector["context_form"], wrapped)
    yield "data_key", data_key.hex()
    yield "encryption_context", kms_context
    yield "associated_data", aad.hex()
    yield "stream_key", stream_key.hex()
    yield "commitment", commitment.hex()
    yield "plaintext", plaintext.hex()
    yield "stream", chunked.seal(data_key, given["salt"], vector["chunk_size"], dek, aad, plaintext).hex()


def item_steps(vector, fields):
    yield "outcome", fields
    if "written" in vector:
        yield "written", [part | written_part(vector, part) for part in vector["written"]]


def written_part(vector, part):
    """Payload and wrapped key of the record or of one of its groups, as sealed here."""
    item = {name: value for name, value in vector["item"].items() if name not in (items.PAYLOAD, items.DEK)}
    context = items.context_of(vector, item)
    if "group" in part:
        context = context.with_pair("group", part["group"])
    data_key, salt, wrap_salt, plaintext, root_key = (
        bytes.fromhex(part[name]) for name in ("data_key", "salt", "wrap_salt", "plaintext", "root_key")
    )
    aad = envelope.associated_data("group" if "group" in part else "record", context, part["authenticated_names"])
    wrapped = wrapping.local_wrap(root_key, wrap_salt, context.encryption_context(), data_key)
    return {
        "encrypted_payload": envelope.seal(data_key, salt, part["authenticated_names"], aad, plaintext).hex(),
        "encrypted_dek": envelope.encode_dek(context.form, [(1, wrapping.local_id(root_key), wrapped)]).hex(),
    }


def surprises(vector):
    kind, plaintext, fields = outcome(vector)
    if vector["expect"] not in KINDS:
        yield f"unknown outcome {vector['expect']}"
    if kind != vector["expect"]:
        yield f"expected {vector['expect']}, got {kind}"
    elif "released" in vector and plaintext.hex() != vector["released"]:
        yield "another plaintext released before the failure"
    elif kind in SUCCESSES:
        yield from (f"{name} differs" for name, value in steps(vector, plaintext, fields) if vector[name] != value)


def worked_examples():
    """Every line of bytes in sections 11 and 13.7 of FORMAT.md is part of a value in the vectors that the section names, or
    computed here."""
    text = (VECTORS.parent / "docs" / "FORMAT.md").read_text("utf-8")
    yield from worked_example("section 11", text[text.index("## 11. Worked example") : text.index("## 12. Streams")])
    yield from worked_example("section 13.7", text[text.index("### 13.7 Worked example") :])


def worked_example(title, section):
    named = sorted(set(re.findall(r"\]\(\.\./(vectors/[^)]*\.json)\)", section)))
    known = "\n".join((VECTORS.parent / path).read_text("utf-8") for path in named) + "\n".join(computed(named))
    for line in section.splitlines():
        for run in re.findall(r"\b[0-9a-f]{2}(?: *[0-9a-f]{2})+(?=\s|$)", line) if line.startswith("    ") else []:
            if run.replace(" ", "") not in known:
                yield f"FORMAT.md, {title}: {run} is in none of {', '.join(named)}"


def computed(named):
    """Values on the way that the vectors do not hold."""
    for path in named:
        vector = json.loads((VECTORS.parent / path).read_text("utf-8"))
        if vector["content"] == "tag":
            yield hmac.digest(bytes(32), bytes.fromhex(vector["search_key"]), "sha256").hex()
            continue
        context, salt = vector["encryption_context"], bytes.fromhex(vector["salt"])
        yield hmac.digest(salt, bytes.fromhex(vector["data_key"]), "sha256").hex()
        yield b"envelope payload 1 1".hex()
        key = vector["keys"][0] if vector["keys"] else {"name": "", "value": {"S": ""}}
        digested = envelope.cbor(["envelope-key-digest", vector["table"], key["name"], envelope.canonical(key["value"])])
        yield from (digested.hex(), hashlib.sha256(digested).hexdigest())
        if "branch_keys" in vector:
            wrap_salt, branch_key = (bytes.fromhex(text) for text in (vector["wrap_salt"], vector["branch_keys"][0]["key"]))
            yield hmac.digest(wrap_salt, branch_key, "sha256").hex()
            yield envelope.cbor(["envelope-branch-key", context]).hex()
        if "root_key" in vector:
            root_key, wrap_salt = bytes.fromhex(vector["root_key"]), bytes.fromhex(vector["wrap_salt"])
            yield envelope.hkdf(root_key, wrap_salt, b"envelope local wrap 1", 32).hex()
            yield envelope.cbor(["envelope-local-wrap", context]).hex()


def main():
    folders = [sorted((VECTORS / folder).glob("*.json")) for folder in FOLDERS]
    paths = sum(folders, [])
    found = [f"{path.name}: {what}" for path in paths for what in surprises(json.loads(path.read_text("utf-8")))]
    found += worked_examples()
    print("\n".join([*found, f"{len(paths)} vectors, {len(found)} surprises"]))
    sys.exit(1 if found or not all(folders) else 0)


if __name__ == "__main__":
    main()
