"""What LoadGen's figures say beside those of the same calls without it."""

from __future__ import annotations

from statistics import median
from typing import Any

# LoadGen's binding makes objects of each query and takes the interpreter's lock, which costs more than a µs whatever
# the model does. So a share alone would say more about the binding than about the classifier.
ALLOWED_SHARE, ALLOWED_US = 0.05, 3.0
P90, PER_SECOND, VALID = "90.00 percentile latency (ns)", "Samples per second", "Result is"


def verdict(single_stream: dict[str, Any]) -> dict[str, Any]:
    """Whether LoadGen's 90th percentile is the classifier's own one; medians over the rounds."""
    rounds = single_stream["rounds"]
    theirs = [float(one["summary"][P90]) / 1e3 for one in rounds]
    direct = [one["direct_p90_us"] for one in rounds]
    difference = median(their - our for their, our in zip(theirs, direct, strict=True))
    allowed = max(ALLOWED_SHARE * median(direct), ALLOWED_US)
    return {
        "p90_us": median(theirs), "direct_p90_us": median(direct), "difference_us": round(difference, 3),
        "allowed_us": allowed, "holds": abs(difference) <= allowed,
        "valid": all(one["summary"][VALID] == "VALID" for one in rounds),
    }  # fmt: skip


def loadgen_table(result: dict[str, Any]) -> str:
    """A row a scenario, and whether the two ways of measuring agree, in Markdown."""
    single, offline, told = result["single_stream"], result["offline"], result["verdict"]
    rows = [
        ("SingleStream, `classify`", single, "p90 {:.2f} µs", told["p90_us"], told["direct_p90_us"]),
        ("Offline, `classify_batch`", offline, "{:,.0f} images/s", float(offline["summary"][PER_SECOND]),
         offline["direct_samples_per_second"]),
    ]  # fmt: skip
    lines = [
        "| scenario | accuracy: LoadGen | direct | speed: LoadGen | direct |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {_share(found, 'right', result)} | {_share(found, 'direct_right', result)} "
            f"| {form.format(theirs)} | {form.format(direct)} |"
            for name, found, form, theirs, direct in rows
        ),
        "",
        f"LoadGen's 90th percentile is {told['difference_us']:+.2f} µs off the direct one, at most "
        f"{told['allowed_us']:.2f} µs are allowed: {'the figures agree' if told['holds'] else 'THEY DIFFER'}. "
        + _origin(result),
    ]
    return "\n".join(lines)


def _share(found: dict[str, Any], key: str, result: dict[str, Any]) -> str:
    return f"{100 * found['accuracy'][key] / result['samples']:.2f} %"


def _origin(result: dict[str, Any]) -> str:
    machine, single = result["machine"], result["single_stream"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    state = "every run VALID" if result["verdict"]["valid"] else "NOT every run VALID"
    return (
        f"{len(single['rounds'])} rounds of {result['seconds']:g} s, {state}; {result['samples']:,} test digits of "
        f"MNIST, `{result['model']}` of bundle `{result['bundle'][:12]}`; {versions}; "
        f"{machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}."
    )
