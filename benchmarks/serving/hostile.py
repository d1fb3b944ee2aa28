"""Does the service survive? Malformed and hostile requests, the same for a seed, while a good one must stay right.

`python -m benchmarks.serving.hostile PORT NUMBER ...` sends single ones again, to a service that runs.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from typing import Any

from PIL import Image

from benchmarks.serving.attack_client import play
from benchmarks.serving.attacks_http import HTTP, Attack, Step, slow, whole
from benchmarks.serving.attacks_pictures import PICTURES, large
from benchmarks.serving.payloads import digit, encoded
from benchmarks.serving.servers import started
from benchmarks.serving.siege import AT_ONCE, KEPT, Siege

SEED = 20261124
LABEL = 7
# Resident memory at the end beside that after the first round.
GOAL = 0.05
# One of a hundred stalls, one of a thousand has the largest picture that is accepted; a third have other pictures.
ATTACKS: list[Attack] = [*(HTTP * 50), *(PICTURES * 68), *([slow] * 10), large]


def attack(number: int) -> tuple[str, list[Step]]:
    """Return the name and the steps of one hostile request."""
    dice = random.Random(f"{SEED} {number}")  # noqa: S311  it has to be the same again
    chosen = dice.choice(ATTACKS)
    return chosen.__name__, chosen(dice, good_picture())


def good_picture() -> bytes:
    """Return a digit that has to be classified rightly throughout."""
    return encoded(Image.fromarray(digit(LABEL)))


def hostile(command: Sequence[str], count: int, rounds: int) -> dict[str, Any]:
    """Send ``count`` hostile requests in ``rounds``, and a good one after each round."""
    with started(command) as server:
        siege = Siege(server, attack, slow.__name__, (whole(good_picture()), f'"digit": {LABEL},'.encode()))
        told = asyncio.run(siege.lay(count, rounds))
        code, said = server.end(), server.said()
    failed = siege.failed
    if code:
        failed.append(f"the service ended with {code} instead of 0")
    if "Traceback" in said:
        failed.append(f"{said.count('Traceback')} tracebacks; the first: {said[said.index('Traceback') :][:3000]}")
    growth = told["rounds"][-1]["rss_kb"] / told["rounds"][0]["rss_kb"] - 1 if told["rounds"] else None
    if growth is not None and growth > GOAL:
        failed.append(f"resident memory grew by {growth:.1%}, at most {GOAL:.0%} are allowed")
    return {
        "seed": SEED, "count": count, "at_once": AT_ONCE, **told, "growth": growth, "goal": GOAL, "exit_code": code,
        "failures": len(failed), "failed": failed[:KEPT],
    }  # fmt: skip


def main() -> None:
    """Send single requests again."""
    port, *numbers = map(int, sys.argv[1:])
    for number in numbers:
        name, steps = attack(number)
        print(number, name, *asyncio.run(play(port, steps, wait=name == slow.__name__)))


if __name__ == "__main__":
    main()
