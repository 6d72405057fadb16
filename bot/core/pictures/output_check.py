"""How the place's rules treat the safety scores of generated pictures."""

import io

from PIL import Image

from bot.db.records import NewJob, StoredPicture, Verdict

# A preview is 128 pixels on its short side; 16 keep only colours and composition.
COARSER = 8
QUALITY = 70


def verdict(job: NewJob, nsfw: float | None) -> Verdict:
    """Return how a picture with this score is treated; one without a score is shown."""
    if nsfw is None:
        return Verdict.SHOWN
    if job.refuse_above is not None and nsfw > job.refuse_above:
        return Verdict.REFUSED
    if job.spoiler_above is not None and nsfw > job.spoiler_above:
        return Verdict.SPOILER
    return Verdict.SHOWN


def is_checked(job: NewJob) -> bool:
    """Tell whether some pictures may be spoilered or refused here."""
    return job.refuse_above is not None or job.spoiler_above is not None


def refusal(picture: StoredPicture) -> str:
    """Return the line for moderators about a refused picture."""
    return f"picture {picture.index + 1} refused ({picture.nsfw:.2f})"


def coarse(preview: bytes) -> bytes:
    """Return a preview (WebP) too coarse to reveal what has not been checked yet."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(preview)) as opened:
        picture = opened.convert("RGB")
    small = (max(1, picture.width // COARSER), max(1, picture.height // COARSER))
    # BOX averages each cell; BICUBIC back to full size leaves no sharp edges.
    cells = picture.resize(small, Image.Resampling.BOX)
    cells.resize(picture.size, Image.Resampling.BICUBIC).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()
