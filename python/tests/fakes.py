"""KMS and DynamoDB as tables in the process, behind the interface of boto3."""

import envelope_dynamo._writer as writer
from envelope_dynamo._context import Place
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo.keys._local import local_id


class ClientError(Exception):
    """As botocore's: the answer of the service is in `response`."""

    def __init__(self, code, message="refused", status=400):
        super().__init__(code)
        metadata = {"RequestId": "request-1", "HTTPStatusCode": status}
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}


class PlayedKms:
    """KMS as the answers of a vector; see vectors/README.md."""

    def __init__(self, answers):
        self.answers, self.calls = answers, 0

    def decrypt(self, *, KeyId, CiphertextBlob, EncryptionContext, EncryptionAlgorithm):
        self.calls += 1
        assert EncryptionAlgorithm == "SYMMETRIC_DEFAULT"
        known = next(
            (
                each
                for each in self.answers
                if bytes.fromhex(each["ciphertext_blob"]) == CiphertextBlob
            ),
            {},
        )
        if "refuses" in known:
            raise ClientError(known["refuses"])
        if not known or known["encryption_context"] != EncryptionContext:
            raise ClientError("InvalidCiphertextException")
        if known["key"] != KeyId:
            raise ClientError("IncorrectKeyException")
        return {
            "KeyId": known.get("answered_key", KeyId),
            "Plaintext": bytes.fromhex(known["plaintext"]),
        }


class KeyItems:
    """A `Table` of branch keys, whose every branch has these keys: `keys` has them by version, as
    UUID.
    """

    table_name = "branch-keys"

    def __init__(self, keys, root_key, logical="branch-keys", purpose=None):
        self.keys, self.root_key, self.logical, self.purpose = keys, root_key, logical, purpose
        self.calls = 0

    def item(self, branch, version):
        pairs = {
            "branch": branch,
            "version": version,
            **({"purpose": self.purpose} if self.purpose else {}),
        }
        context = Place(self.logical, "table", pairs=pairs).encryption_context()
        wrapped = writer.local_wrap(self.root_key, bytes(24), context, self.keys[version])
        dek = writer.encode_dek("table", [WrappedKey(1, local_id(self.root_key), wrapped)])
        return {
            "branch": branch,
            "version": version,
            "created": 1_700_000_000,
            "encrypted_dek": dek,
        }

    def get_item(self, *, Key, ConsistentRead):
        self.calls += 1
        assert ConsistentRead
        return {"Item": self.item(**Key)} if Key["version"] in self.keys else {}

    def query(self, *, ExpressionAttributeValues, ExclusiveStartKey=None, **_):
        """One item a page, and the pointer first."""
        branch = ExpressionAttributeValues[":branch"]
        versions = ["active", *self.keys]
        at = versions.index(ExclusiveStartKey["version"]) + 1 if ExclusiveStartKey else 0
        version = versions[at]
        item = (
            {"branch": branch, "version": version, "write": "x"}
            if version == "active"
            else self.item(branch, version)
        )
        last = (
            {"LastEvaluatedKey": {"branch": branch, "version": version}}
            if at + 1 < len(versions)
            else {}
        )
        return {"Items": [item], **last}
