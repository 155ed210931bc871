"""After a vendor changed a bar, every verb that should say so does, and names the ids."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app_pages.data_tables import STALE, stale_frame
from app_pages.data_view import stale_sentence
from ml_monitoring.stale import built_on_revised_bars
from ml_scripts import audit, doctor, models
from tests.hub_home import DEMO, MODEL, copied, using
from tests.ml_monitoring.test_stale import revise


@pytest.fixture
def home(logged_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = copied(logged_home, tmp_path / "home")
    monkeypatch.setenv("HUB_HOME", str(folder))
    return folder


def run(cli: typer.Typer, *arguments: str) -> tuple[int, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def doctor_says() -> dict[str, Any]:
    cli = typer.Typer()
    cli.command()(doctor.command)
    return {each["what"]: each for each in run(cli)[1]["findings"]}


def test_a_changed_bar_is_told_by_audit_doctor_and_models(home: Path):
    assert run(audit.cli, "stale", "--instrument", "DEMO") == (0, {"instrument": "DEMO", "stale": []})
    assert "DEMO revisions" not in doctor_says()
    with using(home) as opened:
        import_id = revise(opened, "2023-04-12 03:00")  # the version learned from it, and every prediction looked back
        version = str(opened.registry.versions(MODEL)[0].version)
    code, told = run(audit.cli, "stale", "--instrument", "DEMO")
    named = {(each["kind"], each["id"]) for each in told["stale"]}
    assert code == 1
    assert ("versions", f"{MODEL} {version}") in named
    assert len([kind for kind, _ in named if kind == "ml_predictions"]) == 60
    assert {each["first"]["import_id"] for each in told["stale"]} == {import_id}
    found = doctor_says()["DEMO revisions"]
    assert (found["state"], len(found["stale"])) == ("look", len(named))
    assert "1 version, 60 predictions" in found["sentence"]
    for verb in ("show", "verify"):
        code, told = run(models.cli, verb, MODEL)
        assert (code, [each["id"] for each in told["stale"]]) == (0, [f"{MODEL} {version}"])
    said = CliRunner().invoke(models.cli, ["verify", MODEL]).stdout.replace("\n", " ")
    assert f"Stale: {MODEL} {version}: a bar of it was changed since; first: DEMOM3 2023-04-12 03:00Z high was" in said


def test_the_data_page_lists_them_with_the_bar_and_the_import(home: Path):
    with using(home) as opened:
        import_id = revise(opened, "2023-05-26 14:31")  # in the last range that was asked
        stale = built_on_revised_bars(opened.store, opened.registry, DEMO)
    frame = stale_frame(stale)
    assert list(frame.columns) == list(STALE)
    [row] = frame[frame["What"] == "prediction"].to_dict("records")
    assert (row["First"], row["Import"], row["File"]) == ("DEMOM3 2023-05-26 14:31Z", import_id, "mended")
    assert "1 prediction." in stale_sentence(stale)
    assert "`hub build` rebuilds the history" in stale_sentence(stale)
    assert stale_frame(()).empty
