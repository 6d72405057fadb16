"""Controls and references of /imagine: a net by its name, a picture that it reads, a likeness."""

import io
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from PIL import Image
from yarl import URL

from bot.db.records import InputRole
from bot.texts import say
from bot.texts.inert import inert
from bot.ui.file_hosts import TooLarge
from generation.catalog.controls import ControlModel, ReferenceModel
from generation.controls import Control, Reference
from tests.bot.conftest import House
from tests.bot.features.imagine.test_remix import answers

NETS = (
    ControlModel(name="xl_depth", path=Path("d"), family="sdxl", controls="depth"),
    ControlModel(name="sd15_canny", path=Path("c"), family="sd1", controls="canny"),
    ControlModel(name="sd15_openpose", path=Path("p"), family="sd1", controls="pose"),
)
ADAPTERS = tuple(
    ReferenceModel(name=name, path=Path("r"), family="sd1", encoder=Path("e"))
    for name in ("a-face-plus_sd15", "ip-adapter_sd15", "ip-adapter-plus_sd15")
)


@pytest.fixture(autouse=True)
def _models(house: House) -> None:
    house.app.catalog.controls = {one.name: one for one in NETS}
    house.app.catalog.references = {one.name: one for one in ADAPTERS}


def upload(width: int = 64, height: int = 64, colour: str = "red") -> tuple[str, bytes]:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return f"{colour}.png", file.getvalue()


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


async def draw(house: House, prompt: str = "a fox", **given: object):
    result = await house.mia.slash(house.channel, "imagine", prompt=prompt, count=1, **given)
    await house.settle()
    return result


async def test_a_net_reads_the_picture_that_is_attached(house: House):
    result = await draw(
        house, control="SD15_canny", control_image=upload(300, 400), control_weight=0.8
    )
    (request,) = house.executor.requests
    assert request.controls == (Control("sd15_canny", 0.8, preprocess="canny"),)
    (picture,) = request.control_images
    assert (opened(picture).format, opened(picture).size) == ("PNG", (128, 128))
    assert "control sd15\\_canny" in result.response.content
    job = await house.job(1)
    assert [one.role for one in job.inputs] == [InputRole.CONTROL]


async def test_it_is_found_by_what_it_reads_and_typed(house: House):
    await draw(house, "a fox --cw 0.5 --control pose", control_image=upload())
    (request,) = house.executor.requests
    assert request.controls == (Control("sd15_openpose", 0.5),), "the pose is the person's own"
    assert request.prompt == "a fox"


async def test_without_a_picture_of_its_own_it_reads_the_source(house: House):
    await draw(house, control="canny", image=upload(colour="blue"))
    (request,) = house.executor.requests
    assert request.control_images == (request.image,)


async def test_a_reference_has_the_adapter_for_pictures_of_anything(house: House):
    result = await draw(house, reference=upload(600, 300), reference_kind="style")
    (request,) = house.executor.requests
    assert request.references == (Reference("ip-adapter-plus_sd15", 0.7, "style"),)
    assert opened(request.reference_images[0]).size == (512, 512)
    assert "reference 0.7" in result.response.content


async def test_several_nets_read_one_picture_each_with_its_weight_and_its_steps(house: House):
    result = await draw(
        house, "a fox --control canny:0.8:0-0.5, pose --cw 0.4", control_image=upload()
    )
    (request,) = house.executor.requests
    assert request.controls == (
        Control("sd15_canny", 0.8, 0.0, 0.5, "canny"),
        Control("sd15_openpose", 0.4),
    )
    assert len(set(request.control_images)) == 1
    assert len(request.control_images) == 2
    job = await house.job(1)
    assert [one.role for one in job.inputs] == [InputRole.CONTROL] * 2
    assert inert("sd15_canny:0.8:0-0.5, sd15_openpose:0.4") in result.response.content
    form = await house.mia.click(result.response, label=say("button-remix"))
    await house.mia.submit_modal(form, answers(form.modal, prompt="a cat"))
    await house.settle()
    assert house.executor.requests[1].controls == request.controls
    assert house.executor.requests[1].control_images == request.control_images


