"""What no line of the hub may do: pickle, run text as code, use a shell, put values into SQL. Found in the code.

Streamlit's `st.cache_data` pickles frames in its own process's memory: nothing of it is written to a file or read again
from one.
"""

import ast
import hashlib
import json
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_models.documents import DamagedVersion
from ml_models.model_registry import ModelRegistry
from tests.hub_home import MODEL, REGISTRY, copied

ROOT = Path(__file__).resolve().parents[2]
OURS = ("trading", "ml_data", "ml_models", "ml_training", "ml_inference", "ml_monitoring", "ml_scripts", "app_pages")
PICKLES = {"pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
READS_PICKLES = {"read_pickle", "to_pickle"}
SQL = re.compile(r"\b(SELECT\s|INSERT INTO|DELETE FROM|UPDATE \w+ SET|ATTACH|DETACH|COPY|CHECKPOINT|CREATE \w+ )")
OUR_OWN_NAMES = {
    "ml_data/build.py": {"name"},  # a table of the history
    "ml_data/schema.py": {"alias"},  # market or journal
    "ml_data/snapshot.py": {"key", "when", "table", "order", "quoted"},  # columns of our tables; a path, quoted
    "ml_data/store.py": {"alias", "copy", "quoted", "table"},  # market or journal; hex digits; a path, quoted; our own
}
"""Where SQL is put together, and of what: parts that no parameter can stand for. A value is always bound."""


def files() -> dict[str, str]:
    """Source by name."""
    found = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    found += [ROOT / "app_trading_hub.py", ROOT / "bootstrap.py"]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


def forbidden(source: str) -> Iterator[str]:
    """What a module does that none may, as `line: what`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: {name}" for name in named if name.partition(".")[0] in PICKLES)
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if (isinstance(node.func, ast.Name) and called in RUNS_TEXT) or called in READS_PICKLES:
            yield f"{node.lineno}: {called}"
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) in ("os.system", "os.popen", "yaml.load"):
            yield f"{node.lineno}: {ast.unparse(node.func)}"
        for keyword in node.keywords:
            if keyword.arg in ("shell", "allow_pickle", "unsafe_allow_html", "unsafe_allow_javascript") and not (
                isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            ):
                yield f"{node.lineno}: {keyword.arg}"


def formatted(source: str) -> set[str]:
    """What is put into texts of SQL, by f-strings, `%`, `+` or `.format`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            if SQL.search(text):
                found |= {ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            if any(isinstance(each, ast.Constant) and SQL.search(str(each.value)) for each in (node.left, node.right)):
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            text = node.func.value
            if isinstance(text, ast.Constant) and SQL.search(str(text.value)):
                found.add(ast.unparse(node))
    return found


def test_no_module_pickles_runs_text_or_uses_a_shell():
    assert {name: amiss for name, source in files().items() if (amiss := list(forbidden(source)))} == {}


def test_the_search_finds_what_it_forbids():
    amiss = (
        "import pickle", "from joblib import load", "eval(text)", "exec(text)", "pandas.read_pickle(path)",
        "subprocess.run(line, shell=True)", "numpy.load(path, allow_pickle=True)", "os.system(line)",
        "st.markdown(text, unsafe_allow_html=True)",
    )  # fmt: skip
    assert [len(list(forbidden(line))) for line in amiss] == [1] * len(amiss)
    assert list(forbidden("subprocess.run(line, shell=False); ast.literal_eval(text); cursor.execute(text)")) == []


def test_values_reach_sql_as_parameters_only():
    assert {name: found for name, source in files().items() if (found := formatted(source))} == OUR_OWN_NAMES


def test_sql_that_is_put_together_is_found():
    for line in (
        "cursor.execute(f\"SELECT * FROM journal.ml_actions WHERE why = '{why}'\")",
        'question = f"DELETE FROM market.bars_1m WHERE instrument = {symbol}"',
        "cursor.execute(\"SELECT * FROM t WHERE why = '%s'\" % why)",
        'cursor.execute("SELECT * FROM t WHERE why = " + why)',
        'cursor.sql("SELECT * FROM t WHERE why = {}".format(why))',
    ):
        assert formatted(line), line
    assert formatted('raise HubError(f"{symbol}: nothing is stored; select another")') == set()


def test_files_of_sql_take_values_as_parameters_and_nothing_else():
    for path in sorted((ROOT / "ml_data").rglob("*.sql")):
        text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\{\w*\}|%s|%\(\w+\)s", text), f"{path.name} has a place for text to be put in"


class Bomb:
    """What a pickle can do: anything, when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_version_with_a_pickle_for_a_model_is_refused_and_nothing_in_it_runs(demo_home: Path, tmp_path: Path):
    home, mark = copied(demo_home, tmp_path / "home"), tmp_path / "ran"
    [model] = (home / REGISTRY / MODEL).glob("v_*/model.txt")
    for version_file in model.parent.iterdir():
        assert not version_file.read_bytes().startswith(b"\x80"), f"{version_file.name} begins as a pickle does"
    model.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(DamagedVersion, match=r"model\.txt: has "):
        ModelRegistry(home / REGISTRY).load(MODEL)
    manifest = model.with_name("manifest.json")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["files"]["model.txt"] = {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "size": model.stat().st_size,
    }
    manifest.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(DamagedVersion):
        ModelRegistry(home / REGISTRY).load(MODEL)
    assert not mark.exists()
