"""Reading a TOML file into a frozen model: one way, one wording of what is wrong with it, and in which line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from trading.errors import BadSettings

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]
"""Where a value is: names of tables and keys, and places in lists, counted from 0."""

_LONGEST: Final = 80
_MISSING: Final = "expected a value, found none"


class WrongValue(ValueError):
    """A value that fits no other: raised by a model's validators, with the `key` that a reader should look at."""

    def __init__(self, key: Key, expected: str, found: object) -> None:
        self.key, self.expected, self.found = key, expected, found
        super().__init__(f"{expected}, found {found}")


def read_toml(path: Path, model: type[Model], kind: str) -> Model:
    """Return what the TOML file at `path` states; `kind` is what such a file describes ("instrument", "recipe").

    Raises
    ------
    BadSettings
        when the file is missing (the message lists those beside it), is not TOML, or has a wrong or unknown key: the
        message names file, line, key, what is expected and what was found.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml"))) or "none"
        raise BadSettings(f"{path.stem}: no such {kind}; {path} is not there. Known: {known}.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise BadSettings(f"{path}: not a readable TOML file: {error}.") from error
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}:{_line_of(error, text)}: not TOML: {_plain(error)}.") from error
    except ValidationError as error:
        raise BadSettings(f"{path}{_first_fault(error, text, model)}") from error


def fault(path: Path, wrong: WrongValue) -> BadSettings:
    """Return the error that says in which line of the TOML file at `path` a value is `wrong`."""
    return BadSettings(f"{path}{_sentence(wrong.key, str(wrong), path.read_text(encoding='utf-8-sig'))}")


def key_lines(text: str) -> dict[Key, int]:
    r"""Return the line, counted from 1, in which each table and each key of a valid TOML text begins.

    What lies within a value that spans several lines, or within an inline table, has the line where the value begins.

    >>> key_lines('tick = 0.1\n[[sessions]]\nname = "asia"\n')
    {('tick',): 1, ('sessions',): 2, ('sessions', 0): 2, ('sessions', 0, 'name'): 3}
    """
    lines: dict[Key, int] = {}
    table: Key = ()
    lists: dict[Key, int] = {}
    for number, statement in _statements(text):
        found = tomllib.loads(statement)
        if not statement.lstrip().startswith("["):
            for key in _keys(found):
                lines.setdefault(table + key, number)
            continue
        table = ()
        names = _only_path(found)
        for depth, name in enumerate(names, start=1):
            table += (name,)
            lines.setdefault(table, number)
            if depth == len(names) and statement.lstrip().startswith("[["):
                lists[table] = lists.get(table, -1) + 1
            if table in lists:
                table += (lists[table],)
                lines.setdefault(table, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each header and each `key = value` of a valid TOML text, with the line where it begins."""
    started, statement = 1, ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        started = started if statement else number
        statement += line
        try:
            found = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # its value goes on in the next line
        if found:
            yield started, statement
        statement = ""


def _only_path(table: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a header, such as `a.b` of `[a.b]`."""
    names: tuple[str, ...] = ()
    inner: Any = table
    while inner and inner != [{}]:
        name, inner = next(iter(inner.items()))
        names += (name,)
    return names


def _keys(value: Any) -> Iterator[Key]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield (name,)
        for key in _keys(inner):
            yield (name, *key)


def _first_fault(error: ValidationError, text: str, model: type[BaseModel]) -> str:
    """Return line, key and what is wrong of the fault that stands first in the file; what is missing comes last."""
    lines = key_lines(text)
    faults = [(said == _MISSING, _line(lines, key), _sentence(key, said, text)) for key, said in _told(error, model)]
    return min(faults)[2]


def _told(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Key, str]]:
    """Yield the key of each fault, and what is expected and found there."""
    for wrong in error.errors():
        key: Key = wrong["loc"]
        own = wrong.get("ctx", {}).get("error")
        if isinstance(own, WrongValue):
            yield (*key, *own.key), str(own)
        elif wrong["type"] == "missing":
            yield key, _MISSING
        elif wrong["type"] == "extra_forbidden":
            yield key, f"there is no such key; expected one of {', '.join(_known_keys(model, key))}"
        else:
            said = wrong["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
            said = re.sub("^expected (?=greater|less)", "expected a number ", said)
            yield key, f"{said}, found {_short(wrong['input'])}"


def _known_keys(model: type[BaseModel], key: Key) -> list[str]:
    """Return the keys that the table which holds `key` may have."""
    for part in key[:-1]:
        if isinstance(part, str):
            model = next(_models(model.model_fields[part].annotation))
    return sorted(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _sentence(key: Key, said: str, text: str) -> str:
    where = ".".join(str(part) for part in key) or "the file"
    return f":{_line(key_lines(text), key)}: {where}: {said}."


def _line(lines: dict[Key, int], key: Key) -> int:
    """Return the line of `key`, or of the nearest table around it; 1 for a key that is missing at the top."""
    return next((lines[key[:depth]] for depth in range(len(key), 0, -1) if key[:depth] in lines), 1)


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    said = str(error)
    if "(at line " in said:
        return int(said.rpartition("(at line ")[2].partition(",")[0])
    return max(1, len(text.splitlines()))


def _plain(error: tomllib.TOMLDecodeError) -> str:
    return str(error).rpartition(" (at ")[0] or str(error)


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
