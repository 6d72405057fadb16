"""Scenes: made up, told, painted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.embedded.recipe.pictures.arrays import BEHIND, WHOLE
from generation.embedded.recipe.pictures.dataset import Concept
from generation.embedded.recipe.pictures.subjects import CITY, subjects
from generation.embedded.recipe.scenes.backgrounds import PAINTERS
from generation.embedded.recipe.scenes.composition import (
    Actor,
    Light,
    Playwright,
    Relation,
    Scene,
    Style,
    held_out,
    tell,
)
from generation.embedded.recipe.scenes.exercises import exercises
from generation.embedded.recipe.scenes.places import PLACES
from generation.embedded.recipe.scenes.stage import draw_name, draw_scene
from generation.embedded.recipe.training.lessons import Tint, build_lessons
from tests.generation.embedded.toys import draw_concepts


@pytest.fixture
def playwright(tmp_path: Path) -> Playwright:
    names = ("cat", "dog", "robot face", "rocket", "left arrow")
    colours = ("gold", "brown", "gray", "red", "black")
    drawn = {name: (colour, ()) for name, colour in zip(names, colours, strict=True)}
    concepts = draw_concepts(tmp_path, drawn)
    return Playwright(subjects(concepts), [Tint(concepts[0], "cat", "blue")])


def test_every_background_is_painted_anew_each_time_and_alike_from_one_seed():
    assert set(PAINTERS) == {"white", *PLACES}
    for name, paint in PAINTERS.items():
        one, same, other = (paint(np.random.default_rng(seed), 32) for seed in (1, 1, 2))
        assert one.picture.shape == (32, 32, 3)
        assert one.picture.dtype == np.uint8
        assert 0.8 < one.ground < 1, name
        assert np.array_equal(one.picture, same.picture)
        assert name == "white" or not np.array_equal(one.picture, other.picture)


def test_a_city_is_painted_by_the_recipe_itself(playwright: Playwright):
    city = playwright.subjects[0]
    assert city.name == CITY
    picture = draw_scene(Scene((Actor(city),), "white"), np.random.default_rng(0), 64)[WHOLE]
    assert (picture.min(axis=-1) < 200).mean() > 0.15


def test_no_scene_has_a_subject_on_a_background_that_is_held_out(playwright: Playwright):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(800):
        scene = playwright.scene(rng)
        if scene.place == "white":
            continue  # where names are, and every subject
        column = playwright.places.index(scene.place)
        for actor in scene.actors:
            row = playwright.subjects.index(actor.subject)
            assert not held_out(row, column)
            seen.add((row, column))
    held, taught = playwright.pairs(held=True), playwright.pairs(held=False)
    assert held
    assert len(held) + len(taught) == len(playwright.subjects) * len(PLACES)
    assert len(seen) > 0.8 * len(taught)


def test_sentences_name_the_subject_and_vary(playwright: Playwright):
    rng = np.random.default_rng(0)
    robot = next(one for one in playwright.subjects if one.name == "robot face")
    scene = Scene((Actor(robot, "blue"),), "neon_rooftop", Light.NEON)
    told = {tell(scene, rng) for _ in range(200)}
    assert len(told) > 150
    assert all("robot" in one.lower() and "blue" in one.lower() for one in told)
    assert all("roof" in one.lower() for one in told)
    two = Scene((Actor(robot),), "white", relation=Relation.TWO)
    assert all("two" in tell(two, rng).lower() for _ in range(20))


def test_scenes_are_the_same_from_one_seed_and_otherwise_from_another(playwright: Playwright):
    rng = np.random.default_rng(3)
    relations = set()
    for seed in range(120):
        scene = playwright.scene(rng)
        relations.add(scene.relation)
        one, same, other = (draw_scene(scene, np.random.default_rng(s), 32) for s in (1, 1, seed))
        assert np.array_equal(one, same)
        assert seed == 1 or not np.array_equal(one, other)
    assert len(relations) > 4


def test_a_scene_is_its_things_over_what_is_behind_them(playwright: Playwright):
    rng = np.random.default_rng(1)
    for _ in range(20):
        scene = playwright.scene(rng)
        whole, things, behind = draw_scene(scene, rng, 64).astype(int)
        seen = (things < 250).any(axis=-1)
        assert 0.03 < seen.mean() < 0.8, scene
        empty = (things == 255).all(axis=-1)
        assert np.abs(whole - behind)[empty].max(initial=0) <= 4
        # Between the two, in every channel, but for what white added to the things.
        assert (whole <= np.maximum(things, behind) + 1).all()


def test_what_points_one_way_is_never_mirrored(tmp_path: Path):
    names = {"left arrow": ("red", ()), "fish": ("red", ())}
    for concept in draw_concepts(tmp_path, names):
        pixels = np.zeros((48, 48, 4), np.uint8)
        pixels[8:40, 4:44, 3] = 255
        pixels[8:40, 4:20, 0] = 255  # its left half is red, its right half black
        Image.fromarray(pixels).save(concept.picture, lossless=True)
        drawn = [draw_name(concept, np.random.default_rng(seed), 32, 32) for seed in range(12)]
        to_the_left = [_middle_of_red(picture[WHOLE]) < 16 for picture in drawn]
        assert all(to_the_left) == (concept.name == "left arrow")


def _middle_of_red(picture: np.ndarray) -> float:
    red = (picture[..., 0] > 150) & (picture[..., 1] < 90)
    return float(np.nonzero(red)[1].mean())


def test_exercises_are_scenes_and_things_on_white(concepts: list[Concept]):
    make = exercises(concepts)
    made = [make(np.random.default_rng(seed)) for seed in range(40)]
    pictures = np.stack([one.paint(32, 32) for one in made])
    assert pictures.shape == (40, 3, 32, 32, 3)
    white = (pictures[:, BEHIND] == 255).all(axis=(1, 2, 3))
    assert 8 < white.sum() < 32
    assert len({one.caption(np.random.default_rng(0)) for one in made}) > 20
    again = make(np.random.default_rng(5)).paint(32, 32)
    assert np.array_equal(again, pictures[5])


def test_what_people_ask_for_first_is_taught_varied(concepts: list[Concept]):
    make = exercises(concepts)
    made = [make(np.random.default_rng(seed)) for seed in range(400)]
    white = [one for one in made if one.paint(16, 16)[BEHIND].min() == 255]
    said = [one.caption(np.random.default_rng(0)) for one in white]
    subjects, others = ("duck", "hammer"), ("apple", "clock face one")
    varied = [sum(name in words for words in said) for name in (*subjects, *others)]
    assert min(varied[:2]) > 1.5 * max(varied[2:])
    exact: dict[str, float] = {}
    for lesson in build_lessons(concepts, 32)[:2]:
        for caption in lesson.captions:
            exact[caption(np.random.default_rng(0))] = lesson.weight / len(lesson.captions)
    assert len(exact) == len(concepts)
    rare = [weight for words, weight in exact.items() if any(name in words for name in subjects)]
    assert len(rare) == 2
    assert max(rare) < min(weight for weight in exact.values() if weight not in rare) / 5


def test_flat_things_and_stickers_are_drawn_and_told_so(tmp_path: Path):
    cat = draw_concepts(tmp_path, {"cat": ("gold", ())})[0]
    drawing = tmp_path / "cat.svg"
    drawing.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        '<rect x="8" y="8" width="16" height="16" fill="#00f"/></svg>'
    )
    flat = replace(cat, flat=drawing)
    subject = subjects([flat])[1]
    rng = np.random.default_rng(0)
    looks = {}
    for style in Style:
        scene = Scene((Actor(subject),), "plain red", style=style)
        told = [tell(scene, rng) for _ in range(30)]
        assert all("cat" in one for one in told)
        assert all(style.value in one.lower() for one in told)
        looks[style] = draw_scene(scene, np.random.default_rng(1), 64)[WHOLE].astype(int)
    blue = {style: (p[..., 2] - p[..., :2].max(axis=-1) > 120) for style, p in looks.items()}
    white = {style: (p.min(axis=-1) > 235).sum() for style, p in looks.items()}
    assert not blue[Style.ROUND].any()
    assert blue[Style.FLAT].sum() > 500
    assert blue[Style.STICKER].sum() > 500
    assert white[Style.FLAT] < 20 < white[Style.STICKER]
    made = [Playwright(subjects([flat]), []).scene(rng) for _ in range(300)]
    assert {scene.style for scene in made} == set(Style)
    assert all(scene.style is Style.ROUND for scene in made if scene.actors[0].subject.name == CITY)
    bare = [Playwright(subjects([cat]), []).scene(rng) for _ in range(200)]
    assert {scene.style for scene in bare} == {Style.ROUND}


def test_animals_may_eat(tmp_path: Path):
    drawn = {"monkey": ("brown", ()), "banana": ("yellow", ())}
    monkey, banana = draw_concepts(tmp_path, drawn)
    monkey, banana = replace(monkey, kind="animal mammal"), replace(banana, kind="food fruit")
    one, other = (Actor(subject) for subject in subjects([monkey, banana])[1:])
    rng = np.random.default_rng(0)
    told = {
        order: any(
            "eating" in tell(Scene(order, "white", relation=Relation.NEXT_TO), rng)
            for _ in range(60)
        )
        for order in ((one, other), (other, one))
    }
    assert told == {(one, other): True, (other, one): False}


def test_scenes_of_other_shapes_show_all_of_the_subject(playwright: Playwright):
    scene = playwright.plain(playwright.subjects[1], "plain black")
    for shape in ((64, 36), (36, 64)):
        picture = draw_scene(scene, np.random.default_rng(0), *shape)[WHOLE]
        assert picture.shape == (shape[1], shape[0], 3)
        drawn = picture.max(axis=-1) > 120
        assert drawn.mean() > 0.06
        assert not drawn[0].any()
        assert not drawn[:, 0].any()
