"""Checkpoints, and the catalog of those that can be chosen. Imports no torch."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generation.architectures import ARCHITECTURES, DISTILLED, SD1, Architecture
from generation.catalog.adapters import Adapter, adapter_named
from generation.catalog.controls import ControlModel, ReferenceModel
from generation.embedded import CHECKPOINT as EMBEDDED_FOLDER
from generation.errors import AdapterUnavailable, CheckpointUnavailable, InvalidRequest
from generation.phrases import Phrase
from generation.request import GUIDANCE, LCM_STEPS, STEPS, Aspect, Sampler, bounded
from generation.styles import NAME_LENGTH, NO_STYLE, Style

SIZE = (32, 1536)  # whose widest shape still has sides of `SIDE`
NAMED, NEAR = 12, 3  # names in a line about an unknown one: all of them, or the most similar
SPACINGS = ("leading", "trailing", "linspace")
SHIFT = (0.1, 100.0)  # of which 3 to 6 are usual; 1 is none
FAMILY_S: Any = None  # stands for the default of the checkpoint's family


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint and its recommended settings; the defaults are those of its family.

    ``source`` is a diffusers folder or a single file (Path), or a hub id (str). ``config`` is the
    folder or hub id with a single file's configurations, ``parts`` are files with the VAE or text
    encoders that a single file lacks or has worse. ``family`` is the name of an architecture.
    ``prediction_type``, ``timestep_spacing`` and ``zero_terminal_snr`` override the
    configuration's, and so does ``shift``, that of flow matching's noise levels, for every size.
    ``size`` is the side in pixels of a square picture; ``lcm`` means distilled for
    the LCM and TCD samplers; ``age_restricted``, for age-restricted channels only; ``roles``, the
    ids of Discord's roles that may draw with it, everybody if empty. ``picture`` is shown as its
    example. ``changed`` is its files' size and time, so that new contents are told from old ones.
    Raises InvalidRequest, naming the field and its limit.
    """

    name: str
    source: Path | str
    revision: str | None = None
    config: Path | str | None = None
    parts: tuple[Path, ...] = ()
    family: str = SD1.name
    prediction_type: str | None = None
    timestep_spacing: str | None = None
    zero_terminal_snr: bool | None = None
    shift: float | None = None
    size: int = FAMILY_S
    num_inference_steps: int = FAMILY_S
    guidance_scale: float = FAMILY_S
    sampler: Sampler = FAMILY_S
    lcm: bool = False
    age_restricted: bool = False
    roles: tuple[int, ...] = ()
    picture: Path | None = None
    changed: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LENGTH:
            raise InvalidRequest("name", Phrase("bound-characters", least=1, most=NAME_LENGTH))
        if self.family not in ARCHITECTURES:
            raise InvalidRequest("family", Phrase("bound-one-of", names=tuple(ARCHITECTURES)))
        for name in ("size", "num_inference_steps", "guidance_scale", "sampler"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(self.architecture, name))
        bounded("size", self.size, SIZE)
        multiple = self.architecture.side_multiple
        if self.size % multiple:
            raise InvalidRequest("size", Phrase("bound-multiple", of=multiple))
        bounded("num_inference_steps", self.num_inference_steps, STEPS)
        bounded("guidance_scale", self.guidance_scale, GUIDANCE)
        if self.sampler not in self.samplers:
            raise InvalidRequest("sampler", Phrase("bound-without-lcm", sampler=self.sampler))
        for name, known in (
            ("prediction_type", self.architecture.prediction_types),
            ("timestep_spacing", SPACINGS),
        ):
            if getattr(self, name) not in (None, *known):
                raise InvalidRequest(name, Phrase("bound-either", names=known))
        if self.shift is not None:
            if not self.architecture.flow_matching:
                none = Phrase("bound-no-shift", family=self.architecture.title)
                raise InvalidRequest("shift", none)
            bounded("shift", self.shift, SHIFT)
        if self.sampler in DISTILLED:
            bounded("num_inference_steps", self.num_inference_steps, LCM_STEPS)

    @property
    def architecture(self) -> Architecture:
        """The facts of its family."""
        return ARCHITECTURES[self.family]

    @property
    def loaded_from(self) -> tuple[Any, ...]:
        """What it is loaded from: another value means that it has to be loaded anew."""
        files = (self.source, self.revision, self.config, self.parts, self.changed)
        return (*files, self.family, *self.scheduler_settings.items())

    @property
    def scheduler_settings(self) -> dict[str, Any]:
        """What overrides its scheduler configuration, by diffusers' names."""
        said = {
            "prediction_type": self.prediction_type,
            "timestep_spacing": self.timestep_spacing,
            "rescale_betas_zero_snr": self.zero_terminal_snr,
            "shift": self.shift,
            "use_dynamic_shifting": None if self.shift is None else False,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def samplers(self) -> tuple[Sampler, ...]:
        """The samplers it offers, those for distilled checkpoints only where it is one."""
        return tuple(one for one in self.architecture.samplers if self.lcm or one not in DISTILLED)

    def admits(self, roles: frozenset[int]) -> bool:
        """Whether somebody with these roles may draw with it."""
        return not self.roles or not roles.isdisjoint(self.roles)

    def size_for(self, aspect: Aspect) -> tuple[int, int]:
        """Return (width, height) in pixels as its family takes them, at about ``size``² pixels."""
        return self.architecture.size_for(aspect.ratio, self.size)


EMBEDDED = Checkpoint(
    name="Emoji", source=EMBEDDED_FOLDER, size=128, num_inference_steps=20, guidance_scale=4.0
)


STYLES = (
    Style(
        name="Portrait",
        prompt="{prompt} face",
        description="The head of an animal",
        checkpoints=(EMBEDDED.name,),
    ),
    Style(
        name="In blue",
        prompt="{prompt} blue",
        description="Most things in blue",
        checkpoints=(EMBEDDED.name,),
    ),
    Style(
        name="In pink",
        prompt="{prompt} pink",
        description="Most things in pink",
        checkpoints=(EMBEDDED.name,),
    ),
)


@dataclass(slots=True)
class Catalog:
    """Checkpoints and styles by name, in the owner's order, and the default checkpoint's name.

    Every catalog finds everything. A ``discreet`` one lists nothing age-restricted, and one with
    ``roles`` no checkpoint that is reserved for others. Parts that were given the same catalog all
    see what it becomes. ``adapters`` are LoRAs and their relatives, ``embeddings`` words that
    prompts can name, ``controls`` ControlNets and ``references`` IP-Adapters. LoRAs whose names are
    ``withheld`` are not listed. ``captioners`` are folders of models that describe pictures,
    ``segmenters`` of those that find what words mean in them.
    """

    checkpoints: Mapping[str, Checkpoint]
    default: str
    styles: Mapping[str, Style] = field(default_factory=dict)
    discreet: bool = False
    roles: frozenset[int] | None = None
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    embeddings: Mapping[str, Adapter] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    controls: Mapping[str, ControlModel] = field(default_factory=dict)
    references: Mapping[str, ReferenceModel] = field(default_factory=dict)
    captioners: Sequence[Path] = ()
    segmenters: Sequence[Path] = ()

    def become(self, newer: "Catalog") -> None:
        """Take over all that another has to offer; copies made before stay."""
        self.checkpoints, self.default = newer.checkpoints, newer.default
        self.styles = newer.styles
        self.adapters, self.embeddings = newer.adapters, newer.embeddings
        self.controls, self.references = newer.controls, newer.references
        self.captioners, self.segmenters = newer.captioners, newer.segmenters

    def __getitem__(self, name: str) -> Checkpoint:
        """Return the checkpoint; raises CheckpointUnavailable if it is not in the catalog."""
        try:
            return self.checkpoints[name]
        except KeyError:
            raise CheckpointUnavailable(name, self._instead(name)) from None

    def style(self, name: str | None) -> Style | None:
        """Return the style, None for no name and for "none"; raises InvalidRequest."""
        if not name or (name.casefold() == NO_STYLE and name not in self.styles):
            return None
        if name not in self.styles:
            raise InvalidRequest(
                "style", Phrase("bound-one-of", names=(*self.style_names, NO_STYLE))
            )
        return self.styles[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of checkpoints that people can choose, in order."""
        return tuple(one.name for one in self.checkpoints.values() if self._names(one))

    @property
    def style_names(self) -> tuple[str, ...]:
        """The names of styles that people can choose, in order."""
        return tuple(one.name for one in self.styles.values() if self._names(one))

    @property
    def adapter_names(self) -> tuple[str, ...]:
        """The names of LoRAs that people can choose, in order."""
        return tuple(
            one.name
            for one in self.adapters.values()
            if one.name not in self.withheld and self._names(one)
        )

    def adapter(self, name: str) -> Adapter:
        """Return the LoRA that a name means; raises AdapterUnavailable, with the nearest names."""
        if (found := adapter_named(name, self.adapters)) is not None:
            return found
        names = {one.casefold(): one for one in self.adapter_names}
        near = difflib.get_close_matches(name.casefold(), names, NEAR)
        if not near:
            raise AdapterUnavailable(name, Phrase("adapter-not-listed"))
        similar = tuple(names[one] for one in near)
        raise AdapterUnavailable(name, Phrase("adapter-near", names=similar))

    def for_everybody(self) -> "Catalog":
        """Return what anybody may choose anywhere, with a suitable default."""
        return self.for_person(frozenset(), age_restricted=False)

    def for_person(self, roles: frozenset[int], *, age_restricted: bool) -> "Catalog":
        """Return what somebody with these roles may choose in a place, with a suitable default."""
        theirs = replace(self, discreet=not age_restricted, roles=roles)
        names = theirs.names
        if self.default in names or not names:
            return theirs
        return replace(theirs, default=names[0])

    def for_worker(self) -> "Catalog":
        """Return a copy whose lines about unknown names say only what everybody may know."""
        return replace(self, discreet=True, roles=frozenset())

    def _names(self, one: Checkpoint | Style | Adapter) -> bool:
        if self.discreet and one.age_restricted:
            return False
        return self.roles is None or isinstance(one, Style) or one.admits(self.roles)

    def _instead(self, name: str) -> Phrase:
        """Return what there is instead of an unknown checkpoint: all names, or similar ones."""
        names = self.names
        if not names:
            return Phrase("checkpoint-none-here")
        if len(names) <= NAMED:
            return Phrase("checkpoint-not-listed", names=names)
        near = difflib.get_close_matches(name, names, NEAR)
        if not near:
            return Phrase("checkpoint-not-among", count=len(names))
        return Phrase("checkpoint-near", count=len(names), names=tuple(near))
