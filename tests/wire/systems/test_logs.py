"""What the processes write, when they are asked for JSON."""

import json

import pytest

from playground import Playground, Upload
from tests.fakes import png
from tests.texts import says
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

CATALOG = """
default = "Emoji"
[checkpoints.Elsewhere]
source = "nobody/nothing"
"""


async def test_every_line_is_json_with_its_job_and_without_tokens(playground: Playground, tmp_path):
    (tmp_path / "catalog.toml").write_text(CATALOG)
    process = Process(playground, tmp_path)
    await process.start(
        LOG__FORMAT="json",
        LOG__LEVEL="DEBUG",
        GENERATION__CATALOG=str(tmp_path / "catalog.toml"),
        HF_HUB_OFFLINE="1",
    )
    image = Upload("cat.png", png(1))
    asked = {"prompt": "a pear", "count": 1, "steps": 4}
    used = [await playground.slash("mia", "darkroom", "imagine", **asked, image=image)]
    await process.finished(1)
    used.append(
        await playground.slash("mia", "darkroom", "imagine", **asked, checkpoint="Elsewhere")
    )
    await playground.wait_for(
        lambda: says(process.posted()[-1].content, "checkpoint-hub-out-of-reach"),
        PATIENCE_S,
        "the refusal",
    )
    assert await process.end() == 0
    text = process.log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    (fetching,) = (line for line in lines if line["message"].startswith("fetching nobody/nothing"))
    assert (fetching["logger"], fetching["job"]) == (
        "generation.loading.model_loader",
        2,
    )  # from the worker
    assert "bot.client" in {line["logger"] for line in lines}
    for interaction in used:
        assert interaction.token not in text
