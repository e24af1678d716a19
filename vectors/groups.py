"""The vectors of groups of fields, [4.6]: payloads of their own, for which the record vouches."""

import base64

from sealing import B, Case, S, opens, refused

PAIRS = {"purpose": "care", "group": "medical"}
GROUP = Case(
    "group",
    content="group",
    table="patients",
    attributes={"ward": S("west")},
    authenticated=(),
    pairs=PAIRS,
    fields={"diagnosis": "gout", "allergies": ["penicillin"]},
)
NEWER = GROUP.but(seeds="group, newer", fields={"diagnosis": "healthy", "allergies": []})


def attribute(case):
    return {"encrypted_payload_medical": B(base64.b64encode(case.payload()).decode())}


RECORD = Case(
    "record-with-group",
    table="patients",
    attributes={"ward": S("west"), **attribute(GROUP)},
    authenticated=("ward", "encrypted_payload_medical"),
    pairs={"purpose": "care"},
    fields={"name": "Zoë"},
)


def vectors():
    yield "group-opens", opens("the fields of the group `medical`", GROUP)
    yield "group-record", opens("the record of `group-opens`, which authenticates the group's payload", RECORD)
    replaced = {"ward": S("west"), **attribute(NEWER)}
    yield "group-replaced", refused(
        "authentication", "the group's payload replaced by a later one of the same record", RECORD, attributes=replaced
    )
    yield "group-removed", refused("authentication", "the group's payload removed", RECORD, attributes={"ward": S("west")})
    yield "group-of-another-name", refused(
        "key-mismatch", "the group `medical` in the place of the group `billing`", GROUP, pairs={**PAIRS, "group": "billing"}
    )
    yield "group-as-record", refused("authentication", "a group opened as a record of the same pairs", GROUP, content="record")
    record = GROUP.but(seeds="record for a group", content="record")
    yield "group-from-record", refused(
        "authentication", "a record with a pair `group` opened as a group", record, content="group"
    )
    malformed = GROUP.but(seeds="malformed group", plaintext=b"\x80", fields=None)
    yield "group-not-a-map", refused("malformed-record", "the plaintext of a group is an array", malformed)
