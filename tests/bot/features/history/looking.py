"""What a test of `/mod history` asks for, and what it reads of the answers."""

import io

import discord
from PIL import Image
from sqlalchemy import func, update

from bot.db.database import Database
from bot.db.models import JobRow
from tests.bot.conftest import House
from tests.bot.rows import execute

HISTORY = "mod history"


def reply(result):
    return result.followups[0] if result.followups else result.response


def shown(result) -> list[str]:
    return [embed.description for embed in reply(result).embeds]


def refused(house: House, result) -> str:
    _ = house.env.errors  # or what was refused to a command would fail the test
    assert result.ephemeral
    assert reply(result).embeds == []
    return reply(result).content


async def make(house: House, *prompts: str, person=None, **options) -> list:
    results = []
    for prompt in prompts:
        asked = {"prompt": prompt, "count": 1, "seed": 9, **options}
        results.append(await (person or house.mia).slash(house.channel, "imagine", **asked))
        await house.settle()
    return results


async def change(database: Database, job_id: int, **values) -> None:
    if "checkpoint" in values:
        name = values["checkpoint"]
        values["request"] = func.json_set(JobRow.request, "$.checkpoint", name)
    await execute(database, update(JobRow).where(JobRow.id == job_id).values(**values))


async def looks(house: House, by=None, **options):
    return await (by or house.morgan).slash(house.channel, HISTORY, **options)


async def trail(house: House) -> list[tuple]:
    entries = await house.audit.page(house.guild.id, before=None, limit=20)
    return [(one.action, one.moderator_id, one.person_id, one.job_id) for one in entries]


def demote(house: House) -> None:
    (role,) = house.env.backend.guilds[house.guild.id].members[house.morgan.id].role_ids
    house.env.backend.remove_member_role(house.guild.id, house.morgan.id, role)


def moderator_elsewhere(house: House):
    guild = house.env.create_guild("Elsewhere")
    role = guild.create_role("Mods", permissions=discord.Permissions(moderate_members=True))
    eve = guild.add_member(house.env.create_user("eve"), roles=[role])
    return guild.create_text_channel("mods"), eve


async def thumbnail(result, place: int = 0) -> Image.Image:
    content = await reply(result).attachments[place].read()
    return Image.open(io.BytesIO(content)).convert("RGB")


async def thumbnails(result) -> list[Image.Image]:
    files = [await file.read() for file in reply(result).attachments]
    return [Image.open(io.BytesIO(content)).convert("RGB") for content in files]
