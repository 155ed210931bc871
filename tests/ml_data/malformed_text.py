"""Files of bars in the layouts of vendors, damaged in seeded ways, each with the sentence that should refuse it."""

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

ROWS: Final = 40
_FIRST: Final = datetime.fromisoformat("2024-02-13T14:30")

UNKNOWN: Final = r"expected bars in a format of docs/formats\.md, found text whose first line is '"


@dataclass(frozen=True)
class Layout:
    """How a vendor writes: `told_by` its names, the `shape` of its rows, or the `order` of their values.

    `late` is how long after the start of a bar its stamp is.
    """

    names: tuple[str, ...]
    stamp: tuple[str, ...]  # strftime, one a cell
    cells: str  # the other cells: o h l c v, and - for a decoy
    separator: str = ","
    told_by: str = "names"
    late: timedelta = timedelta()

    def table(self) -> "Table":
        """Return the bars of `ROWS` minutes, of NQ at about 15,895."""
        table = Table(self, [list(self.names)] if self.told_by == "names" else [])
        for place in range(ROWS):
            opened = 15_895.0 + place / 4
            values = {"o": opened, "h": opened + 5, "l": opened - 5.25, "c": opened + 0.5, "v": 100 + place, "-": 1}
            stamp = _FIRST + timedelta(minutes=place) + self.late
            row = [stamp.strftime(form) for form in self.stamp]
            table.rows.append(
                [*row, *(f"{values[cell]:g}" if cell in "v-" else str(values[cell]) for cell in self.cells)]
            )
        return table


