"""The model card: what a version answers, how good it was beside the simplest answers, what it is not good for."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ml_models.card_parts import SHOWN, checks, input_rows
from ml_models.importance import FeatureImportance
from ml_models.intervals import Estimate
from ml_models.metadata import Metadata, Schema
from ml_models.metrics import read_estimate

_REPRODUCE: Final = "hub reproduce VERSION"
_BLOCKS: Final = {
    "untouched": "The untouched window",
    "walk_forward": "Walk-forward, all folds together",
}
_READING: Final = (
    "Numbers stand as value [interval of 95 %, days as the unit], n events, effective n. "
    "Skill is the model minus the best baseline on the same events; above 0 is better."
)


def model_card(
    model: str,
    metadata: Metadata,
    schema: Schema,
    metrics: Mapping[str, Any],
    version: str | None = None,
    importance: Sequence[FeatureImportance] = (),
) -> str:
    """Return the card as Markdown. `metrics` is as `ml_models.metrics` describes; what it does not name is listed last.

    Estimates are shown with four significant digits; metrics.json has all of them.
    """
    folds = metrics.get("folds", [])
    known = {name: block for name, block in metrics.items() if _is_block(block)}
    order = [name for name in _BLOCKS if name in known] + sorted(set(known) - set(_BLOCKS))
    parts = [
        _head(model, metadata, schema, version),
        _learned_from(metadata),
        "## How good it was",
        _READING if order or folds else "No figures were published.",
        *(_block(_BLOCKS.get(name, _title(name)), known[name]) for name in order),
        _folds(folds) if folds else "",
        *(f"### {_title(name)}\n\n{_bullets(said)}" for name, said in told_parts(metrics).items()),
        *(["## What it looks at", _looked_at(importance)] if importance else []),
        *(["## What was checked before it was published", _bullets(checked)] if (checked := checks(metadata)) else []),
        "## What it is not good for",
        _bullets(metadata.limits or ("Nothing was written down here; treat every use as untested.",)),
        *(["## What a reader must know", _bullets(metadata.notes)] if metadata.notes else []),
        _again(metadata),
        _rest({name: each for name, each in metrics.items() if name not in {*known, *told_parts(metrics), "folds"}}),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def with_version(card: str, version: str) -> str:
    """Return a card as it was published, with the number that it could not know yet in its last command.

    >>> with_version("    hub reproduce VERSION", "v_20250627_120000-abcde")
    '    hub reproduce v_20250627_120000-abcde'
    """
    return card.replace(_REPRODUCE, f"hub reproduce {version}")


def _looked_at(importance: Sequence[FeatureImportance]) -> str:
    more = len(importance) - len(importance[:SHOWN])
    rest = f"\n\nAnd {more:,} more inputs, in feature_importance.json." if more else ""
    return f"On rows that it was not fitted on.\n\n{_table(*input_rows(importance))}{rest}"


def told_parts(metrics: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the sentences of the parts of metrics.json that have some, by name."""
    return {
        name: tuple(part["sentences"])
        for name, part in sorted(metrics.items())
        if isinstance(part, dict) and isinstance(part.get("sentences"), list)
    }


def describe_opening(times: int) -> str:
    """Return how untouched a last window is that has been opened `times` times.

    >>> describe_opening(1), describe_opening(3)
    ('once, after every choice was made', 'for the 3rd time; no longer untouched')
    """
    if times == 1:
        return "once, after every choice was made"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(times % 10 if times % 100 not in (11, 12, 13) else 0, "th")
    return f"for the {times}{ending} time; no longer untouched"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _is_block(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("scores"), dict)


def _head(model: str, metadata: Metadata, schema: Schema, version: str | None) -> str:
    lines = [f"# Model card: {model} ({metadata.instrument})" + (f", {version}" if version else "")]
    if metadata.synthetic:
        lines.append("**Learned from a synthetic market. It says nothing about any real one.**")
    answer = f"one of {', '.join(schema.classes)}" if schema.classes else "a number"
    inputs = "1 input" if len(schema.columns) == 1 else f"{len(schema.columns)} inputs"
    lines.append(f"{metadata.question} It answers {answer} from {inputs}; recipe `{metadata.recipe}`.")
    if metadata.expires_on is not None:
        lines.append(f"It may answer up to {metadata.expires_on}.")
    return "\n\n".join(lines)


