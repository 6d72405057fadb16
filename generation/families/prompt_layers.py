"""What a UNet computes of its prompts alone, which is the same at every step, computed once."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import is_
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from generation.conditions.steering.ip_adapter import attentions_of


class PromptLayers:
    """The layers of a UNet whose input is its prompts' embeddings.

    They give the keys and values of cross attentions and, where the UNet adds a summary of the
    prompt to its timestep, that. Of the last rows' prompts their outputs are kept, until the first
    of these tensors is dropped, as it is when its request ends. On a CPU this saves the embedded
    checkpoint, whose prompts are long beside its pictures, 7 to 9 % of a forward pass; of the
    operations of Stable Diffusion 1 these are 0.4 %.
    """

    def __init__(self, unet: UNet2DConditionModel) -> None:
        attentions = attentions_of(unet).values()
        self._layers: list[Any] = [
            layer for one in attentions for layer in (one.to_k, one.to_v) if layer is not None
        ]
        if unet.config.addition_embed_type == "text":
            self._layers.append(unet.add_embedding)
        self._prompts: list[weakref.ref[Tensor]] = []
        self._stacked: Tensor | None = None
        self._outputs: dict[nn.Module, Tensor] = {}

    def stack(self, prompts: Sequence[Tensor]) -> Tensor:
        """Return the rows' embeddings, each [1, tokens, width], as one tensor.

        It is the same one as the last time if they are.
        """
        stacked, last = self._stacked, [one() for one in self._prompts]
        if stacked is None or len(last) != len(prompts) or not all(map(is_, last, prompts)):
            self._forget()
            self._prompts = [weakref.ref(one, self._forget) for one in prompts]
            self._stacked = stacked = torch.cat(list(prompts))
        return stacked

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within this, the layers compute nothing twice for the tensor that `stack` returned.

        Nothing may write into their outputs, as LoRAs do.
        """
        before = {layer: vars(layer).get("forward") for layer in self._layers}  # hooks' own
        for layer in self._layers:
            layer.forward = partial(self._once, layer, layer.forward)
        try:
            yield
        finally:
            for layer, forward in before.items():
                if forward is None:
                    del layer.forward
                else:
                    layer.forward = forward

    def _once(self, layer: nn.Module, own: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        if inputs is not self._stacked:
            return own(inputs)
        outputs = self._outputs
        if layer not in outputs:
            outputs[layer] = own(inputs)
        return outputs[layer]

    def _forget(self, _ended: object = None) -> None:
        # Any thread may be the one that drops the last reference to a prompt.
        self._prompts, self._stacked, self._outputs = [], None, {}
