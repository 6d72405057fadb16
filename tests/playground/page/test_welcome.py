"""What the page says of the model that draws, and the prompts that it offers."""

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from playground import Model, Playground
from tests.browser import opened
from tests.playground.helpers import Wire, form, running_bot
from tests.playground.test_playground_program import start

MODEL = Model("Emoji", 1375, ("apple", "red", "cherry", "box", "fox"))
REAL = Model("Stable Diffusion v1.5")
SETTINGS = "-# Emoji · 128×128 · 20 steps · DDIM · guidance 3 · seed 7"


async def test_the_program_reads_what_draws_from_a_file(http, tmp_path):
    told = tmp_path / "model.json"
    told.write_text(json.dumps(MODEL.payload()), "utf-8")
    process = await start("--port", "0", "--model", str(told))
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    async with http.get(f"{address}/model.json") as response:
        assert await response.json() == json.loads(told.read_text("utf-8"))
    process.terminate()
    assert await process.wait() == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"name": "x"}', '{"name":"x","things":"y","words":[]}']
)
async def test_a_file_that_says_no_such_thing_is_one_clear_line(tmp_path, text):
    told = tmp_path / "model.json"
    told.write_text(text, "utf-8")
    process = await start("--port", "0", "--model", str(told))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith(f"playground: {told}: ")
    assert errors.decode().count("\n") == 1


@pytest.fixture
async def welcoming(request) -> AsyncIterator[tuple[Playground, Page]]:
    async with (
        Playground(model=request.param) as playground,
        running_bot(playground),
        opened(playground.url) as page,
    ):
        await expect(page.locator("#banner")).to_be_hidden()
        yield playground, page


def built_in(test):
    return pytest.mark.browser(pytest.mark.parametrize("welcoming", [MODEL], indirect=True)(test))


@built_in
async def test_it_offers_six_prompts(welcoming):
    _, page = welcoming
    welcome = page.locator(".welcome")
    await expect(welcome).to_contain_text("The built-in model draws here. It knows 1,375 things")
    examples = welcome.locator(".example button")
    await expect(examples).to_have_count(6)
    texts = await examples.all_inner_texts()
    assert len(set(texts)) == 6
    assert any("--ar 16:9" in text for text in texts)
    assert any(len(text.split()) > 4 for text in texts)
    for text in texts:
        if "→" in text:
            continue
        await page.locator("#composer, .cancel").last.click()
        await examples.filter(has_text=text).first.click()
        await expect(page.get_by_label("prompt: What to draw")).to_have_value(text)
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
    await examples.first.click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".tile")).to_have_count(4)


@built_in
async def test_the_remix_draws_first_what_it_changes(welcoming):
    playground, page = welcoming
    example = page.locator(".example", has_text="remix").get_by_role("button")
    before, after = (await example.inner_text()).split(" → ")
    for drawn in (4, 4):  # the second time the pictures are there
        await example.click()
        form_ = page.get_by_role("dialog", name="Remix")
        await expect(form_.get_by_label("Prompt")).to_have_value(after)
        await expect(page.locator(".tile")).to_have_count(drawn)
        assert f"**{before}**" in playground.messages("darkroom")[0].content
        await page.keyboard.press("Escape")


@pytest.mark.browser
@pytest.mark.parametrize("welcoming", [REAL], indirect=True)
async def test_a_real_checkpoint_is_named(welcoming):
    _, page = welcoming
    await expect(page.locator(".welcome")).to_contain_text("Stable Diffusion v1.5 draws here.")
    await expect(page.locator(".welcome")).not_to_contain_text("built-in")


KNOWN = ["a red thing", "Cherries", "FOXES!", "cherry-like", "two boxes", "rot, red? -- *apple*"]
UNKNOWN = ["quantum blorg", "ein Fuchs", "狐", "the of and", "redder", "🦊", "x * y _z_", "9"]


@pytest.mark.browser
@pytest.mark.parametrize("model", [MODEL, REAL, None], ids=["built-in", "real", "untold"])
async def test_who_used_no_word_that_it_knows_is_told(http, model):
    async with Playground(model=model) as playground:
        wire = Wire(playground, http)

        async def post(
            prompt: str, settings: str, *, pictures: bool = True, after: str = ""
        ) -> None:
            escaped = "".join(f"\\{one}" if one in "*_~`|>" else one for one in prompt)
            mia = playground.world.user("mia").id
            content = f"**{escaped}** — <@{mia}>{after}\n{settings}"
            url = f"{playground.api_url}{wire.channel()}/messages"
            headers = {"Authorization": f"Bot {playground.token}"}
            body = form({"content": content}, ("1.png", b"x")) if pictures else None
            said = {"data": body} if body else {"json": {"content": content}}
            async with http.post(url, headers=headers, **said) as response:
                assert response.status == 200

        for prompt in KNOWN:
            await post(prompt, SETTINGS)
        for prompt in UNKNOWN:
            await post(prompt, SETTINGS)
        await post("quantum", f"-# without: fog\n{SETTINGS}", after=" (variation of 2)")
        await post("quantum", SETTINGS.replace("Emoji", "Another"))
        await post("quantum", SETTINGS, after=" (×2)")
        await post("quantum", "⏳ Starting…", pictures=False)
        async with opened(playground.url) as page:
            messages = page.locator(".message")
            await expect(messages).to_have_count(len(KNOWN) + len(UNKNOWN) + 4)
            noted = await messages.evaluate_all(
                "all => all.map(one => one.querySelector('.page-note') !== null)"
            )
            wanted = [False] * len(KNOWN) + [True] * (len(UNKNOWN) + 1) + [False] * 3
            assert noted == (wanted if model is MODEL else [False] * len(wanted))
            if model is MODEL:
                note = page.get_by_role("note").first
                await expect(note).to_contain_text("A note from this page")
                await expect(note).to_contain_text("GENERATION__CHECKPOINT=")
