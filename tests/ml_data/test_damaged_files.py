"""Files damaged by chance: what survives is what was written, minute by minute; the rest is refused in a sentence."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.import_windows import windows
from ml_data.importers.base import UnknownClock
from ml_data.recognition import importer_of
from tests.ml_data.bar_files import nq, write
from tests.ml_data.malformed_text import LAYOUTS, ROWS
from trading.errors import BadBars

Bars = dict[tuple[str, str], tuple[float, ...]]
DAMAGES = 12


def objects() -> bytes:
    names = ("time", "open", "high", "low", "close", "volume")
    rows = [
        dict(
            zip(
                names,
                (1_707_834_600 + 60 * place, 100.0 + place, 102.0 + place, 99.0, 101.0 + place, place),
                strict=True,
            )
        )
        for place in range(ROWS)
    ]
    return json.dumps({"results": rows}, indent=1).encode()


CONTENTS = {name: layout.table().content() for name, layout in LAYOUTS.items()} | {"json": objects()}
CONTENTS |= {"utf-16": CONTENTS["metatrader5"].decode().encode("utf-16")}


def bars_of(path: Path) -> Bars | None:
    """The checked bars of a file by contract and minute; None where it is refused."""
    try:
        file = open_bar_file(path)
        importer = importer_of(file)
        try:
            reading = importer.open(file, nq(), None)
            found = list(windows(reading.chunks, nq(), file.name, whole=True))
        except UnknownClock:
            found = list(windows(importer.open(file, nq(), "UTC").chunks, nq(), file.name, whole=True))
    except BadBars:
        return None
    rows = [row for window in found for row in window.rows.to_pylist()]
    return {
        (row["contract"], row["ts"].isoformat()): tuple(
            row[name] for name in ("open", "high", "low", "close", "volume")
        )
        for row in rows
    }


def lines_of(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def cut(chance: random.Random, content: bytes) -> bytes:
    return b"".join(lines_of(content)[: chance.randrange(2, ROWS)])


def shuffled(chance: random.Random, content: bytes) -> bytes:
    first, *rows = lines_of(content)
    chance.shuffle(rows)
    return b"".join([first, *rows])


def lines_lost(chance: random.Random, content: bytes) -> bytes:
    first, *rows = lines_of(content)
    return b"".join([first, *(row for row in rows if chance.random() < 0.8)])


def lines_twice(chance: random.Random, content: bytes) -> bytes:
    return b"".join(line * chance.choice([1, 1, 2]) for line in lines_of(content))


def noise_between(chance: random.Random, content: bytes) -> bytes:
    noise = [b"\n", b"# comment\n", b"----\n", bytes(chance.choices(range(1, 256), k=30)).replace(b"\n", b"") + b"\n"]
    first, *rows = lines_of(content)
    return first + b"".join(row + (chance.choice(noise) if chance.random() < 0.1 else b"") for row in rows)


def cells_lost(chance: random.Random, content: bytes) -> bytes:
    separators = b",;\t"
    first, *rows = lines_of(content)
    for place in chance.sample(range(len(rows)), 3):
        marks = [at for at, letter in enumerate(rows[place]) if letter in separators]
        if marks:
            at = chance.choice(marks)
            rows[place] = rows[place][:at] + rows[place][at + 1 :]
    return b"".join([first, *rows])


def letters_in_between(chance: random.Random, content: bytes) -> bytes:
    place = chance.randrange(len(content) // 2, len(content))
    return content[:place] + bytes(chance.choices(b"xyz\0\xff\"'", k=chance.randrange(1, 4))) + content[place:]


def joined(chance: random.Random, content: bytes) -> bytes:
    return content + chance.choice([b"", b"\n", b"\r\n"]) + content


DAMAGE: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    cut, shuffled, lines_lost, lines_twice, noise_between, cells_lost, letters_in_between, joined,
)  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
def test_what_survives_a_damage_is_what_was_written(tmp_path: Path, name: str):
    whole = bars_of(write(tmp_path / "whole", CONTENTS[name]))
    assert whole is not None
    assert len(whole) == ROWS
    chance = random.Random(f"{name} 5")  # noqa: S311 - chance, no secret
    survived = 0
    for number in range(DAMAGES):
        damage = DAMAGE[number % len(DAMAGE)]
        found = bars_of(write(tmp_path / "damaged", damage(chance, CONTENTS[name])))
        if found is not None:
            wrong = {key: bar for key, bar in found.items() if whole.get(key) != bar}
            assert not wrong, f"{damage.__name__}: {wrong}"
            survived += len(found)
    assert survived > 0
