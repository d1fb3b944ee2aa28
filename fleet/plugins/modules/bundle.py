#!/usr/bin/python
"""Make a bundle the active one of a board, or take it back: all that happens on the board itself, in one step.

A connection that breaks in the middle ends nothing here: the board finishes, or rolls itself back, alone.
"""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: bundle
short_description: Activate an edgedigits bundle on a board, or roll it back
description:
  - Installs an archive of C(edgedigits bundle pack) in the board's store, and activates it if it passes its gates.
  - Has the service take it, waits until it is ready with it, and compares its answers to the stored pictures.
  - Rolls back by itself if the service does not take it, or refuses more pictures than it may.
author: The authors of edgedigits (@edgedigits)
options:
  state:
    description: Whether the bundle shall be the active one, or shall not be it any more.
    type: str
    choices: [active, rolled_back]
    default: active
  id:
    description: The id of the bundle.
    type: str
    required: true
  src:
    description: The archive, on the board.
    type: path
  command:
    description: The command C(edgedigits) of the board, as words.
    type: list
    elements: str
    required: true
  variant:
    description: What to run of the bundle.
    type: str
  engine:
    description: The engine to run it in.
    type: str
    default: auto
  pictures:
    description: A folder of pictures on the board that are asked again; nothing is compared without them.
    type: path
  options:
    description: Further options of C(edgedigits bundle activate).
    type: list
    elements: str
    default: []
  signers:
    description: Options that have a signature required, of C(edgedigits bundle install) and C(activate).
    type: list
    elements: str
    default: []
  reload:
    description: The command that has the service take the active bundle; none if the board runs no service.
    type: list
    elements: str
    default: []
  url:
    description: Where the service listens; without it nothing is awaited or asked.
    type: str
  max_refused:
    description: How many stored pictures the service may refuse that it answered before.
    type: int
    default: 3
  timeout:
    description: How many seconds each step may take.
    type: int
    default: 600
  ready_timeout:
    description: How many seconds the service may take until it is ready with the bundle.
    type: int
    default: 60
  why:
    description: Why the bundle is taken back, which the board remembers.
    type: str
    default: a wave failed
attributes:
  check_mode:
    description: Tells whether it would change anything.
    support: full
"""

EXAMPLES = r"""
- name: Make a bundle the active one
  edgedigits.fleet.bundle:
    id: "{{ edgedigits_bundle_id }}"
    src: /var/lib/edgedigits/new.tar
    command: [/opt/edgedigits/venv/bin/edgedigits]
    reload: [systemctl, reload-or-restart, edgedigits]
    url: http://127.0.0.1:8000
"""

RETURN = r"""
before:
  description: The id of the bundle that was active before; none on a new board.
  returned: always
  type: str
stage:
  description: How far it came.
  returned: always
  type: str
report:
  description: What C(edgedigits bundle activate) reports, with a line for each gate.
  returned: when the gates ran
  type: dict
replay:
  description: How many stored pictures were asked again, and how many answers changed or were refused.
  returned: when the service was asked
  type: dict
rolled_back:
  description: Whether the board is back where it was.
  returned: always
  type: bool
"""

import json
import os
import signal
import subprocess
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ansible.module_utils.basic import AnsibleModule

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")


class StepError(Exception):
    """A step did not work; the message is for people."""


class Board:
    """The board that this runs on."""

    def __init__(self, params: dict[str, Any]) -> None:
        """Take the module's parameters."""
        self.params = params

    def edgedigits(self, *words: str) -> tuple[int, Any, str]:
        """Run the command; return its exit code, what it prints as JSON or None, and what it says of an error."""
        code, out, said = self.run([*self.params["command"], "bundle", *words, "--json"])
        try:
            told = json.loads(out)
        except ValueError:
            told = None
        lines = [line for line in said.splitlines() if line.startswith("edgedigits")] or said.splitlines()
        return code, told, lines[-1] if lines else f"exit code {code}"

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Run a command with the time limit; whatever it started ends with it."""
        try:
            process = subprocess.Popen(  # noqa: S603  what the inventory names
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise StepError(f"{command[0]}: cannot be started ({error.strerror})") from error
        try:
            out, said = process.communicate(timeout=self.params["timeout"])
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise StepError(f"{' '.join(command)}: takes more than {self.params['timeout']} s") from error
        return process.returncode, out.decode("utf-8", "replace"), said.decode("utf-8", "replace")

    def active(self) -> Any:
        """Return the record of what is active; None where nothing is."""
        code, told, said = self.edgedigits("list")
        if code or told is None:
            raise StepError(said)
        return told["activation"]

    def take(self, bundle: str | None) -> None:
        """Have the service take the active bundle, and wait until it is ready with it."""
        if self.params["reload"]:
            code, _out, said = self.run(self.params["reload"])
            if code:
                raise StepError(f"{' '.join(self.params['reload'])}: {said.strip() or f'exit code {code}'}")
        end, found = time.monotonic() + self.params["ready_timeout"], "nothing"
        while self.params["url"] and bundle:
            try:
                found = json.loads(self.ask("/v1/model"))["model"]["bundle"]
                if found == bundle and self.ask("/readyz"):
                    return
            except (OSError, ValueError, KeyError) as error:
                found = str(error)
            if time.monotonic() > end:
                raise StepError(f"the service is not ready with {bundle[:12]}: {found[:200]}")
            time.sleep(0.2)

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        """Return what the service answers."""
        request = Request(self.params["url"] + path, body)  # noqa: S310  what the inventory names
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            told: bytes = answer.read()
        return told

    def answers(self) -> dict[str, str | None] | None:
        """Return the service's answer to each stored picture: a label, ``refused``, or none where it cannot be read."""
        folder = self.params["pictures"]
        found: dict[str, str | None] = {}
        if not folder or not self.params["url"] or not os.path.isdir(folder):
            return None
        for place, _folders, names in os.walk(folder):
            for name in sorted(names):
                if name.lower().endswith(PICTURES):
                    with open(os.path.join(place, name), "rb") as file:
                        found[os.path.join(place, name)] = self.answer(file.read())
        return found

    def answer(self, picture: bytes) -> str | None:
        """Return the answer to one picture."""
        try:
            told = json.loads(self.ask("/v1/classify", picture))
        except HTTPError as error:
            if error.code == 422:
                return None
            raise StepError(f"the service answers a stored picture with {error.code}") from error
        except (URLError, OSError, ValueError) as error:
            raise StepError(f"the service does not answer a stored picture ({error})") from error
        return "refused" if told["rejected"] else told["label"]


