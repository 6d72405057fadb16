"""Select menus and modals: what is refused of the bot, what is sent for a person."""

import pytest

from playground import NotPossible, Playground
from tests.playground.helpers import Wire


def row(item: dict) -> dict:
    return {"type": 1, "components": [item]}


def label(item: dict, **changes) -> dict:
    return {"type": 18, "label": "Label", "component": item} | changes


TEXT = {"type": 4, "custom_id": "text", "style": 1, "min_length": 3, "max_length": 5}
FRUIT = {
    "type": 3,
    "custom_id": "fruit",
    "max_values": 2,
    "options": [{"label": f, "value": f, "default": f == "fig"} for f in ("fig", "kiwi", "plum")],
}


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (TEXT | {"label": "x", "min_length": 4001}, "min_length"),
        (TEXT | {"label": "x", "max_length": 2}, "max_length"),
        (TEXT | {"label": "x", "value": "too long"}, "value"),
        (TEXT | {"label": "x" * 46}, "label"),
        (TEXT | {"label": "x", "style": 3}, "style"),
    ],
)
async def test_modals_that_discord_refuses(wire: Wire, playground: Playground, item, where):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    modal = {"custom_id": "m", "title": "M", "components": [row(item)]}
    status, answer = await wire.answer(interaction, 9, **modal)
    assert (status, answer["code"]) == (400, 50035)
    assert where in answer["errors"]["data"]["components"]["0"]["components"]["0"]


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (FRUIT | {"max_values": 1, "min_values": 2}, "max_values"),
        (FRUIT | {"options": [FRUIT["options"][0]] * 2}, "options"),
        (FRUIT | {"options": []}, "options"),
        (FRUIT | {"placeholder": "x" * 151}, "placeholder"),
        (
            {"type": 5, "custom_id": "x", "default_values": [{"id": "1", "type": "role"}]},
            "default_values",
        ),
        (
            {"type": 7, "custom_id": "x", "default_values": [{"id": "1", "type": "role"}] * 2},
            "default_values",
        ),
    ],
)
async def test_menus_that_discord_refuses(wire: Wire, item, where):
    body = {"content": "x", "components": [row(item)]}
    status, answer = await wire.call("POST", f"{wire.channel()}/messages", body)
    assert (status, answer["code"]) == (400, 50035)
    assert where in answer["errors"]["components"]["0"]["components"]["0"]


async def test_a_form_is_filled_in_as_discord_lets_one(wire: Wire, playground: Playground):
    fields = [label(TEXT), label(FRUIT), label({"type": 5, "custom_id": "who", "required": False})]
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    assert (await wire.answer(interaction, 9, custom_id="m", title="M", components=fields))[
        0
    ] == 204
    for values, problem in (
        ({}, "Label: This field is required"),
        ({"text": "ab"}, "Between 3 and 5 characters; this has 2"),
        ({"text": "abcd", "fruit": []}, "between 1 and 2"),
        ({"text": "abcd", "fruit": ["apple"]}, "offers only"),
        ({"text": "abcd", "who": ["nobody"]}, "nobody here is called"),
    ):
        with pytest.raises(NotPossible, match=problem):
            await playground.submit(interaction, values)
    sent = await playground.submit(interaction, {"text": "abcd", "who": ["theo"]})
    text, fruit, who = (one["component"] for one in sent.data["components"])
    assert (text["value"], fruit["values"]) == ("abcd", ["fig"])
    theo = str(playground.world.user("theo").id)
    assert who["values"] == [theo]
    assert sent.data["resolved"]["members"][theo]["roles"]
    assert [one["id"] for one in sent.data["components"]] == [1, 3, 5]


async def test_menus_resolve_what_is_chosen(wire: Wire, playground: Playground):
    menus = [
        {"type": 6, "custom_id": "role"},
        {"type": 7, "custom_id": "anyone", "max_values": 2},
        {"type": 8, "custom_id": "place", "channel_types": [0]},
    ]
    body = {"content": "x", "components": [row(menu) for menu in menus]}
    _, posted = await wire.call("POST", f"{wire.channel()}/messages", body)
    message = playground.messages("darkroom")[-1]
    assert str(message.id) == posted["id"]
    picked = await playground.select("mia", message, "role", ["Artists"])
    (role,) = picked.data["resolved"]["roles"].values()
    assert (role["name"], picked.data["values"]) == ("Artists", [role["id"]])
    picked = await playground.select("mia", message, "anyone", ["theo", "Moderators"])
    assert picked.data["resolved"].keys() == {"users", "members", "roles"}
    picked = await playground.select("mia", message, "place", ["after-dark"])
    (place,) = picked.data["resolved"]["channels"].values()
    assert (place["nsfw"], int(place["permissions"]) > 0) == (True, True)
    started = await playground.start_thread("mia", message, "thread")
    with pytest.raises(NotPossible, match="none of the channels that fit"):
        await playground.select("mia", message, "place", [str(started.id)])
