"""Key bytes that must not be printed by accident."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret"]

KEY_BYTES = 32


class Secret:
    """The bytes of a key. ``repr`` does not show them, and they are not pickled.

    Security: Python cannot promise to wipe memory. The bytes stay there until the interpreter uses
    the memory again, and copies of them may be in OpenSSL.
    """

    __slots__ = ("_bytes",)

    def __init__(self, data: bytes) -> None:
        self._bytes = bytes(data)

    def expose(self) -> bytes:
        """The bytes themselves."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._bytes)

    def __repr__(self) -> str:
        return "Secret(..)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
