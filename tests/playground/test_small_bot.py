"""The real discord.py, as its own process, against the playground."""

import pytest

from playground import Interaction, InvalidOption, NotPossible, Playground, Upload


@pytest.mark.usefixtures("small_bot")
class TestConversation:
    """One bot process serves every step, because starting one takes a second."""

    async def test_everything(self, playground: Playground) -> None:
        await self.imagines(playground)
        await self.clicks(playground)
        await self.thinks(playground)
        await self.completes(playground)
        await self.moderates(playground)
        await self.attaches(playground)
        await self.resumes(playground)

    async def imagines(self, playground: Playground) -> None:
        interaction = await playground.slash("mia", "darkroom", "imagine", prompt="a red apple")
        first = await interaction.response()
        message = await playground.wait_for(lambda: first if first.attachments else None)
        assert len(message.attachments) == 4
        assert message.content.startswith("**a red apple** square apple 7.5")
        assert message.attachments[0].width == 64
        assert message.attachments[0].description == "a tomato square"
        assert message.edits == 3
        assert message.buttons[0].label == "Reroll"

    async def clicks(self, playground: Playground) -> None:
        message = playground.messages("darkroom")[-1]
        reroll = await (await playground.click("morgan", message, "🔄")).response()
        assert (reroll.content, reroll.reply_to) == ("Again!", message)
        await (await playground.click("mia", message, "Tick")).answered()
        assert message.content == "Ticked."
        await playground.click("mia", message, "Later")
        await playground.wait_for(lambda: message.content == "Changed later.")
        remix = await (await playground.click("mia", message, "Remix")).answered()
        sent = await (await playground.submit(remix, {remix_field(remix): "a pear"})).response()
        assert sent.content == "Remixed: a pear"
        assert sent.ephemeral
        assert sent not in playground.messages("darkroom", "morgan")
        silent = await playground.click("mia", message, "Gone")
        playground.clock.advance(4)
        assert silent.unanswered

    async def thinks(self, playground: Playground) -> None:
        interaction = await playground.slash("mia", "general", "think", secret=True)
        await interaction.answered()
        assert interaction.original is not None
        assert interaction.original.thinking
        assert (await interaction.response()).content == "Thought about it."
        assert (await interaction.follow_up()).content == "And again."
        assert playground.messages("general") == []
        assert len(playground.messages("general", "mia")) == 2

    async def completes(self, playground: Playground) -> None:
        choices = await playground.autocomplete("mia", "darkroom", "imagine", "fruit", "ap")
        assert [choice["value"] for choice in choices] == ["apple", "apricot"]
        menu = await (await playground.slash("mia", "darkroom", "menu")).response()
        picked = await playground.select("mia", menu, "menu", ["banana", "cherry"])
        assert (await picked.response()).content == "Picked banana and cherry"
        quoted = await playground.context_menu("mia", "darkroom", "Quote", menu)
        assert (await quoted.response()).content == "> Choose:"

    async def moderates(self, playground: Playground) -> None:
        with pytest.raises(NotPossible):
            await playground.slash("mia", "darkroom", "mod history", person="mia")
        history = await playground.slash("morgan", "darkroom", "mod history", person="mia")
        assert (await history.response()).embeds[0]["title"] == "History of Mia"
        with pytest.raises(InvalidOption, match="between 1 and 4"):
            await playground.slash("mia", "darkroom", "imagine", prompt="x", count=9)
        with pytest.raises(InvalidOption, match="prompt: This option is required"):
            await playground.slash("mia", "darkroom", "imagine")

    async def attaches(self, playground: Playground) -> None:
        interaction = await playground.slash(
            "mia",
            "darkroom",
            "imagine",
            prompt="x",
            count=1,
            friend="morgan",
            quiet=True,
            image=Upload("in.png", b"12345"),
        )
        message = await interaction.response()
        await playground.wait_for(lambda: message.attachments)
        assert "from in.png 5" in message.content
        assert message.mentions.users == ()
        asked = f"<@{playground.world.bot.id}> hello"
        question = await playground.send("mia", "darkroom", asked)
        reply = await playground.wait_for(
            lambda: next((m for m in playground.messages("darkroom") if m.reply_to == question), 0)
        )
        assert reply.content == f"You said {asked!r}"

    async def resumes(self, playground: Playground) -> None:
        playground.gateway.drop()
        interaction = await playground.slash("mia", "darkroom", "imagine", prompt="x", count=1)
        assert (await interaction.response()).content.startswith("**x**")
        assert playground.gateway.resumes == 1
        playground.gateway.invalidate()
        await playground.wait_for(lambda: playground.gateway.identifies == 2)
        await (await playground.slash("mia", "darkroom", "menu")).response()


def remix_field(remix: Interaction) -> str:
    return remix.modal["components"][0]["components"][0]["custom_id"]
