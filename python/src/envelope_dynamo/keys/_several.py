"""Several providers: one after the other, or one for each group of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._provider import Keys, WrappedKey
from .._secret import Secret
from ..errors import DataKeyError, escaped, refusal


class FirstOf:
    """Unwraps with the first of several providers that can: parties, regions, former providers.

    Security: a record is only as safe as the weakest provider in the list. Whoever can wrap for one
    of them, such as everybody who has an RSA public key, can put a record of their own in place of
    any other.
    """

    def __init__(self, *providers: Keys) -> None:
        self._providers = providers

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        errors = []
        for provider in self._providers:
            try:
                return provider.unwrap(entries, context)
            except DataKeyError as error:
                errors.append(error)
        retryable = [error.code for error in errors if error.is_retryable]
        specific = [error.code for error in errors if error.code != "key-wrong"]
        reasons = "; ".join(f"({number}) {error.message}" for number, error in enumerate(errors, 1))
        code = [*retryable, *specific, "key-wrong"][0]
        raise refusal(
            code, f"none of {len(errors)} key providers unwrapped the data key: {reasons}"
        )


class GroupKeys:
    """A provider for the record, and one for each group of its fields (FORMAT 4.6).

    A group without a provider is withheld: its fields are :data:`WITHHELD
    <envelope_dynamo.WITHHELD>`. Without ``GroupKeys``, the provider of the record is asked for the
    groups too.
    """

    def __init__(self, record: Keys, groups: Mapping[str, Keys]) -> None:
        self._record, self._groups = record, dict(groups)

    def __repr__(self) -> str:
        return f"GroupKeys({', '.join(map(repr, self._groups))})"

    def unwrap(self, entries: Sequence[WrappedKey], context: Mapping[str, str]) -> Secret:
        name = context.get("group")
        provider = self._record if name is None else self._groups.get(name)
        if provider is None:
            raise refusal(
                "key-denied", f"no key provider is configured for the group `{escaped(name or '')}`"
            )
        return provider.unwrap(entries, context)
