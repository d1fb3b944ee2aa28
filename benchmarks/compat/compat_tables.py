"""The tables of docs/compatibility.md."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table, versions_phrase

Entry = tuple[dict[str, Any], str, str]  # a model, the verdict's letter, reality's letter


def by_release(result: Result) -> dict[str, list[Entry]]:
    """Return each release's models with verdict and reality.

    A model's letters stand for its format's releases in order.
    """
    found: dict[str, list[Entry]] = {release: [] for release in result["releases"]}
    for model in result["models"]:
        onnx = model["file"].endswith(".onnx")
        releases = [release for release in found if release.startswith("onnxruntime") == onnx]
        for release, verdict, reality in zip(releases, model["verdict"], model["reality"], strict=True):
            found[release].append((model, verdict, reality))
    return found


def compat_line(result: Result) -> str:
    """Return in one sentence how often `check` was right."""
    counts = result["totals"]
    return (
        f"`check` against reality, over {len(result['models'])} models and {len(result['releases'])} releases of the "
        f'engines ({counts["pairs"]:,} pairs): {counts["false_runs"]} times "runs" where it does not, '
        f'{counts["false_cannot_run"]} times "cannot run" or "computes wrongly" where it runs '
        f"({100 * counts['false_cannot_run_share']:.2f} %); {counts['reality']['computes wrongly']} pairs load without "
        "an error and answer wrongly. [docs/compatibility.md](docs/compatibility.md) has them all."
    )


def compat_tables(result: Result) -> str:
    """Return counts, a row a release, what computes wrongly in silence, and where `check` was not right."""
    parts = (_summary(result), _releases(result), _silent(result), _faults(result), _origin(result))
    return "\n\n".join(parts)


def _summary(result: Result) -> str:
    counts, far = result["totals"], result["distances"]
    real = counts["reality"]
    return (
        f"**{len(result['models'])} models, {len(result['releases'])} releases, {counts['pairs']:,} pairs**: "
        f"{real['runs']:,} run, {real['cannot run']:,} cannot, {real['computes wrongly']:,} compute wrongly without an "
        f'error. `check` said "runs" of {counts["false_runs"]} that did not, and "cannot run" or "computes wrongly" of '
        f"{counts['false_cannot_run']} that did ({100 * counts['false_cannot_run_share']:.2f} % of those that run); "
        f"of {counts['unknown']} it said that it does not know; {counts['other_reason']} fail otherwise than it said."
        "\n\n"
        f"Right answers were off by {far['largest_that_runs']:.3f} of the probability at most, wrong ones by "
        f"{far['smallest_that_is_wrong']:.3f} at least; the line is drawn at {far['limit']}."
    )


def _releases(result: Result) -> str:
    rows = []
    for release, entries in by_release(result).items():
        real = [seen for _, _, seen in entries]
        both = [verdict + seen for _, verdict, seen in entries]
        versions = result["releases"][release]
        rows.append((
            release.replace("==", " "), f"{versions['python']}, {versions['numpy']}",
            real.count("r"), real.count("c"), real.count("w"), sum(map(both.count, ("rr", "cc", "ww"))),
            both.count("rc") + both.count("rw"), both.count("cr") + both.count("wr"),
            sum(map(both.count, ("ur", "uc", "uw"))),
        ))  # fmt: skip
    head = (
        "release", "Python, numpy", "run", "cannot", "wrong", "right", 'false "runs"', 'false "cannot"', "unknown",
    )  # fmt: skip
    return markdown_table(head, "llr", rows)


def _silent(result: Result) -> str:
    """Return what loads without an error and computes wrongly, by how the file was made."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for release, entries in by_release(result).items():
        for model, _, reality in entries:
            if reality == "w":
                package, version = release.split("==")
                found[model["how"], package][version].add(model["net"])
    rows = [(*key, ", ".join(nets), len(set().union(*nets.values()))) for key, nets in sorted(found.items())]
    table = markdown_table(("made by, form", "engine", "releases", "models"), "lllr", rows)
    return f"Loaded without an error, answered wrongly:\n\n{table}"


def _faults(result: Result) -> str:
    """Return where verdict and reality differ, by how the file was made; with the engine's message about the first."""
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    how = {model["file"]: model["how"] for model in result["models"]}
    for fault in result["faults"]:
        package, version = fault["release"].split("==")
        key = (how[fault["model"]], package, fault["verdict"], fault["reality"])
        found[key].append({**fault, "version": version})
    rows = []
    for key, faults in found.items():
        versions = ", ".join(dict.fromkeys(fault["version"] for fault in faults))
        rows.append((*key, len(faults), versions, faults[0]["told"].replace("|", "\\|")[:100]))
    head = ("made by, form", "engine", "`check` said", "really", "pairs", "releases", "told, for example")
    return f"Where `check` was not right:\n\n{markdown_table(head, 'llllrll', rows)}"


def _origin(result: Result) -> str:
    machine = result["machine"]
    minutes = sum(result["seconds"].values()) / 60
    line = (
        f"Made by {versions_phrase(result['made_by'])}; run on {machine['cpu']} ({machine['architecture']}) in "
        f"{minutes:.0f} minutes. Kernels differ between processors: this holds for the tables on this one; `edgedigits "
        "selftest` verifies a file on a board."
    )
    return "\n".join([line, *(f"Not tried: {release}." for release in result["skipped"])])
