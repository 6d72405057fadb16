"""/history and /favourites."""

from bot.db.records import Kind
from bot.texts import say
from bot.ui import views
from tests.bot.conftest import House
from tests.texts import says


async def make(house: House, *prompts: str, person=None, **options) -> list:
    results = []
    for prompt in prompts:
        asked = {"prompt": prompt, "count": 1, **options}
        results.append(await (person or house.mia).slash(house.channel, "imagine", **asked))
        await house.settle()
    return results


def shown(result) -> list[str]:
    return [embed.description for embed in result.response.embeds]


async def test_history_has_pages_of_ones_own_jobs_with_thumbnails(house: House):
    await make(house, *(f"picture {number}" for number in range(7)))
    await make(house, "of Max", person=house.max)
    result = await house.mia.slash(house.channel, "history")
    assert result.ephemeral
    assert shown(result) == [f"picture {number}" for number in (6, 5, 4, 3, 2)]
    first = result.response.embeds[0]
    assert first.thumbnail.url
    assert "jump" in first.fields[0].value
    assert len(result.response.attachments) == 5
    await house.mia.click(result.response, label=say("button-older"))
    assert shown(result) == ["picture 1", "picture 0"]
    assert len(result.response.attachments) == 2
    await house.mia.click(result.response, label=say("button-newer"))
    assert shown(result)[0] == "picture 6"


async def test_history_finds_words_in_either_prompt_and_takes_them_literally(house: House):
    await make(house, "a Fox", "a dog", "100% wool", "100 sheep")
    await make(house, "a cat", negative_prompt="foxes")
    for word, found in (
        ("fox", ["a cat", "a Fox"]),
        ("100%", ["100% wool"]),
        ("_", []),
        ("' OR 1=1 --", []),
    ):
        result = await house.mia.slash(house.channel, "history", word=word)
        assert shown(result) == found, word
    assert says(result.response.content, "history-own-none")
    result = await house.mia.slash(house.channel, "history", days=1)
    assert len(shown(result)) == 5


async def test_one_of_the_page_can_be_asked_for_again(house: House):
    await make(house, "a fox", "a dog")
    result = await house.mia.slash(house.channel, "history")
    chosen = await house.mia.select(result.response, values=["1"])
    await house.settle()
    job = await house.job(3)
    assert (job.kind, job.parent_id, job.request.prompt) == (Kind.REROLL, 1, "a fox")
    assert not chosen.ephemeral
    assert len(chosen.response.attachments) == 1


async def test_favourites_are_anybody_s_jobs_that_i_marked(house: House):
    (liked,) = await make(house, "of Max", person=house.max)
    await make(house, "mine")
    nothing = await house.mia.slash(house.channel, "favourites")
    assert says(nothing.response.content, "favourites-none")
    await house.mia.click(liked.response, label=say("button-favourite"))
    result = await house.mia.slash(house.channel, "favourites")
    assert shown(result) == ["of Max"]
    others = await house.max.slash(house.channel, "favourites")
    assert others.response.embeds == []


async def test_a_forgotten_page_loses_its_buttons(house: House):
    await make(house, "a fox")
    result = await house.mia.slash(house.channel, "history")
    await house.env.advance_time(601)
    assert result.response.components == []
    assert shown(result) == ["a fox"]


async def test_a_page_that_was_turned_lately_loses_its_buttons_however_old_it_is(house: House):
    await make(house, *(f"picture {number}" for number in range(6)))
    result = await house.mia.slash(house.channel, "history")
    await house.env.advance_time(500)
    await house.mia.click(result.response, label=say("button-older"))
    await house.env.advance_time(601)  # the answer's own token is dead
    assert result.response.components == []


async def test_a_page_that_cannot_be_edited_any_more_is_left_alone(house: House):
    await make(house, "a fox")
    result = await house.mia.slash(house.channel, "history")
    await house.env.advance_time(500)
    await house.mia.select(result.response, values=["1"])
    await house.env.advance_time(601)
    assert house.env.errors == []
    assert result.response.components


async def test_a_page_from_before_a_restart_says_so(house: House):
    await make(house, "a fox")
    result = await house.mia.slash(house.channel, "history")
    # What discord.py and we remember of the page, and nothing else: a new process has neither.
    house.bot._connection._view_store._views.clear()
    views._shown.clear()
    pressed = await house.mia.select(result.response, values=["1"])
    assert pressed.ephemeral
    assert pressed.response.content == say("error-page-old")
    assert await house.jobs.get(2) is None
