"""The real bot, whose worker draws without torch.

`python -m benchmarks.discord.stub_bot run`
"""

import sys

from benchmarks.discord import stub_worker
from bot.__main__ import main
from generation.worker import worker

if __name__ == "__main__":
    worker.main = stub_worker.main  # what is spawned
    sys.exit(main())
