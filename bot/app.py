"""The composition: all parts put together once, for the product and the tests."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from discord import app_commands
from discord.ext import commands

from bot import logs
from bot.client import Connection, DarkroomBot
from bot.core.admission.admission import Admission, Limits, Stage
from bot.core.admission.place_rules import PlaceRules
from bot.core.admission.refusal_store import RefusalStore
from bot.core.admission.rule_store import RuleStore
from bot.core.admission.visibility import Visibility
from bot.core.admission.waiting_room import WaitingRoom
from bot.core.audit_store import AuditStore
from bot.core.decoding import Decoder
from bot.core.default_store import DefaultsStore
from bot.core.jobs.endings import note_moved
from bot.core.jobs.job_data import JobData
from bot.core.jobs.job_queue import JobQueue
from bot.core.jobs.job_service import JobService
from bot.core.jobs.job_store import JobStore
from bot.core.jobs.runner import Runner
from bot.core.jobs.watch import Watch
from bot.core.model_folders import Change, ModelFolders
from bot.core.personal_data import PersonalData
from bot.core.pictures.picture_store import PictureStore
from bot.core.retention import Kept, Retention
from bot.db.database import Database
from bot.db.patience import outlast, patient
from bot.features import (
    catalog,
    configuration,
    editing,
    filters,
    gallery,
    history,
    imagine,
    inspect,
    moderation,
    privacy,
    queue,
    quotas,
    settings,
    upscale,
)
from bot.features import (
    help as help_feature,
)
from bot.features.imagine.confirmation import Question
from bot.features.moderation.mod_group import Moderation
from bot.settings import Settings
from bot.ui import command_places
from bot.ui.actions import custom_id, job_actions, moderation_actions
from bot.ui.actions.clicks import Clicks
from bot.ui.cooldowns import Cooldowns
from bot.ui.delivery.clock import DiscordClock
from bot.ui.delivery.delivery import Delivery
from bot.ui.delivery.transport import Transport
from bot.ui.interaction import Interaction
from generation.catalog import Catalog, check_files
from generation.library.offers import Looker
from generation.options import PROFILES, REVISIONS, EngineOptions
from generation.worker.executor import Executor, LocalExecutor
from generation.worker.link import LaneSource

Service = TypeVar("Service")
Submitted = Callable[[Interaction, re.Match[str]], Coroutine[Any, Any, None]]
Command = app_commands.Command[Any, ..., Any] | app_commands.ContextMenu | app_commands.Group


class App:
    """The parts that features build on, and what the features add to them.

    A feature's `setup` adds its commands, its checks (`admission`) and its personal data
    (`personal_data`), and provides what other features use. Nothing runs before the client logs in.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        catalog: Catalog,
        executor: Executor,
        limits: Limits,
        look: Looker | None = None,
        kept: Kept = Kept(),  # noqa: B008 - frozen
        connection: Connection = Connection(),  # noqa: B008 - frozen
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch or Watch()
        self.database, self.folder = database, folder
        self.catalog, self.executor, self.limits = catalog, executor, limits
        self.folders = ModelFolders(catalog, executor, look)
        self.job_store = JobStore(database)
        self.pictures = PictureStore(database, folder)
        self.rules = RuleStore(database)
        self.defaults = DefaultsStore(database)
        self.audit = AuditStore(database)
        refusals = RefusalStore(database)

        self.clicks, self.cooldowns = Clicks(), Cooldowns()
        self.questions: WeakValueDictionary[int, Question] = WeakValueDictionary()
        self.cogs: list[commands.Cog] = []
        # The handlers of submitted forms, by custom id.
        self.forms: list[tuple[re.Pattern[str], Submitted]] = [
            (custom_id.TEMPLATE, job_actions.submitted),
            (moderation_actions.TEMPLATE, moderation_actions.submitted),
        ]
        self.mod = Moderation()
        self.commands: list[Command] = [self.mod]
        self.loads: list[Callable[[], Awaitable[None]]] = [
            self.job_store.load,
            self.rules.load,
            self.defaults.load,
        ]
        # A person's jobs come first: while one is open, nothing of theirs is erased.
        self.personal_data: list[PersonalData] = [
            JobData(database, self.job_store, self.pictures),
            refusals,
            self.defaults,
            self.rules,
            self.audit,
        ]
        self._services: dict[type, Any] = {}

        place_rules = PlaceRules(self.rules, limits)
        self.admission = Admission(refusals)
        self.admission.add(Stage.PLACE, place_rules.check)
        self.admission.add(Stage.ROOM, WaitingRoom(self.job_store, limits).check)
        self.visibility = Visibility(self.job_store)
        self.retention = Retention(
            kept, database=database, pictures=self.pictures, personal_data=self.personal_data
        )

        clock = DiscordClock()
        self.client = DarkroomBot(self, clock, connection)
        self.jobs = self._job_service(
            place_rules,
            Delivery(
                Transport(
                    self.client,
                    clock,
                    partial(note_moved, self.job_store),
                    timeout_s=connection.timeout_s,
                )
            ),
        )
        for setup in FEATURES:
            setup(self)

    def _job_service(self, rules: PlaceRules, presenter: Delivery) -> JobService:
        runner = Runner(
            jobs=self.job_store,
            pictures=self.pictures,
            executor=self.executor,
            presenter=presenter,
            watch=self.watch,
        )
        queue = JobQueue(
            catalog=self.catalog,
            jobs=self.job_store,
            presenter=presenter,
            runner=runner,
            executor=self.executor,
            rules=self.rules,
            running_per_person=self.limits.running_per_person,
        )
        return JobService(
            catalog=self.catalog,
            rules=rules,
            visibility=self.visibility,
            admission=self.admission,
            jobs=self.job_store,
            pictures=self.pictures,
            defaults=self.defaults,
            presenter=presenter,
            runner=runner,
            queue=queue,
            decoder=Decoder(),
        )

    def provide(self, service: object) -> None:
        """Make an object available to other features, by its class."""
        self._services[type(service)] = service

    def get(self, kind: type[Service]) -> Service:
        """Return the object that a feature provides."""
        service: Service = self._services[kind]
        return service

    def add_cog(self, cog: commands.Cog, *more: Command) -> None:
        """Add a feature's commands, and others such as its context menus."""
        self.cogs.append(cog)
        self.commands += more

    def add_mod_commands(
        self, *added: app_commands.Command[Any, ..., Any] | app_commands.Group
    ) -> None:
        """Add moderators' commands to the group /mod."""
        for command in added:
            self.mod.add_command(command)

    async def load(self) -> None:
        """Load what is kept in memory; call this first."""
        await self.pictures.tidy()
        with patient():
            for load in self.loads:
                await outlast(load)


