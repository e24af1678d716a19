"""Reads what the Rust library wrote, from DynamoDB and KMS at ports of 127.0.0.1, with boto3.

`tests/interop.sh` builds the two programs and names them in the environment: ENVELOPE_SERVERS and
ENVELOPE_INTEROP. Within `tests/real-servers.sh`, the servers are DynamoDB Local and LocalStack's
KMS.
"""

import os
import pathlib
import re
import subprocess
from decimal import Decimal
from subprocess import PIPE

import boto3
import pytest
from botocore.config import Config

from envelope_dynamo import (
    WITHHELD,
    BranchKeys,
    CachedKeys,
    Context,
    EnvelopeError,
    GroupKeys,
    KmsKeys,
    Schema,
    decrypt_file,
    decrypt_item,
    open_export,
    open_stream,
)
from envelope_dynamo.keys import FirstOf, SearchKey, read_search_keys

pytestmark = pytest.mark.emulators
CONFIG = Config(retries={"total_max_attempts": 1})
MEASUREMENTS = Context("reports", pairs={"object": "2026/11/measurements.csv"})


def program(variable):
    path = os.environ.get(variable)
    assert path, (
        f"{variable} names no program: run tests/interop.sh, or deselect these tests by -m 'not emulators'"
    )
    return path


@pytest.fixture(scope="module")
def servers():
    """DynamoDB and KMS: those that the environment names, or else embedded ones."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("DYNAMODB_ENDPOINT") and os.environ.get("KMS_ENDPOINT"):
            for service in ("DYNAMODB", "KMS"):
                patch.setenv(f"AWS_ENDPOINT_URL_{service}", os.environ[f"{service}_ENDPOINT"])
            yield
            return
        command = [program("ENVELOPE_SERVERS")]
        process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)
        try:
            for line in process.stdout:
                name, value = re.fullmatch(r"export (\w+)=(\S*)\n", line).groups()
                patch.setenv(name, value)
                if name == "AWS_DEFAULT_REGION":
                    break
            yield
        finally:
            process.stdin.close()  # the servers stop at the end of it
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
def written(servers, tmp_path_factory):
    """The folder that the Rust program has filled."""
    folder = tmp_path_factory.mktemp("written")
    subprocess.run([program("ENVELOPE_INTEROP"), folder], check=True)
    return folder


@pytest.fixture
def schema(written):
    return Schema.read(written / "envelope.schema.json")


@pytest.fixture
def kms(written):
    return CountedKms()


class CountedKms:
    """The client of KMS, and the keys that it was called with."""

    def __init__(self):
        self.client, self.calls = boto3.client("kms", config=CONFIG), []

    def decrypt(self, **request):
        self.calls.append(request["KeyId"])
        return self.client.decrypt(**request)


def client():
    return boto3.client("dynamodb", config=CONFIG)


def resource():
    return boto3.resource("dynamodb", config=CONFIG)


def items(table):
    return client().scan(TableName=f"interop-{table}", ConsistentRead=True)["Items"]


def user(number):
    return {
        "user_id": f"u_{number}", "email": f" U{number}@Example.com", "address": {"city": "Genève", "zip": None},
        "balance": -170_141_183_460_469_231, "scores": [0.5, 2.5e20, -2.0], "nickname": None, "plan": "pro",
        "limits": {"files": 10, "share": Decimal("0.25")}, "logins": 7,
    }  # fmt: skip


@pytest.mark.parametrize("number", [1, 20])
def test_a_record_opens_from_a_client_and_from_a_resource(schema, kms, number):
    keys, key = KmsKeys(kms, "alias/records"), {"user_id": f"u_{number}"}
    from_resource = resource().Table("interop-users").get_item(Key=key)["Item"]
    from_client = client().get_item(
        TableName="interop-users", Key={"user_id": {"S": key["user_id"]}}
    )["Item"]
    for item in (from_resource, from_client):
        record = decrypt_item(item, schema, keys, table="users")
        assert record == user(number)
        assert record.is_sealed and "phone" not in record
    assert kms.calls[0] == "alias/records" and kms.calls[1].startswith("arn:aws:kms:")


def test_a_changed_and_a_moved_record_do_not_open(schema, kms):
    item = client().get_item(TableName="interop-users", Key={"user_id": {"S": "u_1"}})["Item"]
    for changes, code in [({"plan": {"S": "free"}}, "authentication"), ({"user_id": {"S": "u_2"}}, "key-mismatch"),
                          ({"email": {"S": "eve@example.com"}}, "marks"), ({"blind_email": {"B": bytes(21)}}, "authentication")]:  # fmt: skip
        with pytest.raises(EnvelopeError) as error:
            decrypt_item({**item, **changes}, schema, KmsKeys(kms, "alias/records"), table="users")
        assert error.value.code == code and "@" not in str(error.value)


def test_another_kms_key_than_the_configured_one_does_not_unwrap(schema, kms):
    for name in (
        "alias/partner",
        boto3.client("kms").describe_key(KeyId="alias/partner")["KeyMetadata"]["Arn"],
    ):
        with pytest.raises(EnvelopeError) as error:
            decrypt_item(items("events")[0], schema, KmsKeys(kms, name), table="events")
        assert error.value.code == "key-wrong"


def test_search_tags_are_those_of_the_values(schema, kms):
    search_keys = read_search_keys(
        client(),
        "search-keys",
        KmsKeys(kms, "alias/search-keys"),
        "users",
        named="interop-search-keys",
    )
    assert len(search_keys) == 1 and all(isinstance(key, SearchKey) for key in search_keys)
    sealed = [
        item for item in items("users") if "blind_email" in item and "encrypted_payload" in item
    ]
    assert len(sealed) == 20
    for item in sealed:
        decrypt_item(
            item, schema, KmsKeys(kms, "alias/records"), table="users", search_keys=search_keys
        )


def test_an_item_in_plaintext_is_read_if_the_caller_asks_for_it(schema, kms):
    item = client().get_item(TableName="interop-users", Key={"user_id": {"S": "u_plain"}})["Item"]
    keys = KmsKeys(kms, "alias/records")
    with pytest.raises(EnvelopeError) as error:
        decrypt_item(item, schema, keys, table="users")
    assert error.value.code == "not-sealed"
    record = decrypt_item(item, schema, keys, table="users", trust_plaintext_items=True)
    assert record == {**user("plain"), "email": "plain@example.com"} and not record.is_sealed


@pytest.mark.parametrize("form", ["client", "resource", "table"])
def test_branch_keys_of_two_versions_cost_one_call_each(schema, kms, form):
    dynamodb = {
        "client": client,
        "resource": resource,
        "table": lambda: resource().Table("interop-branch-keys"),
    }[form]()
    branch_kms = KmsKeys(kms, "alias/branch-keys")
    keys = BranchKeys(
        dynamodb, "branch-keys", branch_kms, per_pair="tenant", named="interop-branch-keys"
    )
    letters = [decrypt_item(item, schema, keys, table="letters") for item in items("letters")]
    expected = [
        (tenant, number, f"letter {number} of {tenant}")
        for tenant in ("t_1", "t_2")
        for number in range(1, 5)
    ]
    assert sorted((each["tenant"], each["number"], each["text"]) for each in letters) == expected
    assert len(kms.calls) == 3, "two versions of t_1, one of t_2"


def test_a_branch_key_opens_no_letter_of_another_tenant(schema, kms):
    keys = BranchKeys(
        client(),
        "branch-keys",
        KmsKeys(kms, "alias/branch-keys"),
        per_pair="tenant",
        named="interop-branch-keys",
    )
    letter = next(item for item in items("letters") if item["tenant"] == {"S": "t_1"})
    with pytest.raises(EnvelopeError) as error:
        decrypt_item({**letter, "tenant": {"S": "t_2"}}, schema, keys, table="letters")
    assert error.value.code == "key-not-found" and "(sha256 " in error.value.record


def test_a_group_is_read_with_its_key_and_withheld_without(schema, kms):
    record, medical = KmsKeys(kms, "alias/records"), KmsKeys(kms, "alias/medical")
    chart = next(item for item in items("clinic") if item["sk"] == {"S": "CHART"})
    doctor = decrypt_item(chart, schema, GroupKeys(record, {"medical": medical}), table="clinic")
    assert doctor == {"patient": "p_1", "name": "Zoë", "allergies": ["penicillin"]}
    for office in (GroupKeys(record, {}), record):
        found = decrypt_item(chart, schema, office, table="clinic")
        assert found == {
            "patient": "p_1",
            "name": "Zoë",
            "allergies": WITHHELD,
        } and found.withheld == ["allergies"]


def test_several_types_of_one_table_are_told_apart(schema, kms):
    keys = GroupKeys(KmsKeys(kms, "alias/records"), {})
    found = {
        each.type_name: each
        for each in (decrypt_item(item, schema, keys, table="clinic") for item in items("clinic"))
    }
    assert found["Visit"] == {
        "patient": "p_1",
        "start": 1_700_000_000,
        "doctor": "d_7",
        "reason": "fracture",
    }
    assert found["Reminder"] == {"patient": "p_1", "day": 20_000, "channel": "mail"}
    assert [found[name].is_sealed for name in ("Chart", "Visit", "Reminder")] == [True, True, False]


def test_a_data_key_that_records_share_costs_one_call(schema, kms):
    keys = CachedKeys(KmsKeys(kms, "alias/records"))
    bodies = {decrypt_item(item, schema, keys, table="events")["body"] for item in items("events")}
    assert (bodies, len(kms.calls)) == ({f"event {number}" for number in range(1, 11)}, 1)


def test_each_of_two_parties_reads(schema, kms):
    ours, partner = KmsKeys(kms, "alias/records"), KmsKeys(kms, "alias/partner")
    for keys in (ours, partner, FirstOf(partner, ours)):
        assert (
            decrypt_item(items("contracts")[0], schema, keys, table="contracts")["text"]
            == "for two parties"
        )


def test_an_object_opens_in_its_place_alone(written, kms, tmp_path):
    keys = KmsKeys(kms, "alias/records")
    assert (
        decrypt_file(written / "object.sealed", tmp_path / "object", MEASUREMENTS, keys) == 200_000
    )
    assert (tmp_path / "object").read_bytes() == (written / "object").read_bytes()
    with open(written / "object.sealed", "rb") as stream, pytest.raises(EnvelopeError):
        list(open_stream(stream, Context("reports", pairs={"object": "another.csv"}), keys))


def test_an_export_is_read_and_the_item_in_plaintext_is_reported(written, schema, kms):
    errors = []
    found = list(
        open_export(
            written / "export",
            schema,
            KmsKeys(kms, "alias/records"),
            table="users",
            on_error=errors.append,
        )
    )
    assert sorted(record["user_id"] for record in found) == sorted(
        f"u_{number}" for number in range(1, 21)
    )
    assert [(error.code, error.record) for error in errors] == [
        ("not-sealed", "users[user_id=u_plain]")
    ]


def blocks(document):
    """The Python code of a document, in its order."""
    text = pathlib.Path(document).read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "../docs/guide/python.md"])
def test_the_code_of_a_document_runs(written, kms, tmp_path, monkeypatch, document):
    """In one namespace, in the folder that the Rust program has filled."""
    code = blocks(pathlib.Path(__file__).parents[1] / document)
    monkeypatch.chdir(written)
    names = {}
    for block in code:
        exec(compile(block, document, "exec"), names)
    assert len(code) > 3
