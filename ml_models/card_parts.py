"""Parts of the model card: what the version looks at, and which checks it passed before it was published."""

from collections.abc import Sequence
from typing import Any, Final

from ml_models.importance import FeatureImportance
from ml_models.intervals import Estimate
from ml_models.metadata import Metadata

SHOWN: Final = 10


def input_rows(found: Sequence[FeatureImportance]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of the table of the inputs that move the answer most.

    >>> one = FeatureImportance("hour", 0.25, 0.5, (0.4, 0.6))
    >>> input_rows([one])[1]
    [('hour', '25.0 %', '0.5', '0.4 to 0.6', '-')]
    """
    head = ("input", "share of the gain", "mean of SHAP, absolute", "least to largest fold", "loss when shuffled")
    rows: list[tuple[str, ...]] = [
        (
            each.name,
            f"{100 * each.gain_share:.1f} %",
            "-" if each.mean_abs_shap is None else f"{each.mean_abs_shap:.4g}",
            f"{min(each.shap_by_fold):.4g} to {max(each.shap_by_fold):.4g}" if each.shap_by_fold else "-",
            "-" if each.permutation is None else _shuffled(each.permutation),
        )
        for each in found[:SHOWN]
    ]
    return head, rows


def _shuffled(rise: Estimate) -> str:
    return f"{rise.value:+.4g} [{rise.low:+.4g}, {rise.high:+.4g}], n {rise.n:,}"


def checks(metadata: Metadata) -> list[str]:
    """Return which audits and canaries the version passed, in sentences; none where nothing was written down."""
    audit, canaries = metadata.extra.get("audit"), metadata.extra.get("canaries")
    said = []
    if isinstance(audit, dict):
        said.append(
            f"Look-ahead audit: {audit['problems']} differences in {audit['features']} features of {audit['events']} "
            "events, with the future cut off, turned into garbage, and with a short past (`hub audit lookahead`)."
        )
    if isinstance(canaries, list):
        shown: list[Any] = [each for each in canaries if isinstance(each, dict)]
        passed = sum(bool(each.get("passed")) for each in shown)
        names = ", ".join(str(each.get("name")) for each in shown)
        said.append(f"Canaries: {passed} of {len(shown)} did what they must ({names}).")
    return said
