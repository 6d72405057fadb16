"""Styles: laid over what somebody typed, and told apart from it."""

import pytest

from bot.texts import say
from generation.styles import Style
from tests.bot.conftest import House


async def imagine(house: House, person=None, **options):
    options = {"prompt": "a fox", "negative_prompt": "dog", "style": "In blue", **options}
    result = await (person or house.mia).slash(house.channel, "imagine", **options)
    await house.settle()
    return result


async def click(house: House, person, result, label: str):
    clicked = await person.click(result.response, label=label)
    await house.settle()
    return clicked


async def test_a_style_is_drawn_and_the_person_s_words_are_shown(house: House):
    result = await imagine(house, style="Portrait", prompt="a *fox*")
    (request,) = house.executor.requests
    assert request.prompt == "a *fox* face"
    assert result.response.content.startswith(r"**a \*fox\*** —")
    assert "Emoji · style Portrait · 128×128" in result.response.content
    assert result.response.attachments[0].description == "a *fox* (picture 1 of 4)"
    job = await house.job(1)
    assert (job.style, job.words.prompt, job.request.prompt) == (
        "Portrait",
        "a *fox*",
        "a *fox* face",
    )
    details = await house.max.click(result.response, label=say("button-details"))
    (embed,) = (details.followups[0] if details.followups else details.response).embeds
    fields = {field.name: field.value for field in embed.fields}
    assert embed.description.startswith(r"a \*fox\*" + "\n")
    assert (fields[say("parameter.style")], fields[say("details-styled")]) == (
        "Portrait",
        r"a \*fox\* face",
    )


async def test_what_a_style_keeps_out_is_not_said_to_be_typed(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    ink = Style(name="Ink", prompt="ink drawing of {prompt}", negative_prompt="red")
    monkeypatch.setitem(house.app.jobs.catalog.styles, "Ink", ink)
    result = await imagine(house, style="Ink")
    assert house.executor.requests[0].negative_prompt == "dog, red"
    assert "-# without: dog\n" in result.response.content


async def test_it_is_typed_too_whatever_its_case_and_none_is_none(house: House):
    await imagine(house, prompt="a fox --style portr")
    await imagine(house, prompt="a fox --style NONE")
    styled, plain = house.executor.requests
    assert (styled.prompt, plain.prompt) == ("a fox face", "a fox")
    assert (await house.job(2)).style is None


async def test_everything_made_from_it_keeps_it_and_has_it_once(house: House):
    result = await imagine(house, style="Portrait", count=1, seed=7)
    for label in (say("button-reroll"), "V1", "U1"):
        await click(house, house.max, result, label)
    opened = await house.max.click(result.response, label=say("button-remix"))
    sent = {
        row["component"]["custom_id"]: row["component"].get("value", "")
        for row in opened.modal["components"]
    }
    assert (sent["prompt"], sent["negative_prompt"]) == ("a fox", "dog")
    await house.max.submit_modal(opened, sent | {"prompt": "a cat"})
    await house.settle()
    for number in range(1, 5):
        job = await house.job(number)
        assert (job.style, job.words.prompt, job.request.prompt) == (
            "Portrait",
            "a fox",
            "a fox face",
        )
    remixed = await house.job(5)
    assert (remixed.style, remixed.words.prompt) == ("Portrait", "a cat")
    assert house.executor.requests[-1].prompt == "a cat face"


async def test_history_finds_the_typed_words_only(house: House):
    await imagine(house, style="Portrait")
    for word, found in (("fox", True), ("face", False), ("dog", True)):
        result = await house.mia.slash(house.channel, "history", word=word)
        assert bool(result.response.embeds) is found, word
    (embed,) = (await house.mia.slash(house.channel, "history")).response.embeds
    assert embed.description == "a fox"


async def test_the_owner_s_words_are_offered_while_one_types(house: House):
    offered = await house.mia.autocomplete(house.channel, "imagine", "style", "in ")
    assert [choice["name"] for choice in offered] == ["In blue", "In pink"]


async def test_erased_people_leave_no_typed_words(house: House):
    await imagine(house)
    asked = await house.mia.slash(house.channel, "privacy erase")
    await house.mia.click(asked.response, label=say("button-erase"))
    job = await house.job(1)
    assert (job.words.prompt, job.words.negative_prompt) == ("(erased)", "")
