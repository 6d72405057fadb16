"""What the check of pictures leads to, by the rules of the place where they were asked for."""

import io

from PIL import Image

from bot.db.records import NewJob, StoredPicture, Verdict

# A preview's pictures have 128 pixels on their short side; of 16, colours and composition are left.
COARSER = 8
QUALITY = 70


def verdict(job: NewJob, nsfw: float | None) -> Verdict:
    """Return what becomes of a picture with this score; one that nobody scored is shown."""
    if nsfw is None:
        return Verdict.SHOWN
    if job.refuse_above is not None and nsfw > job.refuse_above:
        return Verdict.REFUSED
    if job.spoiler_above is not None and nsfw > job.spoiler_above:
        return Verdict.SPOILER
    return Verdict.SHOWN


def is_checked(job: NewJob) -> bool:
    """Tell whether some pictures may not be shown here, or not at once."""
    return job.refuse_above is not None or job.spoiler_above is not None


def refusal(picture: StoredPicture) -> str:
    """Return the line for moderators about a refused picture."""
    return f"picture {picture.index + 1} refused ({picture.nsfw:.2f})"


def coarse(preview: bytes) -> bytes:
    """Return a preview in which nobody can make out what the check has not seen yet: a WebP."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(preview)) as opened:
        picture = opened.convert("RGB")
    small = (max(1, picture.width // COARSER), max(1, picture.height // COARSER))
    # BOX takes the mean of every cell; BICUBIC back to its size leaves no edges to read.
    cells = picture.resize(small, Image.Resampling.BOX)
    cells.resize(picture.size, Image.Resampling.BICUBIC).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()
