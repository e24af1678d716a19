"""Every vector: opened, refused for the right reason, and written again byte for byte."""

import hashlib
import hmac
import re

import cbor2
import pytest
import vector

from envelope_dynamo import _cbor
from envelope_dynamo._payload import hkdf

PATHS = vector.paths()


def test_every_folder_has_vectors():
    assert {path.parent.name for path in PATHS} == set(vector.FOLDERS)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_vector_opens_or_is_refused_and_is_written_to_the_same_bytes(path):
    assert list(vector.surprises(vector.read(path))) == []


@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if "associated_data" in vector.read(path)],
    ids=lambda path: path.stem,
)
def test_cbor_is_what_another_library_writes(path):
    associated_data = bytes.fromhex(vector.read(path)["associated_data"])
    assert cbor2.dumps(cbor2.loads(associated_data), canonical=True) == associated_data


@pytest.mark.parametrize(
    "title, end",
    [("## 11. Worked example", "## 12. Streams"), ("### 13.7 Worked example", None)],
    ids=["11", "13.7"],
)
def test_every_line_of_bytes_in_a_worked_example_is_right(title, end):
    """Each is part of a value in the vectors that the section names, or computed here."""
    text = (vector.VECTORS.parent / "docs" / "FORMAT.md").read_text("utf-8")
    section = text[text.index(title) : text.index(end) if end else None]
    named = sorted(set(re.findall(r"\]\(\.\./(vectors/[^)]*\.json)\)", section)))
    files = [vector.VECTORS.parent / path for path in named]
    known = "\n".join(
        [*(file.read_text("utf-8") for file in files), *computed(map(vector.read, files))]
    )
    lines = [line for line in section.splitlines() if line.startswith("    ")]
    runs = [
        run
        for line in lines
        for run in re.findall(r"\b[0-9a-f]{2}(?: *[0-9a-f]{2})+(?=\s|$)", line)
    ]
    assert named and len(runs) > 10
    assert [run for run in runs if run.replace(" ", "") not in known] == []


def computed(vectors):
    """Values on the way that the vectors do not hold."""
    for each in vectors:
        if each["content"] == "tag":
            yield hmac.digest(bytes(32), bytes.fromhex(each["search_key"]), "sha256").hex()
            continue
        context, salt = each["encryption_context"], bytes.fromhex(each["salt"])
        yield hmac.digest(salt, bytes.fromhex(each["data_key"]), "sha256").hex()
        yield b"envelope payload 1 1".hex()
        key = each["keys"][0] if each["keys"] else {"name": "", "value": {"S": ""}}
        ((kind, value),) = key["value"].items()
        digested = _cbor.encode(["envelope-key-digest", each["table"], key["name"], [kind, value]])
        yield from (digested.hex(), hashlib.sha256(digested).hexdigest())
        if "branch_keys" in each:
            wrap_salt, branch_key = (
                bytes.fromhex(text) for text in (each["wrap_salt"], each["branch_keys"][0]["key"])
            )
            yield hmac.digest(wrap_salt, branch_key, "sha256").hex()
            yield _cbor.encode(["envelope-branch-key", context]).hex()
        if "root_key" in each:
            root_key, wrap_salt = bytes.fromhex(each["root_key"]), bytes.fromhex(each["wrap_salt"])
            yield hkdf(root_key, wrap_salt, b"envelope local wrap 1", 32).hex()
            yield _cbor.encode(["envelope-local-wrap", context]).hex()
