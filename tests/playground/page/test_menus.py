"""Menus, forms, threads, direct messages and every kind of option, in a browser."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from playground import Playground
from tests.browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("small_bot")]


@pytest.fixture
async def page(playground: Playground) -> AsyncIterator[Page]:
    async with opened(playground.url) as page:
        yield page


async def use(page: Page, line: str) -> None:
    """Use a command without options, or with those that the line names."""
    await expect(page.locator("#banner")).to_be_hidden()
    await page.locator("#composer").fill(f"{line} " if " " not in line else line)
    await page.keyboard.press("Enter")


async def act_as(page: Page, name: str) -> None:
    await page.locator(".me").click()
    await page.get_by_role("menuitemradio", name=name).click()
    await expect(page.locator(".me")).to_contain_text(name)


async def test_menus_of_messages_and_people_and_threads(page: Page, playground: Playground):
    await page.locator("#composer").fill("a red apple")
    await page.keyboard.press("Enter")
    message = page.locator(".message", has_text="a red apple")
    await message.click(button="right")
    await page.keyboard.press("Escape")
    await message.get_by_role("button", name="More").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Create thread")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    answer = page.locator(".message", has_text="> a red apple").or_(
        page.locator(".message", has=page.locator("blockquote"))
    )
    await expect(answer).to_contain_text("Mia used Quote")
    await answer.get_by_role("button", name="Darkroom: profile").click(button="right")
    await expect(page.get_by_role("menu", name="Darkroom")).to_contain_text("Message")
    await page.keyboard.press("Escape")
    await page.locator(".member", has_text="Theo").click()
    await page.get_by_role("menuitem", name="Greet").click()
    await expect(page.locator("#messages")).to_contain_text("Hello Theo of Artists")

    await message.first.click(button="right")
    await page.get_by_role("menuitem", name="Create thread").click()
    await page.get_by_label("Thread name").fill("Apples")
    await page.keyboard.press("Enter")
    await expect(page.locator("#topbar-name")).to_have_text("Apples")
    await expect(page.locator("#messages")).to_contain_text("a red apple")
    await use(page, "/where")
    await expect(page.locator("#messages")).to_contain_text("public_thread nsfw=False en-US")
    await expect(page.locator("#messages")).to_contain_text("threads=True")
    await page.locator(".channel", has_text="darkroom").first.click()
    await expect(page.locator(".thread-box")).to_contain_text("Apples1 message")
    await page.locator(".thread-box").click()
    await expect(page.get_by_role("button", name="Delete thread")).to_be_hidden()
    await act_as(page, "Morgan")
    await page.locator(".channel", has_text="Apples").click()
    await page.get_by_role("button", name="Delete thread").click()
    await expect(page.locator(".channel", has_text="Apples")).to_have_count(0)
    await expect(page.locator(".thread-box")).to_have_count(0)
    assert playground.world.threads() == []


async def test_selects_and_forms(page: Page):
    await use(page, "/menus")
    people = page.locator("[data-custom-id=users]")
    await expect(people).to_have_text(re.compile("Theo"))
    await expect(page.locator("[data-custom-id=off]")).to_be_disabled()
    await people.click()
    await page.keyboard.press("Escape")  # one is too few, and nothing was changed
    await people.click()
    await page.get_by_role("option", name="Mia").click()
    await page.get_by_role("option", name="Olive").click()
    await page.get_by_role("option", name="Morgan").click()  # the fourth is not taken
    await expect(people).to_have_text(re.compile("Mia, Olive, Theo"))
    await page.keyboard.press("Escape")
    said = page.locator("#messages")
    await expect(said).to_contain_text("Picked Member mia and Member olive and Member theo")
    await page.locator("[data-custom-id=roles]").click()
    await page.get_by_role("option", name="Artists").click()
    await expect(said).to_contain_text("Picked Role Artists")
    await page.locator("[data-custom-id=anyone]").click()
    await page.get_by_role("option", name="Moderators").click()
    await expect(said).to_contain_text("Picked Role Moderators")
    await page.locator("[data-custom-id=threads]").click()
    await expect(page.locator(".select-list:visible [role=option]")).to_have_count(0)

    await use(page, "/survey")
    form = page.get_by_role("dialog", name="Survey")
    await form.get_by_role("button", name="Submit").click()
    await expect(form.get_by_role("alert")).to_have_text("About: This field is required.")
    await form.get_by_label("About").fill("abc")
    await form.get_by_role("button", name="Submit").click()
    await expect(form.get_by_role("alert")).to_contain_text("Between 5 and 40 characters")
    await form.get_by_label("About").fill("about me")
    await form.get_by_role("button", name=re.compile("^Fruit")).click()
    await form.get_by_role("option", name="Cherry").click()
    await form.get_by_role("button", name=re.compile("^Friend")).click()
    await form.get_by_role("option", name="Theo").click()
    await form.get_by_role("button", name="Submit").click()
    await expect(said).to_contain_text(
        "Surveyed: ('about me', 'Pip', ['banana', 'cherry'], ['Theo'])"
    )


async def test_private_answers_spoilers_and_cards(page: Page):
    await use(page, "/whisper")
    private = page.locator(".message.private")
    await expect(private).to_have_count(2)
    await expect(private.first).to_contain_text("Psst, changed")
    spoiler = page.get_by_role("button", name="Show the spoiler, picture 1 of 1")
    await expect(spoiler).to_have_class(re.compile("covered"))
    await spoiler.click()
    shown = page.get_by_role("button", name="Open picture 1 of 1: a gold square")
    await expect(shown).not_to_have_class(re.compile("covered"))
    await shown.click()
    await expect(page.locator(".lightbox")).to_contain_text("a gold square")
    await page.keyboard.press("Escape")
    await private.first.get_by_role("button", name="Dismiss message").click()
    await expect(private).to_have_count(1)

    await use(page, "/card")
    card = page.locator(".embed", has_text="A card")
    await expect(card.locator(".embed-image img")).to_have_js_property("naturalWidth", 64)
    await expect(card.locator(".embed-thumbnail img")).to_have_js_property("naturalWidth", 64)
    await expect(card.locator(".embed-mark")).to_have_count(2)
    await expect(card.locator(".embed-field.inline")).to_have_count(2)
    await expect(card).to_contain_text(re.compile(r"The end • \d\d/\d\d/\d{4}, \d\d:\d\d"))
    await expect(card).to_have_css("border-left-color", "rgb(232, 80, 58)")


async def test_direct_messages_and_people(page: Page, playground: Playground):
    await use(page, "/write")
    direct = page.locator(".channel", has_text=re.compile("^Darkroom$"))
    await expect(direct.get_by_label("unread")).to_be_visible()
    await direct.click()
    await expect(page.locator("#messages")).to_contain_text("Your pictures are ready.")
    await expect(direct.get_by_label("unread")).to_have_count(0)
    await use(page, "/where")
    await expect(page.locator("#messages")).to_contain_text("private nsfw=None en-US None")
    await page.locator(".me").click()
    await page.get_by_label("Take direct messages").uncheck()
    await page.locator(".me").click()
    await page.get_by_label("Language").select_option("de")
    await page.locator(".channel", has_text="after-dark").click()
    await use(page, "/write")
    await expect(page.locator("#messages")).to_contain_text("Refused: 50007")
    await use(page, "/where")
    await expect(page.locator("#messages")).to_contain_text("text nsfw=True de en-US")
    await act_as(page, "Olive")
    await use(page, "/where")
    await expect(page.locator("#messages")).to_contain_text("manages=True")


async def test_every_kind_of_option(page: Page):
    await use(
        page,
        "/art brush pick person:theo role:Artists channel:#general anyone:Moderators "
        "size:9 soft:true kind:flat",
    )
    await expect(page.get_by_role("alert")).to_contain_text(
        "size: Enter a number between 0.5 and 4"
    )
    await page.get_by_label(re.compile("^size:")).fill("1.5")
    await page.keyboard.press("Enter")
    said = page.locator("#messages")
    await expect(said).to_contain_text("theo Artists general Moderators 1.5 True flat")
    await page.locator("#composer").fill("/art brush copy ")
    await page.locator("input[type=file]").set_input_files(
        {"name": "SPOILER_notes.txt", "mimeType": "text/plain", "buffer": b"12345"}
    )
    await page.get_by_role("button", name="Send").click()
    await expect(said.get_by_role("link", name="SPOILER_notes.txt", exact=True)).to_be_visible()
