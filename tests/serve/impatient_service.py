"""`edgedigits` with the limits that EDGEDIGITS_TEST_LIMITS names, so that a test need not wait for them.

``slow_s`` makes every answer take so many seconds longer. ``held`` is a file: answers wait for as long as it is there,
and what waits for it has made ``held`` + ".begun".
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from edgedigits.cli.main import process
from edgedigits.serve import limits
from edgedigits.serve.service import Service

if __name__ == "__main__":
    wanted = json.loads(os.environ["EDGEDIGITS_TEST_LIMITS"])
    slow, held = wanted.pop("slow_s", 0), wanted.pop("held", "")
    limits.LIMITS = limits.LIMITS._replace(**wanted)
    quick = Service.classify

    def classify(self, *args, **more):
        time.sleep(slow)
        if held:
            Path(f"{held}.begun").touch()
            while Path(held).exists():
                time.sleep(0.01)
        return quick(self, *args, **more)

    if slow or held:
        Service.classify = classify
    raise SystemExit(process())
