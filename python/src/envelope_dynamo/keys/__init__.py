"""Key providers: they unwrap the data keys of records, for reading alone.

| records were written with | read them with |
|---|---|
| `KmsKeyProvider`, also behind a cache or as shared data keys | :class:`KmsKeys`; :class:`CachedKeys` around it saves calls |
| `HierarchicalKeyProvider` and `BranchKeyTable` | :class:`BranchKeys` |
| `LocalKeyProvider` | :class:`LocalKeys` |
| `RsaRecipient` | :class:`RsaKeys`, :class:`KmsRsaKeys` |
| `MultiKeyProvider` | the provider of one of the parties, or :class:`FirstOf` several |
| `GroupKeyProvider` | :class:`GroupKeys` |
"""

from .._provider import Keys, WrappedKey
from .._secret import Secret
from ._branch import BranchKeys
from ._cache import CachedKeys
from ._kms import KmsKeys
from ._local import LocalKeys
from ._rsa import KmsRsaKeys, RsaKeys
from ._search import SearchKey, read_search_keys
from ._several import FirstOf, GroupKeys

__all__ = [
    "BranchKeys",
    "CachedKeys",
    "FirstOf",
    "GroupKeys",
    "Keys",
    "KmsKeys",
    "KmsRsaKeys",
    "LocalKeys",
    "RsaKeys",
    "SearchKey",
    "Secret",
    "WrappedKey",
    "read_search_keys",
]
