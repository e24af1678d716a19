"""A program that uses the package, for mypy: it must be accepted as it is. It is not run."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from envelope_dynamo import (
    WITHHELD,
    BranchKeys,
    CachedKeys,
    Context,
    DataKeyError,
    GroupKeys,
    KmsKeys,
    LocalKeys,
    Record,
    Schema,
    decrypt_file,
    decrypt_item,
    open_export,
    open_stream,
)
from envelope_dynamo.keys import FirstOf, Keys, Secret, WrappedKey, read_search_keys


class Kms:
    """A double of the client, with named arguments as boto3-stubs have them."""

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, **_: Any) -> dict[str, Any]:
        return {"KeyId": KeyId, "Plaintext": CiphertextBlob}


class OwnKeys:
    """A provider of the program's own."""

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        return Secret(entries[0].wrapped)


def visits(item: Mapping[str, Any], dynamodb: Any) -> int | Decimal | None:
    schema = Schema.read("envelope.schema.json")
    kms = KmsKeys(Kms(), "alias/users", "alias/users-2025")
    keys: Keys = FirstOf(
        CachedKeys(kms, max_age=60), BranchKeys(dynamodb, "branch-keys", kms), OwnKeys()
    )
    search_keys = read_search_keys(dynamodb, "search-keys", kms, "users")
    try:
        record: Record = decrypt_item(
            item, schema, GroupKeys(keys, {"medical": keys}), search_keys=search_keys
        )
    except DataKeyError as error:
        print(error.code, error.is_retryable, error.record)
        return None
    found = record["visits"]
    return None if found is WITHHELD or not isinstance(found, (int, Decimal)) else found


def names() -> list[str]:
    records = open_export("export/", Schema.parse("{}"), LocalKeys(bytes(32)), on_error=print)
    return [record.type_name for record in records]


def files() -> int:
    context = Context("reports", pairs={"object": "a.csv"}, partition_key=("id", 7))
    with open("sealed", "rb") as stream:
        count = sum(len(chunk) for chunk in open_stream(stream, context, OwnKeys()))
    return count + decrypt_file("sealed", "opened", context, OwnKeys())
