"""Messages as Discord keeps them: attachments, nonces, private answers, mentions, faults."""

import io

from PIL import Image

from playground import Playground
from tests.playground.helpers import Wire, form


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


async def test_an_edit_drops_the_attachments_it_does_not_list(wire: Wire):
    messages = f"{wire.channel()}/messages"
    listed = [{"id": 0, "description": "first"}, {"id": 1}]
    body = form({"attachments": listed}, ("a b.png", png(64, 96)), ("b.txt", b"text"))
    _, message = await wire.call("POST", messages, data=body)
    first, second = message["attachments"]
    assert (first["filename"], first["width"], first["height"]) == ("a_b.png", 64, 96)
    assert (first["description"], first["content_type"]) == ("first", "image/png")
    assert "width" not in second
    path = f"{messages}/{message['id']}"
    _, kept = await wire.call("PATCH", path, {"content": "x"})
    assert len(kept["attachments"]) == 2
    body = form({"attachments": [{"id": first["id"]}, {"id": 0}]}, ("c.png", png(8, 8)))
    _, edited = await wire.call("PATCH", path, data=body)
    assert [a["filename"] for a in edited["attachments"]] == ["a_b.png", "c.png"]
    assert edited["attachments"][0]["id"] == first["id"]
    _, emptied = await wire.call("PATCH", path, {"attachments": []})
    assert emptied["attachments"] == []


async def test_files_can_be_fetched(wire: Wire, playground: Playground):
    body = form({}, ("page.html", b"<script>alert(1)</script>"))
    _, message = await wire.call("POST", f"{wire.channel()}/messages", data=body)
    url = message["attachments"][0]["url"]
    assert url.startswith(playground.cdn_url + "/attachments/")
    async with wire.session.get(url) as response:
        assert await response.read() == b"<script>alert(1)</script>"
        assert "sandbox" in response.headers["Content-Security-Policy"]
    async with wire.session.get(url + "x") as response:
        assert response.status == 404
    bot = playground.world.bot
    for path in (f"avatars/{bot.id}/portrait.png?size=64", "embed/avatars/0.png"):
        async with wire.session.get(f"{playground.cdn_url}/{path}") as response:
            assert response.content_type == "image/png"


async def test_an_embed_shows_an_attached_picture(wire: Wire):
    messages = f"{wire.channel()}/messages"
    embed = {"title": "x", "image": {"url": "attachment://a.png"}}
    body = form({"embeds": [embed]}, ("a.png", png(20, 10)))
    _, message = await wire.call("POST", messages, data=body)
    assert message["attachments"] == []
    image = message["embeds"][0]["image"]
    assert (image["width"], image["height"]) == (20, 10)
    path = f"{messages}/{message['id']}"
    _, message = await wire.call("PATCH", path, {"content": "x", "attachments": []})
    assert message["embeds"][0]["image"] == image
    async with wire.session.get(image["url"]) as response:
        assert response.status == 200


async def test_a_nonce_is_enforced_for_some_minutes(wire: Wire, playground: Playground):
    messages = f"{wire.channel()}/messages"
    body = {"content": "x", "nonce": "job-7", "enforce_nonce": True}
    _, first = await wire.call("POST", messages, body)
    _, again = await wire.call("POST", messages, body | {"content": "y"})
    assert (again["id"], again["content"], again["nonce"]) == (first["id"], "x", "job-7")
    _, loose = await wire.call("POST", messages, {"content": "x", "nonce": "job-7"})
    assert loose["id"] != first["id"]
    playground.clock.advance(301)
    _, later = await wire.call("POST", messages, body)
    assert later["id"] not in (first["id"], loose["id"])


async def test_private_answers_are_for_one_person_and_one_token(wire: Wire, playground: Playground):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    await wire.answer(interaction, 4, content="psst", flags=64)
    message = await interaction.response()
    assert playground.messages("darkroom", "mia") == [message]
    assert playground.messages("darkroom", "morgan") == []
    path = f"{wire.channel()}/messages/{message.id}"
    for method in ("GET", "PATCH", "DELETE"):
        assert await wire.refused(method, path, {"content": "x"}) == (404, 10008)
    hook = wire.hook(interaction, str(message.id))
    assert (await wire.call("PATCH", hook, {"content": "changed"}, token=None))[0] == 200
    assert message.content == "changed"


