"""A region picked by clicking, in a real browser, against the real bot and the real worker."""

import io
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.async_api import expect

from bot.db.database import FILE_NAME
from bot.db.picture_files import picture_file
from bot.texts import say
from playground import Playground
from tests.browser import PHONE, opened
from tests.generation.vision import tiny_clipseg as tiny
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

FEATHER_PX = 16


@pytest.mark.browser
async def test_only_the_region_that_was_picked_changes(playground: Playground, bot: Process):
    async with opened(playground.url, PHONE) as page:
        messages, alone = page.locator(".message"), page.locator(".message.private")
        await page.locator("#composer").fill("/imagine a red apple count:1 steps:4 seed:7")
        await page.keyboard.press("Enter")
        region = page.get_by_role("button", name=say("button-edit-region"))
        await expect(region).to_be_visible(timeout=1000 * PATIENCE_S)
        await region.click()

        panel = alone.last
        picture = panel.locator(".tile img").first
        await expect(picture).to_have_js_property("naturalWidth", 128)
        before = await picture.get_attribute("src")
        await panel.get_by_role("button", name="1", exact=True).click()
        await expect(picture).not_to_have_attribute("src", before or "")
        await panel.get_by_role("button", name="2", exact=True).click()
        await panel.get_by_role("button", name="6", exact=True).click()
        await panel.get_by_role("button", name="7", exact=True).click()
        await panel.get_by_role("button", name=say("region-draw")).click()
        form = page.get_by_role("dialog", name=say("form-edit-region"))
        await expect(form.get_by_label(re.compile("^Prompt"))).to_have_value("a red apple")
        await form.get_by_label(re.compile("^Prompt")).fill("a blue whale --steps 4")
        await form.get_by_role("button", name="Submit").click()
        made = messages.filter(has_text=say("job-edit", number="1"))
        await expect(made.locator(".tile img")).to_have_count(4, timeout=1000 * PATIENCE_S)

    source, *edited = [
        np.asarray(Image.open(io.BytesIO(picture_file(bot.folder, name).read_bytes()))).astype(int)
        for (name,) in files(bot)
    ]
    assert len(edited) == 4
    for one in edited:
        changed = np.abs(one - source).max(2) > 0
        assert changed[:64, :51].mean() > 0.5, "what was picked is drawn again"
        assert not changed[64 + FEATHER_PX :].any(), "the rest is as it was, to the byte"
        assert not changed[:, 51 + FEATHER_PX :].any()


@pytest.mark.browser
async def test_words_pick_what_they_mean(playground: Playground, tmp_path: Path):
    tiny.colour_clipseg(tmp_path / "models" / "segmenters" / "colours")
    bot = Process(playground, tmp_path)
    await bot.start(MODELS__FOLDERS=str(tmp_path / "models"))
    try:
        async with opened(playground.url, PHONE) as page:
            messages, alone = page.locator(".message"), page.locator(".message.private")
            await page.locator("#composer").fill("/imagine a red apple count:1 steps:12 seed:7")
            await page.keyboard.press("Enter")
            region = page.get_by_role("button", name=say("button-edit-region"))
            await expect(region).to_be_visible(timeout=1000 * PATIENCE_S)
            await region.click()
            panel = alone.last
            picture = panel.locator(".tile img").first
            await expect(picture).to_have_js_property("naturalWidth", 128)
            before = await picture.get_attribute("src")
            await panel.get_by_role("button", name=say("region-words")).click()
            form = page.get_by_role("dialog", name=say("form-region-words"))
            await form.get_by_role("textbox").fill("the red apple")
            await form.get_by_role("button", name="Submit").click()
            picked = say("region-words-picked", words="the red apple")
            button = panel.get_by_role("button", name=picked)
            await expect(button).to_be_visible(timeout=1000 * PATIENCE_S)
            await expect(picture).not_to_have_attribute("src", before or "")
            await panel.get_by_role("button", name=say("region-draw")).click()
            form = page.get_by_role("dialog", name=say("form-edit-region"))
            await form.get_by_label(re.compile("^Prompt")).fill("a green apple --steps 12 --n 1")
            await form.get_by_label(re.compile("^" + say("form-feather"))).fill("2")
            await form.get_by_role("button", name="Submit").click()
            made = messages.filter(has_text=say("job-edit", number="1"))
            await expect(made.locator(".tile img").first).to_be_visible(timeout=1000 * PATIENCE_S)
            await expect(made.get_by_role("button", name="U1")).to_be_visible(
                timeout=1000 * PATIENCE_S
            )
    finally:
        await bot.end()
    source, edited, *_ = [
        np.asarray(Image.open(io.BytesIO(picture_file(bot.folder, name).read_bytes()))).astype(int)
        for (name,) in files(bot)
    ]
    red = source[..., 0] - source[..., 1:].max(2) > 60
    changed = np.abs(edited - source).max(2) > 0
    assert red.mean() > 0.1, "an apple"
    assert changed[red].mean() > 0.8, "which is drawn again"
    # The model sees eight patches in each direction.
    near = Image.fromarray(red).convert("L").filter(ImageFilter.MaxFilter(2 * 20 + 1))
    far = np.asarray(near) == 0
    assert far.any()
    assert not changed[far].any(), "and nothing far from it"


def files(bot: Process) -> list[tuple[str]]:
    """The pictures' names, in order."""
    connection = sqlite3.connect(f"file:{bot.folder / FILE_NAME}?mode=ro", uri=True)
    try:
        query = 'SELECT sha256 FROM pictures ORDER BY job_id, "index"'
        return connection.execute(query).fetchall()
    finally:
        connection.close()