@dataclass
class Table:
    """The cells of a file; `zone` and `format` are what the user says beside it."""

    layout: Layout
    head: list[list[str]]
    rows: list[list[str]] = field(default_factory=list)
    zone: str = "UTC"
    format: str | None = None
    pack: Callable[[bytes], bytes] = bytes

    def most(self, chance: random.Random) -> list[list[str]]:
        """Return two thirds of the rows, by chance."""
        return [self.rows[place] for place in sorted(chance.sample(range(ROWS), ROWS * 2 // 3))]

    def place(self, cell: str) -> int:
        """Return the column of o, h, l, c or v."""
        return len(self.layout.stamp) + self.layout.cells.index(cell)

    def restamp(self, *forms: str, start: datetime = _FIRST, step: timedelta = timedelta(minutes=1)) -> None:
        """Write the stamps anew: in `forms`, or in the layout's own."""
        for number, row in enumerate(self.rows):
            stamp = start + number * step
            row[: len(self.layout.stamp)] = [stamp.strftime(form) for form in forms or self.layout.stamp]

    def content(self) -> bytes:
        """Return the bytes of the file."""
        lines = (self.layout.separator.join(cells) for cells in (*self.head, *self.rows))
        return self.pack("".join(f"{line}\n" for line in lines).encode())


_ISO: Final = ("%Y-%m-%dT%H:%M:%S+00:00",)
LAYOUTS: Final = {
    "csv": Layout(("timestamp", "open", "high", "low", "close", "volume"), ("%Y-%m-%d %H:%M:%S",), "ohlcv"),
    "tradingview": Layout(
        ("time", "open", "high", "low", "close", "Plot", "MA #1", "Volume", "Volume MA"), _ISO, "ohlc--v-"
    ),
    "ninjatrader": Layout((), ("%Y%m%d %H%M%S",), "ohlcv", ";", "shape", timedelta(minutes=1)),
    "metatrader4": Layout((), ("%Y.%m.%d", "%H:%M"), "ohlcv", told_by="shape"),
    "metatrader5": Layout(
        ("<DATE>", "<TIME>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<TICKVOL>", "<VOL>", "<SPREAD>"),
        ("%Y.%m.%d", "%H:%M:%S"),
        "ohlc-v-",
        "\t",
    ),
    "sierra-chart": Layout(
        ("Date", "Time", "Open", "High", "Low", "Last", "Volume", "NumberOfTrades", "BidVolume", "AskVolume"),
        ("%Y/%m/%d", "%H:%M:%S"),
        "ohlcv---",
    ),
    "interactive-brokers": Layout(
        ("date", "open", "high", "low", "close", "volume", "average", "barCount"), ("%Y%m%d  %H:%M:%S",), "ohlcv--"
    ),
    "yahoo": Layout(("Datetime", "Open", "High", "Low", "Close", "Adj Close", "Volume"), _ISO, "ohlc-v"),
    "csv-headerless": Layout((), ("%Y-%m-%d %H:%M:%S",), "ohlcv", told_by="order"),
    "semicolons": Layout(("Date", "Time", "Open", "High", "Low", "Close", "Vol"), ("%d.%m.%Y", "%H:%M"), "ohlcv", ";"),
}

Mutation = Callable[[random.Random, Table], str | None]


def _most_often(reason: str) -> str:
    of_rows = rf"\d+ of {ROWS} rows cannot be used, so nothing of it is stored"
    return rf"{of_rows}; most often \(\d+, first in row \d+\): {reason}"


def _unless(table: Table, sentence: str, *told_by: str) -> str:
    """Return `sentence`, or that the format is not known where the damage hides what it is told by."""
    return UNKNOWN if table.layout.told_by in told_by else sentence


def letters_in_a_price(chance: random.Random, table: Table) -> str:
    name = chance.choice(["open", "high", "low", "close"])
    for row in table.most(chance):
        row[table.place(name[0])] = chance.choice(["abc", "15,89x", "1e", "--", "#REF!"]).replace(",", "")
    return _unless(table, _most_often(f"{name} is not a number"), "shape", "order")


def missing_prices(chance: random.Random, table: Table) -> str:
    cell = chance.choice("ohlc")
    for row in table.most(chance):
        row[table.place(cell)] = chance.choice(["", "NaN", "null"])
    return _unless(table, _most_often("a price is missing or is no finite number"), "shape", "order")


def infinite_prices(chance: random.Random, table: Table) -> str:
    cell = chance.choice("ohlc")
    for row in table.most(chance):
        row[table.place(cell)] = "inf"
    return _unless(table, _most_often("a price is missing or is no finite number"), "shape", "order")


def high_below_low(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        high, low = table.place("h"), table.place("l")
        row[high], row[low] = row[low], row[high]
    return _unless(table, _most_often("high is below low"), "order")


def close_outside(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row[table.place("c")] = "15999.5"
    return _unless(table, _most_often("close lies outside high and low"), "order")


def off_the_grid(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row[table.place("h")] = f"{float(row[table.place('h')]) + chance.choice([0.1, 0.05, 0.13])}"
    return _most_often("a price is off the tick grid")


def zero_prices(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        for cell in "ohlc":
            row[table.place(cell)] = "0"
    return _most_often("a price is zero or negative")


def negative_volume(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row[table.place("v")] = str(chance.randint(-500, -2))
    return _unless(table, _most_often("volume is negative"), "shape", "order")


def volume_in_words(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row[table.place("v")] = chance.choice(["1.2K", "3M", "many"])
    return _unless(table, _most_often("volume is not a number"), "shape", "order")


def a_cell_too_few(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        del row[-1]
    width = len(table.layout.stamp) + len(table.layout.cells)
    said = _most_often(rf"the row has {width - 1} columns where the first line names {width}")
    return _unless(table, said, "shape", "order")


def a_cell_too_many(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row.insert(chance.randint(1, len(row)), "7")
    width = len(table.layout.stamp) + len(table.layout.cells)
    said = _most_often(rf"the row has {width + 1} columns where the first line names {width}")
    return _unless(table, said, "shape", "order")


def stamps_in_words(chance: random.Random, table: Table) -> str:
    for row in table.rows:
        row[: len(table.layout.stamp)] = [chance.choice(["noon", "open", "?"])] * len(table.layout.stamp)
    return _unless(
        table, "expected stamps such as '2024-03-08 09:30:00', or seconds since 1970, found '", "shape", "order"
    )


def a_buddhist_year(chance: random.Random, table: Table) -> str:
    table.restamp(*(form.replace("%Y", "2567") for form in table.layout.stamp))
    return "expected years of the Gregorian calendar, found '.*2567.*', a year of the Buddhist calendar; take 543 off"


def a_year_of_two_digits(chance: random.Random, table: Table) -> str:
    table.restamp(*(["%d/%m/%y", "%H:%M"] if len(table.layout.stamp) == 2 else ["%d/%m/%y %H:%M"]))
    return _unless(
        table, "expected years of four digits, found '13/02/24 14:30'; write the dates with", "shape", "order"
    )


def a_day_or_a_month(chance: random.Random, table: Table) -> str:
    mark = chance.choice("/-.")
    date = f"%d{mark}%m{mark}%Y"
    forms = [date, "%H:%M"] if len(table.layout.stamp) == 2 else [f"{date} %H:%M:%S"]
    table.restamp(*forms, start=_FIRST - timedelta(days=8))
    return "expected to know whether the day or the month comes first in '05.02.2024 14:30.*', found no day above 12"


def an_abbreviated_zone(chance: random.Random, table: Table) -> str:
    zone = chance.choice(["EST", "CST", "IST", "AEST"])
    for row in table.rows:
        row[len(table.layout.stamp) - 1] = row[len(table.layout.stamp) - 1].removesuffix("+00:00") + f" {zone}"
    said = f"expected stamps with a UTC offset or none, found '.* {zone}', and {zone} is the name of several clocks"
    return _unless(table, said, "shape", "order")


def weeks(chance: random.Random, table: Table) -> str | None:
    if len(table.layout.stamp) == 2:
        return None
    table.restamp("%Y-%m-%d", step=timedelta(days=7))
    return "expected day bars, found bars of 7 days; export day bars"


def longer_bars(chance: random.Random, table: Table) -> str:
    minutes = chance.choice([2, 3, 5, 15, 30, 60])
    table.restamp(step=timedelta(minutes=minutes))
    return f"expected one-minute bars, found {minutes}-minute bars; export one-minute bars"


def shorter_bars(chance: random.Random, table: Table) -> str | None:
    if "%S" not in "".join(table.layout.stamp):
        return None
    seconds = chance.choice([1, 5, 10, 15, 30])
    table.restamp(step=timedelta(seconds=seconds))
    return f"expected one-minute bars, found {seconds}-second bars; export one-minute bars"


def off_the_minute(chance: random.Random, table: Table) -> str | None:
    if "%S" not in "".join(table.layout.stamp):
        return None
    table.restamp(start=_FIRST + timedelta(seconds=chance.randint(1, 59)))
    return _most_often("the stamp is not on a full minute")


def scaled_prices(chance: random.Random, table: Table) -> str:
    factor = chance.choice([100, 1_000, 10_000])
    for row in table.rows:
        for cell in "ohlc":
            row[table.place(cell)] = f"{float(row[table.place(cell)]) * factor:.0f}"
    return rf"its prices are about {factor:,} times those that are stored \([\d.e+]+ against 15\d+"


def another_level(chance: random.Random, table: Table) -> str:
    away = chance.choice([-40, 40, 400])
    for row in table.rows:
        for cell in "ohlc":
            row[table.place(cell)] = str(float(row[table.place(cell)]) + away)
    return r"\d+ of the \d+ bars that are stored already have other values in this file \(first: NQ 2024-02-13 14:"


def separated_thousands(chance: random.Random, table: Table) -> str:
    for row in table.rows:
        for cell in "ohlc":
            written = f"{float(row[table.place(cell)]):,.2f}"
            row[table.place(cell)] = f'"{written}"' if table.layout.separator == "," else written
    said = "expected prices such as 15895.25, found '15,895.00', in which thousands may be separated; export numbers"
    return _unless(table, said, "shape", "order")


def a_name_that_is_missing(chance: random.Random, table: Table) -> str | None:
    if not table.head:
        return None
    cell = chance.choice("ohl")
    table.head[0][table.place(cell)] = "x"
    name = {"o": "open", "h": "high", "l": "low"}[cell]
    return rf"expected bars in a format of docs/formats\.md, found a header that names no {name}: '"


def a_name_twice(chance: random.Random, table: Table) -> str | None:
    if not table.head or table.layout.names[0] == "time":
        return None
    cell = chance.choice("ohlc")
    table.head[0].append(table.head[0][table.place(cell)])
    for row in table.rows:
        row.append("1")
    return f"two columns are called '{table.head[0][-1]}'; remove one of them"


def names_alone(chance: random.Random, table: Table) -> str | None:
    if not table.head or table.layout.names[0] == "time":
        return None
    table.rows.clear()
    return "the file holds no bars, only the line of column names; download it again"


def names_in_another_language(chance: random.Random, table: Table) -> str | None:
    if not table.head:
        return None
    table.head[0][:] = [f"Spalte {place}" for place in range(len(table.head[0]))]
    return UNKNOWN


def another_symbol(chance: random.Random, table: Table) -> str | None:
    if not table.head:
        return None
    table.head[0].append("Symbol")
    for row in table.rows:
        row.append(chance.choice(["ESH4", "CLH4"]))
    return "wrong instrument: expected bars of NQ, found "


def cut_short(chance: random.Random, table: Table) -> str:
    keep = chance.uniform(0.3, 0.9)
    table.pack = lambda content: gzip.compress(content)[: int(len(gzip.compress(content)) * keep)]
    return "the file is cut short: its packed content has no end; download it again"


def a_zone_that_is_none(chance: random.Random, table: Table) -> str:
    table.zone = chance.choice(["EDT!", "New York", "America/Gotham", "+5 hours"])
    return "--time-zone: expected a name of the IANA list such as 'America/New_York', or hours from UTC such as 'UTC-5'"


def a_format_that_it_has_not(chance: random.Random, table: Table) -> str:
    table.format = "databento-dbn"
    return "expected Databento DBN as --format says, found "


def noise(chance: random.Random, table: Table) -> str:
    for row in table.most(chance):
        row[:] = ["".join(chance.choice("abcdefgh !?") for _ in range(30))]
    said = _most_often(r"the row has 1 columns where the first line names \d+")
    return _unless(table, said, "shape", "order")


MUTATIONS: Final[tuple[Mutation, ...]] = (
    letters_in_a_price, missing_prices, infinite_prices, high_below_low, close_outside, off_the_grid, zero_prices,
    negative_volume, volume_in_words, a_cell_too_few, a_cell_too_many, stamps_in_words, a_buddhist_year,
    a_year_of_two_digits, a_day_or_a_month, an_abbreviated_zone, weeks, longer_bars, shorter_bars, off_the_minute,
    scaled_prices, another_level, separated_thousands, a_name_that_is_missing, a_name_twice, names_alone,
    names_in_another_language, another_symbol, cut_short, a_zone_that_is_none, a_format_that_it_has_not, noise,
)  # fmt: skip


def samples(seed: int) -> Iterator[tuple[str, Table, str]]:
    """Yield every layout damaged in every way that fits it: a name, the file, and a pattern of its refusal."""
    for name, layout in LAYOUTS.items():
        for number, mutate in enumerate(MUTATIONS):
            table = layout.table()
            sentence = mutate(random.Random(f"{seed} {name} {number}"), table)  # noqa: S311 - chance, no secret
            if sentence is not None:
                yield f"{name}: {mutate.__name__.replace('_', ' ')}", table, sentence


def scramble(chance: random.Random, content: bytes) -> bytes:
    """Return `content` with some bytes changed, put in, taken out, repeated or cut off."""
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place, other = chance.randrange(len(damaged) + 1), chance.randrange(len(damaged) + 1)
        how = chance.randrange(5)
        if how == 0:
            damaged[place : place + 1] = chance.randbytes(1)
        elif how == 1:
            damaged[place:place] = bytes(chance.choices(b',;\t|"\r\n .-+:/019aTZ\x00\xff<{[', k=chance.randint(1, 4)))
        elif how == 2:
            del damaged[place : place + chance.randint(1, 40)]
        elif how == 3:
            damaged[place:place] = damaged[other : other + chance.randint(1, 200)]
        elif chance.random() < 0.2:
            del damaged[place:]
    return bytes(damaged)
