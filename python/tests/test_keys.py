"""Key providers: which key is named, which answer is believed, what is kept, and what errors say."""

import pickle
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fakes import ClientError, KeyItems
from sealed import USER, schema, user

from envelope_dynamo import (
    BranchKeys,
    CachedKeys,
    Context,
    DataKeyError,
    EnvelopeError,
    GroupKeys,
    KmsKeys,
    LocalKeys,
    UsageError,
    _writer,
    decrypt_item,
)
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo._secret import Secret
from envelope_dynamo.keys import FirstOf, KmsRsaKeys, RsaKeys, SearchKey, read_search_keys
from envelope_dynamo.keys._branch import branch_data_key
from envelope_dynamo.keys._cache import Cache
from envelope_dynamo.keys._rsa import oaep, rsa_id

PLACE = "arn:aws:kms:eu-central-1:111122223333"
ARN = f"{PLACE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER = f"{PLACE}:key/9999abcd-12ab-34cd-56ef-1234567890ab"
DATA_KEY = bytes(range(32))
CONTEXT = {"table": "users", "partition_key": "u_secret"}
ENTRY = WrappedKey(2, _writer.kms_id(ARN), b"blob")


class Kms:
    """Answers with a data key, or with what it is given."""

    def __init__(self, answer=None):
        self.answer, self.requests = answer or {"KeyId": ARN, "Plaintext": DATA_KEY}, []

    def decrypt(self, **request):
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refused(keys, entries=(ENTRY,), context=CONTEXT):
    with pytest.raises(EnvelopeError) as error:
        keys.unwrap(entries, context)
    return error.value


# --- KMS ---


@pytest.mark.parametrize("name", [ARN, ARN.split("/")[1], "alias/users", f"{PLACE}:alias/users"])
def test_the_call_names_the_configured_key_and_the_context(name):
    kms = Kms()
    keys = KmsKeys(kms, name, grant_tokens=["token"])
    for expected in (name, ARN):  # once KMS has named the key, its ARN is used: an alias may move
        assert keys.unwrap([ENTRY], CONTEXT).expose() == DATA_KEY
        request = kms.requests[-1]
        assert request == {
            "KeyId": expected, "CiphertextBlob": b"blob", "EncryptionContext": CONTEXT,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "GrantTokens": ["token"],
        }  # fmt: skip


@pytest.mark.parametrize(
    "name, answered",
    [(ARN, OTHER), (ARN.split("/")[1], OTHER), (f"{PLACE}:alias/users", ARN.replace("eu-central", "eu-west")),
     ("alias/users", "alias/users"), ("alias/users", None), (ARN, "arn:aws:s3:::key/x")],
)  # fmt: skip
def test_an_answer_of_another_key_is_refused(name, answered):
    assert (
        refused(KmsKeys(Kms({"KeyId": answered, "Plaintext": DATA_KEY}), name)).code
        == "key-invalid-answer"
    )


def test_an_alias_that_moves_is_noticed():
    kms = Kms()
    keys = KmsKeys(kms, "alias/users")
    keys.unwrap([ENTRY], CONTEXT)
    kms.answer = {"KeyId": OTHER, "Plaintext": DATA_KEY}
    assert refused(keys).code == "key-invalid-answer"


def test_a_wrapped_key_that_names_another_key_than_the_one_that_unwrapped_it_is_refused():
    assert (
        refused(KmsKeys(Kms(), "alias/users"), [WrappedKey(2, _writer.kms_id(OTHER), b"blob")]).code
        == "key-wrong"
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"KeyId": ARN},
        {"KeyId": ARN, "Plaintext": b"short"},
        {"KeyId": ARN, "Plaintext": "text"},
        "x",
    ],
)
def test_an_answer_without_a_data_key_is_refused(answer):
    assert refused(KmsKeys(Kms(answer), ARN)).code == "key-invalid-answer"


def test_only_the_key_that_an_entry_names_is_asked():
    kms = Kms()
    KmsKeys(kms, OTHER, ARN).unwrap([ENTRY], CONTEXT)
    assert [request["KeyId"] for request in kms.requests] == [ARN]
    assert refused(KmsKeys(kms, OTHER)).code == "key-wrong" and len(kms.requests) == 1
    assert refused(KmsKeys(kms, ARN), [WrappedKey(1, b"", b"x")]).code == "key-wrong"


