"""Train the embedded checkpoint: ``python -m generation.embedded.recipe --work .training``."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from generation import weights
from generation.embedded import CHECKPOINT, WORDS
from generation.embedded.recipe.evaluation.judging import judge
from generation.embedded.recipe.models import Sizes
from generation.embedded.recipe.pictures.dataset import fetch, load_concepts
from generation.embedded.recipe.stages import train
from generation.embedded.recipe.vocabulary import write_words

COUNTS = (
    *("vae-steps", "vae-batch", "painted", "shaped", "pool", "fresh"),
    *("layered-steps", "sharpen-steps", "reading-steps", "reading-batch"),
    *("steps", "batch", "look-every", "classifier-steps", "classifier-examples"),
)
RATES = ("vae-rate", "sharpen-rate", "reading-rate", "rate")


def main() -> None:
    """Run every stage not done yet and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".training"))
    parser.add_argument("--out", type=Path, default=CHECKPOINT)
    parser.add_argument("--start", type=Path, help="a checkpoint whose weights to begin with")
    parser.add_argument("--picture", type=int, default=Sizes.picture, help="side in pixels")
    for names, kind in ((COUNTS, int), (RATES, float)):
        for name in names:
            default = getattr(Sizes, name.replace("-", "_"))
            parser.add_argument(f"--{name}", type=kind, default=default)
    given = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work, out, start = given.pop("work"), given.pop("out"), given.pop("start")
    work.mkdir(parents=True, exist_ok=True)
    fetch(work)
    concepts = load_concepts(work)
    sizes = replace(Sizes(), **given)
    train(sizes, concepts, work, out, start)
    if out == CHECKPOINT:
        write_words(WORDS, concepts)
        weights.renew()
    judge(out, concepts, sizes, work)


if __name__ == "__main__":
    main()
