"""`decrypt_item`: the forms of items, record types, marks, and what errors say."""

import base64
import pickle
from decimal import Decimal

import pytest
import sealed
from sealed import KEYS, SECRET, USER, schema, seal, user, with_fields

from envelope_dynamo import (
    WITHHELD,
    AuthenticationError,
    DataError,
    EnvelopeError,
    GroupKeys,
    NotSealedError,
    UsageError,
    _tags,
    decrypt_item,
)
from envelope_dynamo._cbor import UNDEFINED
from envelope_dynamo._values import of_python
from envelope_dynamo.keys import SearchKey


class Binary:
    """As `boto3.dynamodb.types.Binary`."""

    def __init__(self, value):
        self.value = value


def client_form(item, encode=bytes):
    def of(attribute):
        kind, value = attribute
        if kind == "B":
            return {kind: encode(value)}
        if kind == "BS":
            return {kind: [encode(each) for each in value]}
        if kind == "L":
            return {kind: [of(each) for each in value]}
        return {kind: {name: of(each) for name, each in value.items()} if kind == "M" else value}

    return {name: of(of_python(value)) for name, value in item.items()}


def opened(item, schema=None, **options):
    return decrypt_item(item, schema or sealed.schema(User=USER), KEYS, **options)


def refused(item, schema=None, **options):
    with pytest.raises(EnvelopeError) as error:
        opened(item, schema, **options)
    return error.value


EVERY_TYPE = {
    "text": "ä", "number": Decimal("1.50"), "whole": Decimal("1E+3"), "bytes": b"\x00\xff", "yes": True, "nothing": None,
    "list": [1, "a", {"b": [None]}], "map": {"S": "looks like an attribute"}, "texts": {"a", "b"}, "numbers": {1, Decimal("2.5")},
    "all_bytes": {b"a", b"b"},
}  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        lambda item: item,
        lambda item: {
            name: Binary(value) if isinstance(value, bytes) else value
            for name, value in item.items()
        },
        client_form,
        lambda item: client_form(item, lambda value: base64.b64encode(value).decode()),
    ],
    ids=["resource", "resource with Binary", "client", "export"],
)
def test_every_type_is_read_in_every_form_of_an_item(form):
    fields = with_fields(email="encrypted", **dict.fromkeys(EVERY_TYPE, "authenticated"))
    item = seal({"email": SECRET}, {"user_id": "u_1", **EVERY_TYPE}, list(EVERY_TYPE))
    record = opened(form(item), fields)
    assert record == {"user_id": "u_1", "email": SECRET, **EVERY_TYPE}
    assert (type(record["whole"]), type(record["number"])) == (int, Decimal)


def test_a_record_has_its_fields_in_the_order_of_the_schema_and_names_its_type():
    record = opened(user())
    assert list(record.items()) == [
        ("user_id", "u_1"),
        ("email", SECRET),
        ("plan", "pro"),
        ("visits", 7),
    ]
    assert (record.type_name, record.table, record.is_sealed, record.withheld) == (
        "User",
        "users",
        True,
        [],
    )


def test_repr_shows_names_alone_and_a_record_is_pickled():
    record = opened(user())
    assert repr(record) == "Record('User', fields=['user_id', 'email', 'plan', 'visits'])"
    again = pickle.loads(pickle.dumps(record))
    assert (again, again.type_name) == (record, "User")
    assert pickle.loads(pickle.dumps(WITHHELD)) is WITHHELD


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -1,
        2**64 - 1,
        2**127,
        -(2**127),
        0.5,
        b"\x00",
        [1, [2]],
        {"a": {"b": 1}},
        {1: "x"},
    ],
)
def test_sealed_values_come_back_as_they_were_written(value):
    found = opened(seal({"email": value}, {"user_id": "u_1"}, []), with_fields(email="encrypted"))[
        "email"
    ]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "pairs", [b"\xa2\x01\x01\xf5\x02", b"\xa1\x81\x01\x02"], ids=["1 and true", "an array"]
)
def test_a_map_that_python_cannot_have_as_dict_is_a_list_of_pairs(pairs, monkeypatch):
    monkeypatch.setattr(sealed, "cbor", lambda _: b"\xa1\x65email" + pairs)
    found = opened(seal({}, {"user_id": "u_1"}, []), with_fields(email="encrypted"))["email"]
    assert found in ([(1, 1), (True, 2)], [([1], 2)])