def test_every_alias_is_tried_and_the_error_that_says_most_is_raised():
    class Several(Kms):
        def decrypt(self, **request):
            super().decrypt(**request)
            raise ClientError(
                "AccessDeniedException"
                if request["KeyId"] == "alias/a"
                else "IncorrectKeyException"
            )

    kms = Several()
    assert refused(KmsKeys(kms, "alias/a", "alias/b")).code == "key-denied"
    assert [request["KeyId"] for request in kms.requests] == ["alias/a", "alias/b"]


class EndpointConnectionError(Exception):
    """As botocore's."""


class ParamValidationError(Exception):
    """As botocore's, which quotes the parameters."""


@pytest.mark.parametrize(
    "error, code, retryable",
    [
        (ClientError("AccessDeniedException"), "key-denied", False),
        (ClientError("ThrottlingException"), "key-throttled", True),
        (ClientError("SomethingNew"), "key-other", False),
        (ClientError("SomethingNew", status=503), "key-unavailable", True),
        (EndpointConnectionError("u_secret"), "key-unavailable", True),
        (ParamValidationError("u_secret"), "key-other", False),
    ],
)
def test_errors_of_kms_are_told_apart_and_quote_no_request(error, code, retryable):
    found = refused(KmsKeys(Kms(error), ARN))
    assert isinstance(found, DataKeyError)
    assert (found.code, found.is_retryable) == (code, retryable)
    assert "u_secret" not in str(found) and found.__suppress_context__
    if isinstance(error, ClientError):
        assert str(found).startswith(f"Decrypt with {ARN}: ") and str(found).endswith(
            "(request request-1)"
        )


def test_a_secret_of_kms_has_a_context_of_its_own():
    kms = Kms({"KeyId": ARN, "Plaintext": b"token"})
    assert KmsKeys(kms, ARN).decrypt_direct(b"blob", Context("tokens")).expose() == b"token"
    assert kms.requests[0]["EncryptionContext"] == {"table": "tokens", "envelope": "direct"}


@pytest.mark.parametrize("returned", [Secret(bytes(31)), bytes(32), None])
def test_a_provider_that_returns_something_else_than_a_data_key_is_refused(returned):
    class Wrong:
        def unwrap(self, entries, context):
            return returned

    with pytest.raises(DataKeyError) as error:
        decrypt_item(user(), schema(User=USER), Wrong())
    assert error.value.code == "key-invalid-answer"


# --- branch keys and search keys ---


ROOT_KEY, BRANCH_KEY = bytes(32), bytes(range(32))
VERSION = str(uuid.UUID(int=7))
SALT = bytes(24)


def of_branch(version=VERSION, salt=SALT):
    return WrappedKey(3, uuid.UUID(version).bytes, salt)


def branch_keys(items, **options):
    return BranchKeys(items, "branch-keys", LocalKeys(ROOT_KEY), **options)


def test_a_branch_key_is_read_once_for_many_records():
    items = KeyItems({VERSION: BRANCH_KEY}, ROOT_KEY)
    keys = branch_keys(items, per_pair="tenant")
    for tenant in ("t_1", "t_2", "t_1", "t_2"):
        context = {"table": "letters", "tenant": tenant}
        assert keys.unwrap([of_branch()], context).expose() == branch_data_key(
            BRANCH_KEY, SALT, context
        )
    assert items.calls == 2


@pytest.mark.parametrize(
    "moved",
    [
        {"branch": "t_2"},
        {"version": str(uuid.UUID(int=8))},
        {"logical": "others"},
        {"purpose": "search"},
    ],
)
def test_a_branch_key_that_was_moved_does_not_unwrap(moved):
    items = KeyItems({VERSION: BRANCH_KEY, str(uuid.UUID(int=8)): BRANCH_KEY}, ROOT_KEY)
    items.logical, items.purpose = moved.pop("logical", "branch-keys"), moved.pop("purpose", None)
    original = items.item
    items.item = lambda branch, version: {
        **original(**{"branch": branch, "version": version, **moved}),
        "branch": branch,
    }
    assert refused(branch_keys(items), [of_branch()]).code == "key-mismatch"


