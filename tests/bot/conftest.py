"""The real bot on a simulated Discord, with a real database and a recording executor."""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
from simcord.http import router as simcord_router

from bot.app import App
from bot.client import DarkroomBot
from bot.core.admission.admission import Limits
from bot.core.admission.refusal_store import RefusalStore
from bot.core.admission.rule_store import RuleStore
from bot.core.audit_store import AuditStore
from bot.core.jobs.job_store import JobStore
from bot.core.pictures.favourite_store import FavouriteStore
from bot.core.pictures.picture_store import PictureStore
from bot.db.database import FILE_NAME, Database
from bot.db.records import Job
from bot.features.moderation.block_store import BlockStore
from bot.texts import say
from generation.catalog import EMBEDDED, STYLES, Catalog
from tests.discord_spec.judge import judge_request
from tests.fakes import RecordingExecutor

LIMITS = Limits(waiting=20, waiting_per_person=3, waiting_per_server=20)

# The last row under finished pictures.
KEEPING = [say("button-details"), say("button-send"), say("button-favourite"), say("button-delete")]
# The rows under a single picture that edit it; a square one is not made square.
ZOOMS = [
    say("button-edit-region"),
    say("button-zoom-out", factor="2"),
    say("button-zoom-out", factor="1.5"),
    say("button-custom-zoom"),
]
PANS = [say(f"button-pan-{way}") for way in ("left", "right", "up", "down")]
EDITING = [*ZOOMS, *PANS, say("button-hires")]


def labels(message) -> list[str]:
    """Return what a message's buttons say, row by row."""
    return [button["label"] for row in message.components for button in row["components"]]


@dataclass
class House:
    """A running bot and everything a test may look at."""

    env: simcord.Env
    app: App
    bot: DarkroomBot
    executor: RecordingExecutor
    jobs: JobStore
    pictures: PictureStore
    blocks: BlockStore
    audit: AuditStore
    refusals: RefusalStore
    favourites: FavouriteStore
    rules: RuleStore
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    mia: simcord.MemberActor
    mia_user: simcord.UserHandle
    max: simcord.MemberActor
    morgan: simcord.MemberActor

    async def job(self, job_id: int) -> Job:
        found = await self.jobs.get(job_id)
        assert found is not None
        return found

    def allowed_mentions(self, message) -> object:
        """What the bot allowed to ping when it wrote this."""
        return self.env.backend.get_message(message.channel_id, message.id).allowed_mentions

    def refusal(self, result: simcord.InteractionResult) -> str:
        """The private line somebody got instead of what they asked for."""
        assert self.env.errors, "nothing was refused"
        assert result.response is not None
        assert result.ephemeral
        return result.response.content

    async def settle(self) -> None:
        """Let everything happen that is due, and everything that is paced."""
        await self.env.advance_time(5)


def built_in() -> Catalog:
    """Return what there is without an owner's; it is changed while it is used."""
    return Catalog(
        {EMBEDDED.name: EMBEDDED}, EMBEDDED.name, {style.name: style for style in STYLES}
    )


def build(
    folder: Path,
    database: Database,
    executor: RecordingExecutor,
    catalog: Catalog | None = None,
    limits: Limits = LIMITS,
) -> DarkroomBot:
    """Return the product's bot before another executor."""
    catalog = catalog or built_in()
    return App(database, folder, catalog=catalog, executor=executor, limits=limits).client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the simulated Discord time: a busy machine is no failure."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.simcord(settle_timeout=60))


@pytest.fixture(autouse=True)
def _file_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """As DISCORD__CDN_URL would: attachments are at the simulation's own host."""
    monkeypatch.setattr(discord.Asset, "BASE", "https://cdn.simcord.invalid")


@pytest.fixture(autouse=True)
def _no_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start bots without looking through the tests' own million objects for garbage: 2 s each."""
    monkeypatch.setattr("bot.client.stay", lambda: None)


@pytest.fixture(autouse=True)
def _discord_s_specification(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold every request that the simulation takes against Discord's own specification."""
    violations: list[str] = []

    def judged(backend: Any, method: str, path: str, **more: Any) -> Any:
        answer = dispatch(backend, method, path, **more)
        violations.extend(
            judge_request(method, path, more.get("json"), len(more.get("files") or []))
        )
        return answer

    dispatch = simcord_router.dispatch
    monkeypatch.setattr(simcord_router, "dispatch", judged)
    yield
    if violations:
        pytest.fail("Discord would refuse:\n" + "\n".join(violations[:50]), pytrace=False)


@pytest.fixture
async def database(tmp_path: Path, migrated: Path) -> AsyncIterator[Database]:
    shutil.copyfile(migrated / FILE_NAME, tmp_path / FILE_NAME)
    database = Database(tmp_path)
    yield database
    await database.close()


@pytest.fixture
def executor() -> RecordingExecutor:
    return RecordingExecutor()


@pytest.fixture
def catalog() -> Catalog:
    """What can be picked; a file of tests may offer something else."""
    return built_in()


@pytest.fixture
def limits() -> Limits:
    """What the owner allows; a file of tests may allow something else."""
    return LIMITS


@pytest.fixture
def simcord_bot(
    tmp_path: Path,
    database: Database,
    executor: RecordingExecutor,
    catalog: Catalog,
    limits: Limits,
) -> DarkroomBot:
    return build(tmp_path, database, executor, catalog, limits)


@pytest.fixture
async def house(
    simcord_env: simcord.Env, tmp_path: Path, database: Database, executor: RecordingExecutor
) -> AsyncIterator[House]:
    env = simcord_env
    executor.wait = lambda waited: env.external_wait(waited, reason="the worker draws")
    guild = env.create_guild()
    moderators = guild.create_role(
        "Moderators", permissions=discord.Permissions(moderate_members=True)
    )
    mia_user = env.create_user("mia")
    assert isinstance(env.bot, DarkroomBot)
    house = House(
        env=env,
        app=env.bot.app,
        bot=env.bot,
        executor=executor,
        jobs=JobStore(database),
        pictures=PictureStore(database, tmp_path),
        blocks=BlockStore(database),
        audit=AuditStore(database),
        refusals=RefusalStore(database),
        favourites=FavouriteStore(database),
        rules=env.bot.app.rules,
        guild=guild,
        channel=guild.create_text_channel("darkroom"),
        mia=guild.add_member(mia_user),
        mia_user=mia_user,
        max=guild.add_member(env.create_user("max")),
        morgan=guild.add_member(env.create_user("morgan"), roles=[moderators]),
    )
    yield house
    executor.let_go()
    if executor.running:  # or its last write would come after the database is closed
        await house.settle()
    for bot in {house.bot, env.bot}:  # a test may have put another in its place
        await bot.app.jobs.decoder.close()