BELOW = b"\xc3\x50\x80" + bytes(15)  # the integer -2^127 - 1


@pytest.mark.parametrize(
    "value",
    [b"\xa2\x01\x02\x01\x03", b"\xa2\x61a\x02\x61a\x03", BELOW],
    ids=["a key twice", "a name twice", "too low"],
)
def test_an_authentic_value_that_the_format_does_not_allow_is_refused(value, monkeypatch):
    monkeypatch.setattr(sealed, "cbor", lambda _: b"\xa1\x65email" + value)
    assert (
        refused(seal({}, {"user_id": "u_1"}, []), with_fields(email="encrypted")).code
        == "malformed-record"
    )


CHANGES = {
    "another key": ({"user_id": "u_2"}, "key-mismatch"),
    "an authenticated attribute": ({"plan": "free"}, "authentication"),
    "an authenticated attribute as another type": ({"plan": b"pro"}, "authentication"),
    "payload of another type": ({"encrypted_payload": "text"}, "incomplete"),
    "a key that is a set": ({"user_id": {"u_1"}}, "key-attribute"),
    "a key that is empty": ({"user_id": ""}, "key-attribute"),
}


@pytest.mark.parametrize("changes, code", CHANGES.values(), ids=CHANGES)
def test_a_changed_item_is_refused_and_the_error_has_no_value_of_it(changes, code):
    error = refused(user(**changes))
    assert error.code == code
    assert error.record.startswith("users[user_id=") and str(error).startswith(error.record)
    assert SECRET not in f"{error!s} {error!r} {error.__cause__!r}"


def test_a_field_that_is_also_in_plaintext_is_refused():
    error = refused(user(email="eve@example.com"))
    assert (
        error.code == "marks"
        and "also has it in plaintext" in str(error)
        and "eve" not in str(error)
    )


def test_the_errors_have_the_classes_of_who_must_act():
    assert isinstance(refused(user(plan="free")), AuthenticationError)
    plain = refused({"user_id": "u_1", "email": SECRET, "plan": "pro"})
    assert isinstance(plain, NotSealedError) and isinstance(plain, DataError)
    assert isinstance(refused(user(user_id=None)), UsageError)


def test_a_key_is_shown_in_errors_as_the_program_shows_it_to_kms():
    for form, shown in [("raw", "u_1"), ("hashed", "(sha256 "), ("table", "(withheld)")]:
        item = seal({"email": SECRET}, {"user_id": "u_1", "plan": "pro"}, ["plan"], form=form)
        error = refused({**item, "plan": "free"}, schema(User={**USER, "form": form}))
        assert error.record.startswith(f"users[user_id={shown}"), error
    assert refused(user(user_id="a\nb")).record == "users[user_id=a\\nb]"


def test_the_names_of_sealed_fields_that_the_schema_does_not_have_are_in_no_error():
    item = seal({"email": SECRET, "diagnosis": "gout"}, {"user_id": "u_1", "plan": "pro"}, [])
    error = refused(item)
    assert error.code == "marks" and "encrypted [email] and 1 that the schema does not name" in str(
        error
    )
    assert "diagnosis" not in str(error)


def test_what_is_no_item_of_boto3_is_refused():
    for item in [None, [], {1: 2}, {"user_id": {"S": "u_1"}, "plan": "pro"}, {"user_id": {"X": "u_1"}}, {"user_id": {"S": 1}},
                 {"user_id": {"S": "u_1", "N": "1"}}, {"user_id": {"B": "%"}}, {"user_id": "u_1", "plan": object()},
                 {"user_id": "u_1", "plan": {1, "a"}}, {"user_id": 0.5}]:  # fmt: skip
        assert refused(item).code == "item", item
    deep = "u_1"
    for _ in range(500):
        deep = {"L": [deep]}
    assert refused({"user_id": {"S": "u_1"}, "plan": deep}).code == "item"


