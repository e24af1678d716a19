"""Writes records at random, as vectors that open: for another implementation to open what this one has written just now.

    python randomly.py FOLDER COUNT [SEED]

The seed is printed, and makes the same records again.
"""

import base64, json, pathlib, random, secrets, sys

import cbor2

from sealing import Case, envelope, key, opens
from adapters import tags

LETTERS = "abcdefghijklmnopqrstuvwxyz_-.0189 ÄéßñЖ中🦀"


def text(rng, least=0):
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(least, 24)))


def some(rng, make, most=6):
    return [make(rng) for _ in range(rng.randint(0, most))]


def number(rng):
    """A number as DynamoDB takes it, in a spelling that need not be the canonical one."""
    digits = rng.randint(1, 38)
    whole = rng.randrange(10**digits)
    sign = rng.choice(["", "-"])
    zeros = rng.choice(["", "0"]) if digits < 38 else ""
    return rng.choice([f"{sign}{zeros}{whole}", f"{sign}{whole}.0", f"{sign}{whole}E{rng.randint(-120, 80)}"])


def binary(rng):
    return base64.b64encode(rng.randbytes(rng.randint(1, 40))).decode()


def attribute(rng, depth=3):
    kind = rng.choice(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"] + ["L", "M"] * (depth > 0))
    inner = lambda rng: attribute(rng, depth - 1)
    return {
        kind: {
            "S": lambda: text(rng),
            "N": lambda: number(rng),
            "B": lambda: binary(rng),
            "BOOL": lambda: rng.random() < 0.5,
            "NULL": lambda: True,
            "SS": lambda: sorted({text(rng) for _ in range(3)}),
            "NS": lambda: ["1", "-2.50", "3E+2"][: rng.randint(1, 3)],
            "BS": lambda: sorted({binary(rng) for _ in range(3)}),
            "L": lambda: some(rng, inner),
            "M": lambda: {text(rng): inner(rng) for _ in range(rng.randint(0, 4))},
        }[kind]()
    }


def value(rng, depth=3):
    """A value of an encrypted field."""
    inner = lambda rng: value(rng, depth - 1)
    return rng.choice(
        [
            lambda: None,
            lambda: rng.random() < 0.5,
            lambda: rng.randint(-(2**63), 2**64 - 1),
            lambda: rng.randint(-300, 300),
            lambda: rng.randint(-(10**9), 10**9) / 64,  # not all JSON readers get the last bit of long decimals right
            lambda: text(rng) * rng.choice([1, 1, 20]),
        ]
        + [lambda: some(rng, inner), lambda: {text(rng): inner(rng) for _ in range(rng.randint(0, 4))}] * (depth > 0)
    )()


def key_value(rng):
    whole = rng.randrange(1, 10**15)
    return rng.choice([{"S": text(rng, 1)}, {"N": str(whole)}, {"B": binary(rng)}])


def case(rng, name):
    attributes = {text(rng, 1): attribute(rng) for _ in range(rng.randint(0, 30))}
    authenticated = [name for name in attributes if rng.random() < 0.6] + ["absent"] * (rng.random() < 0.2)
    attributes.pop("absent", None)
    keys = [key("part key", key_value(rng))] + [key("sort", key_value(rng))] * (rng.random() < 0.5)
    return Case(
        seeds=name,
        form=rng.choice(["raw", "hashed", "table"]),
        table=text(rng, 1),
        keys=tuple(keys),
        attributes=attributes,
        authenticated=tuple(authenticated),
        pairs={f"pair {i}": text(rng, 1) for i in range(rng.randint(0, 3))},
        fields={text(rng): value(rng) for _ in range(rng.randint(0, 30))},
    )


def definition(rng, record):
    """A search tag of fields of the record, whose names are fit for it."""
    names = [*record.fields, *record.authenticated, *(each["name"] for each in record.keys)]
    names = [name for name in dict.fromkeys(names) if name and len(name) < 60]
    names = rng.sample(names, min(len(names), rng.randint(1, 3)))
    steps = [[step for step in tags.STEPS if rng.random() < 0.3] for _ in names]
    return "+".join(names), [{"name": name, "steps": own} for name, own in zip(names, steps)]


def searched(rng, record):
    """The record with a search tag, if its values allow one, and what a search for them makes of it."""
    name, fields = definition(rng, record)
    sealed = {field: cbor2.dumps(value) for field, value in record.fields.items()}
    keys = {each["name"]: each["value"] for each in record.keys}
    try:
        values = list(tags.values_of(fields, sealed, record.authenticated, keys, record.attributes))
    except envelope.Refused:
        values = [None]
    if not fields or None in values:
        return record, None
    search_keys = [rng.randbytes(32) for _ in range(2)]
    encoded, message = tags.definition(record.table, name, fields), tags.message(fields, values)
    attributes, listed = dict(record.attributes), (*record.authenticated, tags.PREFIX + name)
    if message is not None:
        written = tags.derive(rng.choice(search_keys), encoded)
        attributes[tags.PREFIX + name] = {"B": base64.b64encode(tags.tag(written, message)).decode()}
    question = values if rng.random() < 0.8 else [{"S": text(rng, 1)} for _ in values]
    asked = {"search_keys": [each.hex() for each in search_keys], "name": name, "fields": fields, "question": question}
    return record.but(attributes=attributes, authenticated=listed), asked


def main(folder, count, seed=None):
    seed = seed or secrets.token_hex(8)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    for number_of_case in range(int(count)):
        name = f"random {seed} {number_of_case}"
        rng = random.Random(name)
        record, asked = searched(rng, case(rng, name))
        vector = opens(name, record)
        if asked:
            vector["search"] = tags.search({**vector, "search": asked}, record.plain(), record.authenticated)
        path = folder / f"{number_of_case}.json"
        path.write_text(json.dumps(vector, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{count} records written, seed {seed}")


if __name__ == "__main__":
    main(*sys.argv[1:])
