"""What can fail, and who must act.

Every error is an :class:`EnvelopeError`. None quotes a value of a record, a key, or the name of a
sealed field that the schema file does not have.

| class | who must act |
|---|---|
| :class:`UsageError` | the author of the program: arguments, the schema file, the configuration of keys |
| :class:`DataError` | whoever looks after the table: the stored item is not the record that was sealed |
| :class:`DataKeyError` | whoever operates the keys: permissions, states of keys, outages |

``code`` says what failed, by the names of the test vectors (FORMAT 7-1, 7-3); the names that only
this package has are in the table below. They are stable, and can be compared in a program.

| code | class | cause |
|---|---|---|
| ``schema`` | :class:`UsageError` | the schema file is not valid, or has no such table |
| ``configuration`` | :class:`UsageError` | an argument is not valid |
| ``item`` | :class:`UsageError` | the item is not in one of the two forms of boto3 |
| ``wrong-type`` | :class:`DataError` | the item is a record of another type, of none, or of several |
| ``key-fields`` | :class:`DataError` | the fields of the record do not make the composed key under which it is stored |
| ``missing-field`` | :class:`DataError` | the record does not have a field that is not optional |
| ``tag-mismatch`` | :class:`DataError` | a search tag is not that of the record's own value |
| ``export`` | :class:`DataError` | a line of an export is not an item in DynamoDB JSON |
| ``key-throttled`` | :class:`DataKeyError` | KMS was called too often |
| ``key-other`` | :class:`DataKeyError` | anything else that a key provider reports |
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "AuthenticationError",
    "DataError",
    "DataKeyError",
    "EnvelopeError",
    "NotSealedError",
    "UsageError",
]

_MAX_CHARACTERS, _MAX_NAMES = 200, 20


class EnvelopeError(Exception):
    """A record could not be opened.

    ``code`` says what failed, ``record`` which record (its table and its key, in the form in which
    they may be shown), and ``location`` the file and line, if the record came from an export.
    """

    code: str
    message: str
    record: str | None
    location: str | None

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message
        self.record = self.location = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.location, self.record, self.message) if part)


class UsageError(EnvelopeError):
    """The program is wrong: an argument, the schema file, or the configuration of keys."""


class DataError(EnvelopeError):
    """The stored item is not the record that was sealed. Trying again cannot help."""


class NotSealedError(DataError):
    """The item is in plaintext: it has neither `encrypted_payload` nor `encrypted_dek`."""


class AuthenticationError(DataError):
    """The record, its place or its data key differs from what was sealed.

    Every failure after a key was used is this one error: which check failed would help only an
    attacker.
    """


class DataKeyError(EnvelopeError):
    """The data key of a record could not be unwrapped."""

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later although nobody acts."""
        return self.code in ("key-unavailable", "key-throttled")


_USAGE = (
    "schema",
    "configuration",
    "item",
    "pair",
    "number",
    "key-attribute",
    "step",
    "search-value",
)
_CLASSES: dict[str, type[EnvelopeError]] = {
    **dict.fromkeys(_USAGE, UsageError),
    "not-sealed": NotSealedError,
    "authentication": AuthenticationError,
    "key-fields": DataError,
}


def refusal(code: str, message: str) -> EnvelopeError:
    """The error of a code, to be raised."""
    of_keys = DataKeyError if code.startswith("key-") else DataError
    return _CLASSES.get(code, of_keys)(code, message)


def refuse_if(condition: object, code: str, message: str) -> None:
    if condition:
        raise refusal(code, message)


def escaped(text: str) -> str:
    """A text that somebody else may have chosen, fit for a log: no control characters, and not
    long.
    """
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text[:_MAX_CHARACTERS]
    )
    return shown + (".." if len(text) > _MAX_CHARACTERS else "")


def escaped_names(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _MAX_NAMES} more" if len(known) > _MAX_NAMES else ""
    return ", ".join(map(escaped, known[:_MAX_NAMES])) + more
