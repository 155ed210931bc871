"""`hub ingest` on a file whose stamps name no clock: what it prints, how it leaves, what is stored then."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ml_scripts.ingest import command
from tests.ml_data.clock_bars import NEW_YORK, bars_file, open_minutes, shipped, shown


@pytest.fixture
def naive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    minutes = open_minutes(shipped("NQ"), "2024-02-04T23:00", "2024-02-08")
    return str(bars_file(tmp_path / "naive.csv", shown(minutes, NEW_YORK)))


def run(*arguments: str) -> tuple[int, str]:
    cli = typer.Typer()
    cli.command()(command)
    result = CliRunner().invoke(cli, [*arguments, "--instrument", "NQ"])
    return result.exit_code, result.output


def test_without_accept_it_leaves_with_2_and_says_what_to_add(naive: str):
    code, said = run(naive)
    assert code == 2
    assert "the bars show America/New_York (certain); add --accept to import it so" in said
    assert "0 of 4,200 bars fall into the daily halt 17:00-18:00 New York; read as UTC 120 would" in said
    assert "0 of 1 files imported; 0 bars new" in said


def test_a_dry_run_shows_the_evidence_and_leaves_with_0(naive: str):
    code, said = run(naive, "--dry-run")
    assert (code, said.splitlines()[0]) == (0, "naive.csv: would be stored with --accept")
    assert "clock: America/New_York (inferred from the bars: certain)" in said


def test_with_accept_it_is_stored_and_the_json_holds_the_evidence(naive: str):
    code, said = run(naive, "--accept", "--json")
    [file] = json.loads(said)["files"]
    assert (code, file["verdict"], file["rows_stored"]) == (0, "stored", 4_200)
    clock = file["clock"]
    assert (clock["clock"], clock["how"], clock["verdict"], clock["accepted"]) == (
        NEW_YORK,
        "inferred",
        "certain",
        True,
    )
    assert clock["candidates"][0]["clock"] == NEW_YORK
    assert clock["candidates"][1]["in_halt"] == 180
