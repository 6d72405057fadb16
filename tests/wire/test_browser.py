"""A newcomer's first minutes, in a real browser, against the real bot and the real worker."""

import re

import pytest
from playwright.async_api import expect

from playground import Playground
from tests.browser import opened
from tests.wire.conftest import PATIENCE_S, Process

PATIENCE_MS = 1000 * PATIENCE_S


@pytest.mark.browser
async def test_imagine_reroll_and_a_moderator_s_history(playground: Playground, bot: Process):
    async with opened(playground.url) as page:
        composer = page.get_by_role("textbox").or_(page.get_by_role("combobox")).first
        await composer.click()
        await page.keyboard.type("/imagine a red apple")
        await page.keyboard.press("Enter")

        await expect(page.get_by_text(re.compile(r"step \d+ of 20")).first).to_be_visible(
            timeout=PATIENCE_MS
        )
        pictures = page.get_by_alt_text(re.compile(r"a red apple \(picture \d of 4\)"))
        await expect(pictures).to_have_count(4, timeout=PATIENCE_MS)
        for index in range(4):
            width = await pictures.nth(index).evaluate(
                "async image => { await image.decode(); return image.naturalWidth }"
            )
            assert width == 64
        await expect(page.get_by_text(re.compile(r"guidance 3 · seed \d+"))).to_be_visible()

        await page.get_by_role("button", name="Reroll").click()
        await expect(pictures).to_have_count(8, timeout=PATIENCE_MS)
        seeds = {seed for (seed,) in bot.rows("seed")}
        assert len(seeds) == 2

        await page.get_by_role("button", name=re.compile("Switch person")).click()
        await page.get_by_role("menuitemradio", name="Morgan").click()
        panel = page.get_by_role("button", name=re.compile("Acting as Morgan"))
        await expect(panel).to_be_visible()
        await composer.click()
        await page.keyboard.type("/mod history mia")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Only you can see this")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"#1 imagine · done"))).to_be_visible()
        await expect(page.get_by_text(re.compile(r"#2 reroll · done"))).to_be_visible()
        jumps = page.get_by_text("jump", exact=True)
        await expect(jumps).to_have_count(2)
        await jumps.last.click()
        await expect(pictures.first).to_be_in_viewport()
