"""JSON documents of a model version: how they are written, read, and what a damaged one says."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Self, TypeAlias, TypeVar

from trading.errors import RegistryError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that JSON can hold. NaN and infinity are not among them; a missing number is null."""

_T = TypeVar("_T")
_ANSWERS: Final = "'hub models verify' lists all problems, 'hub models rollback' goes back to the version before"


class DamagedVersion(RegistryError):
    """A file of a published version, or a pointer to one, is not what was published."""

    def __init__(self, file: str, problem: str, *, where: str = "", cure: str = _ANSWERS) -> None:
        super().__init__(file, problem)
        self.file, self.problem, self.where, self.cure = file, problem, where, cure

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.file}: {self.problem}; {self.cure}."

    def at(self, where: str) -> Self:
        """Return the same error, naming the model and the version it belongs to."""
        return type(self)(self.file, self.problem, where=where, cure=self.cure)


def encode(file: str, document: Json) -> bytes:
    """Return `document` as the bytes of `file`: sorted keys, floats by `repr`, so they read back bit for bit.

    Raises
    ------
    RegistryError
        when it holds NaN, infinity or a value that JSON has no word for.
    """
    try:
        return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise RegistryError(f"{file}: cannot be written as JSON ({error}); write a missing number as null.") from error


def decode(file: str, content: bytes) -> "Fields":
    """Return the JSON object in `content`.

    Raises
    ------
    DamagedVersion
        when `content` is not UTF-8, not JSON, holds NaN or infinity, or is not an object.
    """
    try:
        document = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise DamagedVersion(file, f"is not readable JSON ({error})") from error
    if not isinstance(document, dict):
        raise DamagedVersion(file, f"holds {type(document).__name__}, expected a JSON object")
    return Fields(file, document)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class Fields:
    """Typed access to a JSON object; a missing key or a wrong type is a `DamagedVersion` that names file and key."""

    def __init__(self, file: str, document: Mapping[str, Any], path: str = "") -> None:
        self.file, self.document, self._path = file, document, path

    def text(self, key: str) -> str:
        """Return the text at `key`."""
        return self._typed(key, str)

    def optional_text(self, key: str) -> str | None:
        """Return the text at `key`; None where it is null or absent."""
        return None if self.document.get(key) is None else self.text(key)

    def integer(self, key: str) -> int:
        """Return the whole number at `key`."""
        return self._typed(key, int)

    def flag(self, key: str) -> bool:
        """Return the true or false at `key`."""
        return self._typed(key, bool)

    def number(self, key: str) -> float:
        """Return the number at `key` as float64."""
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Return the number at `key`; None where it is null or absent."""
        return None if self.document.get(key) is None else self.number(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts at `key`."""
        values = self._typed(key, list)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "a list of texts", values)
        return tuple(values)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return the object at `key` as it is."""
        return self._typed(key, dict)

    def objects(self, key: str) -> tuple["Fields", ...]:
        """Return the list of objects at `key`."""
        values = self._typed(key, list)
        if not all(isinstance(value, dict) for value in values):
            raise self._wrong(key, "a list of objects", values)
        return tuple(Fields(self.file, value, f"{self._path}{key}[{i}].") for i, value in enumerate(values))

    def numbers(self, key: str) -> list[list[float | None]]:
        """Return the rows of numbers at `key`; null stands for NaN. All rows are equally long."""
        rows = self._typed(key, list)
        good = all(
            isinstance(row, list)
            and len(row) == len(rows[0])
            and all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in row)
            for row in rows
        )
        if not good:
            raise self._wrong(key, "equally long rows of numbers", rows)
        return rows

    def day(self, key: str) -> date:
        """Return the ISO date at `key`."""
        return self._parsed(key, "an ISO date", date.fromisoformat)

    def instant(self, key: str) -> datetime:
        """Return the ISO instant at `key`, with its zone."""
        instant = self._parsed(key, "an ISO instant", datetime.fromisoformat)
        if instant.tzinfo is None:
            raise self._wrong(key, "an instant with a zone", self.document[key])
        return instant

    def _parsed(self, key: str, expected: str, parse: Callable[[str], _T]) -> _T:
        try:
            return parse(self.text(key))
        except ValueError as error:
            raise self._wrong(key, expected, self.document[key]) from error

    def _typed(self, key: str, kind: type[_T]) -> _T:
        value = self._value(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._wrong(key, kind.__name__, value)
        return value

    def _value(self, key: str) -> object:
        if key not in self.document:
            raise DamagedVersion(self.file, f"has no {self._path}{key}")
        return self.document[key]

    def _wrong(self, key: str, expected: str, found: object) -> DamagedVersion:
        return DamagedVersion(self.file, f"{self._path}{key}: expected {expected}, found {str(found)[:60]!r}")