def test_an_item_without_its_key_is_refused_in_both_forms():
    without = {name: value for name, value in user().items() if name != "user_id"}
    for item in (without, client_form(without)):
        assert refused(item).code == "key-attribute"


def test_a_client_in_place_of_a_key_provider_is_explained():
    with pytest.raises(UsageError, match=r"pass KmsKeys\(client"):
        decrypt_item(user(), schema(User=USER), object())


# --- plaintext ---


PLAIN = {"user_id": "u_1", "email": SECRET, "plan": "pro"}


def test_an_item_in_plaintext_is_read_only_if_the_caller_asks_for_it():
    assert refused(PLAIN).code == "not-sealed"
    record = opened(PLAIN, trust_plaintext_items=True)
    assert (record, record.is_sealed) == (PLAIN, False)
    assert opened(user(), trust_plaintext_items=True).is_sealed


@pytest.mark.parametrize(
    "name", ["encrypted_payload", "encrypted_dek", "encrypted_payload_medical", "encrypted_dek_x"]
)
def test_an_item_with_any_attribute_of_sealed_data_is_not_in_plaintext(name):
    assert refused({**PLAIN, name: b"x"}, trust_plaintext_items=True).code in (
        "incomplete",
        "not-sealed",
    )


# --- fields ---


def test_a_field_that_is_missing_is_an_error_unless_it_is_optional():
    item = seal({"email": UNDEFINED}, {"user_id": "u_1"}, [])
    error = refused(item, with_fields(email="encrypted"))
    assert error.code == "missing-field" and "`email`" in str(error)
    assert opened(item, with_fields(email={"mark": "encrypted", "optional": True})) == {
        "user_id": "u_1"
    }


ALIASED = with_fields(
    email={"mark": "encrypted", "aliases": ["mail"], "accept": "plaintext", "optional": True}
)


@pytest.mark.parametrize(
    "fields, attributes, listed",
    [
        ({"email": "a", "mail": "b"}, {}, []),
        ({}, {"email": "a", "mail": "b"}, ["email", "mail"]),
        ({"email": "a"}, {"mail": "b"}, ["mail"]),
        ({}, {"email": "a", "mail": "b"}, ["email"]),
        ({"email": "a"}, {"mail": "b"}, []),
    ],
)
def test_a_field_under_two_names_is_refused(fields, attributes, listed):
    assert refused(seal(fields, {"user_id": "u_1", **attributes}, listed), ALIASED).code == "marks"


def test_a_withheld_field_in_plaintext_is_refused_even_if_the_record_authenticates_it():
    grouped = schema(
        User={
            **USER,
            "groups": ["g"],
            "fields": {"email": {"mark": "encrypted", "group": "g", "optional": True}},
        }
    )
    group = seal({}, {"user_id": "u_1"}, [], pairs={"group": "g"}, content="group")
    sealed_group = {
        "encrypted_payload_g": group["encrypted_payload"],
        "encrypted_dek_g": group["encrypted_dek"],
    }
    for listed, outcome in [((), WITHHELD), (("email",), "marks")]:
        attributes = {
            "user_id": "u_1",
            "encrypted_payload_g": sealed_group["encrypted_payload_g"],
            **dict.fromkeys(listed, "x"),
        }
        item = {**seal({}, attributes, ["encrypted_payload_g", *listed]), **sealed_group}
        office = GroupKeys(KEYS, {})
        if outcome is WITHHELD:
            assert decrypt_item(item, grouped, office)["email"] is WITHHELD
        else:
            with pytest.raises(DataError) as error:
                decrypt_item(item, grouped, office)
            assert error.value.code == outcome


def test_a_field_is_read_under_its_alias():
    assert opened(seal({"mail": "a"}, {"user_id": "u_1"}, []), ALIASED)["email"] == "a"


# --- several types in one table ---


def key(name, text):
    return {"name": name, "type": "S", "format": text}


