"""The options for generating a picture, each declared here and nowhere else.

To add one, add its declaration at the end, its texts to the catalog, and its field to
`generation.request`. The texts of an option with the key ``guidance`` are

- ``command-imagine.guidance``, its description in /imagine;
- ``preference.guidance``, its description in /settings and /config, if it can have a default;
- ``parameter.guidance``, its name on a card, if it is shown there;
- ``settings-guidance``, its part of the line below pictures (``$guidance``), if it has one;
- ``left-out-guidance``, if a picture's file may contain it (``$said``);
- ``form-guidance`` with ``.hint``, if a form asks for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any

from bot.options.adapters.asked import choices, samplers_for
from bot.options.adapters.value import Adapters
from bot.options.controls import LENGTH as CONTROLS_LENGTH
from bot.options.controls import Controls
from bot.options.values import (
    Enlargement,
    Name,
    Number,
    OneOf,
    Prompt,
    SamplerName,
    Seed,
    Shape,
    Strength,
    Truth,
    Upload,
    Value,
    Whole,
)
from generation.catalog import Catalog, Checkpoint
from generation.catalog.adapters import weights_of
from generation.catalog.controls import for_family
from generation.controls import CONTROL_WEIGHT, REFERENCE_WEIGHT, ReferenceKind
from generation.hires import SCALE
from generation.metadata.infotext import ENLARGED_TO, RESCALED_BY, TILED
from generation.request import COUNT, GUIDANCE, PROMPT_LENGTH, RESCALE, SEED, STEPS, Aspect
from generation.styles import NAME_LENGTH


class Layer(Enum):
    """The layers that can set a default, the most specific first."""

    PERSON = auto()
    PLACE = auto()  # a channel, then its server
    CHECKPOINT = auto()


class Shown(Flag):
    """Where a finished job's value is shown."""

    NOWHERE = 0
    LINE = auto()  # below the pictures
    DETAILS = auto()
    EVERYWHERE = LINE | DETAILS


EVERY_LAYER = frozenset(Layer)
PEOPLE = frozenset((Layer.PERSON, Layer.PLACE))
NO_LAYER: frozenset[Layer] = frozenset()

