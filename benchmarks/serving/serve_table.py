"""The service's figures, in Markdown: a table a question."""

from __future__ import annotations

from typing import Any

PICTURES = {"28×28": "28×28 PNG", "drawing": "drawing of the page, 384×384 PNG"}


def throughput_table(result: dict[str, Any]) -> str:
    """Requests a second and latencies beside the bare endpoint's."""
    told = result["throughput"]
    lines = [
        "| picture | connections | per s: service | bare | p50 ms: service | bare | p99 ms: service | bare "
        "| processor µs: service | bare | ratio per s (95 % interval) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in told["rows"]:
        ours, theirs = row["ours"], row["theirs"]
        pairs = [
            f"{ours[figure]:{form}} | {theirs[figure]:{form}}"
            for figure, form in (("per_s", ",.0f"), ("p50_ms", ".2f"), ("p99_ms", ".2f"), ("processor_us", ",.0f"))
        ]
        low, high = row["ratio_ci95"]
        lines.append(
            f"| {PICTURES[row['picture']]} | {row['connections']} | {' | '.join(pairs)} "
            f"| {row['ratio']:.3f} ({low:.3f}-{high:.3f}) |"
        )
    requests, busiest = sum(row["requests"] for row in told["rows"]), max(row["client_busy"] for row in told["rows"])
    lines += [
        "",
        f"Goal: a ratio of at least {told['goal']:g}. Medians over {told['rounds']} rounds of {told['seconds']:g} s "
        "each, with fresh processes, in turns; every connection asks again when it was answered, so that latency "
        f"counts the wait for the others. {_cores(told)}; the client was busy for {busiest:.0%} of the time at most. "
        f"{requests:,} answers, {_wrong(told)} of them wrong. {_origin(told)}",
    ]
    return "\n".join(lines)


def memory_table(result: dict[str, Any]) -> str:
    """Resident memory after so many requests."""
    told = result["memory"]
    lines = ["| requests | resident MB | most MB | threads | open files |", "|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {row['requests']:,} | {row['rss_kb'] / 1024:.1f} | {row['peak_kb'] / 1024:.1f} | {row['threads']} "
        f"| {row['descriptors']} |"
        for row in told["rows"]
    ]
    first, last = told["rows"][0]["requests"], told["rows"][-1]["requests"]
    lines += [
        "",
        f"From {first:,} to {last:,} requests {told['growth']:+.1%}; goal: at most {told['goal']:.0%}. Digits of "
        f"several sizes, pages, blanks, the model's card, what is refused; {told['connections']} connections, each "
        f"made anew after {told['renew']} requests. {_origin(told)}",
    ]
    return "\n".join(lines)


def hostile_table(result: dict[str, Any]) -> str:
    """What hostile requests were answered."""
    told = result["hostile"]
    if len(told["rounds"]) < 2:
        return "The service died."
    statuses = list(told["statuses"])
    lines = [f"| requests | {' | '.join(statuses)} |", f"|---|{'---:|' * len(statuses)}"]
    for name, counts in told["answers"].items():
        cells = (str(counts.get(status, "")) for status in statuses)
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    total = (f"{told['statuses'][status]:,}" for status in statuses)
    before, first, *_, last = told["before"], *told["rounds"]
    lines += [
        f"| **all** | {' | '.join(total)} |",
        "",
        f"{told['count']:,} requests by seed {told['seed']}, {told['at_once']} at once, in {told['seconds']} s. A "
        "request may have several answers; *closed* had none, *gone* hung up itself. Failures: "
        f"{told['failures']} (a 5xx but 503, no end, a wrong answer to a good digit after any round, a crash, "
        f"a leak). Open files: {before['descriptors']} before, {last['descriptors']} at the end; threads: "
        f"{before['threads']} and {last['threads']}; resident after the first of {len(told['rounds']) - 1} rounds "
        f"{first['rss_kb'] / 1024:.0f} MB, at the end {last['rss_kb'] / 1024:.0f} ({told['growth']:+.1%}, at most "
        f"{told['goal']:.0%} are allowed), at most {last['peak_kb'] / 1024:.0f}. {_origin(told)}",
    ]
    return "\n".join(lines)


TABLES = {"throughput": throughput_table, "memory": memory_table, "hostile": hostile_table}


def _cores(told: dict[str, Any]) -> str:
    server, client = told["server_core"], told["client_core"]
    if server is None:
        return "Processors could not be chosen"
    return f"Servers on processor {server}, client on {'the same' if server == client else client}"


def _wrong(told: dict[str, Any]) -> str:
    return f"{sum(sum(row['wrong'].values()) for row in told['rows']):,}"


def _origin(told: dict[str, Any]) -> str:
    of = told["of"]
    machine, versions = of["machine"], ", ".join(f"{name} {version}" for name, version in of["versions"].items())
    return (
        f"Bundle `{of['bundle'][:12]}`; {versions}; {machine['board'] or machine['cpu']}, {machine['cores']} cores, "
        f"Python {machine['python']}, load average {of['load_average']:.1f} before."
    )