def _learned_from(metadata: Metadata) -> str:
    rows = [(each.name, str(each.first_day), str(each.last_day), f"{each.events:,}") for each in metadata.ranges]
    if metadata.trials == 1:
        counted = "1 training run of this recipe was made up to this version."
    else:
        runs = f"{metadata.trials:,} training and tuning runs of this recipe were made up to this version"
        counted = f"{runs}; the best of many looks better than it is."
    return "\n\n".join(
        [
            "## What it learned from",
            _table(("use", "first trading day", "last trading day", "events"), rows),
            counted,
        ]
    )


def _block(title: str, block: Mapping[str, Any]) -> str:
    baselines: Mapping[str, Mapping[str, Any]] = block.get("baselines", {})
    rows = [
        (score, _figure(estimate), *(_figure(values.get(score)) for values in baselines.values()))
        for score, estimate in block["scores"].items()
    ]
    days = f" ({block['first_day']} to {block['last_day']})" if {"first_day", "last_day"} <= block.keys() else ""
    title += f", opened {describe_opening(block['opened'])}" if "opened" in block else ""
    skill = [_skill(score, each, block.get("best_baseline")) for score, each in block.get("skill", {}).items()]
    return "\n\n".join(
        [f"### {title}{days}", _table(("score", "model", *baselines), rows), *([_bullets(skill)] if skill else [])]
    )


def _skill(score: str, document: Mapping[str, Any], baseline: str | None) -> str:
    estimate = read_estimate(document)
    if estimate.low > 0:
        verdict = "better than"
    elif estimate.high < 0:
        verdict = "worse than"
    else:
        verdict = "cannot be told apart from"
    return f"Skill in {score}: {_figure(document)}: **{verdict} {baseline or 'the best baseline'}**."


def _folds(folds: Sequence[Mapping[str, Any]]) -> str:
    scores = list(dict.fromkeys(score for fold in folds for score in fold["scores"]))
    skills = list(dict.fromkeys(score for fold in folds for score in fold.get("skill", {})))
    rows = [
        (
            str(number),
            f"{fold.get('first_day', '?')} to {fold.get('last_day', '?')}",
            *(_short(fold["scores"].get(score)) for score in scores),
            *(_short(fold.get("skill", {}).get(score)) for score in skills),
        )
        for number, fold in enumerate(folds, start=1)
    ]
    return "### Fold by fold\n\n" + _table(("fold", "days", *scores, *(f"skill in {score}" for score in skills)), rows)


def _again(metadata: Metadata) -> str:
    dirty = " with uncommitted changes" if metadata.code_dirty else ""
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(metadata.libraries.items()))
    facts = [
        f"code {metadata.code_commit}{dirty}; seed {metadata.seed}; {libraries}",
        f"data {metadata.data_hash}",
        f"parent {metadata.parent or 'none'}",
        f"parameters `{json.dumps(metadata.parameters, sort_keys=True)}`",
    ]
    commands = f"    {metadata.command}\n    {_REPRODUCE}"
    return (
        "## Lineage, and how to make it again\n\nThe first trains anew from what is stored, the second makes this very "
        f"version again and compares it byte for byte.\n\n{commands}\n\n{_bullets(facts)}"
    )


def _rest(metrics: Mapping[str, Any]) -> str:
    lines = [f"{name}: `{json.dumps(value, sort_keys=True)}`" for name, value in sorted(metrics.items())]
    return f"## Other figures\n\n{_bullets(lines)}" if lines else ""


def _figure(document: Mapping[str, Any] | None) -> str:
    if document is None:
        return "-"
    estimate = read_estimate(document)
    if math.isnan(estimate.value):
        return f"not defined on these {estimate.n:,} events"
    return f"{_short(document)}, n {estimate.n:,}{_effective(estimate)}"


def _effective(estimate: Estimate) -> str:
    return "" if math.isnan(estimate.n_effective) else f", effective {estimate.n_effective:,.0f}"


def _short(document: Mapping[str, Any] | None) -> str:
    if document is None:
        return "-"
    estimate = read_estimate(document)
    if math.isnan(estimate.value):
        return "not defined"
    if math.isnan(estimate.low):
        return f"{estimate.value:.4g} (no interval)"
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