# Each feature's `setup`; later ones may use what earlier ones provide. /mod lists its commands so.
FEATURES: Sequence[Callable[[App], None]] = (
    imagine.setup,
    upscale.setup,
    editing.setup,
    gallery.setup,
    catalog.setup,
    inspect.setup,
    history.setup,
    moderation.setup,
    filters.setup,
    quotas.setup,
    queue.setup,
    settings.setup,
    configuration.setup,
    privacy.setup,
    help_feature.setup,
)


def build(settings: Settings, watch: Watch | None = None) -> App:
    """Build the product from its settings; ``watch`` is told what happens."""
    generation, folder = settings.generation, settings.store.folder
    look = Looker(settings.models.paths, folder, generation.catalog, generation.checkpoint or None)
    offers = look()
    for checkpoint in offers.catalog.checkpoints.values():
        if checkpoint.changed is None:  # what lies in the folders has been looked at
            check_files(checkpoint)
    options = EngineOptions(
        rows=generation.rows,
        deterministic=generation.deterministic,
        fp8=generation.fp8,
        compile=generation.compile,
        metadata=generation.metadata,
        safety=generation.safety,
        profiles=folder / PROFILES,
        revisions=folder / REVISIONS,
    )
    limits = Limits(**settings.limits.model_dump())
    app = App(
        Database(folder),
        folder,
        catalog=offers.catalog,
        look=look,
        executor=LocalExecutor(
            offers.catalog,
            options,
            devices=generation.lanes,
            sources=_other_machines(settings, offers.catalog, options),
            tick_timeout_s=generation.tick_timeout_s,
            configure_logs=_worker_logs(settings),
        ),
        limits=limits,
        kept=Kept(**settings.retention.model_dump()),
        watch=watch,
        connection=Connection(
            shard_count=None,
            timeout_s=settings.discord.timeout_s,
            longest_pause_s=settings.discord.longest_pause_s,
            proxy=settings.discord.proxy_for_discord(),
            offered=command_places.offered(
                direct_messages=limits.direct_messages, user_installs=limits.user_installs
            ),
        ),
    )
    app.folders.tell(Change(notes=offers.notes))
    return app


def _worker_logs(settings: Settings) -> Callable[[], None]:
    return partial(logs.configure_worker, settings.log.level, settings.log.format)


def _other_machines(
    settings: Settings, catalog: Catalog, options: EngineOptions
) -> Sequence[LaneSource]:
    """Return where other machines' lanes come from, if there are any."""
    if not settings.ray.address:
        return ()
    from generation.worker.ray.source import RayLanes

    lanes = RayLanes(
        settings.ray.address,
        catalog,
        options,
        namespace=settings.ray.namespace,
        folders=settings.models.paths,
        configure_logs=_worker_logs(settings),
        own_node=settings.generation.lanes == [],
    )
    return (lanes,)
