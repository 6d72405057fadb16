"""Scenes: their contents, captions and rendering."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

import numpy as np

from generation.embedded.recipe.pictures.captions import article, gibberish, plural
from generation.embedded.recipe.pictures.subjects import Subject
from generation.embedded.recipe.scenes.brushes import pick
from generation.embedded.recipe.scenes.places import (
    BIG_WORDS,
    DARK_PLACES,
    FILLERS,
    GOLDEN_WORDS,
    LEADS,
    NEON_PLACES,
    NEON_WORDS,
    NIGHT_WORDS,
    PLACES,
    SMALL_WORDS,
    STYLED,
    STYLES,
    TAILS,
)
from generation.embedded.recipe.training.lessons import Tint

T = TypeVar("T")
WHITE = 0.25  # share of groups, and of flat pictures, that are on white as names are
OFTEN = 0.1  # probability of choosing among the first three subjects only
HELD_OUT = 13  # one in this many pairs of subject and background is never taught


class Light(Enum):
    """A scene's light."""

    DAY = "day"
    NIGHT = "night"
    NEON = "neon"
    GOLDEN = "golden"


class Relation(Enum):
    """How the subjects of a scene relate to each other."""

    ONE = ""
    TWO = "two"
    THREE = "three"
    NEXT_TO = "next to"
    ON = "on"
    UNDER = "under"


class Size(Enum):
    """The drawn size of the subjects."""

    USUAL = ""
    SMALL = "small"
    BIG = "big"


class Style(Enum):
    """How the subjects are drawn: in the round, flat, or flat with a white border."""

    ROUND = ""
    FLAT = "flat"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class Actor:
    """A subject in a scene, in a colour not its own if ``colour`` is a word."""

    subject: Subject
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """The contents of a picture. ``place`` is a background's name; white is not mentioned."""

    actors: tuple[Actor, ...]
    place: str
    light: Light = Light.DAY
    relation: Relation = Relation.ONE
    size: Size = Size.USUAL
    style: Style = Style.ROUND


def held_out(subject: int, place: int) -> bool:
    """Tell whether a subject is never taught on a background, both by index."""
    return (subject + 5 * place) % HELD_OUT == 3


