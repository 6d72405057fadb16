"""What is said of a server and its channels, as it is kept."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission.rule_store import (
    BUILT_IN,
    CHECKS,
    NOTHING_SAID,
    Rules,
    RuleStore,
    Strictness,
    rule_names,
)
from bot.core.audit_store import AuditStore, NewAuditEntry
from bot.db.database import Database
from bot.options.image_options import ImageOptions
from generation.errors import InvalidRequest
from tests.bot.rows import execute

HERE, ELSEWHERE = 1, 2
CHANNEL, THREAD = 30, 31


def audit_entry(guild_id: int = HERE) -> NewAuditEntry:
    return NewAuditEntry(guild_id=guild_id, moderator_id=5, action="config", detail="steps 30")


async def loaded(database: Database) -> RuleStore:
    rules = RuleStore(database)
    await rules.load()
    return rules


async def test_a_thread_goes_before_its_channel_before_the_server(database: Database):
    rules = await loaded(database)
    await rules.change({0: {"steps": 10, "count": 1, "style": "Ink"}}, audit_entry())
    await rules.change({CHANNEL: {"steps": 20, "count": 2}, THREAD: {"steps": 30}}, audit_entry())
    held = (await loaded(database)).hold(HERE, (THREAD, CHANNEL))
    assert held.options == ImageOptions(steps=30, count=2, style="Ink")
    assert held.elsewhere is Strictness.REFUSE
    assert rules.hold(HERE, (CHANNEL,)).options["steps"] == 20
    assert rules.hold(ELSEWHERE, (CHANNEL,)) == rules.hold(None) == BUILT_IN


async def test_a_change_is_written_with_who_did_it_or_not_at_all(database: Database):
    rules = await loaded(database)
    with pytest.raises(InvalidRequest, match="max_steps must be a whole number, 1 to 100"):
        await rules.change({0: {"count": 1}, CHANNEL: {"max_steps": 101}}, audit_entry())
    audit = AuditStore(database)
    assert await audit.page(HERE, before=None, limit=5) == []
    assert rules.said(HERE) == (await loaded(database)).said(HERE) == NOTHING_SAID

    await rules.change({0: {"count": 1, "max_steps": 40}}, audit_entry())
    await rules.change({0: {"count": None}}, audit_entry())
    assert rules.said(HERE) == (await loaded(database)).said(HERE) == Rules(max_steps=40)
    entries = await audit.page(HERE, before=None, limit=5)
    assert [(entry.moderator_id, entry.action) for entry in entries] == [(5, "config")] * 2


async def test_values_that_cannot_be_are_named_and_left_out(database: Database, caplog):
    said = {"steps": "many", "count": True, "max_side": 512, "of_next_year": [1]}
    await execute(
        database,
        "INSERT INTO rules (guild_id, channel_id, rules, changed_by, changed_at)"
        " VALUES (1, 0, :said, 5, '2026-01-01 00:00:00.000000')",
        values={"said": json.dumps(said)},
    )
    rules = await loaded(database)
    assert rules.said(HERE) == Rules(max_side=512)
    assert "steps must be a whole number" in caplog.text
    assert "count must be a whole number" in caplog.text


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1])


@given(st.sampled_from(rule_names()), anything)
def test_any_value_is_kept_as_it_is_or_named(field: str, value: object):
    kept, wrong = Rules.from_json(json.dumps({field: value}))
    if not wrong:
        assert kept == Rules().changed({field: value})
        assert Rules.from_json(kept.to_json()) == (kept, [])
    elif value is not None:
        assert (kept, [one.field for one in wrong]) == (NOTHING_SAID, [field])
        with pytest.raises(InvalidRequest, match=field):
            Rules().changed({field: value})


def test_every_field_is_checked():
    assert set(CHECKS) == {one.name for one in fields(Rules)} - {"options"}


@pytest.mark.parametrize(
    ("rules", "restricted", "elsewhere"),
    [
        (Rules(), (0.2, None), (0.2, 0.8)),
        (Rules(age_restricted=Strictness.ALLOW), (None, None), (0.2, 0.8)),
        (Rules(age_restricted=Strictness.REFUSE), (0.2, 0.8), (0.2, 0.8)),
        (Rules(elsewhere=Strictness.SPOILER, spoiler_above=0.5), (0.5, None), (0.5, None)),
        (Rules(refuse_above=0.0), (0.2, None), (0.2, 0.0)),
    ],
)
def test_thresholds(rules: Rules, restricted: tuple, elsewhere: tuple):
    held = rules.over(BUILT_IN)
    assert held.thresholds(age_restricted=True) == restricted
    assert held.thresholds(age_restricted=False) == elsewhere
