"""Pictures that a prompt names to be like: ``--cref`` and ``--sref`` with addresses of Discord's.

Nothing is asked of any other host: others' addresses are left out, and that is said.
"""

from functools import partial

from bot.core.pictures.steering import Fetch, FetchReference, once
from bot.options.image_options import ImageOptions
from bot.options.other_programs.midjourney import address_in, likeness_of
from bot.options.resolve import takes_references
from bot.ui.autocomplete import catalog_here
from bot.ui.file_hosts import is_discords
from bot.ui.interaction import Interaction
from bot.ui.interaction_context import fetch_address
from generation.controls import ReferenceKind


def typed_references(
    interaction: Interaction, said: ImageOptions, files: dict[str, Fetch]
) -> tuple[ImageOptions, list[FetchReference]]:
    """Return the options without the pictures of Discord's that they name, and what fetches these.

    They stay left out with a checkpoint that takes no references. ``files`` remembers them by their
    addresses, for several jobs.
    """
    if not said.left_out or not takes_references(catalog_here(interaction), said):
        return said, []
    left_out: list[str] = []
    found: list[FetchReference] = []
    for piece in said.left_out:
        kind, values = likeness_of(piece) or ("", [])
        others = []
        for value in values:
            address = address_in(value)
            if address is not None and is_discords(address):
                fetch = once(partial(fetch_address, interaction, "reference", address))
                found.append((ReferenceKind(kind), files.setdefault(address, fetch)))
            else:
                others.append(value)
        if not kind or others or not values:
            left_out.append(" ".join((piece.split()[0], *others)) if kind else piece)
    return ImageOptions(said, left_out=tuple(left_out)), found