OF_ANOTHER_FORM = _writer.encode_dek("raw", [WrappedKey(1, bytes(8), bytes(72))])


@pytest.mark.parametrize("stored", ["text", b"\x01\x02", None, OF_ANOTHER_FORM])
def test_an_item_of_branch_keys_that_was_changed_is_refused(stored):
    items = KeyItems({VERSION: BRANCH_KEY}, ROOT_KEY)
    original = items.item
    items.item = lambda **key: {**original(**key), "encrypted_dek": stored}
    assert refused(branch_keys(items), [of_branch()]).code == "key-invalid-answer"


def test_an_entry_of_a_version_that_the_branch_does_not_have_is_passed_over():
    items = KeyItems({VERSION: BRANCH_KEY}, ROOT_KEY)
    other = of_branch(str(uuid.UUID(int=9)), b"no salt")
    assert branch_keys(items).unwrap([other, of_branch()], CONTEXT)
    error = refused(branch_keys(items), [other])
    assert error.code == "key-not-found" and "the branch `users`" in str(error)
    assert refused(branch_keys(items), [of_branch(salt=b"short")]).code == "key-mismatch"
    assert refused(branch_keys(items), [ENTRY, WrappedKey(3, b"short", SALT)]).code == "key-wrong"


def test_a_record_without_the_pair_of_the_branch_is_refused():
    keys = branch_keys(KeyItems({}, ROOT_KEY), per_pair="tenant")
    assert isinstance(refused(keys, [of_branch()]), UsageError)
    assert isinstance(refused(keys, [of_branch()], {"tenant": "t" * 256}), UsageError)


def test_an_outage_of_the_table_of_branch_keys_is_told_from_a_missing_branch():
    class Down(KeyItems):
        def get_item(self, *, Key, ConsistentRead):
            if Key["version"] != VERSION:
                return super().get_item(Key=Key, ConsistentRead=ConsistentRead)
            raise ClientError("InternalServerError", status=500)

    other = str(uuid.UUID(int=9))
    error = refused(
        branch_keys(Down({other: BRANCH_KEY}, ROOT_KEY)), [of_branch(), of_branch(other)]
    )
    assert error.code == "key-unavailable" and "GetItem with the table `branch-keys`" in str(error)


def test_search_keys_are_read_page_by_page_and_unwrap_for_their_purpose_alone():
    versions = {str(uuid.UUID(int=number)): bytes([number]) * 32 for number in range(3)}
    items = KeyItems(versions, ROOT_KEY, "search-keys", "search")
    found = read_search_keys(items, "search-keys", LocalKeys(ROOT_KEY), "users")
    assert [each._secret.expose() for each in found] == list(versions.values())
    with pytest.raises(DataKeyError) as error:
        read_search_keys(
            KeyItems(versions, ROOT_KEY, "search-keys"), "search-keys", LocalKeys(ROOT_KEY), "users"
        )
    assert error.value.code == "key-mismatch"


# --- caches ---


def test_a_cache_has_a_bound_in_age_and_in_number():
    now, fetched = [0.0], []
    cache = Cache(10, 2, lambda: now[0])

    def get(key):
        return cache.get(key, lambda: fetched.append(key) or key)

    for key in ("a", "b", "a", "c", "a"):  # `b` is the one that was used least recently
        assert get(key) == key
    assert (fetched, len(cache)) == (["a", "b", "c"], 2)
    now[0] = 9.9
    get("a")
    assert len(fetched) == 3
    now[0] = 10.0
    get("a")
    assert (fetched, len(cache)) == (["a", "b", "c", "a"], 1)


def test_a_failure_is_not_kept():
    cache = Cache(10, 2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: "value") == "value"


def test_the_age_counts_from_the_begin_of_the_call():
    now = [0.0]
    cache = Cache(10, 2, lambda: now[0])

    def slow():
        now[0] += 9
        return "old"

    cache.get("a", slow)
    now[0] += 1
    assert cache.get("a", lambda: "new") == "new"


