"""DynamoDB tables of wrapped keys: branch keys and search keys (FORMAT 6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from .._context import Place
from .._payload import parse_dek
from .._provider import Keys
from .._secret import KEY_BYTES, Secret
from .._values import Attribute, Item, read_item
from ..errors import DataError, DataKeyError, escaped, refusal, refuse_if
from ._aws import ask

POINTER = "active"


class DynamoDb(Protocol):
    """``boto3.client("dynamodb")``, ``boto3.resource("dynamodb")``, or a ``Table`` of it."""

    @property
    def meta(self) -> Any: ...


class KeyTable:
    """Reads wrapped keys, and unwraps them for the place where they were found (6.5-1)."""

    def __init__(
        self, dynamodb: Any, logical: str, named: str | None, keys: Keys, purpose: str | None = None
    ) -> None:
        self._logical, self._name, self._keys, self._purpose = (
            logical,
            named or logical,
            keys,
            purpose,
        )
        if hasattr(dynamodb, "Table"):
            dynamodb = dynamodb.Table(self._name)
        self._is_client = not hasattr(dynamodb, "table_name")
        if not self._is_client:
            self._name = dynamodb.table_name
        self._dynamodb = dynamodb

    @property
    def _what(self) -> str:
        return "search key" if self._purpose else "branch key"

    def key(self, branch: str, version: UUID) -> Secret:
        """One version of the key of a branch."""
        item = self._item(branch, str(version))
        if item is None:
            message = (
                f"the branch `{escaped(branch)}` has no {self._what} of version {version} in the "
                f"table `{escaped(self._name)}`: the version or the branch was deleted, or the "
                "record is another branch's"
            )
            raise refusal("key-not-found", message)
        return self.unwrapped(branch, version, item)

    def unwrapped(self, branch: str, version: UUID, item: Item) -> Secret:
        stored = item.get("encrypted_dek", Attribute("NULL", True))
        if stored.type != "B":
            raise self._changed("its `encrypted_dek` is absent or malformed")
        try:
            form, entries = parse_dek(stored.value)
        except DataError as error:
            raise self._changed(error.message) from None
        if form != "table":
            raise self._changed("its `encrypted_dek` has another context form than `table`")
        pairs = {
            "branch": branch,
            "version": str(version),
            **({"purpose": self._purpose} if self._purpose else {}),
        }
        try:
            key = self._keys.unwrap(
                entries, Place(self._logical, "table", pairs=pairs).encryption_context()
            )
        except DataKeyError as error:
            if error.code != "key-mismatch":
                raise
            message = (
                f"the {self._what} of version {version} of the branch `{escaped(branch)}` in the "
                f"table `{escaped(self._name)}` was changed, or put there from elsewhere"
            )
            raise refusal("key-mismatch", message) from None
        refuse_if(
            len(key) != KEY_BYTES,
            "key-invalid-answer",
            f"a {self._what} has 32 bytes, and this one has not",
        )
        return key

    def versions(self, branch: str) -> dict[UUID, Item]:
        """All versions of a branch's key, as they are stored."""
        found, start = {}, None
        while True:
            page = self._page(branch, start)
            for stored in page.get("Items", []):
                item = read_item(stored, "branch")
                version = item.get("version", Attribute("NULL", True))
                if version.value != POINTER:
                    found[self._uuid(version)] = item
            start = page.get("LastEvaluatedKey")
            if not start:
                return found

    def _uuid(self, version: Attribute) -> UUID:
        try:
            return UUID(version.value)
        except (ValueError, AttributeError, TypeError):
            raise self._changed("its `version` is no UUID") from None

    def _changed(self, what: str) -> Exception:
        return refusal(
            "key-invalid-answer", f"an item of the table of {self._what}s was changed: {what}"
        )

    def _item(self, branch: str, version: str) -> Item | None:
        """Reads an item consistently: the key may just have been created."""
        key = self._sent({"branch": branch, "version": version})
        answer = self._ask("GetItem", "get_item", Key=key, ConsistentRead=True)
        stored = answer.get("Item")
        return None if stored is None else read_item(stored, "branch")

    def _page(self, branch: str, start: Any) -> Mapping[str, Any]:
        asked: dict[str, Any] = {
            "ConsistentRead": True,
            "KeyConditionExpression": "#branch = :branch",
            "ExpressionAttributeNames": {"#branch": "branch"},
            "ExpressionAttributeValues": self._sent({":branch": branch}),
        }
        return self._ask(
            "Query", "query", **asked, **({"ExclusiveStartKey": start} if start else {})
        )

    def _sent(self, texts: dict[str, str]) -> dict[str, Any]:
        return {name: {"S": text} if self._is_client else text for name, text in texts.items()}

    def _ask(self, operation: str, method: str, **parameters: Any) -> Mapping[str, Any]:
        if self._is_client:
            parameters["TableName"] = self._name
        what = f"the table `{escaped(self._name)}`"
        return ask(operation, what, lambda: getattr(self._dynamodb, method)(**parameters))
