"""Section 13 of docs/FORMAT.md: search tags, and which records a search finds."""

import base64, hmac

import cbor2

from encoding import Reader, canonical, cbor, hkdf, refuse_if

PREFIX = "blind_"
SPACE = "\t\n\f\r "
STEPS = {
    "trim": lambda text: text.strip(SPACE),
    "ascii_lowercase": lambda text: "".join(c.lower() if c.isascii() else c for c in text),
    "digits": lambda text: "".join(c for c in text if c in "0123456789"),
}


def definition(table, name, fields):  # [13.2]: `fields` are [{"name", "steps"}]
    unknown = [step for field in fields for step in field["steps"] if step not in STEPS]
    refuse_if(unknown, "step", "a step that is not known")
    return cbor(["envelope-search", 1, table, name, [[field["name"], field["steps"]] for field in fields], 128])


def derive(search_key, encoded_definition):  # [13.2]: mac key, generation
    okm = hkdf(search_key, b"", encoded_definition, 36)
    return okm[:32], okm[32:]


def of_sealed(encoded):  # [13.3]: the attribute that an encrypted field counts as; None if it is absent
    value = Reader(encoded, *["malformed-record"] * 3).item(undefined=True)
    if value is None or value is cbor2.undefined:
        return None
    refuse_if(isinstance(value, bool) or not isinstance(value, (int, str, bytes)), "search-value", "not a text, an integer or bytes")
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": value} if isinstance(value, str) else {"B": base64.b64encode(value).decode()}


def of_attribute(attribute):  # [13.3]
    if attribute is None or "NULL" in attribute:
        return None
    refuse_if(not attribute.keys() <= {"S", "N", "B"}, "search-value", "not of type S, N or B")
    return attribute


def message(fields, values):  # [13.3]: None without a tag; `values` are in DynamoDB JSON, or None
    result = []
    for field, value in zip(fields, list(values), strict=True):
        if value is None:
            return None
        kind, content = canonical(value)
        if kind == "S":
            for step in field["steps"]:
                content = STEPS[step](content)
        if not content:  # the canonical text of a number is never empty
            return None
        result.append([kind, content])
    return cbor(result)


def tag(keys, encoded_message):  # [13.4]: `keys` as from `derive`
    mac_key, generation = keys
    return b"\1" + generation + hmac.digest(mac_key, encoded_message, "sha256")[:16]


def parse(stored):  # [13.4-1]: the generation
    refuse_if(not stored, "format-truncated", "an empty tag")
    refuse_if(stored[0] != 1, "format-unknown-version", "a tag")
    refuse_if(len(stored) < 21, "format-truncated", "a tag")
    refuse_if(len(stored) > 21, "format-trailing", "a tag")
    return stored[1:5]


def of_vector(vector):
    """The generation of a stored tag; or every value on the way to a tag, without message and tag if there is none."""
    if vector["content"] == "stored-tag":
        return {"generation": parse(bytes.fromhex(vector["tag"])).hex()}
    encoded = definition(vector["table"], vector["name"], vector["fields"])
    keys = derive(bytes.fromhex(vector["search_key"]), encoded)
    found = {"definition": encoded.hex(), "mac_key": keys[0].hex(), "generation": keys[1].hex()}
    values = [of_sealed(bytes.fromhex(v["sealed"])) if v and "sealed" in v else of_attribute(v) for v in vector["values"]]
    encoded = message(vector["fields"], values)
    return found if encoded is None else {**found, "message": encoded.hex(), "tag": tag(keys, encoded).hex()}


def values_of(fields, sealed, listed, keys, attributes):  # [13.6-2]: the authentic values of a record
    """`sealed` has the encoded values of the map; `listed` the authenticated names; `keys` the key attributes."""
    for field in fields:
        name = field["name"]
        if name in sealed:
            yield of_sealed(sealed[name])
        elif name in keys or name in listed:
            yield of_attribute(keys.get(name) or attributes.get(name))
        else:
            yield None


def entries(plaintext):
    """The encoded value of each field in the map of a payload."""
    reader, result = Reader(plaintext, *["malformed-record"] * 3), {}
    _, _, count = reader.head()
    for _ in range(count):
        name = reader.text(reader.head()[2])
        start = reader.at
        reader.item(undefined=True)
        result[name] = plaintext[start : reader.at]
    return result


def search(vector, plaintext, names):
    """What a search makes of a record that was opened: the tags it asks for, whether the index lists the record under one
    of them, and whether the record matches."""
    asked = vector["search"]
    encoded = definition(vector["table"], asked["name"], asked["fields"])
    question = message(asked["fields"], asked["question"])
    tags = [] if question is None else [tag(derive(bytes.fromhex(key), encoded), question) for key in asked["search_keys"]]
    stored = vector["attributes"].get(PREFIX + asked["name"], {}).get("B")
    keys = {key["name"]: key["value"] for key in vector["keys"]}
    own = message(asked["fields"], values_of(asked["fields"], entries(plaintext), names, keys, vector["attributes"]))
    return {
        **asked,
        "tags": [each.hex() for each in tags],
        "listed": stored is not None and base64.b64decode(stored) in tags,
        "matches": question is not None and own == question,
    }
