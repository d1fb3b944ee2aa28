"""The tables of docs/compatibility.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import markdown_table, versions_phrase

ZOOS = {"zoo-backend": "ONNX' backend tests", "zoo-packages": "files in packages"}
REALITY = ("runs", "cannot run", "computes wrongly")
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


def _line(result: Result) -> str:
    """Return in one sentence how often `check` was right."""
    zoos = [result["totals"], *(zoo["totals"] for zoo in result["others"].values())]
    files = len(result["models"]) + sum(zoo["files"] for zoo in result["others"].values())
    total = {name: sum(zoo[name] for zoo in zoos) for name in ("pairs", "false_runs", "false_cannot_run")}
    reality: Counter[str] = sum((Counter(zoo["reality"]) for zoo in zoos), Counter())
    share = 100 * total["false_cannot_run"] / reality["runs"]
    return (
        f"`check` against reality, over {files:,} files, most of them made by others, and {len(result['releases'])} "
        f'releases of the engines ({total["pairs"]:,} pairs): {total["false_runs"]} times "runs" where it does not, '
        f'{total["false_cannot_run"]} times "cannot run" or "computes wrongly" where it runs ({share:.2f} %); '
        f"{reality['computes wrongly']} pairs load without an error and answer wrongly."
    )


def compat_tables(result: Result) -> str:
    """Return counts, a row a release, what computes wrongly in silence, and where `check` was not right."""
    parts = (
        _line(result),
        _zoos(result),
        _summary(result),
        _releases(result),
        _silent(result),
        _all_faults(result),
        _origin(result),
    )
    return "\n\n".join(parts)


def _zoos(result: Result) -> str:
    """Return a row a zoo."""
    own = {**result, "files": len(result["models"])}
    rows = []
    for name, zoo in {"own nets": own, **{ZOOS[key]: zoo for key, zoo in result["others"].items()}}.items():
        counts, real = zoo["totals"], zoo["totals"]["reality"]
        rows.append((
            name, zoo["files"], counts["pairs"], *(real.get(outcome, 0) for outcome in REALITY),
            counts["false_runs"], f"{counts['false_cannot_run']} ({100 * counts['false_cannot_run_share']:.2f} %)",
            f"{counts['unknown_but_runs']} ({100 * counts['unknown_share']:.2f} %)",
        ))  # fmt: skip
    head = (
        "zoo", "files", "pairs", "run", "cannot", "wrong", 'false "runs"', 'false "cannot"', "unknown, but run",
    )  # fmt: skip
    made = "; ".join(f"{ZOOS[key]}: {versions_phrase(zoo['made_by'])}" for key, zoo in result["others"].items())
    return f"{markdown_table(head, 'lr', rows)}\n\nFrom {made}."


def _summary(result: Result) -> str:
    far = result["distances"]
    others = [zoo["distances"] for zoo in result["others"].values()]
    largest = max((one["largest_that_runs"] for one in others if one["largest_that_runs"] is not None), default=0.0)
    smallest = [one["smallest_that_is_wrong"] for one in others if one["smallest_that_is_wrong"] is not None]
    rest = (
        f" Of the other zoos' files, right answers had a relative error of {largest:.2g} at most, wrong ones of "
        f"{min(smallest):.2g} at least; the line is drawn at {others[0]['limit']}."
        if smallest
        else ""
    )
    return (
        f"Right answers of own nets were off by {far['largest_that_runs']:.3f} of the probability at most, wrong ones "
        f"by {far['smallest_that_is_wrong']:.3f} at least; the line is drawn at {far['limit']}.{rest}\n\n"
        "Own nets by release; versions of Python and numpy are those of all zoos:"
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


def _all_faults(result: Result) -> str:
    """Return where verdict and reality differ, by how the file was made; with the engine's message about the first."""
    how = {model["file"]: model["how"] for model in result["models"]}
    rows = _fault_rows(result, how)
    for key, zoo in result["others"].items():
        files = {fault["model"]: f"{ZOOS[key]}: {_test_or_file(fault['model'])}" for fault in zoo["faults"]}
        rows += _fault_rows(zoo, files)
    head = ("made by, form", "engine", "`check` said", "really", "pairs", "releases", "told, for example")
    return f"Where `check` was not right:\n\n{markdown_table(head, 'llllrll', rows)}"


def _test_or_file(model: str) -> str:
    """Return the name of a backend test, or of a package's file."""
    path = PurePosixPath(model)
    return path.parent.name if path.name == "model.onnx" else path.name


def _fault_rows(zoo: Result, named: dict[str, str]) -> list[tuple[Any, ...]]:
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for fault in zoo["faults"]:
        package, version = fault["release"].split("==")
        key = (named[fault["model"]], package, fault["verdict"], fault["reality"])
        found[key].append({**fault, "version": version})
    rows = []
    for key, faults in found.items():
        versions = ", ".join(dict.fromkeys(fault["version"] for fault in faults))
        rows.append((*key, len(faults), versions, faults[0]["told"].replace("|", "\\|")[:100]))
    return rows


def _origin(result: Result) -> str:
    machine = result["machine"]
    seconds = sum(result["seconds"].values()) + sum(zoo["seconds"] for zoo in result["others"].values())
    minutes = seconds / 60
    line = (
        f"Made by {versions_phrase(result['made_by'])}; run on {machine['cpu']} ({machine['architecture']}) in "
        f"{minutes:.0f} minutes. Kernels differ between processors: this holds for the tables on this one; `edgedigits "
        "selftest` verifies a file on a board."
    )
    return "\n".join([line, *(f"Not tried: {release}." for release in result["skipped"])])