ORDER = {
    "table": "shop", "form": "raw", "partition_key": key("pk", "USER#{user}"), "sort_key": key("sk", "ORDER#{day:05}#{order}"),
    "entity": {"kind": "order"}, "pairs": ["user"],
    "fields": {"user": "key", "day": "key", "order": "authenticated", "card": "encrypted"},
}  # fmt: skip
REMINDER = {
    "table": "shop", "form": "raw", "unprotected": True, "partition_key": key("pk", "USER#{user}"),
    "sort_key": key("sk", "REMINDER#{day:05}"), "fields": {"user": "key", "day": "key", "text": "plaintext"},
}  # fmt: skip
SHOP = schema(Order=ORDER, Reminder=REMINDER)


def order(listed=("kind", "order"), **changes):
    attributes = {
        "pk": "USER#u_1",
        "sk": "ORDER#00007#o_1",
        "kind": "order",
        "order": "o_1",
        **changes,
    }
    return seal(
        {"card": "4111"}, attributes, listed, table="shop", keys=("pk", "sk"), pairs={"user": "u_1"}
    )


def test_the_parts_of_composed_keys_are_fields():
    record = opened(order(), SHOP)
    assert (record, record.type_name) == (
        {"user": "u_1", "day": 7, "order": "o_1", "card": "4111"},
        "Order",
    )


def test_a_record_whose_fields_make_another_key_is_refused():
    assert refused(order(order="o_2"), SHOP).code == "key-fields"
    twice = {
        **ORDER,
        "sort_key": key("sk", "ORDER#{user}#{order}"),
        "fields": {**ORDER["fields"], "day": "plaintext"},
    }
    assert opened(order(sk="ORDER#u_1#o_1", day=1), schema(Order=twice))["user"] == "u_1"
    assert refused(order(sk="ORDER#u_2#o_1", day=1), schema(Order=twice)).code == "key-fields"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "invoice"},
        {"sk": "ORDER#00007"},
        {"sk": "ORDER#00007#o#1"},
        {"pk": "USER#"},
        {"pk": b"USER#u"},
    ],
)
def test_an_item_that_is_of_no_type_is_refused(changes):
    error = refused({**order(), **changes}, SHOP)
    assert (error.code, error.record) == ("wrong-type", "shop")


def test_an_item_that_could_be_of_several_types_is_refused():
    error = refused(user(), schema(User=USER, Person=USER))
    assert error.code == "wrong-type" and "could be each of `User`, `Person`" in str(error)


@pytest.mark.parametrize("plan", ["", b"pro", None, ["pro"]])
def test_a_pair_of_the_context_must_be_a_text_or_a_number(plan):
    paired = schema(User={**USER, "pairs": ["plan"]})
    assert refused(user(plan=plan), paired).code == "pair"
    without = {name: value for name, value in user().items() if name != "plan"}
    assert refused(without, paired).code == "pair"


def test_the_attribute_of_the_type_must_be_authenticated():
    assert refused(order(listed=("order",)), SHOP).code == "marks"


def test_an_unprotected_record_is_read_as_it_is_and_never_has_sealed_data():
    item = {"pk": "USER#u_1", "sk": "REMINDER#00001", "text": "hello"}
    record = opened(item, SHOP)
    assert (record, record.is_sealed) == ({"user": "u_1", "day": 1, "text": "hello"}, False)
    for name in ("encrypted_payload", "encrypted_dek_x", "blind_text"):
        assert refused({**item, name: b"x"}, SHOP).code == "wrong-type"
    for day in ("0000a", "١", "1" * 5000):
        assert refused({**item, "sk": f"REMINDER#{day}"}, SHOP).code == "key-fields"


def test_a_table_must_be_named_if_the_schema_has_several():
    both = schema(User=USER, Order=ORDER)
    assert refused(user(), both).code == "schema"
    assert opened(user(), both, table="users")["email"] == SECRET
    assert refused(user(), both, table="letters").code == "schema"


# --- search tags ---


