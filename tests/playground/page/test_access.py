"""The page for everybody: axe-core in every state, the keyboard alone, read aloud, on a phone."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from playground import Model, Playground
from tests.browser import DESKTOP, PHONE, opened, violations
from tests.playground.helpers import running_bot

pytestmark = pytest.mark.browser

MODEL = Model("Emoji", 1375, ("apple", "fox"))
NARROW = [360, 430, PHONE["width"]]

SMALL = """() => [...document.querySelectorAll(
    'button, summary, select, a[href], [role=option], label:has(input[type=checkbox])')]
  .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest('[inert]'))
  .map(one => [one.className || one.id || one.tagName, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 40 || box.height < 40))
  .map(([name, box]) => `${name} ${Math.round(box.width)}x${Math.round(box.height)}`)"""

WIDE = """() => [document.documentElement, ...document.querySelectorAll(
    '#scroller, .composer, .picker, dialog[open], .message, .mishaps-panel, .person-menu')]
  .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map(one => one.className || one.tagName)"""


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(model=MODEL) as playground, running_bot(playground):
        yield playground


async def use(page: Page, line: str) -> None:
    """Use a command without options, or with those that the line names."""
    await page.locator("#composer").fill(f"{line} " if " " not in line else line)
    await page.keyboard.press("Enter")


async def states(page: Page) -> AsyncIterator[str]:
    """Go through what the page can show, one after the other."""
    phone = (page.viewport_size or DESKTOP)["width"] < 760
    await expect(page.locator("#banner")).to_be_hidden()
    yield "the welcome"
    await page.locator("#composer").fill("/")
    await expect(page.locator(".picker-item").first).to_be_visible()
    yield "the list of commands"
    await page.locator("#composer").fill("/imagine a fox count:1 fruit:")
    await expect(page.locator(".picker-item")).to_have_count(4)
    yield "an option's choices"
    await page.keyboard.type("banana")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Reroll")).to_be_visible()
    yield "pictures"
    await page.get_by_role("button", name="Open picture 1 of 1").click()
    yield "a picture on its own"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Remix").click()
    await expect(page.get_by_role("dialog", name="Remix")).to_be_visible()
    yield "a form"
    await page.keyboard.press("Escape")
    await use(page, "/menus")
    await page.locator("[data-custom-id=anyone]").click()
    yield "a select menu"
    await page.keyboard.press("Escape")
    await page.locator("[data-custom-id=threads]").click()
    yield "a select menu without options"
    await page.keyboard.press("Escape")
    await page.locator("#mishaps summary").click()
    yield "the mishaps"
    await page.keyboard.press("Escape")
    await page.locator(".message", has_text="Whom?").click(
        button="right", position={"x": 9, "y": 9}
    )
    await expect(page.get_by_role("menu", name="Message")).to_be_visible()
    yield "a message's menu"
    await page.keyboard.press("Escape")
    await use(page, "/whisper")
    await use(page, "/card")
    await expect(page.locator(".embed", has_text="A card")).to_be_visible()
    yield "a private answer and a card"
    if phone:
        await page.locator("#members-button").click()
        yield "the members"
        await page.keyboard.press("Escape")
        await page.locator("#menu-button").click()
        yield "the channels"
    await page.locator(".me").click()
    yield "the settings"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_every_state_is_for_everybody(playground: Playground, size, scheme):
    """Nothing serious for axe-core; on a phone all of it is there, and fingers have room."""
    async with opened(playground.url, size, scheme) as page:
        async for state in states(page):
            assert await violations(page) == [], state
            if size is not PHONE:
                continue
            for width in NARROW:
                await page.set_viewport_size({**PHONE, "width": width})
                assert await page.evaluate(WIDE) == [], (state, width)
                assert await page.evaluate(SMALL) == [], (state, width)


async def test_drawers_keep_the_focus_and_give_it_back(playground: Playground):
    async with opened(playground.url, PHONE) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        sidebar = page.locator("#sidebar")
        await expect(sidebar).to_be_hidden()
        await page.get_by_role("button", name="Show channels").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="darkroom", exact=True)).to_be_focused()
        for _ in range(20):
            await page.keyboard.press("Tab")
            held = "() => document.body === document.activeElement || " + (
                "document.getElementById('sidebar').contains(document.activeElement)"
            )
            assert await page.evaluate(held)
        await page.locator(".me").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")  # closes the settings
        await expect(page.locator(".me")).to_be_focused()
        await expect(sidebar).to_be_visible()
        await page.keyboard.press("Escape")  # closes the drawer
        await expect(sidebar).to_be_hidden()
        await expect(page.get_by_role("button", name="Show channels")).to_be_focused()
        await page.get_by_role("button", name="Show channels").click()
        await page.get_by_role("button", name="general").click()
        await expect(sidebar).to_be_hidden()
        await expect(page.locator("#topbar-name")).to_have_text("general")
        await page.get_by_role("button", name="Show members").click()
        await page.get_by_role("button", name="Theo").click()
        await page.get_by_role("menuitem", name="Greet").click()
        await expect(page.locator("#messages")).to_contain_text("Hello Theo of Artists")
        await expect(page.locator("#members")).to_be_hidden()


async def test_the_keyboard_alone(playground: Playground):
    async with opened(playground.url) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        await page.locator(".server-icon").click()
        await page.keyboard.press("Tab")
        await page.evaluate("() => document.querySelector('.skip').focus()")
        await page.keyboard.press("Enter")
        await expect(page.locator("#composer")).to_be_focused()

        await page.keyboard.type("/im")
        chosen = page.locator("[role=option][aria-selected=true]")
        await expect(chosen).to_contain_text("/imagine")
        identity = await chosen.get_attribute("id")
        await expect(page.locator("#composer")).to_have_attribute(
            "aria-activedescendant", identity or ""
        )
        await page.keyboard.press("Escape")
        await expect(page.locator("#picker")).to_be_hidden()
        await page.locator("#composer").fill("")

        await use(page, "/imagine a fox count:2")
        await expect(page.get_by_role("button", name="Remix")).to_be_visible()
        second = page.get_by_role("button", name="Open picture 2 of 2")
        await second.focus()
        await page.keyboard.press("Enter")
        lightbox = page.locator(".lightbox")
        for _ in range(6):
            await page.keyboard.press("Tab")
            inside = "() => document.activeElement === document.body || " + (
                "document.querySelector('.lightbox').contains(document.activeElement)"
            )
            assert await page.evaluate(inside)
        await page.keyboard.press("Escape")
        await expect(lightbox).to_have_count(0)
        await expect(second).to_be_focused()

        remix = page.get_by_role("button", name="Remix")
        await remix.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Prompt")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(remix).to_be_focused()

        await use(page, "/menus")
        people = page.locator("[data-custom-id=anyone]")
        await people.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("End")
        await expect(page.get_by_role("option").filter(visible=True).last).to_be_focused()
        await page.keyboard.press("Home")
        await expect(page.get_by_role("option", name="Mia").filter(visible=True)).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(people).to_be_focused()
        await page.locator("#mishaps summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        await expect(page.locator("#mishaps summary")).to_be_focused()


async def test_what_has_the_focus_shows_it(playground: Playground):
    async with opened(playground.url) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        await use(page, "/imagine a fox count:1")
        await expect(page.get_by_role("button", name="Remix")).to_be_visible()
        plain = []
        await page.evaluate("() => document.querySelector('.skip').focus()")
        for _ in range(40):
            await page.keyboard.press("Tab")
            looks = await page.evaluate(
                """() => {
                  const one = document.activeElement;
                  if (one === document.body) return null;
                  const frame = one.closest('.composer-box, .example') ?? one;
                  const seen = [one, frame].some(
                    each => getComputedStyle(each).outlineStyle !== 'none');
                  return seen ? null : one.outerHTML.slice(0, 100);
                }"""
            )
            if looks:
                plain.append(looks)
        assert plain == []


async def test_news_are_told_once_and_progress_is_not(playground: Playground):
    async with opened(playground.url) as page:
        await expect(page.locator("#banner")).to_be_hidden()
        said = page.locator("#announcer p")
        await page.locator("#composer").fill("my own words")
        await page.keyboard.press("Enter")
        await use(page, "/imagine a fox count:2")
        await expect(page.get_by_role("button", name="Remix")).to_be_visible()
        # It comes, and it is done; two steps were shown in between.
        await expect(said).to_have_text(
            [
                re.compile("^Darkroom: a fox square apple 7.5 — queued$"),
                re.compile("^Darkroom: a fox square apple 7.5, 2 pictures, 1 card$"),
            ]
        )
        await use(page, "/think")
        await expect(page.locator("#messages")).to_contain_text("And again.")
        await expect(said.filter(has_text="thinking")).to_have_count(0)
        await expect(said.filter(has_text="Thought about it.")).to_have_count(1)
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


async def test_light_or_dark_as_one_likes(playground: Playground):
    async with opened(playground.url, scheme="light") as page:
        ground = page.locator(".main")
        await expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
        await page.locator(".me").click()
        await page.get_by_label("Appearance").select_option("dark")
        await expect(ground).to_have_css("background-color", "rgb(43, 43, 49)")
        await page.reload()
        await expect(ground).to_have_css("background-color", "rgb(43, 43, 49)")
        await page.locator(".me").click()
        await page.get_by_label("Appearance").select_option("auto")
        await expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
        await page.emulate_media(color_scheme="dark")
        await expect(ground).to_have_css("background-color", "rgb(43, 43, 49)")
