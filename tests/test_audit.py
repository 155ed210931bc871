"""The audit of what the hub is built on: what it finds, and that a missing network is told and harms nothing."""

import importlib.util
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(audit: ModuleType, tmp_path: Path) -> Path:
    for name in (*audit.LOCKS, "trading_hub/price_chart", "static"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / name, target) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, target)
    return tmp_path


@pytest.fixture
def advisories(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """Advisories by name of a package, served as osv.dev serves them."""
    known: dict[str, list[str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            results = [{"vulns": [{"id": each} for each in known.get(one["package"]["name"], ())]} for one in asked]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"results": [each if each["vulns"] else {} for each in results]}).encode())

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(audit, "SERVICE", f"http://127.0.0.1:{server.server_port}")
        yield known
        server.shutdown()
        thread.join()


def test_everything_that_is_installed_or_vendored_is_asked_about(audit: ModuleType):
    asked = audit.pins(ROOT) | audit.vendored_packages(ROOT)
    assert {"streamlit", "duckdb", "lightgbm", "pytest", "lightweight-charts", "@fontsource-variable/inter"} <= {
        name for _, name, _ in asked
    }
    assert {kind for kind, _, _ in asked} == {"PyPI", "npm"}
    assert audit.unhashed(ROOT) == audit.changed(ROOT) == []


def test_without_advisories_it_passes(
    audit: ModuleType, checkout: Path, advisories: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
):
    assert audit.main(checkout) == 0
    assert "advisories: 0 of" in capsys.readouterr().out


def test_a_known_vulnerability_fails_it_by_name_unless_it_is_accepted(
    audit: ModuleType,
    checkout: Path,
    advisories: dict[str, list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    advisories["duckdb"] = ["GHSA-one", "GHSA-two"]
    assert audit.main(checkout) == 1
    assert "GHSA-one, GHSA-two" in capsys.readouterr().err
    monkeypatch.setattr(audit, "ACCEPTED", {"GHSA-one": "not used", "GHSA-two": "not used"})
    assert audit.main(checkout) == 0


def test_where_nobody_answers_it_says_so_and_passes(
    audit: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audit, "SERVICE", "http://127.0.0.1:9")
    assert audit.main(checkout) == 0
    assert "advisories: skipped, for http://127.0.0.1:9 cannot be asked" in capsys.readouterr().out


def test_a_changed_file_and_a_pin_without_hash_fail_it_also_without_a_network(
    audit: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audit, "SERVICE", "http://127.0.0.1:9")
    with (checkout / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("left-pad==1.0 ; python_version >= '3.11'\n    # via nobody\n")
    with (checkout / "trading_hub/price_chart/lightweight-charts.standalone.production.mjs").open("ab") as library:
        library.write(b"\n")
    assert audit.main(checkout) == 1
    told = capsys.readouterr().err
    assert "requirements.lock: left-pad==1.0 has no hash" in told
    assert "lightweight-charts.standalone.production.mjs: not the file" in told