class Playwright:
    """Makes up scenes, except held-out ones.

    ``tints`` are the subjects' colours that may be taught.
    """

    def __init__(self, subjects: Sequence[Subject], tints: Sequence[Tint]) -> None:
        self.subjects = list(subjects)
        self.places = list(PLACES)
        self._colours: dict[str, list[str]] = {}
        for tint in tints:
            self._colours.setdefault(tint.concept.name, []).append(tint.word)

    def pairs(self, *, held: bool) -> list[Scene]:
        """Return one plain scene for every subject on every background, held out or taught."""
        return [
            self.plain(subject, place)
            for i, subject in enumerate(self.subjects)
            for j, place in enumerate(self.places)
            if held_out(i, j) == held
        ]

    def scene(self, rng: np.random.Generator) -> Scene:
        """Return a scene."""
        relation = _choose(rng, tuple(Relation), (0.72, 0.05, 0.04, 0.08, 0.07, 0.04))
        style = _choose(rng, tuple(Style), (0.8, 0.1, 0.1))
        nowhere = relation is not Relation.ONE or style is not Style.ROUND
        place = "white" if nowhere and rng.random() < WHITE else self._place(rng)
        count = 1 if relation in (Relation.ONE, Relation.TWO, Relation.THREE) else 2
        actors = tuple(self._actor(rng, place) for _ in range(count))
        cities = [actor for actor in actors if actor.subject.concept is None]
        if cities:
            actors, relation = (cities[0],), Relation.ONE
        if any(actor.subject.flat is None for actor in actors):
            style = Style.ROUND
        alone = relation is Relation.ONE
        size = _choose(rng, tuple(Size), (0.86, 0.07, 0.07)) if alone else Size.USUAL
        return Scene(actors, place, self._light(place, rng), relation, size, style)

    def plain(self, subject: Subject, place: str) -> Scene:
        """Return the scene of one subject in a place, without embellishments."""
        return Scene((Actor(subject),), place, _natural(place))

    def embellish(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """Return a scene of one subject in another light, size and colour."""
        size = _choose(rng, tuple(Size), (0.86, 0.07, 0.07))
        subject = scene.actors[0].subject
        actor = Actor(subject, self._colour(subject, rng))
        light = self._light(scene.place, rng)
        return replace(scene, actors=(actor,), light=light, size=size)

    def _light(self, place: str, rng: np.random.Generator) -> Light:
        light = _natural(place)
        if light is Light.DAY and not place.startswith(("plain", "white")):
            return _choose(rng, tuple(Light), (0.76, 0.09, 0.07, 0.08))
        return light

    def _colour(self, subject: Subject, rng: np.random.Generator) -> str:
        colours = self._colours.get(subject.name)
        return pick(rng, colours) if colours and rng.random() < 0.15 else ""

    def _place(self, rng: np.random.Generator) -> str:
        """Return a place; one in nine is a plain colour."""
        chance = rng.random()
        plain = [place for place in self.places if place.startswith("plain")]
        if chance < 0.11:
            return pick(rng, plain)
        if chance < 0.25:
            return pick(rng, ("clouds", *NEON_PLACES))
        return pick(rng, self.places[: -len(plain)])

    def _actor(self, rng: np.random.Generator, place: str) -> Actor:
        while True:
            # The city and the first animals are more frequent: people try them first.
            first = 3 if rng.random() < OFTEN else len(self.subjects)
            row = int(rng.integers(min(first, len(self.subjects))))
            if place == "white" or not held_out(row, self.places.index(place)):
                break
        subject = self.subjects[row]
        return Actor(subject, self._colour(subject, rng))


def tell(scene: Scene, rng: np.random.Generator) -> str:
    """Return a caption for a scene, nearly always a different one."""
    one = _phrase(scene, scene.actors[0], rng)
    if len(scene.actors) > 1:
        other = _phrase(replace(scene, size=Size.USUAL), scene.actors[1], rng)
        verb = {Relation.ON: ("on", "on top of"), Relation.UNDER: ("under", "below")}.get(
            scene.relation, ("next to", "beside", "and", "with")
        )
        first, second = (actor.subject.kind for actor in scene.actors)
        if scene.relation is Relation.NEXT_TO and first == "animal" and second == "food":
            verb = (*verb, "eating", "eating")
        one = f"{one} {pick(rng, verb)} {other}"
    place = _whereabouts(scene, rng)
    light = _light(scene, rng)
    parts = [part for part in (place, light) if part]
    styled = scene.style is not Style.ROUND
    if styled and rng.random() < 0.7:
        bare = re.sub(r"^(an?|the) ", "", one)
        one = pick(rng, STYLED[scene.style.value]).format(one=one, bare=bare)
    elif styled:
        parts.append(pick(rng, STYLES[scene.style.value]))
    elif rng.random() < 0.2:
        one = f"{pick(rng, LEADS)} {one}"
    if place and not styled and rng.random() < 0.1:
        told = f"{place}, {one}" + (f", {light}" if light else "")
    else:
        told = " ".join([one, *parts]) if rng.random() < 0.75 else ", ".join([one, *parts])
    if rng.random() < 0.2 and not styled:
        tails = [pick(rng, TAILS) for _ in range(int(rng.integers(1, 3)))]
        told = ", ".join([told, *tails])
    if rng.random() < 0.15:
        told = told[0].upper() + told[1:] + pick(rng, (".", "", "!"))
    return told


def _phrase(scene: Scene, actor: Actor, rng: np.random.Generator) -> str:
    """Return the words for one subject, with its article and adjectives."""
    name = pick(rng, actor.subject.words)
    adjectives = [pick(rng, FILLERS)] if rng.random() < 0.22 else []
    if rng.random() < 0.02:
        adjectives.append(gibberish(rng))
    if scene.size is not Size.USUAL:
        adjectives.append(pick(rng, SMALL_WORDS if scene.size is Size.SMALL else BIG_WORDS))
    if scene.light is Light.NEON and (scene.place not in NEON_PLACES or rng.random() < 0.4):
        adjectives.append(pick(rng, NEON_WORDS))
    if actor.colour:
        adjectives.append(actor.colour)
    if scene.relation in (Relation.TWO, Relation.THREE):
        return " ".join([scene.relation.value, *adjectives, plural(name)])
    told = " ".join([*adjectives, name])
    chance = rng.random()
    if chance < 0.15:
        return told
    return f"the {told}" if chance < 0.22 else f"{article(told)} {told}"


def _whereabouts(scene: Scene, rng: np.random.Generator) -> str:
    """Return the words for the place."""
    if scene.place not in PLACES:
        return ""
    place = PLACES[scene.place]
    phrase = pick(rng, place.phrases)
    if place.verbs and rng.random() < 0.35 and phrase.split()[0] in ("in", "on", "at", "under"):
        phrase = f"{pick(rng, place.verbs)} {phrase}"
    return phrase


def _light(scene: Scene, rng: np.random.Generator) -> str:
    if scene.light is Light.GOLDEN and scene.place != "sunset":
        return pick(rng, GOLDEN_WORDS)
    if scene.light is Light.NIGHT and scene.place not in DARK_PLACES:
        return pick(rng, NIGHT_WORDS)
    return ""


def _natural(place: str) -> Light:
    """Return the light that a place has by default."""
    if place in NEON_PLACES:
        return Light.NEON
    if place == "night":
        return Light.NIGHT
    return Light.GOLDEN if place == "sunset" else Light.DAY


def _choose(rng: np.random.Generator, things: Sequence[T], shares: Sequence[float]) -> T:
    return things[int(rng.choice(len(things), p=shares))]
