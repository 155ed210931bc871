"""Audits what the hub is built on: known vulnerabilities of the locked packages, their hashes, the vendored files.

Standard library alone. Advisories come from osv.dev in one question; where it cannot be reached that part is skipped
and says so, for a change is no worse for a missing network. Leaves with 1 when something is wrong: `make audit`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
VENDORED = ("trading_hub/price_chart/vendored.json", "static/vendored.json")
SERVICE = os.environ.get("OSV_SERVICE", "https://api.osv.dev")
PATIENCE = 20
PIN = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern the hub, by id, each with the reason."""
Package = tuple[str, str, str]
"""Ecosystem, name, version."""


def main(root: Path = ROOT) -> int:
    """Audit, say what was found, and return the exit code."""
    pinned = pins(root)
    amiss = unhashed(root) + changed(root)
    print(f"hashes: {len(pinned)} packages, {len(VENDORED)} sets of vendored files: {'✕' if amiss else '✓'}")
    try:
        found = known_vulnerabilities(sorted(pinned | vendored_packages(root)))
    except (OSError, ValueError) as error:
        print(f"advisories: skipped, for {SERVICE} cannot be asked ({error})")
    else:
        told = [f"{name} {version}: {', '.join(ids)}" for (_, name, version), ids in found.items()]
        print(f"advisories: {len(told)} of {len(pinned)} packages have any: {'✕' if told else '✓'}")
        amiss += told
    for line in amiss:
        print(f"✕ {line}", file=sys.stderr)
    return 1 if amiss else 0


def pins(root: Path) -> set[Package]:
    """Return the packages that the locks pin."""
    texts = [(root / lock).read_text(encoding="utf-8") for lock in LOCKS]
    return {("PyPI", name, version) for text in texts for name, version, _ in PIN.findall(text)}


def unhashed(root: Path) -> list[str]:
    """Return the pins without a hash: whatever a mirror hands out would be installed."""
    return [
        f"{lock}: {name}=={version} has no hash"
        for lock in LOCKS
        for name, version, rest in PIN.findall((root / lock).read_text(encoding="utf-8"))
        if "--hash=sha256:" not in rest
    ]


def changed(root: Path) -> list[str]:
    """Return the vendored files that are not what was vendored."""
    amiss = []
    for listed in VENDORED:
        told = json.loads((root / listed).read_text(encoding="utf-8"))["sha256"]
        for name, sha256 in told.items():
            path = (root / listed).with_name(name)
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                amiss.append(f"{path.relative_to(root)}: not the file whose hash {listed} records")
    return amiss


def vendored_packages(root: Path) -> set[Package]:
    """Return the packages that vendored files were taken from."""
    found = set()
    for listed in VENDORED:
        told = json.loads((root / listed).read_text(encoding="utf-8"))
        several = told.get("packages") or {told["package"]: told}
        found |= {("npm", name, each["version"]) for name, each in several.items()}
    return found


def known_vulnerabilities(packages: list[Package]) -> dict[Package, list[str]]:
    """Return the ids of advisories by package, but for accepted ones."""
    asked = [{"package": {"ecosystem": kind, "name": name}, "version": version} for kind, name, version in packages]
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{SERVICE}/v1/querybatch",
        json.dumps({"queries": asked}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        results = json.load(answer)["results"]
    if len(results) != len(packages):
        raise ValueError(f"{len(results)} answers to {len(packages)} questions")
    found = {
        package: [each["id"] for each in result.get("vulns", ()) if each["id"] not in ACCEPTED]
        for package, result in zip(packages, results, strict=True)
    }
    return {package: ids for package, ids in found.items() if ids}


if __name__ == "__main__":
    sys.exit(main())
