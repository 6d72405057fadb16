"""Halves of surrogate pairs, which no file or database takes, wherever a text can come in."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import discord
import pytest
import simcord

from bot.db.database import FILE_NAME
from bot.options.typography import all_well_formed
from bot.texts import say
from tests.bot.conftest import House
from tests.generation.metadata import files as made

HALF = "a \ud83d fox\udc00"
WHOLE = "a \ufffd fox\ufffd"
TYPED = {
    "imagine": [
        {"prompt": HALF}, {"prompt": "a", "negative_prompt": HALF}, {"prompt": f"a --no {HALF}"},
        {"prompt": f"a <lora:{HALF}:1>"}, {"prompt": "a", "checkpoint": HALF},
        {"prompt": "a", "style": HALF}, {"prompt": "a", "sampler": HALF},
        {"prompt": f"a --model {HALF}"}, {"prompt": f"a --seed {HALF}"},
        {"prompt": f"a\nNegative prompt: {HALF}\nSteps: 9, Sampler: {HALF}, Odd: {HALF}"},
        {"prompt": f"{{{HALF}, b}} --n 1"},
    ],
    "settings set": [{"negative_prompt": HALF}, {"style": HALF}, {"checkpoint": HALF}],
    "settings reset": [{"setting": HALF}],
    "config negative": [{"text": HALF}],
    "config defaults": [{"style": HALF}],
    "config reset": [{"setting": HALF}],
    "mod block": [{"reason": HALF}, {"duration": HALF}],
    "mod filter add": [
        {"pattern": HALF, "kind": kind, "action": "refuse"} for kind in ("word", "phrase", "regex")
    ],
    "mod filter test": [{"text": HALF}],
    "mod history": [{"words": HALF}, {"checkpoint": HALF}, {"since": HALF}],
    "mod remove": [{"job": 1, "reason": HALF}],
}  # fmt: skip


@pytest.fixture
def ada(house: House) -> simcord.MemberActor:
    """Somebody who may do everything."""
    role = house.guild.create_role("Admins", permissions=discord.Permissions.all())
    return house.guild.add_member(house.env.create_user("ada"), roles=[role])


@pytest.mark.parametrize("command", TYPED)
async def test_a_command_s_texts_are_made_whole(
    house: House, ada: simcord.MemberActor, tmp_path: Path, command: str
):
    await house.mia.slash(house.channel, "imagine", prompt="an owl", count=1)
    await house.settle()
    for typed in TYPED[command]:
        options = typed | ({"person": house.max} if command == "mod block" else {})
        result = await ada.slash(house.channel, command, **options)
        await house.settle()
        await house.env.advance_time(60)
        content = result.response.content
        assert "something went wrong" not in content.casefold()
        assert say("error-unforeseen", reference="")[:20] not in content
    _ = house.env.errors  # some were refused, with a line
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert not any("\ud83d" in line for line in connection.iterdump())


async def test_a_prompt_keeps_its_place(house: House):
    await house.mia.slash(house.channel, "imagine", prompt=HALF)
    await house.settle()
    assert house.executor.requests[0].prompt == WHOLE


async def test_a_form_s_texts_are_made_whole(house: House):
    result = await house.mia.slash(house.channel, "imagine", prompt="a fox")
    await house.settle()
    opened = await house.mia.click(result.response, label=say("button-remix"))
    sent = {"prompt": HALF, "negative_prompt": HALF, "seed": "5", "steps": "", "guidance_scale": ""}
    await house.mia.submit_modal(opened, sent)
    await house.settle()
    request = house.executor.requests[-1]
    assert (request.prompt, request.negative_prompt) == (WHOLE, WHOLE)
    opened = await house.mia.click(result.response, label=say("button-remix"))
    refused = await house.mia.submit_modal(opened, sent | {"seed": HALF, "prompt": f"x {HALF}"})
    assert "`seed` must be" in refused.response.content


@pytest.mark.parametrize(
    "said",
    [
        {"parameters": json.dumps(
            {"prompt": HALF, "seed": 5, "steps": 9, "odd": HALF, "model": HALF})},
        {"parameters": json.dumps(
            {"sui_image_params": {"prompt": f"{HALF} <lora:{HALF}:1>", "seed": 5}})},
        {"parameters": f'a fox\nSteps: 9, Sampler: Euler, Seed: 5, Odd: {json.dumps(HALF)}'},
        {"prompt": json.dumps({"1": {"class_type": "KSampler", "inputs": {
            "steps": 9, "cfg": 7, "seed": 5, "sampler_name": HALF, "positive": ["2", 0]}},
            "2": {"class_type": "CLIPTextEncode", "inputs": {"text": HALF}}})},
    ],
    ids=["a program's", "SwarmUI", "A1111", "ComfyUI"],
)  # fmt: skip
async def test_a_file_s_texts_are_made_whole(house: House, said: dict[str, str]):
    result = await house.mia.slash(
        house.channel, "inspect", image=("x.png", made.with_texts(**said))
    )
    await house.mia.click(result.response, label=say("button-use-these"))
    await house.settle()
    (request,) = house.executor.requests
    assert request.prompt in (WHOLE, "a fox")
    assert request.seed == 5
    json.dumps((await house.job(1)).left_out, ensure_ascii=False).encode()


async def test_a_person_s_name_is_made_whole(house: House):
    odd = house.guild.add_member(house.env.create_user("o\ud83ddd"), roles=[])
    await odd.slash(house.channel, "imagine", prompt="a fox")
    await house.settle()
    assert (await house.job(1)).origin.person_name == "o\ufffddd"


def test_whole_characters_stay():
    value = {"a": ["🦊", {"b": "x\udc00"}, 5, None], "c": True}
    assert all_well_formed(value) == {"a": ["🦊", {"b": "x\ufffd"}, 5, None], "c": True}
