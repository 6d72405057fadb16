"""`python -m benchmarks.storms.bot run`: the real bot, with a stub for the worker."""

import sys

from benchmarks.storms import stub
from bot.__main__ import main
from generation.worker import worker

if __name__ == "__main__":
    worker.main = stub.main
    sys.exit(main())
