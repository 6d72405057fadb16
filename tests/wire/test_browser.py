"""A newcomer's first minutes, in a real browser, against the real bot and the real worker."""

import re

import pytest
from playwright.async_api import Locator, expect

from bot.texts import say
from playground import Playground
from tests.browser import opened
from tests.wire.conftest import PATIENCE_S, Process

pytestmark = pytest.mark.real_worker

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
            assert width == 128
        await expect(
            page.get_by_text(re.compile(say("settings-guidance", guidance="4 · seed \\d+")))
        ).to_be_visible()

        await page.get_by_role("button", name="Reroll").click()
        await expect(pictures).to_have_count(8, timeout=PATIENCE_MS)
        seeds = {seed for (seed,) in bot.rows("json_extract(request, '$.seed')")}
        assert len(seeds) == 2

        await page.get_by_role("button", name=re.compile("Switch person")).click()
        await page.get_by_role("menuitemradio", name="Morgan").click()
        panel = page.get_by_role("button", name=re.compile("Acting as Morgan"))
        await expect(panel).to_be_visible()
        await composer.click()
        await page.keyboard.type("/mod history person:mia")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Only you can see this")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"#1 imagine · done"))).to_be_visible()
        await expect(page.get_by_text(re.compile(r"#2 reroll · done"))).to_be_visible()
        jumps = page.get_by_text("jump", exact=True)
        await expect(jumps).to_have_count(2)
        await jumps.last.click()
        await expect(pictures.first).to_be_in_viewport()

        files = bot.folder / "pictures"
        assert len(list(files.rglob("*.png"))) == 8
        alone = page.locator(".message.private")
        thumbnail = alone.locator(".embed-thumbnail img").first
        await expect(thumbnail).to_have_js_property("naturalWidth", 128)
        await alone.get_by_role("button", name="Look at one of them").click()
        await page.get_by_role("option", name="#1 a red apple").click()
        await expect(alone.last).to_contain_text("#1 imagine")
        await alone.last.get_by_role("button", name="Remove").click()
        form = page.get_by_role("dialog", name="Remove #1")
        await form.get_by_label(say("form-reason")).fill("not here")
        await form.get_by_role("button", name="Submit").click()
        await expect(alone.last).to_contain_text("Removed #1. One job made from it stays")
        await expect(pictures).to_have_count(4)
        assert len(list(files.rglob("*.png"))) == 4
        await composer.click()
        await page.keyboard.type("/mod history ")
        await page.keyboard.press("Enter")
        await expect(alone.last).to_contain_text("#1 imagine · done · deleted")
        await expect(alone.last.get_by_role("button", name="Show blurred")).to_be_enabled()


@pytest.mark.browser
async def test_the_whole_way_of_a_picture(playground: Playground, bot: Process):
    async with opened(playground.url) as page:
        messages = page.locator(".message")
        alone = page.locator(".message.private")

        async def use(line: str) -> None:
            await page.locator("#composer").fill(line)
            await page.keyboard.press("Enter")

        def made(number: int) -> Locator:
            """Give the message of the job so many jobs after the first."""
            return messages.filter(has=page.locator(".tile")).nth(number)

        async def drawn(number: int, pictures: int, side: int) -> None:
            tiles = made(number).locator(".tile img")
            await expect(tiles).to_have_count(pictures)
            await expect(made(number).get_by_role("button", name="Remix")).to_be_visible()
            for index in range(pictures):
                await expect(tiles.nth(index)).to_have_js_property("naturalWidth", side)

        await expect(page.locator("#banner")).to_be_hidden()
        await use("/imagine a red apple count:2 steps:4")
        await drawn(0, 2, 128)
        await expect(made(0)).to_contain_text("Mia used /imagine")

        await made(0).get_by_role("button", name="U2").click()
        await drawn(1, 1, 256)
        await expect(made(1)).to_contain_text("Mia used a button on Darkroom")
        await made(0).get_by_role("button", name="V1").click()
        await drawn(2, 4, 128)

        await made(0).get_by_role("button", name="Remix").click()
        form = page.get_by_role("dialog", name="Remix")
        await expect(form.get_by_label(re.compile("^Prompt"))).to_have_value("a red apple")
        await form.get_by_label(re.compile("^Prompt")).fill("a green pear --steps 3")
        await form.get_by_role("button", name="Submit").click()
        await drawn(3, 2, 128)
        await expect(made(3)).to_contain_text("a green pear")

        await made(0).get_by_role("button", name="Details").click()
        card = alone.locator(".embed", has_text="#1 imagine")
        await expect(card.locator(".embed-field", has_text="Steps")).to_contain_text("4")
        ways = card.locator(".embed-field", has_text="Made from it").get_by_role("button")
        await expect(ways).to_have_count(3)
        await ways.last.click()
        await expect(made(3)).to_be_in_viewport()

        await made(0).get_by_role("button", name=say("button-favourite")).click()
        await expect(alone.last).to_contain_text(say("favourite-added"))
        await use("/history ")
        await page.keyboard.press("Enter")
        await expect(alone.last.locator(".embed")).to_have_count(4)
        await use("/favourites ")
        await page.keyboard.press("Enter")
        await expect(alone.last.locator(".embed")).to_have_count(1)
        await expect(alone.last.locator(".embed")).to_contain_text("a red apple")

        await made(3).get_by_role("button", name="Delete").click()
        await page.get_by_role("button", name="Delete for good").click()
        await expect(messages.filter(has_text="a green pear").locator(".tile")).to_have_count(0)
        assert bot.rows("kind, status, deleted_at IS NOT NULL") == [
            ("imagine", "done", 0),
            ("upscale", "done", 0),
            ("variation", "done", 0),
            ("remix", "done", 1),
        ]