# What can be chosen; of a mapping, by labels that are its values.
Offers = Callable[[Catalog, Mapping[str, Any]], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option for generating a picture.

    ``field`` is its name in commands and in `ImageOptions`, ``key`` the last part of its text keys.
    /imagine may require it. It can be typed in a prompt after ``--`` and one of its ``names``, the
    preferred one first; with ``takes_all``, all words up to the next parameter are its value. If no
    layer sets it, ``default`` applies. ``request`` is the field of `GenerationRequest` that it
    fills; a checkpoint that can set a default has the same field. ``column`` is its name in CSV;
    options with one are in a person's data export too. ``file`` is its field of
    `infotext.Parameters`, or else its key in the web UI's settings line. ``offers`` returns the
    choices, given the options so far. ``bare`` values need no label. ``in_form`` is its place in a
    remix form, which has five; 0 is none.
    """

    field: str
    key: str
    value: Value
    required: bool = False
    names: tuple[str, ...] = ()
    takes_all: bool = False
    layers: frozenset[Layer] = NO_LAYER
    default: Any = None
    request: str | None = None
    column: str | None = None
    file: str | None = None
    offers: Offers | None = None
    shown: Shown = Shown.NOWHERE
    bare: bool = False
    in_form: int = 0


def _checkpoints(catalog: Catalog, _: Mapping[str, Any]) -> Iterable[str]:
    return catalog.names


def _styles(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[str]:
    picked = said.get("checkpoint")
    return [one for one in catalog.style_names if not picked or catalog.styles[one].fits(picked)]


def _samplers(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[str]:
    return samplers_for(catalog, said, _picked(catalog, said))


def _loras(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[str]:
    return choices(catalog, said, _picked(catalog, said))


def _picked(catalog: Catalog, said: Mapping[str, Any]) -> Checkpoint:
    picked = said.get("checkpoint")
    return catalog[picked if picked in catalog.names else catalog.default]


def _controls(catalog: Catalog, said: Mapping[str, Any]) -> Iterable[str]:
    """Those that fit the checkpoint come first."""
    picked = said.get("checkpoint")
    checkpoint = catalog[picked if picked in catalog.names else catalog.default]
    return for_family(catalog.controls, weights_of(checkpoint.family))


# In the order of /imagine.
_DECLARED = (
    Option(
        field="prompt",
        key="prompt",
        value=Prompt(1, PROMPT_LENGTH),
        required=True,
        column="prompt",
        in_form=1,
    ),
    Option(
        field="negative_prompt",
        key="negative-prompt",
        value=Prompt(0, PROMPT_LENGTH),
        names=("no", "negative"),
        takes_all=True,
        layers=frozenset((Layer.PERSON,)),
        column="negative_prompt",
        in_form=2,
    ),
    Option(
        field="aspect",
        key="aspect",
        value=Shape(),
        names=("ar", "aspect"),
        layers=PEOPLE,
        default=Aspect.SQUARE,
        file="size",
        shown=Shown.EVERYWHERE,  # as the resulting size in pixels
    ),
    Option(
        field="count",
        key="count",
        value=Whole(*COUNT),
        names=("n", "count"),
        layers=PEOPLE,
        default=4,
        request="num_images",
        column="pictures",
    ),
    Option(
        field="steps",
        key="steps",
        value=Whole(*STEPS),
        names=("steps",),
        layers=EVERY_LAYER,
        request="num_inference_steps",
        column="steps",
        file="steps",
        shown=Shown.EVERYWHERE,
        in_form=5,
    ),
    Option(
        field="guidance_scale",
        key="guidance",
        value=Number(*GUIDANCE),
        names=("cfg", "guidance"),
        layers=EVERY_LAYER,
        request="guidance_scale",
        column="guidance",
        file="guidance_scale",
        shown=Shown.EVERYWHERE,
        in_form=4,
    ),
    Option(
        field="seed",
        key="seed",
        value=Seed(*SEED),
        names=("seed",),
        request="seed",
        column="seed",
        file="seed",
        shown=Shown.LINE,  # Details shows each picture's own seed
        in_form=3,
    ),
    Option(
        field="sampler",
        key="sampler",
        value=SamplerName(),
        names=("sampler",),
        takes_all=True,
        layers=EVERY_LAYER,
        request="sampler",
        column="sampler",
        file="sampler",
        offers=_samplers,
        shown=Shown.EVERYWHERE,
        bare=True,
    ),
    Option(
        field="checkpoint",
        key="checkpoint",
        value=Name(1, NAME_LENGTH),
        names=("model", "checkpoint"),
        takes_all=True,
        layers=PEOPLE,
        request="checkpoint",
        column="checkpoint",
        file="model",
        offers=_checkpoints,
        shown=Shown.EVERYWHERE,
        bare=True,
    ),
    Option(
        field="style",
        key="style",
        value=Name(1, NAME_LENGTH),
        names=("style",),
        takes_all=True,
        layers=PEOPLE,
        column="style",
        offers=_styles,
        shown=Shown.EVERYWHERE,
    ),
    Option(field="image", key="image", value=Upload()),
    Option(
        field="strength",
        key="strength",
        value=Strength(0.01, 1.0),
        request="strength",
        column="strength",
        file="strength",
        shown=Shown.EVERYWHERE,
    ),
    Option(
        field="guidance_rescale",
        key="rescale",
        value=Number(*RESCALE),
        names=("rescale",),
        layers=PEOPLE,
        request="guidance_rescale",
        column="guidance_rescale",
        file=RESCALED_BY,
        shown=Shown.EVERYWHERE,
    ),
    Option(
        field="lora",
        key="lora",
        value=Adapters(),
        names=("lora",),
        takes_all=True,
        request="adapters",
        column="lora",
        offers=_loras,
        shown=Shown.EVERYWHERE,
    ),
    Option(
        field="control",
        key="control",
        value=Controls(1, CONTROLS_LENGTH),
        names=("control", "controlnet"),
        takes_all=True,
        column="control",
        offers=_controls,
        shown=Shown.EVERYWHERE,
    ),
    Option(field="control_image", key="control-image", value=Upload()),
    Option(
        field="control_weight",
        key="control-weight",
        value=Number(*CONTROL_WEIGHT),
        names=("cw", "control-weight"),
        column="control_weight",
        shown=Shown.DETAILS,
    ),
    Option(field="reference", key="reference", value=Upload()),
    Option(
        field="reference_weight",
        key="reference-weight",
        value=Number(*REFERENCE_WEIGHT),
        names=("rw", "reference-weight"),
        column="reference_weight",
        shown=Shown.EVERYWHERE,
    ),
    Option(
        field="reference_kind",
        key="reference-kind",
        value=OneOf(ReferenceKind),
        names=("rk", "reference-kind"),
        column="reference_kind",
        shown=Shown.DETAILS,
    ),
    Option(
        field="hires",
        key="hires",
        value=Enlargement(*SCALE),
        names=("hires",),
        layers=PEOPLE,
        request="hires",
        column="hires",
        file=ENLARGED_TO,
        shown=Shown.EVERYWHERE,
    ),
    Option(
        field="tile",
        key="tile",
        value=Truth(),
        names=("tile",),
        layers=PEOPLE,
        request="tiling",
        column="tile",
        file=TILED,
        shown=Shown.EVERYWHERE,
    ),
    Option(field="private", key="private", value=Truth(), layers=frozenset((Layer.PERSON,))),
)
OPTIONS = {option.field: option for option in _DECLARED}

# /settings and /config show some in another order, and so do displays of a picture's settings.
_DEFAULTS_FIRST = (
    "checkpoint", "aspect", "steps", "guidance_scale", "count", "style", "sampler"
)  # fmt: skip
_SHOWN_FIRST = (
    "prompt",
    "negative_prompt",
    "checkpoint",
    "style",
    "aspect",
    "count",
    "steps",
    "sampler",
    "lora",
)


def with_defaults(layer: Layer) -> list[Option]:
    """Return the options a layer can set defaults of, in its own order."""
    return [option for option in _ordered(_DEFAULTS_FIRST) if layer in option.layers]


def as_shown() -> list[Option]:
    """Return every option in display order."""
    return _ordered(_SHOWN_FIRST)


def in_forms() -> list[Option]:
    """Return the options in a remix form, in order."""
    found = [option for option in OPTIONS.values() if option.in_form]
    return sorted(found, key=lambda option: option.in_form)


def _ordered(first: Iterable[str]) -> list[Option]:
    """Return every option, the named ones first."""
    return list({**{field: OPTIONS[field] for field in first}, **OPTIONS}.values())
