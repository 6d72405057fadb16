"""The page: what it serves, what it refuses, and what a person does on it in a browser."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from playwright.async_api import Page, expect

from playground import Playground
from tests.browser import opened
from tests.playground.helpers import Wire


async def test_it_is_served_with_a_strict_policy(playground: Playground, http):
    async with http.get(playground.url) as response:
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "<title>Darkroom</title>" in await response.text()
    for name in ("app.js", "style.css"):
        async with http.get(f"{playground.url}/page/{name}") as response:
            assert response.status == 200
    for name in ("nothing.js", "..%2Fpage.py", "index.py"):
        async with http.get(f"{playground.url}/page/{name}") as response:
            assert response.status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
)
async def test_other_sites_are_kept_out(playground: Playground, http, headers):
    async with http.get(playground.url, headers=headers) as response:
        assert response.status == 403
    async with http.post(f"{playground.url}/act/send", headers=headers, data="{}") as response:
        assert response.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(f"{playground.url}/live", headers=headers)


async def test_people_act_and_hear(playground: Playground, wire: Wire):
    live = await wire.session.ws_connect(f"{playground.url}/live?as=mia")
    hello = await live.receive_json()
    channel = hello["channels"][0]["id"]
    assert hello["commands"][channel][0]["name"] == "draw"

    async def act(action, person="mia", **orders):
        url = f"{playground.url}/act/{action}?as={person}"
        async with wire.session.post(url, data=json.dumps(orders)) as response:
            return response.status, await response.json()

    await act("send", channel=channel, content="hello")
    news = await live.receive_json()
    assert (news["kind"], news["message"]["content"]) == ("message", "hello")
    status, answer = await act("slash", channel=channel, command="draw", options={"count": 9})
    assert (status, answer["option"]) == (400, "prompt")
    status, answer = await act(
        "slash", channel=channel, command="draw", options={"prompt": "x", "count": 9}
    )
    assert (status, answer["problem"]) == (400, "Enter a value between 1 and 4.")
    status, answer = await act("slash", channel=channel, command="nothing", options={})
    assert status == 400
    assert "no command" in answer["problem"]
    await act("slash", channel=channel, command="draw", options={"prompt": "x"})
    interaction = playground.state.interactions.all()[-1]
    await wire.answer(interaction, 4, content="psst", flags=64)
    assert (await live.receive_json())["message"]["content"] == "psst"
    assert (await live.receive_json())["status"] == "answered"
    message = str((await interaction.response()).id)
    assert (await act("delete", "morgan", message=message))[0] == 400
    assert (await act("delete", message=message))[0] == 200
    assert (await live.receive_json())["kind"] == "message_deleted"
    await live.close()


@pytest.fixture
async def page(playground: Playground) -> AsyncIterator[Page]:
    async with opened(playground.url) as page:
        yield page


@pytest.mark.browser
async def test_a_newcomer_at_the_keyboard(page: Page, playground: Playground, small_bot):
    await expect(page.locator("#banner")).to_be_hidden()
    await expect(page.locator("#composer")).to_be_focused()
    await page.keyboard.type("/im")
    await expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("/imagine")
    await page.keyboard.press("Enter")
    await page.keyboard.type("a red apple")
    await page.keyboard.press("Tab")
    await page.keyboard.type("co")
    await page.keyboard.press("Tab")
    await page.keyboard.type("9")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("between 1 and 4")
    await page.keyboard.press("Backspace")
    await page.keyboard.type("4 fruit:ban")
    await expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("Banana")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator(".tile")).to_have_count(4)
    message = page.locator(".message", has=page.locator(".tile"))
    await expect(message).to_contain_text("a red apple square banana")
    await expect(message).to_contain_text("Mia used /imagine")

    await page.get_by_role("button", name="Open picture 2 of 4").click()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".lightbox")).to_contain_text("3 of 4")
    await page.keyboard.press("Escape")
    await expect(page.locator(".lightbox")).to_have_count(0)

    await message.get_by_role("button", name="Reroll").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages")).to_contain_text("Again!")
    await message.get_by_role("button", name="Remix").click()
    await page.get_by_label("Prompt").fill("a pear")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.private")).to_contain_text("Remixed: a pear")
    await page.get_by_role("button", name="Dismiss message").click()
    await expect(page.locator(".message.private")).to_have_count(0)


@pytest.mark.browser
async def test_a_moderator_and_pasted_lines(page: Page, playground: Playground, small_bot):
    await expect(page.locator("#banner")).to_be_hidden()
    await page.locator("#composer").fill("/imagine a <b>blue</b> pear count:1 aspect:wide")
    await page.keyboard.press("Enter")
    await expect(page.locator(".tile")).to_have_count(1)
    await expect(page.locator("#messages")).to_contain_text("a <b>blue</b> pear wide")
    await page.keyboard.type("/imagine x")
    await page.get_by_role("button", name="+ image").click()
    await page.locator("input[type=file]").set_input_files(
        {"name": "in.png", "mimeType": "image/png", "buffer": b"12345"}
    )
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#messages")).to_contain_text("from in.png 5")
    await page.locator("#composer").fill("/mod")
    await expect(page.locator("#picker")).to_contain_text("No command begins like this")
    await page.locator("#composer").fill("")

    await page.get_by_role("button", name="Acting as Mia").click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#user-panel")).to_contain_text("Moderator")
    await page.locator("#composer").focus()
    await page.keyboard.type("/mod history mia")
    await page.keyboard.press("Enter")
    await expect(page.locator(".embed", has_text="History of Mia")).to_be_visible()

    await page.keyboard.type("/silence")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text("Sending command")
    await expect(page.locator(".notice")).to_contain_text("did not respond")
    small_bot.kill()
    await expect(page.locator("#banner")).to_contain_text("offline")


@pytest.mark.browser
@pytest.mark.parametrize("hold", ["mouse", "Space"])
async def test_a_click_counts_though_the_message_is_edited_meanwhile(
    page: Page, playground: Playground, wire: Wire, dial, hold: str
):
    line = await dial()
    await line.identify()
    messages = f"{wire.channel()}/messages"

    def buttons(label: str) -> dict:
        draw = {"type": 2, "style": 1, "label": label, "custom_id": "draw"}
        return {"content": label, "components": [{"type": 1, "components": [draw]}]}

    _, message = await wire.call("POST", messages, buttons("Draw"))
    button = page.get_by_role("button", name="Draw")
    if hold == "mouse":
        await button.hover()
        await page.mouse.down()
    else:
        await button.focus()
        await page.keyboard.down(hold)
    await wire.call("PATCH", f"{messages}/{message['id']}", buttons("Redraw"))
    await expect(page.locator(".message .markup").last).to_contain_text("Redraw")
    await (page.mouse.up() if hold == "mouse" else page.keyboard.up(hold))
    await expect(page.get_by_role("button", name="Redraw")).to_be_visible()
    (interaction,) = playground.state.interactions.all()
    assert interaction.data["custom_id"] == "draw"
