"""Drawing over a part of a picture: as diffusers does it, and nothing else of it changes."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from generation.editing.masks import feathered, read_mask
from generation.engine.engine import Engine
from generation.errors import InvalidRequest
from generation.hires import Hires
from generation.request import Failed, Sampler
from generation.upscaler.tiles import Upscaler
from tests.generation.conftest import (
    CPU,
    TINY,
    MakeRequest,
    assert_alike,
    draw_source,
    pixels,
    run,
)
from tests.generation.editing.conftest import FAMILIES, FILL, FILL_2, FILL_XL, XL, References
from tests.generation.editing.pictures import draw_mask, pasted, png


@pytest.mark.parametrize("strength", [0.65, 1.0])
@pytest.mark.parametrize("sampler", Sampler)
def test_pixels_are_those_of_diffusers_with_every_sampler(
    engine: Engine,
    references: References,
    make_request: MakeRequest,
    sampler: Sampler,
    strength: float,
):
    for name in (TINY, FILL):
        request = make_request(
            checkpoint=name,
            sampler=sampler,
            num_inference_steps=5,
            strength=strength,
            image=draw_source(32, 48),
            mask=draw_mask(32, 48),
            feather=3,
            height=48,
        )
        drawn = pixels(run(engine, request))
        assert np.array_equal(drawn, pasted(references[name](request), request)), name


@pytest.mark.parametrize("guidance", [1.0, 6.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("name", [FILL_2, XL, FILL_XL])
def test_pixels_are_those_of_diffusers_in_every_family(
    engine: Engine, references: References, make_request: MakeRequest, name: str, guidance: float
):
    for strength in (0.5, 1.0):
        request = make_request(
            checkpoint=name,
            family=FAMILIES[name],
            sampler=Sampler.EULER_A,
            guidance_scale=guidance,
            negative_prompt="boats",
            strength=strength,
            image=draw_source(32, 32),
            mask=draw_mask(32, 32),
            feather=0,
        )
        drawn = pixels(run(engine, request))
        assert np.array_equal(drawn, pasted(references[name](request), request))


@pytest.mark.parametrize("sampler", [Sampler.DPMPP_2M, Sampler.DDIM, Sampler.LCM])
@pytest.mark.parametrize("name", [FILL_2, XL, FILL_XL])
def test_pixels_are_those_of_diffusers_with_each_kind_of_sampler(
    engine: Engine, references: References, make_request: MakeRequest, name: str, sampler: Sampler
):
    for strength in (0.7, 1.0):
        request = make_request(
            checkpoint=name,
            family=FAMILIES[name],
            sampler=sampler,
            num_inference_steps=4,
            strength=strength,
            image=draw_source(32, 32),
            mask=draw_mask(32, 32),
            feather=2,
        )
        drawn = pixels(run(engine, request))
        assert np.array_equal(drawn, pasted(references[name](request), request))


@pytest.mark.parametrize("name", [TINY, FILL])
@pytest.mark.parametrize("hires", [Hires(2.0, 0.6), Hires(1.5, 0.5, 8), Hires(1.0, 0.9)])
def test_a_second_pass_draws_over_the_same_part(
    engine: Engine, references: References, make_request: MakeRequest, name: str, hires: Hires
):
    request = make_request(
        checkpoint=name,
        strength=0.8,
        image=draw_source(48, 32),
        mask=draw_mask(48, 32),
        width=48,
        feather=3,
        hires=hires,
        num_images=2,
    )
    first = replace(request, hires=None)
    drawn = pixels(run(engine, request))
    second = request.second_pass
    assert second.feather == round(3 * hires.scale)
    mask = Image.open(io.BytesIO(request.mask)).resize((second.width, second.height), 0)
    for index, picture in enumerate(pasted(references[name](first), first)):
        image = Image.fromarray(picture)
        if hires.factor:
            image = Image.fromarray(Upscaler(CPU).upscale(image, hires.factor).numpy())
        image = image.resize((second.width, second.height), Image.Resampling.LANCZOS)
        one = replace(
            second,
            image=png(np.asarray(image)),
            mask=png(np.asarray(mask)),
            seed=request.seed + index,
            num_images=1,
        )
        # The engine draws both pictures in one batch, diffusers this one alone, in both passes.
        assert_alike(drawn[index], pasted(references[name](one), one)[0], share=0.02)
        kept = feathered(read_mask(one.mask, second.width, second.height), second.feather) == 0
        assert kept.any()
        assert np.array_equal(drawn[index][kept], np.asarray(image)[kept])


@pytest.mark.parametrize("strength", [None, 0.6])
@pytest.mark.parametrize("name", [FILL, FILL_2, FILL_XL])
def test_an_inpainting_model_draws_whole_pictures_too(
    engine: Engine,
    references: References,
    make_request: MakeRequest,
    name: str,
    strength: float | None,
):
    request = make_request(
        checkpoint=name,
        family=FAMILIES[name],
        strength=strength,
        image=None if strength is None else draw_source(32, 32),
    )
    assert np.array_equal(pixels(run(engine, request)), references[name](request))
    two = pixels(run(engine, replace(request, num_images=2)))
    assert len({one.tobytes() for one in two}) == 2


@pytest.mark.parametrize("feather", [0, 1, 5, 64])
@pytest.mark.parametrize("name", [TINY, FILL])
def test_what_is_kept_is_kept_to_the_byte(
    engine: Engine, make_request: MakeRequest, name: str, feather: int
):
    request = make_request(
        checkpoint=name,
        width=64,
        strength=1.0,
        image=draw_source(64, 32),
        mask=draw_mask(64, 32),
        feather=feather,
    )
    (drawn,) = pixels(run(engine, request))
    source = np.asarray(Image.open(io.BytesIO(request.image)))
    white = read_mask(request.mask, 64, 32)
    rows, columns = np.indices(white.shape)
    at = np.argwhere(white)
    distances = np.sqrt(((np.dstack([rows, columns])[:, :, None] - at) ** 2).sum(-1).min(-1))
    kept = distances > feather
    assert kept.any() == (feather < 64)
    assert np.array_equal(drawn[kept], source[kept])
    assert (drawn[white] != source[white]).mean() > 0.5, "the white is drawn over"
    if feather > 1:
        soft = ~white & ~kept
        assert (drawn[soft] != source[soft]).any()


def test_a_preview_shows_what_stays(engine: Engine, make_request: MakeRequest):
    request = make_request(
        strength=1.0, image=draw_source(32, 32), mask=draw_mask(32, 32), feather=0
    )
    engine.add(1, request)
    engine.step()
    sample = engine._aboard[1].samples[0]
    kept = sample._kept
    stays = (kept.mask == 0).expand_as(kept.source)
    assert sample.clean()[stays].equal(kept.source[stays])
    engine.cancel(1)
    assert isinstance(engine.step()[0][1], Failed)


def test_a_thin_mask_still_draws(engine: Engine, make_request: MakeRequest):
    line = np.zeros((32, 32), np.uint8)
    line[:, 13] = 255  # between the pixels by which cells count
    request = make_request(strength=1.0, image=draw_source(32, 32), mask=png(line), feather=0)
    (drawn,) = pixels(run(engine, request))
    source = np.asarray(Image.open(io.BytesIO(request.image)))
    # What was drawn there is no mere copy of the source through the VAE.
    seeds = [pixels(run(engine, make_request(**_of(request), seed=seed)))[0] for seed in (1, 2)]
    assert not np.array_equal(*(one[:, 13] for one in seeds))
    assert np.array_equal(np.delete(drawn, 13, 1), np.delete(source, 13, 1))


def _of(request: object) -> dict[str, object]:
    return {name: getattr(request, name) for name in ("strength", "image", "mask", "feather")}


BROKEN = [
    (None, "mask must be given when there is a feather"),
    (b"no picture", "mask must be a greyscale PNG of 32×32 px"),
    (png(np.full((32, 24), 255, np.uint8)), "mask must be a greyscale PNG of 32×32 px"),
    (png(np.zeros((32, 32, 3), np.uint8)), "mask must be a greyscale PNG of 32×32 px"),
    (png(np.full((32, 32), 127, np.uint8)), "mask must be white where"),
    (png(np.full((32, 32), 128, np.uint8)), "mask must be black where"),
    (draw_mask(32, 32)[:-30], "mask must be a greyscale PNG of 32×32 px"),
]


@pytest.mark.parametrize(("mask", "line"), BROKEN, ids=range(len(BROKEN)))
def test_a_mask_that_is_none_is_one_line(
    engine: Engine, make_request: MakeRequest, mask: bytes | None, line: str
):
    request = make_request(strength=1.0, image=draw_source(32, 32), mask=mask, feather=4)
    (failed,) = run(engine, request)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, InvalidRequest)
    assert str(failed.error).startswith(line)
    assert "\n" not in str(failed.error)