async def test_the_first_answer_is_described(wire: Wire, playground: Playground):
    interaction = await playground.slash("mia", "darkroom", "draw", prompt="x")
    path = wire.answer_path(interaction)
    status, answer = await wire.call(
        "POST", f"{path}?with_response=1", {"type": 5, "data": {"flags": 64}}, token=None
    )
    assert status == 200
    assert answer["interaction"]["response_message_loading"] is True
    assert answer["interaction"]["response_message_ephemeral"] is True
    _, original = await wire.call("GET", wire.hook(interaction, "@original"), token=None)
    assert original["id"] == answer["interaction"]["response_message_id"]
    assert original["flags"] & 128
    # The first follow-up fills in the deferred answer.
    _, filled = await wire.call("POST", wire.hook(interaction), {"content": "x"}, token=None)
    assert filled["id"] == original["id"]
    assert not filled["flags"] & 128
    assert filled["interaction_metadata"]["user"]["username"] == "mia"
    assert filled["interaction"]["name"] == "draw"
    _, other = await wire.call("POST", wire.hook(interaction), {"content": "y"}, token=None)
    assert other["interaction_metadata"]["original_response_message_id"] == original["id"]
    await wire.call("DELETE", wire.hook(interaction, "@original"), token=None)
    gone = await wire.refused("GET", wire.hook(interaction, "@original"), token=None)
    assert gone == (404, 10008)


async def test_nothing_pings_unless_allowed(wire: Wire, playground: Playground):
    mia = playground.world.user("mia")
    messages = f"{wire.channel()}/messages"
    content = f"<@{mia.id}> @everyone"
    _, message = await wire.call("POST", messages, {"content": content})
    # The bot has no Mention Everyone.
    assert (len(message["mentions"]), message["mention_everyone"]) == (1, False)
    quiet = {"content": content, "allowed_mentions": {"parse": []}}
    _, message = await wire.call("POST", messages, quiet)
    assert message["mentions"] == []
    listed = {"content": content, "allowed_mentions": {"users": [str(mia.id)]}}
    _, message = await wire.call("POST", messages, listed)
    assert [user["username"] for user in message["mentions"]] == ["mia"]


async def test_old_messages_can_be_listed(wire: Wire, playground: Playground):
    messages = f"{wire.channel()}/messages"
    sent = [(await wire.call("POST", messages, {"content": str(i)}))[1] for i in range(5)]
    _, newest = await wire.call("GET", f"{messages}?limit=2")
    assert [m["content"] for m in newest] == ["4", "3"]
    _, before = await wire.call("GET", f"{messages}?before={sent[2]['id']}")
    assert [m["content"] for m in before] == ["1", "0"]
    _, after = await wire.call("GET", f"{messages}?limit=1&after={sent[2]['id']}")
    assert [m["content"] for m in after] == ["3"]
    await playground.delete_message("morgan", playground.messages("darkroom")[0])
    assert await wire.refused("GET", f"{messages}/{sent[0]['id']}") == (404, 10008)


async def test_others_messages_are_theirs(wire: Wire, playground: Playground):
    message = await playground.send("mia", "darkroom", "hello")
    path = f"{wire.channel()}/messages/{message.id}"
    assert await wire.refused("PATCH", path, {"content": "x"}) == (403, 50005)
    assert await wire.refused("DELETE", path) == (403, 50013)


async def test_faults(wire: Wire, playground: Playground):
    messages = f"{wire.channel()}/messages"
    playground.faults.fail("POST", "/messages$", 503)
    assert (await wire.call("POST", messages, {"content": "x"}))[0] == 503
    playground.faults.lose_answer("POST", "/messages$")
    assert (await wire.call("POST", messages, {"content": "y"}))[0] == 502
    assert [m.content for m in playground.messages("darkroom")] == ["y"]
    playground.faults.limit("POST", "/messages$", 2.5)
    async with wire.session.post(
        playground.api_url + messages, json={}, headers={"Authorization": "Bot playground"}
    ) as response:
        assert response.status == 429
        assert response.headers["Via"]
        assert response.headers["Retry-After"] == "2.5"
        assert response.headers["Content-Type"] == "application/json"
        assert (await response.json())["retry_after"] == 2.5
    playground.faults.slow("POST", "/messages$", 0.2)
    assert (await wire.call("POST", messages, {"content": "z"}))[0] == 200
    seen = playground.log.matching("POST", "/messages$")
    assert [request.status for request in seen] == [503, 502, 429, 200]
    assert seen[-1].took >= 0.2
    assert seen[0].body == {"content": "x"}


async def test_channels_and_the_bot_can_go(wire: Wire, playground: Playground):
    guild = f"/guilds/{playground.world.guild_id}"
    assert len((await wire.call("GET", f"{guild}/channels"))[1]) == 4
    general = wire.channel("general")
    playground.delete_channel("general")
    assert await wire.refused("POST", f"{general}/messages", {"content": "x"}) == (404, 10003)
    playground.remove_bot()
    assert await wire.refused("GET", guild) == (404, 10004)
    assert await wire.refused("GET", wire.channel()) == (403, 50001)