SEARCHABLE = schema(
    User={
        **USER,
        "fields": {"email": "encrypted"},
        "search_tags": {"email": [{"field": "email", "steps": ["trim"]}]},
    }
)
SEARCH_KEY, OTHER_KEY = SearchKey(bytes(32)), SearchKey(bytes(range(32)))


def tagged(value, of=SECRET, key=bytes(32), listed=("blind_email",)):
    fields = [_tags.TaggedField("email", ("trim",))]
    keys = _tags.derive(key, _tags.definition("users", "email", fields))
    tag = {"blind_email": _tags.tag(keys, _tags.message(fields, [of_python(of)]))} if of else {}
    return seal({"email": value}, {"user_id": "u_1", **tag}, listed)


def test_a_tag_is_compared_with_the_value_if_a_search_key_is_given():
    for item in [tagged(f" {SECRET} "), tagged(None, of=None), tagged(SECRET, of=None, listed=())]:
        assert opened(item, SEARCHABLE, search_keys=[OTHER_KEY, SEARCH_KEY]).is_sealed
    for item in [tagged("eve@example.com"), tagged(SECRET, of=None), tagged(None)]:
        assert opened(item, SEARCHABLE).is_sealed, "authenticated, and not compared"
        error = refused(item, SEARCHABLE, search_keys=[OTHER_KEY, SEARCH_KEY])
        assert error.code == "tag-mismatch" and SECRET not in str(error)


def test_a_tag_is_compared_with_values_to_which_the_record_is_bound():
    """Not with one that was accepted in plaintext, nor with a mark that has no value under one name
    of several.
    """
    field = {"mark": "encrypted", "accept": "plaintext", "optional": True, "aliases": ["mail"]}
    aliased = schema(
        User={
            **USER,
            "fields": {"email": field},
            "search_tags": {"email": [{"field": "email", "steps": ["trim"]}]},
        }
    )
    tag = {"blind_email": tagged(SECRET)["blind_email"]}

    def item(fields, attributes, listed):
        return seal(fields, {"user_id": "u_1", **attributes, **tag}, ["blind_email", *listed])

    for bound in [item({"mail": SECRET}, {}, []), item({}, {"email": SECRET}, ["email"]),
                  item({"email": UNDEFINED, "mail": SECRET}, {}, [])]:  # fmt: skip
        assert opened(bound, aliased, search_keys=[SEARCH_KEY])["email"] == SECRET
    unbound = item({}, {"email": SECRET}, [])
    assert opened(unbound, aliased)["email"] == SECRET
    assert refused(unbound, aliased, search_keys=[SEARCH_KEY]).code == "tag-mismatch"


def test_a_tag_of_the_key_is_compared_with_the_key():
    both = [_tags.TaggedField("user_id"), _tags.TaggedField("email")]
    searchable = schema(User={**USER, "fields": {"email": "encrypted"},
                              "search_tags": {"user_id+email": [{"field": "user_id"}, {"field": "email"}]}})  # fmt: skip
    keys = _tags.derive(bytes(32), _tags.definition("users", "user_id+email", both))
    tag = {
        "blind_user_id+email": _tags.tag(
            keys, _tags.message(both, [of_python("u_1"), of_python(SECRET)])
        )
    }
    item = seal({"email": SECRET, "user_id": "u_9"}, {"user_id": "u_1", **tag}, list(tag))
    assert opened(item, searchable, search_keys=[SEARCH_KEY])["user_id"] == "u_1"


def test_a_tag_under_another_search_key_is_not_compared():
    assert opened(tagged("eve@example.com"), SEARCHABLE, search_keys=[OTHER_KEY]).is_sealed


def test_a_tag_that_was_changed_removed_or_added_does_not_open():
    item = tagged(SECRET)
    assert refused({**item, "blind_email": b"\x01" * 21}, SEARCHABLE).code == "authentication"
    assert (
        refused({name: item[name] for name in item if name != "blind_email"}, SEARCHABLE).code
        == "authentication"
    )
    assert (
        refused(
            {**tagged(SECRET, of=None, listed=()), "blind_email": b"\x01" * 21}, SEARCHABLE
        ).code
        == "marks"
    )
