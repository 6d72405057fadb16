"""That nothing people read is English in Python: all of it, where the catalog shouts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import discord
import pytest
from fluent.syntax import FluentSerializer
from fluent.syntax.ast import TextElement
from fluent.syntax.visitor import Transformer

from bot import texts
from bot.core.admission.rule_store import Strictness
from bot.core.jobs.job_queue import Turn
from bot.core.jobs.presenter import Result, Snapshot
from bot.core.pictures.gallery import Details, Unseen
from bot.db.records import (
    BY_MODERATOR,
    Filter,
    FilterAction,
    FilterKind,
    Job,
    Kind,
    Origin,
    Status,
    StoredPicture,
    Verdict,
    Words,
)
from bot.features.filters.lists import filter_text
from bot.features.gallery.delete import DeleteForGood
from bot.features.history import browser as inspecting
from bot.features.imagine import confirmation as confirming
from bot.features.imagine.source_menu import source_form
from bot.ui import forms
from bot.ui.actions.buttons import Buttons
from bot.ui.actions.job_actions import answer_view, result_view, waiting_view
from bot.ui.delivery import job_message as render
from bot.ui.pages import details_card as details
from bot.ui.pages import embeds
from bot.ui.pages import job_lists as lists
from bot.ui.pages.rule_cards import shown as rule
from generation.metadata.infotext import Parameters
from generation.request import Aspect, GenerationRequest, Sampler, Uploaded
from tests.languages import catalogs

# Addresses, mentions, moments and file names are no words.
NO_WORDS = re.compile(r"https://\S+|<[@#t][^>]*>|\S+\.(png|webp)")


class Shout(Transformer):
    """Puts every text of a catalog in capitals."""

    def visit_TextElement(self, node: TextElement) -> TextElement:  # noqa: N802
        return TextElement(node.value.upper())


@pytest.fixture
def shouting(tmp_path: Path) -> Iterator[None]:
    """German is English in capitals, and is spoken."""
    english = (texts.FOLDER / "en.ftl").read_text("utf-8")
    loud = FluentSerializer().serialize(Shout().visit(texts.FluentResource(english)))
    with catalogs(tmp_path, de=loud), texts.speaking("de"):
        yield


def job(kind: Kind = Kind.IMAGINE, status: Status = Status.DONE, **changes) -> Job:
    origin = Origin(
        interaction_id=1,
        token=None,
        person_id=2,
        person_name="MIA",
        channel_id=3,
        guild_id=4,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    request = GenerationRequest(
        prompt="AN APPLE",
        negative_prompt="BLUR",
        checkpoint="EMOJI",
        width=64,
        height=64,
        num_images=2,
        num_inference_steps=20,
        guidance_scale=7.5,
        sampler=Sampler.DDIM,
        seed=7,
        image=b"",
        strength=0.5,
    )
    request = changes.pop("request", request)
    fields = {"style": "NEON", "typed": Words("AN APPLE", "BLUR"), "cut": "PEARS", **changes}
    return Job(
        id=1,
        origin=origin,
        request=request,
        kind=kind,
        status=status,
        message_id=5,
        fair_start=0.0,
        **fields,
    )


def picture(index: int, verdict: Verdict, nsfw: float | None) -> StoredPicture:
    return StoredPicture(
        job_id=1,
        index=index,
        seed=7,
        sha256="0" * 64,
        width=64,
        height=64,
        size_bytes=1,
        verdict=verdict,
        nsfw=nsfw,
    )


def read(shown: object) -> Iterator[str]:
    """Yield every text of a message, an embed, a view or a form."""
    match shown:
        case str():
            yield shown
        case discord.Embed():
            yield from filter(None, (shown.title, shown.description))
            for field in shown.fields:
                yield from (field.name or "", field.value or "")
        case Buttons():
            yield from (one["label"] for one in shown.buttons)
        case discord.ui.View() | discord.ui.Modal():
            yield getattr(shown, "title", "")
            for item in shown.children:
                one = getattr(item, "item", item)
                for name in ("label", "text", "description", "placeholder"):
                    yield getattr(one, name, None) or ""


JOBS = [
    job(),
    job(Kind.REROLL, Status.RECORDED),
    job(Kind.VARIATION, Status.QUEUED, parent_id=1, parent_index=1),
    job(Kind.UPSCALE, Status.RUNNING, parent_id=1, factor=2),
    job(Kind.REMIX, Status.CANCELLED, error=BY_MODERATOR),
    job(Kind.UPSCALE, request=Uploaded(width=64, height=64), typed=None, style=None, factor=2),
    job(status=Status.FAILED, deleted_at=datetime(2026, 1, 1, tzinfo=UTC)),
]
PICTURES = [
    picture(0, Verdict.SHOWN, None),
    picture(1, Verdict.SPOILER, 0.25),
    picture(2, Verdict.REFUSED, 0.9),
]
FILE = Parameters(
    negative_prompt="BLUR",
    steps=20,
    sampler="DDIM",
    guidance_scale=7.5,
    seed=7,
    width=64,
    height=64,
    model="EMOJI",
    model_hash="0A",
    strength=0.5,
    other={"ENSD": "1"},
)


@pytest.mark.parametrize("one", JOBS, ids=lambda one: f"{one.kind}-{one.status}")
async def test_everything_about_a_job_is_in_the_language_that_is_spoken(shouting: None, one: Job):
    found = Details(one, JOBS[2], JOBS, [(each, None) for each in PICTURES], favourite=True)
    shown = [
        render.waiting(one, 0),
        render.waiting(one, 2),
        render.loading(one, "EMOJI"),
        render.progress(one, Snapshot(3, 20, 61.0, None)),
        render.posted(Result(one, [], PICTURES, JOBS[0])) + render.shrunk(),
        render.cancelled(one),
        render.deletion(one),
        render.alt_text(one, PICTURES[0], 2),
        embeds.history_entry(one, None),
        details.card(found),
        inspecting.card(found, None),
        waiting_view(one),
        result_view(one),
        answer_view(one, DeleteForGood()),
    ]
    check(shown)


async def test_lists_forms_and_questions_are_in_the_language_that_is_spoken(shouting: None):
    turns = [Turn(one, place, 61.0 * place) for place, one in enumerate([*JOBS, *JOBS])]
    question = confirming.Question(None, ["A", "B"], None, None, None, private=False)
    shown = [
        lists.queue([], 2, []),
        lists.queue(turns, 2, [one.id for one in JOBS]),
        lists.queue(turns, 0, []),
        lists.question(["A", "B"]),
        question,
        embeds.parameters(FILE, ["ENSD"]),
        embeds.unseen_entry(Unseen(1)),
        forms.remix_form("job:1:remix", {"prompt": "A"}),
        source_form("0" * 64, 1, private=False),
    ]
    check(shown)
    assert render.ordinal(2) == "2TH"  # German has one form of them


def test_values_of_rules_and_filters_are_in_the_language_that_is_spoken(shouting: None):
    filters = [
        filter_text(Filter(id=1, guild_id=2, pattern="X", kind=kind, action=action))
        for kind in FilterKind
        for action in FilterAction
    ]
    values = [("aspect", one) for one in Aspect] + [("elsewhere", one) for one in Strictness]
    check([*filters, *(rule(*value) for value in values)])


def check(shown: list[object]) -> None:
    """Fail where a small letter is left, which is one that no catalog said."""
    said = [text for one in shown for text in read(one)]
    assert any(re.search("[A-Z]", text) for text in said)
    english = [text for text in said if re.search("[a-z]", NO_WORDS.sub("", text))]
    assert not english