def compare(before: dict[str, str | None], now: dict[str, str | None]) -> dict[str, int]:
    """Return how many answers changed, and how many were refused before, now, and only now."""
    both = [(before[name], now[name]) for name in now if name in before]
    return {
        "pictures": len(both),
        "changed": sum(old != new for old, new in both),
        "refused_before": sum(old == "refused" for old, _new in both),
        "refused_now": sum(new == "refused" for _old, new in both),
        "newly_refused": sum(new == "refused" != old for old, new in both),
    }


def fits(active: Any, params: dict[str, Any]) -> bool:
    """Return whether what is active is what is asked for."""
    return bool(
        active
        and active["bundle"] == params["id"]
        and params["variant"] in {None, active["variant"]}
        and params["engine"] in {"auto", active["engine"]}
    )


def activate(board: Board, result: dict[str, Any]) -> None:
    """Go from the archive to a service that answers with the bundle."""
    params = board.params
    result["stage"] = "install"
    code, _told, said = board.edgedigits("install", params["src"], *params["signers"])
    if code:
        raise StepError(said)
    # A service that does not run yet has nothing to compare with.
    before = board.answers() if result["before"] else None
    result["stage"] = "gates"
    words = ["--variant", params["variant"]] if params["variant"] else []
    words += ["--pictures", params["pictures"]] if params["pictures"] and os.path.isdir(params["pictures"]) else []
    words += ["--engine", params["engine"], "--timeout", str(params["timeout"]), *params["options"], *params["signers"]]
    # The command keeps its own limit; this one is for a command that does not.
    code, result["report"], said = board.edgedigits("activate", params["id"], *words)
    if code:
        failed = [gate for gate in (result["report"] or {}).get("gates", []) if gate["outcome"] == "failed"]
        raise StepError(f"{failed[0]['gate']}: {failed[0]['found']}" if failed else said)
    result["changed"] = True
    serve(board, result, before)


def serve(board: Board, result: dict[str, Any], before: dict[str, str | None] | None) -> None:
    """Have the service take the bundle; go back to the one before if it does not, or refuses too much with it."""
    params = board.params
    try:
        result["stage"] = "service"
        board.take(params["id"])
        if before is not None:
            ask_again(board, result, before)
    except StepError as error:
        go_back(board, result, str(error))
        raise


def ask_again(board: Board, result: dict[str, Any], before: dict[str, str | None]) -> None:
    """Compare the service's answers to the stored pictures with those from before."""
    result["stage"] = "replay"
    result["replay"] = compare(before, board.answers() or {})
    newly, allowed = result["replay"]["newly_refused"], board.params["max_refused"]
    if newly > allowed:
        raise StepError(f"replay: {newly} stored pictures are refused that were not, at most {allowed} may")


def go_back(board: Board, result: dict[str, Any], why: str) -> None:
    """Make active again what was, and have the service take that."""
    code, told, said = board.edgedigits("rollback", "--why", why)
    if code:
        raise StepError(f"{why}; and rolling back fails, too: {said}")
    result["rolled_back"] = True
    board.take(told["active"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["active", "rolled_back"], "default": "active"},
            "id": {"type": "str", "required": True},
            "src": {"type": "path"},
            "command": {"type": "list", "elements": "str", "required": True},
            "variant": {"type": "str"},
            "engine": {"type": "str", "default": "auto"},
            "pictures": {"type": "path"},
            "options": {"type": "list", "elements": "str", "default": []},
            "signers": {"type": "list", "elements": "str", "default": []},
            "reload": {"type": "list", "elements": "str", "default": []},
            "url": {"type": "str"},
            "max_refused": {"type": "int", "default": 3},
            "timeout": {"type": "int", "default": 600},
            "ready_timeout": {"type": "int", "default": 60},
            "why": {"type": "str", "default": "a wave failed"},
        },
        required_if=[("state", "active", ("src",))],
        supports_check_mode=True,
    )
    board = Board(module.params)
    result = {"changed": False, "before": None, "stage": "list", "report": None, "replay": None, "rolled_back": False}
    try:
        active = board.active()
        result["before"] = active["bundle"] if active else None
        if module.params["state"] == "active":
            wanted = not fits(active, module.params)
        else:
            wanted = active is not None and active["bundle"] == module.params["id"]
        if module.check_mode or not wanted:
            module.exit_json(**{**result, "changed": wanted})
        if module.params["state"] == "active":
            activate(board, result)
        else:
            result["changed"] = True
            go_back(board, result, module.params["why"])
    except StepError as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
