"""A service that goes wrong in one way: ``python stub_server.py WAY``. It says that everything is a seven."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
import time

WAY = sys.argv[1]
PATIENCE_S = 3
KEPT: list[object] = []
ANSWER = b'{"digit": 8, "detail": ""}' if WAY == "wrong" else b'{"digit": 7, "detail": ""}'


def go_wrong() -> None:
    """What happens at every request."""
    if WAY == "memory":
        KEPT.append(b"x" * 1_000_000)
    elif WAY == "descriptors":
        KEPT.append(os.open(os.devnull, os.O_RDONLY))
    elif WAY == "threads" and len(KEPT) < 50:
        KEPT.append(threading.Thread(target=time.sleep, args=(60,), daemon=True))
        KEPT[-1].start()
    elif WAY == "crash":
        KEPT.append(None)
        if len(KEPT) > 50:
            os._exit(3)
    elif WAY == "traceback":
        print("Traceback (most recent call last):\n  a bug", file=sys.stderr, flush=True)
    elif WAY == "slow":
        time.sleep(0.02)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    try:
        while True:
            async with asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d{1,6})\r\n", head)
                await reader.readexactly(int(length[1]) if length else 0)
            go_wrong()
            bad = WAY == "500" and b"/healthz" not in head and b"GET" in head
            if WAY == "silent" and b"GET /metrics" not in head and b"POST /v1/classify " not in head:
                await asyncio.sleep(3600)
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (b"500 Oh" if bad else b"200 OK", len(ANSWER), ANSWER)
            )
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Listen until SIGTERM."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", file=sys.stderr, flush=True)
    await ended.wait()
    os._exit(1 if WAY == "exit" else 0)


asyncio.run(main())
