"""Boards that are folders: each has an sshd of its own on a loopback port, a store, pictures and a running service."""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import edgedigits
from edgedigits.bundle import SHIPPED
from edgedigits.store.contents import open_contents
from edgedigits.store.store import install, locked, switch

COLLECTION = Path(__file__).parents[2] / "fleet"
PATIENCE_S = 60


@dataclass
class Board:
    """One board.

    Attributes
    ----------
    python: its interpreter, which Ansible runs its modules with, too.
    variables: what the inventory says of it beyond how it is reached.

    """

    name: str
    folder: Path
    python: Path
    port: int
    serving: int
    sshd: subprocess.Popen[bytes] | None = None
    service: subprocess.Popen[bytes] | None = None
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def command(self) -> list[str]:
        return [str(self.python), "-m", "edgedigits.cli.main"]

    @property
    def emulated(self) -> bool:
        return self.python != Path(sys.executable)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.serving}"

    def begin(self, key: Path, pictures: Mapping[str, bytes]) -> None:
        """Have the tiny bundle active, pictures of its own, and start its sshd and its service."""
        (self.store / "pictures").mkdir()
        (self.folder / "tmp").mkdir()
        for name, data in pictures.items():
            (self.store / "pictures" / name).write_bytes(data)
        contents = open_contents(SHIPPED / "tiny", None)
        with locked(self.store):
            install(self.store, contents)
            switch(self.store, contents.manifest.id, "int8.tflite", "auto", {})
        self.listen(key)
        self.serve()

    def listen(self, key: Path) -> None:
        host_key = self.folder / "host_key"
        if not host_key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
        environment = {"PYTHONPATH": str(Path(edgedigits.__file__).parents[1])}
        settings = {
            "ListenAddress": f"127.0.0.1:{self.port}", "HostKey": host_key, "AuthorizedKeysFile": f"{key}.pub",
            "PidFile": "none", "StrictModes": "no", "UsePAM": "no", "PasswordAuthentication": "no",
            "Subsystem": "sftp internal-sftp", "SetEnv": " ".join(f"{k}={v}" for k, v in environment.items()),
            "MaxStartups": 100, "MaxSessions": 100,
        }  # fmt: skip
        file = self.folder / "sshd_config"
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        if os.geteuid() == 0:  # started by root, it wants the folder that its service makes otherwise
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "sshd.log").open("ab") as log:
            self.sshd = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", file], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until(lambda: connects(self.port), f"the sshd of {self.name} listens")

    def serve(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                [*self.command, "serve", "--bundle", "active", "--port", str(self.serving)],
                env={**os.environ, "EDGEDIGITS_STORE": str(self.store)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        (self.folder / "service.pid").write_text(str(self.service.pid))

    def ready(self) -> None:
        until(lambda: self.asks("/readyz") is not None, f"the service of {self.name} is ready")

    def asks(self, path: str, body: bytes | None = None) -> Any:
        try:
            request = Request(self.url + path, body)  # noqa: S310  of this machine
            with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
                return json.loads(answer.read())
        except (URLError, OSError):
            return None

    def answers(self, picture: bytes) -> tuple[str, str]:
        """The bundle that answers, and its answer."""
        told = self.asks("/v1/classify", picture)
        return told["model"]["bundle"], told["label"]

    def active(self) -> str:
        return Path(os.path.realpath(self.store / "active")).name

    def states(self) -> dict[str, tuple[str, str | None]]:
        done = subprocess.run(
            [*self.command, "bundle", "list", "--json"], env={**os.environ, "EDGEDIGITS_STORE": str(self.store)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return {one["id"]: (one["state"], one["why"]) for one in json.loads(done.stdout)["bundles"]}

    def leave(self) -> None:
        """Go away: its sshd and every session that is open end at once."""
        assert self.sshd
        for child in descendants(self.sshd.pid):
            kill(child)
        kill(self.sshd.pid)
        self.sshd.wait()

    def end(self) -> None:
        if self.sshd and self.sshd.poll() is None:
            self.leave()
        if self.service and self.service.poll() is None:
            self.service.kill()
            self.service.wait()

    def host(self, key: Path) -> dict[str, Any]:
        """What the inventory says of it."""
        pid = shlex.quote(str(self.folder / "service.pid"))
        return {
            "ansible_host": "127.0.0.1", "ansible_port": self.port, "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(key), "ansible_remote_tmp": str(self.folder / "tmp"),
            "ansible_python_interpreter": str(self.python), "edgedigits_command": self.command,
            "edgedigits_store": str(self.store), "edgedigits_url": self.url, "edgedigits_user": "",
            "edgedigits_reload": ["/bin/sh", "-c", f"kill -HUP $(cat {pid})"], **self.variables,
        }  # fmt: skip


@dataclass
class Fleet:
    """All boards, and the machine that rolls out."""

    folder: Path
    boards: list[Board]
    key: Path
    ansible: Path

    def play(self, playbook: str, *words: str, **variables: Any) -> Rollout:
        """Run a playbook of the collection over all boards."""
        inventory, report = self.folder / "boards.json", self.folder / "report"
        hosts = {board.name: board.host(self.key) for board in self.boards}
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        for old in report.glob("fleet.*"):
            old.unlink()
        # What a board asks for may take as long as its engine; a connection that is dead is known in seconds.
        ssh = f"-o UserKnownHostsFile={self.folder}/known -o StrictHostKeyChecking=accept-new -o ServerAliveInterval=2"
        ssh += " -o ServerAliveCountMax=3 -o ConnectTimeout=5 -o ConnectionAttempts=1"
        given = {
            "edgedigits_report": str(report), "edgedigits_limits": ["--max-slower", "60%"],
            "edgedigits_here": [sys.executable, "-m", "edgedigits.cli.main"], "ansible_ssh_common_args": ssh,
            **variables,
        }  # fmt: skip
        environment = {
            **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"), "ANSIBLE_FORKS": "8",
            "ANSIBLE_HOME": str(self.folder / "home"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "c"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_TIMEOUT": "6",
        }  # fmt: skip
        done = subprocess.run(
            [self.ansible / "ansible-playbook", "-i", inventory, "-e", json.dumps(given), *words,
             f"edgedigits.fleet.{playbook}"],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=400,
        )  # fmt: skip
        (self.folder / "last.log").write_text(done.stdout + done.stderr)
        told = json.loads((report / "fleet.json").read_text()) if (report / "fleet.json").exists() else None
        return Rollout(done.returncode, done.stdout + done.stderr, told, report)

    def roll_out(self, archive: Path, *words: str, **variables: Any) -> Rollout:
        return self.play("rollout", *words, edgedigits_bundle=str(archive), **variables)


@dataclass
class Rollout:
    """What a playbook said, and the report of the fleet."""

    code: int
    said: str
    told: Any
    folder: Path

    def states(self) -> dict[str, str]:
        return {name: board["state"] for name, board in self.told["boards"].items()}

    def changed(self) -> int:
        """The number of changed tasks of all boards in Ansible's own summary."""
        recap = self.said.partition("PLAY RECAP")[2]
        return sum(map(int, re.findall(r"changed=(\d+)", recap)))


def until(holds: Any, what: str, patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.05)


def connects(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> Sequence[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def descendants(pid: int) -> Iterable[int]:
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in done.stdout.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