async def test_a_control_typed_twice_is_both(house: House):
    await draw(house, "a fox --control canny --control pose:1.5", image=upload())
    (request,) = house.executor.requests
    assert [(one.name, one.weight) for one in request.controls] == [
        ("sd15_canny", 1.0),
        ("sd15_openpose", 1.5),
    ]
    assert request.control_images == (request.image,) * 2


class Host:
    """Discord's file host: a picture at each of its addresses, or an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

        async def download(address: str, *_: object) -> bytes:
            self.asked.append(address)
            if self.error is not None:
                raise self.error
            return upload(300, 200, "blue")[1]

        monkeypatch.setattr("bot.ui.interaction_context.download", download)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


CAT = "https://cdn.discordapp.com/attachments/1/2/cat.png?ex=6&is=7&hm=8"
FOG = "https://media.discordapp.net/attachments/1/3/fog.webp"


async def test_addresses_of_discord_s_are_references(house: House, host: Host):
    result = await draw(house, f"a fox --cref {CAT} --rw 0.5 --sref <{FOG}>::2 random --ar 3:2")
    (request,) = house.executor.requests
    assert request.prompt == "a fox"
    assert request.references == (
        Reference("ip-adapter-plus_sd15", 0.5, "subject"),
        Reference("ip-adapter-plus_sd15", 0.5, "style"),
    )
    assert sorted(host.asked) == sorted((CAT, FOG))
    assert opened(request.reference_images[1]).size == (512, 512)
    assert (await house.job(1)).left_out == "--sref random"
    await house.mia.click(result.response, label=say("button-reroll"))
    await house.settle()
    assert house.executor.requests[1].references == request.references
    form = await house.mia.click(result.response, label=say("button-remix"))
    await house.mia.submit_modal(form, answers(form.modal, prompt="a cat"))
    await house.settle()
    assert house.executor.requests[2].references == request.references
    assert house.executor.requests[2].reference_images == request.reference_images


async def test_with_an_attached_one_there_are_two(house: House, host: Host):
    await draw(house, f"a fox --sref {FOG}", reference=upload())
    (request,) = house.executor.requests
    assert [one.kind for one in request.references] == ["subject", "style"]
    assert len(set(request.reference_images)) == 2
    assert (await house.job(1)).left_out is None


async def test_several_jobs_fetch_each_once(house: House, host: Host):
    asked = await house.mia.slash(
        house.channel, "imagine", prompt=f"a {{fox, cat}} --sref {FOG} --cref {CAT}"
    )
    await house.mia.click(asked.response, label=say("question-yes", jobs=2))
    await house.settle()
    assert sorted(host.asked) == sorted((CAT, FOG))
    jobs = [await house.job(number) for number in (1, 2)]
    assert all(len(one.request.references) == 2 for one in jobs)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a.png",
        "http://cdn.discordapp.com/attachments/1/2/cat.png",
        "https://cdn.discordapp.com@169.254.169.254/cat.png",
        "https://cdn.discordapp.com.example.com/cat.png",
        "http://127.0.0.1/cat.png",
    ],
)
async def test_no_other_host_is_asked(house: House, host: Host, address: str):
    await draw(house, f"a fox --sref {address} {FOG}")
    (request,) = house.executor.requests
    assert host.asked == [FOG]
    assert len(request.references) == 1
    assert (await house.job(1)).left_out == f"--sref {address}"


async def test_without_an_adapter_they_are_left_out_as_ever(house: House, host: Host):
    house.app.catalog.references = {}
    await draw(house, f"a fox --cref {CAT}")
    (request,) = house.executor.requests
    assert not request.references
    assert (await house.job(1)).left_out == f"--cref {CAT}"
    assert host.asked == []


async def test_an_address_that_expired_is_one_private_line(house: House, host: Host):
    asked = aiohttp.RequestInfo(URL(CAT), "GET", CIMultiDictProxy(CIMultiDict()))
    host.error = aiohttp.ClientResponseError(asked, (), status=404)
    refused = await house.mia.slash(house.channel, "imagine", prompt=f"a fox --cref {CAT}")
    assert house.refusal(refused) == say("error-file-gone", field="reference")
    host.error = TooLarge("x")
    refused = await house.mia.slash(house.channel, "imagine", prompt=f"a fox --cref {CAT}")
    assert "at most 10 MiB" in house.refusal(refused)
    assert await house.jobs.get(1) is None


async def test_more_than_four_are_one_private_line(house: House, host: Host):
    asked = " ".join([CAT] * 5)
    refused = await house.mia.slash(house.channel, "imagine", prompt=f"a fox --cref {asked}")
    assert "at most 4 references" in house.refusal(refused)
    assert host.asked == []


async def test_midjourney_s_weights_stay_midjourney_s(house: House):
    result = await draw(house, "a fox --cref https://example.com/a.png --cw 50 --sw 100")
    (request,) = house.executor.requests
    assert not request.controls
    assert not request.references
    left_out = (await house.job(1)).left_out
    assert left_out == "--cref https://example.com/a.png, --cw 50, --sw 100"
    assert "--cw 50" in result.response.content


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"control": "xl_depth", "control_image": upload()}, "was made for Stable Diffusion XL"),
        ({"control": "sd15_cany", "control_image": upload()}, "similar names are sd15"),
        ({"control": "canny"}, "`control_image` must be a picture"),
        ({"control": "canny:3"}, "`control` must be 0 to 2"),
        ({"control": "canny:1:0.5-0.2"}, say("bound-controls-window")),
        ({"control": "canny:much"}, "`control` must be written as"),
        ({"control": "canny, pose, canny, pose"}, "commas between up to 3"),
        ({"control_image": upload()}, say("bound-control-needed")),
        ({"control_weight": 0.5}, "`control_weight` must be left out"),
        ({"reference_weight": 0.5}, "`reference` must be a picture"),
        ({"reference_kind": "style"}, "`reference_kind` must be left out"),
        (
            {"control": "canny", "control_image": ("a.png", b"not a picture")},
            say("error-invalid", field="control_image", bound=say("bound-image-file")),
        ),
        (
            {"reference": ("a.png", b"not a picture")},
            say("error-invalid", field="reference", bound=say("bound-image-file")),
        ),
    ],
)
async def test_what_cannot_be_gets_a_private_line_and_no_job(house: House, options, line):
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox", **options)
    assert line in house.refusal(refused)
    assert await house.jobs.get(1) is None


async def test_without_an_adapter_for_the_checkpoint_it_is_said(house: House):
    house.app.catalog.references = {}
    refused = await house.mia.slash(house.channel, "imagine", prompt="a fox", reference=upload())
    assert "there is no IP-Adapter for it here" in house.refusal(refused)


async def test_names_are_offered_those_that_fit_first(house: House):
    offered = await house.mia.autocomplete(house.channel, "imagine", "control", "")
    assert [one["value"] for one in offered] == ["sd15_canny", "sd15_openpose", "xl_depth"]
    offered = await house.mia.autocomplete(house.channel, "imagine", "control", "pose")
    assert [one["value"] for one in offered] == ["sd15_openpose"]


async def test_what_is_made_of_it_keeps_the_net_and_the_picture(house: House):
    result = await draw(house, control="canny", control_image=upload(), reference=upload())
    first = house.executor.requests[0]
    for label in (say("button-reroll"), "V1"):
        await house.mia.click(result.response, label=label)
        await house.settle()
    for made in house.executor.requests[1:]:
        assert made.controls == first.controls
        assert made.references == first.references
        assert made.control_images == first.control_images
        assert made.reference_images == first.reference_images
    assert len(house.executor.requests) == 3


async def test_a_remix_keeps_them_and_fits_the_picture_to_a_new_shape(house: House):
    result = await draw(
        house, control="canny", control_image=upload(), control_weight=0.6, reference=upload()
    )
    form = await house.mia.click(result.response, label=say("button-remix"))
    await house.mia.submit_modal(form, answers(form.modal, prompt="a cat --ar 3:2"))
    await house.settle()
    first, made = house.executor.requests
    assert made.prompt == "a cat"
    assert made.controls == first.controls
    assert made.references == first.references
    assert opened(made.control_images[0]).size == (made.width, made.height) != (128, 128)
    assert made.reference_images == first.reference_images


async def test_details_name_them(house: House):
    result = await draw(house, control="canny", control_image=upload(), reference=upload())
    shown = await house.mia.click(result.response, label="Details")
    embed = shown.response.embeds[0]
    fields = {field.name: field.value for field in embed.fields}
    assert fields["ControlNet"] == r"sd15\_canny"
    assert fields["Control weight"] == "1"
    assert fields["Reference weight"] == "0.7"
