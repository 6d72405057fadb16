"""The real bot, whose worker draws without torch: ``python -m tests.wire.quick_bot run``."""

import sys

from bot.__main__ import main
from generation.worker import worker
from tests.wire import quick_worker

if __name__ == "__main__":
    worker.main = quick_worker.main  # what is spawned
    sys.exit(main())
