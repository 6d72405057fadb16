"""Control nets on the device, and one forward of many rows, each with nets of its own.

Nothing in the UNet is changed: what the nets read in their pictures is added to what its encoder
hands to its decoder (Zhang et al. 2023). A net runs once for all rows that have it; rows without
any get zeros; a forward without any is the UNet's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import ControlNetUnionModel
from safetensors import SafetensorError
from torch import Tensor, nn

from generation.catalog.controls import ControlModel
from generation.conditions.tiling import Tiling
from generation.errors import AdapterUnavailable
from generation.loading.layouts.control_nets import load_control_net
from generation.phrases import Phrase, reason_of


@dataclass(frozen=True, slots=True, eq=False)
class LoadedNet:
    """A net on the device; ``token`` stands for it where it must not be kept in memory."""

    model: Any
    token: object = field(default_factory=object, repr=False)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(weight.nbytes for weight in self.model.parameters())

    @property
    def is_union(self) -> bool:
        """Whether it reads several things, and is told which."""
        return isinstance(self.model, ControlNetUnionModel)

    @property
    def prompted_only(self) -> bool:
        """Whether it is for rows with a prompt only, none for those of negative prompts.

        That is so of nets that read a picture's look as a whole, such as lllyasviel's "shuffle".
        """
        return bool(self.model.config["global_pool_conditions"])


@dataclass(frozen=True, slots=True, eq=False)
class RowControl:
    """What one net reads for a row: control pictures [1, 3, height, width] with their weights.

    There are several of a union net only, which reads them together; ``modes`` says what each is.
    """

    net: LoadedNet
    pictures: tuple[Tensor, ...]
    weights: tuple[float, ...]
    modes: tuple[int, ...] = ()

    @property
    def batch(self) -> object:
        """What rows must have in common for the net to run once for them."""
        return self.net, self.weights if len(self.pictures) > 1 else None


Piece = tuple[int, int, RowControl]  # of which row, and as how manieth


class RowControls:
    """Runs the control nets of a UNet's rows."""

    def __init__(self) -> None:
        self._rows: Sequence[Sequence[RowControl]] = ()
        self._tiled: Sequence[bool] = ()
        self._fixed = False

    @contextmanager
    def applied(
        self, rows: Sequence[Sequence[RowControl]], *, fixed: bool, tiled: Sequence[bool] = ()
    ) -> Iterator[None]:
        """Within this, ``residuals`` are those of these rows, of which some may be ``tiled``.

        With ``fixed``, forwards always have the same number of rows, and a row's residuals depend
        on the other rows in no bit.
        """
        self._rows, self._tiled, self._fixed = rows, tiled, fixed
        try:
            yield
        finally:
            self._rows = ()

    def residuals(
        self, latents: Tensor, timesteps: Tensor, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what the UNet is given beside these inputs of its own; nothing without nets."""
        if not any(self._rows):
            return {}
        batches: dict[object, list[Piece]] = {}
        for number, controls in enumerate(self._rows):
            for place, control in enumerate(controls):
                batches.setdefault(control.batch, []).append((number, place, control))
        outputs = []
        for pieces in batches.values():
            for start in range(0, len(pieces), len(self._rows)):
                part = pieces[start : start + len(self._rows)]
                outputs.append((part, self._run(part, latents, timesteps, options)))
        *down, middle = self._add(outputs)
        return {
            "down_block_additional_residuals": down,
            "mid_block_additional_residual": middle,
        }

    def _run(
        self, pieces: list[Piece], latents: Tensor, timesteps: Tensor, options: Mapping[str, Any]
    ) -> list[Tensor]:
        """Return a net's residuals [pieces, channels, h, w], from the input on; the middle last."""
        wanted = len(pieces)
        if self._fixed:
            pieces = pieces + pieces[-1:] * (len(self._rows) - wanted)
        rows = [number for number, _, _ in pieces]
        controls = [control for _, _, control in pieces]
        whole = rows == list(range(len(latents)))
        index = torch.tensor(rows, device=latents.device)

        def chosen(values: Tensor) -> Tensor:
            return values if whole else values.index_select(0, index)

        net = controls[0].net
        pictures = [
            torch.cat([control.pictures[one] for control in controls])
            for one in range(len(controls[0].pictures))
        ]
        weights = latents.new_tensor([one.weights[0] for one in controls], dtype=torch.float32)
        scale = weights.view(-1, 1, 1, 1)
        given: dict[str, Any] = {"controlnet_cond": pictures[0], "conditioning_scale": scale}
        if net.is_union:
            given = _union_options(controls, pictures, scale, latents)
        added = options.get("added_cond_kwargs")
        if added is not None:
            given["added_cond_kwargs"] = {name: chosen(one) for name, one in added.items()}
        channels: int = net.model.config["in_channels"]
        tiled = [self._tiled[number] for number in rows] if any(self._tiled) else []
        with Tiling(net.model if any(tiled) else nn.Identity()).applied(tiled, fixed=self._fixed):
            down, middle = net.model(
                chosen(latents[:, :channels]),
                chosen(timesteps),
                encoder_hidden_states=chosen(options["encoder_hidden_states"]),
                return_dict=False,
                **given,
            )
        return [one[:wanted].to(latents.dtype) for one in (*down, middle)]

    def _add(self, outputs: list[tuple[list[Piece], list[Tensor]]]) -> list[Tensor]:
        """Return each row's sums, in the order of its own nets."""
        pieces, alone = outputs[0]
        if len(outputs) == 1 and [number for number, _, _ in pieces] == [*range(len(self._rows))]:
            return alone
        sums = []
        for level in range(len(alone)):
            # Of a net that reads a look as a whole, they have one value for all of a picture.
            shape = torch.broadcast_shapes(*(found[level].shape[1:] for _, found in outputs))
            added = alone[level].new_zeros((len(self._rows), *shape))
            for place in range(max(map(len, self._rows))):
                for pieces, found in outputs:
                    picked = [one for one, piece in enumerate(pieces) if piece[1] == place]
                    if not picked:
                        continue
                    rows = torch.tensor([pieces[one][0] for one in picked], device=added.device)
                    values = found[level].expand(-1, *shape)
                    if len(picked) < len(pieces):
                        values = values[picked]
                    added.index_add_(0, rows, values)
            sums.append(added)
        return sums


def _union_options(
    controls: list[RowControl], pictures: list[Tensor], scale: Tensor, latents: Tensor
) -> dict[str, Any]:
    """Return what a union net is told beside its pictures: what each is, and how much it weighs."""
    model = controls[0].net.model
    kinds = torch.zeros(len(controls), model.config["num_control_type"])
    for row, control in zip(kinds, controls, strict=True):
        row[list(control.modes)] = 1
    modes = [
        torch.tensor([control.modes[one] for control in controls], device=latents.device)
        for one in range(len(pictures))
    ]
    together = len(pictures) > 1
    return {
        "controlnet_cond": pictures,
        "control_type": kinds.to(latents.device, latents.dtype),
        "control_type_idx": modes,
        "conditioning_scale": list(controls[0].weights) if together else [scale],
    }


def load_net(
    model: ControlModel, unet: nn.Module, device: torch.device, dtype: torch.dtype
) -> LoadedNet:
    """Load a control net for a checkpoint's UNet; raises AdapterUnavailable, saying why not."""
    config: Any = unet.config
    try:
        net = load_control_net(model.path, model.config, config, dtype)
    except (OSError, SafetensorError, ValueError, KeyError, IndexError, StopIteration) as error:
        why = reason_of(error)
        raise AdapterUnavailable(
            model.name, Phrase("checkpoint-file", file=model.path.name, why=why)
        ) from error
    return LoadedNet(net.to(device))
