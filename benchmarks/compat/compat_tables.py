"""The tables of docs/compatibility.md, out of the committed result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Entry = tuple[dict[str, Any], str, str]  # a model, the verdict's letter, reality's letter


def by_release(result: dict[str, Any]) -> dict[str, list[Entry]]:
    """Each release with what was judged and seen there; a model's letters stand for its format's releases in order."""
    found: dict[str, list[Entry]] = {release: [] for release in result["releases"]}
    for model in result["models"]:
        onnx = model["file"].endswith(".onnx")
        releases = [release for release in found if release.startswith("onnxruntime") == onnx]
        for release, verdict, reality in zip(releases, model["verdict"], model["reality"], strict=True):
            found[release].append((model, verdict, reality))
    return found


def tables(result: dict[str, Any]) -> str:
    """All that stands between the marks."""
    return "\n".join(
        [*_summary(result), "", *_releases(result), "", *_silent(result), "", *_faults(result), "", *_origin(result)]
    )


def _summary(result: dict[str, Any]) -> Iterator[str]:
    counts, far = result["totals"], result["distances"]
    real = counts["reality"]
    yield (
        f"**{len(result['models'])} models, {len(result['releases'])} releases, {counts['pairs']:,} pairs**: "
        f"{real['runs']:,} run, {real['cannot run']:,} cannot, {real['computes wrongly']:,} compute wrongly without an "
        f'error. `check` said "runs" of {counts["false_runs"]} that did not, and "cannot run" or "computes wrongly" of '
        f"{counts['false_cannot_run']} that did ({100 * counts['false_cannot_run_share']:.2f} % of those that run); "
        f"of {counts['unknown']} it said that it does not know; {counts['other_reason']} fail otherwise than it said."
    )
    yield ""
    yield (
        f"Right answers were off by {far['largest_that_runs']:.3f} of the probability at most, wrong ones by "
        f"{far['smallest_that_is_wrong']:.3f} at least; the line is drawn at {far['limit']}."
    )


def _releases(result: dict[str, Any]) -> Iterator[str]:
    yield '| release | Python, numpy | run | cannot | wrong | right | false "runs" | false "cannot" | unknown |'
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for release, entries in by_release(result).items():
        real = [seen for _, _, seen in entries]
        both = [verdict + seen for _, verdict, seen in entries]
        versions = result["releases"][release]
        cells = [
            release.replace("==", " "), f"{versions['python']}, {versions['numpy']}",
            real.count("r"), real.count("c"), real.count("w"), sum(map(both.count, ("rr", "cc", "ww"))),
            both.count("rc") + both.count("rw"), both.count("cr") + both.count("wr"),
            sum(map(both.count, ("ur", "uc", "uw"))),
        ]  # fmt: skip
        yield "| " + " | ".join(map(str, cells)) + " |"


def _silent(result: dict[str, Any]) -> Iterator[str]:
    """Name what loads without a word and answers wrongly: by how the file was made."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for release, entries in by_release(result).items():
        for model, _, reality in entries:
            if reality == "w":
                package, version = release.split("==")
                found[f"{model['how']} | {package}"][version].add(model["net"])
    yield "Loaded without an error, answered wrongly:"
    yield ""
    yield "| made by, form | engine | releases | models |"
    yield "|---|---|---|---:|"
    for what, versions in sorted(found.items()):
        yield f"| {what} | {', '.join(versions)} | {len(set.union(*versions.values()))} |"


def _faults(result: dict[str, Any]) -> Iterator[str]:
    """Where verdict and reality differ, by how the file was made; the engine's words of the first one."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    how = {model["file"]: model["how"] for model in result["models"]}
    for fault in result["faults"]:
        package, version = fault["release"].split("==")
        key = (how[fault["model"]], package, fault["verdict"], fault["reality"])
        found[key].append({**fault, "version": version})
    yield "Where `check` was not right:"
    yield ""
    yield "| made by, form | engine | `check` said | really | pairs | releases | told, for example |"
    yield "|---|---|---|---|---:|---|---|"
    for key, faults in found.items():
        versions = ", ".join(dict.fromkeys(fault["version"] for fault in faults))
        told = faults[0]["told"].replace("|", "\\|")[:100]
        yield f"| {' | '.join(key)} | {len(faults)} | {versions} | {told} |"


def _origin(result: dict[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in result["made_by"].items())
    machine = result["machine"]
    minutes = sum(result["seconds"].values()) / 60
    yield (
        f"Made by {versions}; run on {machine['cpu']} ({machine['architecture']}) in {minutes:.0f} minutes. Kernels "
        "differ between processors: this proves the tables on this one; `edgedigits selftest` proves a file on a board."
    )
    for line in result["skipped"]:
        yield f"Not tried: {line}."
