"""What steers a request's pictures besides its prompts: control nets and IP-Adapters.

Both are kept on the device in one pool, with the image encoders that IP-Adapters look through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.catalog import Catalog
from generation.catalog.adapters import weights_of
from generation.catalog.controls import ControlModel, ReferenceModel, find_model
from generation.conditions.adapters.adapter_keys import Part
from generation.conditions.pool import Held, Key, NoRoom, Pool, key_of
from generation.conditions.steering.control_net import LoadedNet, RowControl, load_net
from generation.conditions.steering.ip_adapter import (
    ImageEncoder,
    LoadedReference,
    RowReference,
    attentions_of,
    load_encoder,
    load_reference,
    styled,
)
from generation.controls import Control
from generation.errors import InvalidRequest
from generation.loading.memory import total_bytes
from generation.phrases import Phrase
from generation.preprocess import control_picture
from generation.request import GenerationRequest
from generation.source_image import decode, open_png

if TYPE_CHECKING:
    from generation.families.pipeline import Pipeline

LEAST_BYTES = 3 * 2**30  # a net for SDXL takes 2.4 GiB in fp16
SHARE = 2  # of the device's memory, one in so many parts

Steers = LoadedNet | LoadedReference | ImageEncoder


@dataclass(frozen=True, slots=True)
class RowSteering:
    """What steers one row in one forward pass."""

    controls: tuple[RowControl, ...] = ()
    references: tuple[RowReference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.controls or self.references)


NOT_STEERED = RowSteering()


@dataclass(frozen=True, slots=True, eq=False)
class _Net:
    """A net of a request with what it reads: each control has its own picture and window."""

    net: LoadedNet
    controls: tuple[Control, ...]
    pictures: tuple[Tensor, ...]
    modes: tuple[int, ...]

    def at(self, step: int, steps: int) -> RowControl | None:
        """Return what a row gets at a step, from 0; None where the net rests."""
        weights = tuple(one.weight if _is_on(one, step, steps) else 0.0 for one in self.controls)
        return RowControl(self.net, self.pictures, weights, self.modes) if any(weights) else None


class Steering:
    """What steers a request's pictures; its models stay loaded as long as anybody holds this.

    ``tokens`` are those of each reference: for the rows of negative prompts, if the request is
    guided, then for the pictures', [rows, tokens, width].
    """

    def __init__(
        self,
        nets: Sequence[_Net] = (),
        references: Sequence[tuple[RowReference, Tensor]] = (),
        count: int = 1,
        *held: object,
    ) -> None:
        self._nets = nets
        self._references = references
        self._count = count
        self._held = held

    def towards(self, index: int, step: int, steps: int) -> RowSteering:
        """Return what steers the row of a picture's prompt at a step, from 0."""
        if not (self._nets or self._references):
            return NOT_STEERED
        controls = tuple(filter(None, (one.at(step, steps) for one in self._nets)))
        return RowSteering(controls, self._seen(index - self._count))

    def away(self, index: int, step: int, steps: int) -> RowSteering:
        """Return what steers the row of its negative prompt."""
        if not (self._nets or self._references):
            return NOT_STEERED
        nets = (one for one in self._nets if not one.net.prompted_only)
        controls = tuple(filter(None, (one.at(step, steps) for one in nets)))
        return RowSteering(controls, self._seen(index))

    def _seen(self, row: int) -> tuple[RowReference, ...]:
        """Return the references of one row of their tokens, counted from either end."""
        return tuple(
            RowReference(one.adapter, tokens[row][None], one.weight, one.layers)
            for one, tokens in self._references
        )


PLAIN = Steering()


