"""Tables out of committed results, in Markdown: one function a table."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from edgedigits_export.figures import join_rows

BITS = {"arm64": "64-bit", "armhf": "32-bit"}


def variants_table(parity: dict[str, Any], bench: dict[str, Any]) -> str:
    """Every variant in every engine: size, accuracy, latency, with the machine and versions it was measured on."""
    lines = [
        "| file | engine | KB | accuracy | drop, pp | at most | changed answers | ECE before → after "
        "| p50 µs | p99 µs |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{row.file}` | {row.engine} | {row.kilobytes:.1f} | {100 * row.accuracy:.2f} % | {row.drop:+.2f} "
        f"| {row.drop_at_most:+.2f} | {row.flips} | {row.ece_before:.4f} → {row.ece:.4f} "
        f"| {row.p50_us:.1f} | {row.p99_us:.1f} |"
        for row in join_rows(parity, bench)
    ]
    machine, keras = bench["machine"], parity["keras"]
    low, high = keras["ci95"]
    lines += [
        "",
        f"Accuracy over the {parity['count']:,} images of {parity['data']}, where Keras itself has "
        f"{100 * keras['top1']:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}); drop against Keras with the "
        "upper 95 % bound of Tango's score interval, changed answers, and expected calibration error without the "
        "model's temperature and with it. Latency of one inference, tensors set and got, one thread, "
        f"median over {bench['processes']} processes, "
        f"on {machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']}), "
        f"Python {machine['python']}: a shared virtual machine, not a Raspberry Pi. "
        f"Bundle `{parity['bundle'][:12]}`; measured by `make bench`, written by `make readme`.",
    ]
    return "\n".join(lines)


def boards_table(pi: dict[str, Any]) -> str:
    """Boards × system × engine × variant against this engine on the desk; boards that agree share a row."""
    lines = [
        "| boards | Raspberry Pi OS | engine | file | agreement | changed answers | max \\|Δ\\| | self-test |",
        "|---|---|---|---|---:|---:|---:|---|",
    ]
    rows = sorted(_rows(pi), key=lambda row: row["key"])
    for (system, engine, file), group in groupby(rows, key=lambda row: row["key"]):
        same = list(group)
        lines.append(
            f"| {', '.join(row['board'] for row in same)} | {system} | {engine} | `{file}` "
            f"| {100 * min(row['agreement'] for row in same):.2f} % | {max(row['flips'] for row in same)} "
            f"| {max(row['max_abs_difference'] for row in same):.1e} "
            f"| {'passed' if all(row['passed'] for row in same) else 'FAILED'} |"
        )
    lines += [*_lies(pi), "", _boards_note(pi)]
    return "\n".join(lines)


def instructions_table(pi: dict[str, Any]) -> str:
    """Guest instructions per inference: what a processor is asked to do, not how long it takes."""
    rows = [row for row in _rows(pi) if row["instructions"] is not None and row["arch"] == "arm64"]
    rows = sorted((row for row in rows if row["os"] == "bookworm"), key=lambda row: (row["key"], row["board"]))
    boards = sorted({row["board"] for row in rows})
    processors = {machine["board"]: machine["processor"] for machine in pi["machines"]}
    lines = [
        f"| engine | file | {' | '.join(f'{board} ({processors[board]})' for board in boards)} |",
        f"|---|---|{'---:|' * len(boards)}",
    ]
    for (_, engine, file), group in groupby(rows, key=lambda row: row["key"]):
        counts = {row["board"]: row["instructions"] for row in group}
        lines.append(f"| {engine} | `{file}` | {' | '.join(f'{counts[board] / 1e3:,.0f}' for board in boards)} |")
    return "\n".join([*lines, "", "Thousands of instructions per inference, one thread. " + _sentence(pi["note"])])


def compat_line(compat: dict[str, Any]) -> str:
    """How often `check` was right, in one sentence."""
    counts = compat["totals"]
    return (
        f"`check` against reality, over {len(compat['models'])} models and {len(compat['releases'])} releases of the "
        f'engines ({counts["pairs"]:,} pairs): {counts["false_runs"]} times "runs" where it does not, '
        f'{counts["false_cannot_run"]} times "cannot run" or "computes wrongly" where it runs '
        f"({100 * counts['false_cannot_run_share']:.2f} %); {counts['reality']['computes wrongly']} pairs load without "
        "an error and answer wrongly. [docs/compatibility.md](docs/compatibility.md) has them all."
    )


def flips_table(flips: dict[str, Any]) -> str:
    """How many single-bit errors the self-test notices."""
    names = {"all": "any bit", "top": "the top bit", "harmful": "changes an answer among the validation digits"}
    lines = [
        "| flipped weight bit | of | noticed by the release whose answers were recorded | by another release |",
        "|---|---:|---:|---:|",
    ]
    for key, name in names.items():
        told = flips["noticed"][key]
        shares = (f"{told[how]} ({100 * told[how] / told['count']:.1f} %)" for how in ("exactly", "up_to_rounding"))
        lines.append(f"| {name} | {told['count']} | {' | '.join(shares)} |")
    lines += [
        "",
        f"Of `{flips['file']}`, bundle `{flips['bundle'][:12]}`: {flips['golden']} golden inputs, "
        f"{flips['digits']:,} validation digits, seed {flips['seed']}; measured by `make bit-flips`.",
    ]
    return "\n".join(lines)


def _rows(pi: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of all boards, each with its board, a key to group by, and what the self-test said."""
    found = []
    for machine in pi["machines"]:
        passed = {(row["file"], row["engine"]): row["passed"] for row in machine["selftest"]}
        system = f"{machine['os']} {BITS[machine['arch']]}"
        found += [
            row | {
                "board": machine["board"], "os": machine["os"], "arch": machine["arch"],
                "key": (system, f"{row['engine']} {row['version']}", row["file"]),
                "passed": passed.get((row["file"], row["engine"]), False),
            }
            for row in machine["rows"]
        ]  # fmt: skip
    return found


def _lies(pi: dict[str, Any]) -> list[str]:
    """A row for each bundle that loads and answers wrongly, if every board with its engine caught it."""
    told = [
        (lie["bundle"], machine, row)
        for machine in pi["machines"] for lie in machine["lies"] for row in lie["selftest"]
    ]  # fmt: skip
    lines = []
    for name in dict.fromkeys(name for name, _, _ in told):
        rows = [(machine, row) for other, machine, row in told if other == name]
        boards = ", ".join(dict.fromkeys(machine["board"] for machine, _ in rows))
        systems = ", ".join(dict.fromkeys(f"{machine['os']} {BITS[machine['arch']]}" for machine, _ in rows))
        version = next(row["version"] for row in rows[0][0]["rows"] if row["engine"] == "tflite")
        caught = "**caught**" if not any(row["passed"] for _, row in rows) else "MISSED"
        lines.append(f"| {boards} | {systems} | tflite {version} | `{name}` | – | – | – | {caught} |")
    return lines


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _boards_note(pi: dict[str, Any]) -> str:
    return (
        f"{pi['digits']:,} digits of {pi['data']} on emulated boards with the real wheels of each platform, against "
        "the same engine on the desk (where it has none, against LiteRT). This proves compatibility and numerics, "
        f"never speed. Bundle `{pi['bundle'][:12]}`, the built wheel `{pi['wheel']}`; run by `make pi`."
    )