def test_cached_data_keys_belong_to_their_entry_and_context():
    kms = Kms()
    keys = CachedKeys(KmsKeys(kms, ARN))
    other = ENTRY._replace(wrapped=b"other blob")
    for entry, context in [(ENTRY, CONTEXT), (ENTRY, {**CONTEXT, "x": "y"}), (other, CONTEXT)] * 2:
        keys.unwrap([entry], context)
    assert len(kms.requests) == 3


def test_a_cache_without_a_bound_is_refused():
    for bound in [{"max_age": 0}, {"max_age": float("nan")}, {"max_entries": 0}]:
        with pytest.raises(UsageError):
            CachedKeys(LocalKeys(ROOT_KEY), **bound)


# --- several providers, RSA ---


class Fails:
    def __init__(self, code):
        self.code = code

    def unwrap(self, entries, context):
        raise DataKeyError(self.code, "refused")


def test_the_first_provider_that_can_unwraps():
    keys = KmsKeys(Kms(), ARN)
    assert FirstOf(Fails("key-denied"), keys).unwrap([ENTRY], CONTEXT).expose() == DATA_KEY
    cases = [
        (["key-wrong", "key-denied"], "key-denied"),
        (["key-denied", "key-throttled"], "key-throttled"),
        (["key-wrong"], "key-wrong"),
        ([], "key-wrong"),
    ]
    for codes, code in cases:
        assert refused(FirstOf(*map(Fails, codes))).code == code


def test_each_group_has_its_provider():
    keys = GroupKeys(Fails("key-wrong"), {"medical": KmsKeys(Kms(), ARN)})
    assert keys.unwrap([ENTRY], {**CONTEXT, "group": "medical"}).expose() == DATA_KEY
    assert refused(keys).code == "key-wrong"
    assert refused(keys, context={**CONTEXT, "group": "billing"}).code == "key-denied"


def test_an_rsa_key_in_kms_unwraps_what_a_partner_wrapped():
    private_key = rsa.generate_private_key(65537, 2048)
    public_key = private_key.public_key()

    class RsaKms:
        answered = ARN

        def decrypt(self, *, KeyId, CiphertextBlob, EncryptionAlgorithm):
            assert (KeyId, EncryptionAlgorithm) == (ARN, "RSAES_OAEP_SHA_256")
            return {
                "KeyId": self.answered,
                "Plaintext": private_key.decrypt(CiphertextBlob, oaep()),
            }

    kms = RsaKms()
    entry = WrappedKey(
        4, rsa_id(public_key), _writer.rsa_wrap(public_key, CONTEXT, DATA_KEY, bytes(32))
    )
    keys = KmsRsaKeys(kms, ARN, public_key)
    assert (
        keys.unwrap([entry], CONTEXT).expose()
        == DATA_KEY
        == RsaKeys(private_key).unwrap([entry], CONTEXT).expose()
    )
    assert refused(keys, [entry], {**CONTEXT, "table": "others"}).code == "key-mismatch"
    kms.answered = OTHER
    assert refused(keys, [entry]).code == "key-invalid-answer"


# --- secrets ---


def test_no_provider_and_no_secret_prints_key_bytes():
    root_key = b"0123456789abcdef0123456789abcdef"
    shown = [Secret(root_key), LocalKeys(root_key), SearchKey(root_key), CachedKeys(LocalKeys(root_key)),
             GroupKeys(LocalKeys(root_key), {"medical": LocalKeys(root_key)}),
             BranchKeys(KeyItems({}, root_key), "branch-keys", LocalKeys(root_key))]  # fmt: skip
    for each in shown:
        assert "0123" not in repr(each) and "3031" not in repr(each)
    with pytest.raises(TypeError):
        pickle.dumps(LocalKeys(root_key))


def test_arguments_that_are_not_valid_are_refused():
    for wrong in [lambda: KmsKeys(Kms()), lambda: KmsKeys(Kms(), ""), lambda: LocalKeys(b"short"), lambda: SearchKey(b"short"),
                  lambda: Context("t", form="plain"), lambda: Context("t", sort_key=("sk", "x")),
                  lambda: Context("t", partition_key=("pk", "")), lambda: Context("t", pairs={"aws:x": "y"})]:  # fmt: skip
        with pytest.raises(UsageError):
            wrong()
