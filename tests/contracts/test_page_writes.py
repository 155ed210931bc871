"""Whatever a page writes is behind `by_whom`: found in the code, not listed.

A function writes when it takes a write lease of the store, calls what makes files durable, or calls a function that
does. Pages may call such a function only in a function that first asks `app_pages.access.by_whom` for the deed.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BELOW = ("trading", "ml_data", "ml_models", "ml_training", "ml_inference", "ml_monitoring", "ml_scripts")
SOURCES = {"journal_write", "market_write"}
FILES = "ml_models.durable_files"
LEASES = ("ml_data.store", "ml_data.lease")
"""Where a lease is made, for reading too: what it does to the files is not a write of who leases."""
PAGE_FILES = {"write_text", "write_bytes", "unlink", "rmtree", "mkdir"}
"""What a page has no business with itself."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def imported(tree: ast.AST) -> dict[str, str]:
    """Names of a module that stand for something of another one, by the whole name of that."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return names


def called(function: ast.AST, module: str, names: dict[str, str], owner: str = "") -> Iterator[str]:
    """What a function calls: whole names where they are known, `.name` for a method of something unknown."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield names.get(node.func.id, f"{module}.{node.func.id}")
        elif isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in names:
                yield f"{names[of.id]}.{node.func.attr}"
            elif owner and isinstance(of, ast.Name) and of.id == "self":
                yield f"{owner}.{node.func.attr}"
            else:
                yield f".{node.func.attr}"


def functions(tree: ast.Module, module: str) -> Iterator[tuple[str, str, Function]]:
    """Functions by their whole names, each with the class that it is a method of, or ""."""
    for node in tree.body:
        if isinstance(node, Function):
            yield f"{module}.{node.name}", "", node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, Function):
                    yield f"{module}.{node.name}.{each.name}", f"{module}.{node.name}", each


@cache
def writers() -> frozenset[str]:
    """Whole names of functions that write, and `.name` of methods where every method of that name does."""
    calls: dict[str, set[str]] = {}
    methods: dict[str, set[str]] = {}
    for package in BELOW:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module in LEASES:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = imported(tree)
            for name, owner, function in functions(tree, module):
                calls[name] = set(called(function, module, names, owner))
                if owner:
                    methods.setdefault(f".{function.name}", set()).add(name)
    found = {f".{name}" for name in SOURCES} | {name for name in calls if name.startswith(f"{FILES}.")}
    while True:
        found |= {name for name, whole in methods.items() if whole <= found}
        more = {name for name, what in calls.items() if what & found} - found
        if not more:
            return frozenset(found)
        found |= more


def unguarded(source: str, module: str = "app_pages.some") -> list[str]:
    """What a page's module writes without asking who may, as `function: what`."""
    tree = ast.parse(source)
    names, writes = imported(tree), writers() | {f".{name}" for name in PAGE_FILES}
    amiss = []
    for node in ast.walk(tree):
        if isinstance(node, Function):
            what = set(called(node, module, names))
            asks = "app_pages.access.by_whom" in what
            amiss += [f"{node.name}: {each}" for each in sorted(what & writes) if not asks]
    return amiss


def pages() -> list[Path]:
    return [ROOT / "app_trading_hub.py", *sorted((ROOT / "app_pages").rglob("*.py"))]


def test_every_write_of_a_page_asks_who_may():
    amiss = {
        path.name: found
        for path in pages()
        if (
            found := unguarded(path.read_text(encoding="utf-8"), ".".join(path.relative_to(ROOT).with_suffix("").parts))
        )
    }
    assert amiss == {}


def test_a_page_that_writes_without_asking_is_found():
    page = "from ml_data.stage_history import append_stage_change\n{}\ndef draw(context):\n    {}\n    {}\n"
    asks = "from app_pages.access import by_whom"
    change, promote = "append_stage_change(context.store, 1)", 'context.registry.promote("m", "v", who=who)'
    lease = "with context.store.journal_write() as cursor: cursor.execute('DELETE FROM ml_alerts')"
    assert unguarded(page.format("", "who = 'ann'", change)) == ["draw: ml_data.stage_history.append_stage_change"]
    assert unguarded(page.format("", "who = 'ann'", promote)) == ["draw: .promote"]
    assert unguarded(page.format("", "who = 'ann'", lease)) == ["draw: .journal_write"]
    assert unguarded(page.format(asks, "who = by_whom('promote')", promote)) == []


def test_what_is_known_to_write_is_known_here():
    known = {
        ".promote", ".rollback", ".publish", "ml_scripts.alert_sending.send_test",
        "ml_data.journal.append_predictions", "ml_monitoring.gatekeeper.take_back",
        "ml_monitoring.outcome_logger.settle", "ml_training.train_pipeline.train",
    }  # fmt: skip
    assert known <= writers()
    assert "ml_data.journal.judged_predictions" not in writers()
