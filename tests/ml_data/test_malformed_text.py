"""Damaged text in every vendor's layout: refused in one sentence that fits, and the store is as it was."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.ingest import ingest
from ml_data.recognition import importer_of
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, nq, write
from tests.ml_data.malformed_text import LAYOUTS, ROWS, samples, scramble

SAMPLES = {name: (table, sentence) for name, table, sentence in samples(seed=7)}


def test_there_are_enough_of_them():
    assert len(SAMPLES) > 250


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of the undamaged bars."""
    folder = tmp_path_factory.mktemp("malformed")
    store = Store(folder / "home")
    [report] = ingest(store, nq(), [write(folder / "a", LAYOUTS["csv"].table().content())], now=NOW, time_zone="UTC")
    assert report.rows_stored == ROWS
    yield store
    store.close()


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_undamaged_file_of_each_layout_is_told_and_whole(tmp_path: Path, store: Store, name: str):
    table = LAYOUTS[name].table()
    path = write(tmp_path / "a", table.content())
    [report] = ingest(store, nq(), [path], now=NOW, time_zone="UTC", dry_run=True)
    assert importer_of(open_bar_file(path)).format == name.replace("semicolons", "csv")
    assert (report.refusal, report.rows_read, report.rows_rejected) == (None, ROWS, 0)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_refused_in_a_sentence_that_fits_and_the_store_is_as_it_was(
    store: Store, tmp_path: Path, name: str
):
    table, sentence = SAMPLES[name]
    before, stamp = (store.home / "market.duckdb").read_bytes(), store.stamp("market")
    path = write(tmp_path / "bad", table.content())
    [report] = ingest(store, nq(), [path], now=NOW, time_zone=table.zone, format=table.format)
    assert report.verdict == "refused"
    assert re.search(sentence, str(report.refusal)), report.refusal
    assert str(report.refusal).startswith(("bad: ", "--time-zone: ", f"{path}: "))
    assert str(report.refusal).endswith(".")
    assert "\n" not in str(report.refusal)
    assert (store.home / "market.duckdb").read_bytes() == before
    assert store.stamp("market") == stamp


def test_whatever_happens_to_the_bytes_a_file_is_counted_whole_or_refused_in_a_sentence(store: Store, tmp_path: Path):
    chance = random.Random(11)  # noqa: S311 - chance, no secret
    names = [chance.choice(list(LAYOUTS)) for _ in range(40)]
    paths = [
        write(tmp_path / f"{place}", scramble(chance, LAYOUTS[name].table().content()))
        for place, name in enumerate(names)
    ]
    for report in ingest(store, nq(), paths, now=NOW, time_zone="UTC", dry_run=True):
        counted = (report.rows_stored, report.rows_revised, report.rows_unchanged, report.rows_rejected)
        assert report.rows_read == sum(counted) + report.bars_dropped
        assert report.refusal is None or (report.refusal.endswith(".") and "\n" not in report.refusal)