class SteeringPool:
    """Keeps control nets, IP-Adapters and image encoders on the device, as many as fit.

    The least recently used goes first, and none that is in use.
    """

    def __init__(
        self, catalog: Catalog, device: torch.device, most_bytes: int | None = None
    ) -> None:
        self._catalog = catalog
        self._device = device
        self.kept: Pool[Steers] = Pool(most_bytes or max(LEAST_BYTES, total_bytes(device) // SHARE))

    def drop_idle(self) -> bool:
        """Drop what is not in use; return whether that can help."""
        return self.kept.drop_idle()

    def take(self, pipeline: "Pipeline", request: GenerationRequest) -> list[Steering] | None:
        """Return what steers a request's pictures in each pass, loading what is not here.

        None as long as what is in use leaves no room for it: ask again later. Raises
        AdapterUnavailable, and InvalidRequest for pictures that are missing or damaged, and where
        the models do not fit even alone.
        """
        mask = None
        if request.mask is not None:
            mask = decode(request.mask, request.width, request.height, ("L", "1"))
            mask = mask.convert("L")
        found = [self._take_for(pipeline, one, mask) for one in request.passes]
        steerings = [one for one in found if one is not None]
        return steerings if len(steerings) == len(found) else None

    def _take_for(
        self, pipeline: "Pipeline", request: GenerationRequest, mask: Image.Image | None
    ) -> Steering | None:
        if not (request.controls or request.references):
            return PLAIN
        family = weights_of(pipeline.architecture.name)
        controls = [
            find_model(one.name, self._catalog.controls, family) for one in request.controls
        ]
        references = [
            find_model(one.name, self._catalog.references, family) for one in request.references
        ]
        _check_pictures(request)
        held = self._hold(pipeline, [*controls, *references])
        if held is None:
            return None
        nets, adapters = held.items[: len(controls)], held.items[len(controls) :]
        seen = [
            self._seen(pipeline, request, place, model, adapter)
            for place, (model, adapter) in enumerate(zip(references, adapters, strict=True))
        ]
        return Steering(
            _nets(request, controls, nets, pipeline, mask), seen, request.num_images, held
        )

    def _hold(
        self, pipeline: "Pipeline", models: Sequence[ControlModel | ReferenceModel]
    ) -> Held[Steers] | None:
        unet, dtype = pipeline.adapted[Part.DENOISER], pipeline.latents_dtype

        def load(place: int) -> Steers:
            model = models[place]
            if isinstance(model, ControlModel):
                return load_net(model, unet, self._device, dtype)
            return load_reference(model, unet, self._device, dtype)

        # Checkpoints that are built alike share them.
        built = f"{pipeline.architecture.name} {dtype} {_build(unet)}"
        return self._take([key_of(built, model.path) for model in models], load, models)

    def _take(
        self,
        keys: list[Key],
        load: Callable[[int], Steers],
        models: Sequence[ControlModel | ReferenceModel],
    ) -> Held[Steers] | None:
        try:
            return self.kept.hold(keys, load)
        except NoRoom:
            most = self.kept.most_bytes // 2**20
            if isinstance(models[0], ControlModel):
                bound = Phrase("bound-control-memory", most=most)
                raise InvalidRequest("control", bound) from None
            bound = Phrase("bound-reference-memory", most=most)
            raise InvalidRequest("reference", bound) from None

    def _seen(
        self,
        pipeline: "Pipeline",
        request: GenerationRequest,
        place: int,
        model: ReferenceModel,
        adapter: Steers,
    ) -> tuple[RowReference, Tensor]:
        """Return a reference without its rows' tokens, and these; the encoder is let go of."""
        assert isinstance(adapter, LoadedReference)  # noqa: S101 - as it was loaded
        use = request.references[place]
        picture = open_png(request.reference_images[place], "reference_image").convert("RGB")
        dtype = pipeline.latents_dtype
        held = self._take(
            [key_of(str(dtype), model.encoder)],
            lambda _: load_encoder(model, self._device, dtype),
            [model],
        )
        if held is None:  # the others in use leave no room for it: it is loaded for this once
            encoder: Steers = load_encoder(model, self._device, dtype)
        else:
            (encoder,) = held.items
        assert isinstance(encoder, ImageEncoder)  # noqa: S101 - as it was loaded
        tokens = adapter.tokens(encoder, picture, request.num_images, guided=request.guided).to(
            dtype
        )
        layers = adapter.layers
        if use.kind == "style":
            layers = styled(layers, pipeline.architecture.name)
        return RowReference(adapter, tokens[:1], use.weight, layers if use.weight else {}), tokens


def _nets(
    request: GenerationRequest,
    models: Sequence[ControlModel],
    nets: Sequence[Steers],
    pipeline: "Pipeline",
    mask: Image.Image | None,
) -> list[_Net]:
    """Return a request's nets in its order; a union net reads all that it has at once."""
    found: dict[object, _Net] = {}
    for place, (control, model, net) in enumerate(zip(request.controls, models, nets, strict=True)):
        assert isinstance(net, LoadedNet)  # noqa: S101 - as it was loaded
        picture = open_png(request.control_images[place], "control_image")
        drawn = control_picture(control.preprocess, picture, mask)
        pixels = _pixels(drawn, request.width, request.height).to(
            pipeline.device, pipeline.latents_dtype
        )
        modes = () if model.mode is None else (model.mode,)
        key = net if net.is_union else (net, place)
        before = found.get(key, _Net(net, (), (), ()))
        found[key] = _Net(
            net,
            (*before.controls, control),
            (*before.pictures, pixels),
            (*before.modes, *modes),
        )
    return list(found.values())


def _pixels(picture: Image.Image, width: int, height: int) -> Tensor:
    """Return a control picture as nets take it, [1, 3, height, width] of 0…1.

    Transparent pixels are -1: what nets for inpainting are to make up.
    """
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    open_ = None
    if picture.mode == "RGBA":
        open_ = np.asarray(picture.getchannel("A")) < 128
    values = np.asarray(picture.convert("RGB"), np.float32) / 255
    if open_ is not None:
        values[open_] = -1.0
    return torch.from_numpy(values)[None].movedim(-1, 1).contiguous()


def _check_pictures(request: GenerationRequest) -> None:
    """Raise InvalidRequest unless there is a picture for each."""
    for field, uses, images in (
        ("control_image", request.controls, request.control_images),
        ("reference_image", request.references, request.reference_images),
    ):
        if len(images) != len(uses):
            raise InvalidRequest(field, Phrase("bound-pictures", count=len(uses)))


def _is_on(control: Control, step: int, steps: int) -> bool:
    """Whether a control is at work in a step, from 0: it lies in its share, as in diffusers."""
    return not (step / steps < control.start or (step + 1) / steps > control.end)


def _build(unet: torch.nn.Module) -> tuple[object, ...]:
    """Return what UNets have in common that take the same nets."""
    config: Any = unet.config
    return (
        *config["block_out_channels"],
        config["layers_per_block"],
        config["cross_attention_dim"],
        *attentions_of(unet),  # by whose names an IP-Adapter's layers are known
    )
