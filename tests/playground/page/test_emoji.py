"""Emoji on the page: pictures that it ships, whatever fonts the machine has."""

import pytest
from playwright.async_api import Page, expect

from playground import Playground
from tests.browser import opened

EMOJI = {
    "🎨": "1f3a8",
    "👩‍🚒": "1f469-200d-1f692",
    "🏳️‍🌈": "1f3f3-fe0f-200d-1f308",
    "🏳‍🌈": "1f3f3-fe0f-200d-1f308",  # as typed without the selector
    "1️⃣": "31-20e3",
    "❤": "2764",
    "❤️": "2764",
    "©️": "a9",
    "👍🏽": "1f44d-1f3fd",
    "🇩🇪": "1f1e9-1f1ea",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿": "1f3f4-e0067-e0062-e0073-e0063-e0074-e007f",
    "🫩": "1fae9",  # Unicode 16
    "\U0001fac8": "2754",  # Unicode 17: not among Twemoji's yet, so a question mark
    "🀀": "2754",
}
TEXT = ["©", "1", "#", "12*3", "☀\ufe0e", "→", "日本", "a\u200db"]

LOOSE = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    if (/\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u.test(texts.currentNode.data)) {
      found.push(texts.currentNode.data);
    }
  }
  return found;
}"""


async def drawn(page: Page) -> None:
    """Wait until every picture of an emoji can be seen."""
    await page.evaluate(
        "() => Promise.all([...document.querySelectorAll('img.emoji')].map(one => one.decode()))"
    )


async def test_every_picture_in_the_list_is_there(playground: Playground, http):
    async with http.get(f"{playground.url}/emoji/index.json") as response:
        names = await response.json()
    assert len(names) > 3700
    assert set(EMOJI.values()) <= set(names)
    for name in (names[0], names[-1], "1f468-200d-1f469-200d-1f467-200d-1f466"):
        async with http.get(f"{playground.url}/emoji/{name}.svg") as response:
            assert response.status == 200
            assert response.content_type == "image/svg+xml"
            assert (await response.text()).startswith("<svg")
    for name in ("ffff", "..%2F__init__", "index"):
        async with http.get(f"{playground.url}/emoji/{name}.svg") as response:
            assert response.status == 404


@pytest.mark.browser
async def test_what_is_an_emoji_and_what_is_text(playground: Playground):
    async with opened(playground.url) as page:
        split = """async text => {
          const { pictured } = await import("/page/emoji.js");
          return pictured(text).map(part => part.src ? [part.alt, part.src] : part);
        }"""
        for emoji, name in EMOJI.items():
            address = f"{playground.url}/emoji/{name}.svg"
            assert await page.evaluate(split, emoji) == [[emoji, address]]
            assert await page.evaluate(split, f"a{emoji}{emoji}1") == [
                "a",
                [emoji, address],
                [emoji, address],
                "1",
            ]
        for text in TEXT:
            assert await page.evaluate(split, text) == [text]


@pytest.mark.browser
@pytest.mark.usefixtures("small_bot")
async def test_no_emoji_is_left_to_the_machine(playground: Playground):
    async with opened(playground.url) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        composer = page.locator("#composer")
        text = (
            "# A 🎨\n**bold 🦊** `code 🎈` ||hidden 🐍|| > [a 🔗](https://example.org) <:own:123>"
        )
        await composer.fill(text)
        await page.keyboard.press("Enter")
        message = page.locator(".message", has_text="bold")
        await expect(message.locator("img.emoji")).to_have_count(5)
        await expect(message).to_contain_text(":own:")
        await composer.fill("🎉🎨")
        await page.keyboard.press("Enter")
        await expect(page.locator(".jumbo img.emoji")).to_have_count(2)

        await composer.fill("/imagine a 🦊 fox count:1")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Reroll").locator("img")).to_have_attribute(
            "alt", "🔄"
        )
        await composer.fill("/menu ")
        await page.keyboard.press("Enter")
        await page.locator("[data-custom-id=menu]").click()
        options = page.locator("[role=option] img.emoji")
        await expect(options).to_have_count(4)
        await page.keyboard.press("Escape")

        await message.click(button="right")
        await page.get_by_role("menuitem", name="Create thread").click()
        await page.get_by_label("Thread name").fill("Foxes 🦊")
        await page.keyboard.press("Enter")
        await expect(page.locator("#topbar-name img")).to_have_attribute("alt", "🦊")
        await expect(page.locator(".channel.threaded img.emoji")).to_have_count(1)
        await expect(page).to_have_title("#Foxes | Darkroom")
        await drawn(page)
        assert await page.evaluate(LOOSE) == []


@pytest.mark.browser
async def test_typed_emoji_come_from_the_shipped_font(playground: Playground):
    async with opened(playground.url) as page:
        await page.locator("#composer").fill("🎨 12 👍🏽 ok")
        await page.evaluate("() => document.fonts.ready")
        assert await page.evaluate("() => document.fonts.check('16px Twemoji', '🎨')")
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("DOM.enable")
        await devtools.send("CSS.enable")
        nodes = (await devtools.send("DOM.getFlattenedDocument", {"depth": -1, "pierce": True}))[
            "nodes"
        ]
        (typed,) = (one for one in nodes if one["nodeValue"].startswith("🎨 12"))
        used = await devtools.send("CSS.getPlatformFontsForNode", {"nodeId": typed["parentId"]})
        glyphs = {one["familyName"]: one for one in used["fonts"]}
        assert glyphs["Twemoji Mozilla"]["isCustomFont"]
        assert not any("emoji" in name.lower() for name in glyphs.keys() - {"Twemoji Mozilla"})
        assert len(glyphs) == 2  # the digits and letters are not the emoji font's
