"""Reads the records that envelope-dynamo, a Rust library, has sealed into DynamoDB.

>>> from envelope_dynamo import KmsKeys, Schema, decrypt_item
>>> schema = Schema.read("envelope.schema.json")  # doctest: +SKIP
>>> keys = KmsKeys(boto3.client("kms"), "alias/users")  # doctest: +SKIP
>>> record = decrypt_item(item, schema, keys)  # doctest: +SKIP

This package reads. It writes no record.
"""

from ._context import Context
from ._exports import open_export
from ._items import decrypt_item
from ._record import WITHHELD, Record, Withheld
from ._streams import decrypt_file, decrypt_message, open_stream
from .errors import (
    AuthenticationError,
    DataError,
    DataKeyError,
    EnvelopeError,
    NotSealedError,
    UsageError,
)
from .keys import BranchKeys, CachedKeys, GroupKeys, KmsKeys, LocalKeys
from .schema import Schema

__version__ = "0.1.0"

__all__ = [
    "WITHHELD",
    "AuthenticationError",
    "BranchKeys",
    "CachedKeys",
    "Context",
    "DataError",
    "DataKeyError",
    "EnvelopeError",
    "GroupKeys",
    "KmsKeys",
    "LocalKeys",
    "NotSealedError",
    "Record",
    "Schema",
    "UsageError",
    "Withheld",
    "decrypt_file",
    "decrypt_item",
    "decrypt_message",
    "open_export",
    "open_stream",
]
