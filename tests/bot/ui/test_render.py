from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.discord_limits import ALT_TEXT_LENGTH
from bot.core.jobs.presenter import Snapshot
from bot.db.records import Job, Kind, Origin, Status, StoredPicture
from bot.ui.delivery import job_message as render
from bot.ui.pages import embeds
from generation.request import PROMPT_LENGTH, GenerationRequest, Sampler


def job(prompt: str = "a red apple", **changes) -> Job:
    origin = Origin(
        interaction_id=1,
        token=None,
        person_id=2**63,
        person_name="mia",
        channel_id=2**63,
        guild_id=2**63,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    request = GenerationRequest(
        prompt=prompt,
        negative_prompt=changes.pop("negative_prompt", ""),
        checkpoint="A name " * 14,
        width=2048,
        height=2048,
        num_images=4,
        num_inference_steps=100,
        guidance_scale=29.75,
        sampler=Sampler.DPMPP_2M_KARRAS,
        seed=2**32 - 4,
    )
    fields = {"kind": Kind.IMAGINE, "status": Status.DONE, "message_id": 2**63, **changes}
    return Job(id=1, origin=origin, request=request, fair_start=0.0, **fields)


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (21, "21st"),
        (112, "112th"),
        (123, "123rd"),
    ],
)
def test_ordinals(number: int, word: str):
    assert render.ordinal(number) == word


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59.4, "59 s"), (61, "1 min 01 s"), (600, "10 min 00 s")]
)
def test_durations(seconds: float, words: str):
    assert render.duration(seconds) == words


def test_the_bar_fills():
    bars = [render.progress(job(), Snapshot(step, 20, 1.0, None)).count("▰") for step in range(21)]
    assert bars[0] == 0
    assert bars[-1] == render.BAR_CELLS
    assert bars == sorted(bars)


@given(
    prompt=st.text(min_size=1, max_size=PROMPT_LENGTH).filter(str.strip),
    negative=st.text(max_size=PROMPT_LENGTH),
)
def test_whatever_is_typed_fits_discord_s_limits(prompt: str, negative: str):
    one = job(prompt, negative_prompt=negative, error=prompt)
    texts = [
        render.waiting(one, 199),
        render.progress(one, Snapshot(3, 100, 5999, None)),
        render.done(one),
        render.failed(one, "x" * 200),
        render.cancelled(one),
    ]
    assert max(map(len, texts)) <= 2000
    assert all(len(text.splitlines()[0]) for text in texts)
    picture = StoredPicture(
        job_id=1, index=3, seed=2**32, sha256="0" * 64, width=64, height=64, size_bytes=1
    )
    assert 0 < len(render.alt_text(one, picture, 4)) <= ALT_TEXT_LENGTH
    assert 10 * len(embeds.history_entry(one, "job-1.webp")) <= 6000
