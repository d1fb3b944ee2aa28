"""`edgedigits` with the limits that EDGEDIGITS_TEST_LIMITS names, so that a test need not wait for them.

``slow_s`` makes every answer take so many seconds longer.
"""

from __future__ import annotations

import json
import os
import time

from edgedigits.cli.main import process
from edgedigits.serve import limits
from edgedigits.serve.service import Service

if __name__ == "__main__":
    wanted = json.loads(os.environ["EDGEDIGITS_TEST_LIMITS"])
    slow = wanted.pop("slow_s", 0)
    limits.LIMITS = limits.LIMITS._replace(**wanted)
    quick = Service.classify

    def classify(self, *args, **more):
        time.sleep(slow)
        return quick(self, *args, **more)

    if slow:
        Service.classify = classify
    raise SystemExit(process())
