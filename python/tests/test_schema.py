"""The schema file: what is read, and what is refused."""

import json

import pytest
import vector
from sealed import USER, schema

from envelope_dynamo import Schema, UsageError
from envelope_dynamo._key_format import parse_format

REPOSITORY = vector.VECTORS.parent
KEY = {"name": "pk", "type": "S", "format": "USER#{user}"}


@pytest.mark.parametrize(
    "path", ["examples/examples/operate.schema.json", "tests/envelope.schema.json"]
)
def test_the_schema_files_of_this_repository_are_read(path):
    found = Schema.read(REPOSITORY / path)
    assert found.tables and all(found.table(name).types for name in found.tables)


def refused(text):
    with pytest.raises(UsageError) as error:
        Schema.parse(text)
    assert error.value.code == "schema"
    return str(error.value)


def test_what_is_no_schema_file_is_refused():
    refused('{"envelope-schema": 1, "records": {}, "\\ud800": 1}')
    refused(json.dumps({"envelope-schema": 1, "records": {"User": {**USER, "table": "\ud800"}}}))
    for text in [
        "",
        "[]",
        "{}",
        '{"envelope-schema": 2, "records": {}}',
        '{"envelope-schema": true, "records": {}}',
        "[" * 100_000,
    ]:
        refused(text)


PROBLEMS = {
    "an unknown entry": {"colour": "red"},
    "an unknown form": {"form": "plain"},
    "an unknown mark": {"fields": {"email": "secret"}},
    "an unknown entry of a field": {"fields": {"email": {"mark": "encrypted", "colour": "red"}}},
    "an unknown value of accept": {
        "fields": {"email": {"mark": "encrypted", "accept": "anything"}}
    },
    "two fields of one name": {
        "fields": {"email": "encrypted", "mail": {"mark": "encrypted", "aliases": ["email"]}}
    },
    "a field with the name of the key": {"fields": {"user_id": "encrypted"}},
    "a field with the name of a tag": {"fields": {"blind_email": "encrypted"}},
    "a field without a name": {"fields": {"": "encrypted"}},
    "a pair that is no field": {"pairs": ["tenant"]},
    "groups that are not those of the fields": {"groups": ["medical"]},
    "a readable field of a group": {
        "groups": ["g"],
        "fields": {"a": {"mark": "authenticated", "group": "g"}},
    },
    "an unprotected type that encrypts": {"unprotected": True},
    "a tag of another name": {"search_tags": {"mail": [{"field": "email"}]}},
    "a tag of a plaintext field": {"search_tags": {"visits": [{"field": "visits"}]}},
    "a unique value without a tag": {"unique": ["email"]},
    "a tag with an unknown step": {
        "search_tags": {"email": [{"field": "email", "steps": ["soundex"]}]}
    },
    "a format that names no field": {"partition_key": {"name": "pk", "format": "USER#{nobody}"}},
    "a format with an encrypted field": {"partition_key": {"name": "pk", "format": "USER#{email}"}},
    "a format with a single brace": {"partition_key": {"name": "pk", "format": "USER}"}},
    "a field without a mark": {"fields": {"email": {}}},
    "a form that is no text": {"form": 1},
}


@pytest.mark.parametrize("changes", PROBLEMS.values(), ids=PROBLEMS)
def test_a_record_type_that_is_not_valid_is_refused(changes):
    refused(json.dumps({"envelope-schema": 1, "records": {"User": {**USER, **changes}}}))


def test_what_concerns_writers_and_people_is_allowed():
    tags = {
        "search_tags": {"email": [{"field": "email"}]},
        "unique": ["email"],
        "index_keys": {"gsi1pk": "PLAN#{plan}"},
    }
    schema(User={**USER, **tags, "plaintext_until": "2027-03-31", "reasons": {"email": "a reason"}})


@pytest.mark.parametrize(
    "sealed, is_apart",
    [
        ("ORDER#{day}", True),
        ("REMINDER#7#{day}", False),
        ("REMINDER", True),
        ("{day}", False),
        (None, False),
    ],
)
def test_an_unprotected_type_must_have_keys_that_no_protected_type_has(sealed, is_apart):
    """Otherwise whoever can write the table could put an item in plaintext in place of a sealed
    record.
    """
    fields = {"user": "key", "day": "key"}
    sort_key = {"name": "sk", **({"format": sealed} if sealed else {})}
    order = {
        "table": "shop",
        "form": "raw",
        "partition_key": KEY,
        "sort_key": sort_key,
        "fields": fields,
    }
    reminder = {
        **order,
        "unprotected": True,
        "sort_key": {"name": "sk", "format": "REMINDER#{day}"},
    }
    text = json.dumps({"envelope-schema": 1, "records": {"Order": order, "Reminder": reminder}})
    assert Schema.parse(text) if is_apart else "could have the same key" in refused(text)


def test_types_of_one_table_have_the_same_key_attributes():
    other = {**USER, "partition_key": {"name": "id"}}
    refused(json.dumps({"envelope-schema": 1, "records": {"User": USER, "Other": other}}))


@pytest.mark.parametrize(
    "text, key, parts",
    [
        ("USER#{a}", "USER#u_1", {"a": "u_1"}),
        ("{a:05}|{b}", "00017|x", {"a": "00017", "b": "x"}),
        ("{a}#X", "1#X", {"a": "1"}),
        ("{{{a}}}", "{1}", {"a": "1"}),
        ("ä#{a:b}", "ä#1", {"a:b": "1"}),
        ("PROFILE", "PROFILE", {}),
        ("PROFILE", "PROFILES", None),
        ("USER#{a}", "USER#", None),
        ("USER#{a}", "user#1", None),
        ("{a}|{b}", "1", None),
        ("{a}|{b}", "1|2|3", None),
        ("{a}#X", "1#Y", None),
    ],
)
def test_a_composed_key_is_split_into_its_parts(text, key, parts):
    assert parse_format(text, {"a", "b", "a:b"}.__contains__).split(key) == parts
