"""Our samplers by the names that others give them. Imports no torch."""

from generation.request import Sampler

# Where the web UI has another name than ours, which are its own otherwise.
THEIR_NAMES = {Sampler.PNDM: "PLMS"}
_OUR_NAMES = {
    name.casefold(): sampler
    for sampler in Sampler
    for name in (sampler.value, THEIR_NAMES.get(sampler, sampler.value))
}
# Noise schedules, the web UI's and ComfyUI's, that are no part of a sampler's name.
PLAIN = frozenset(
    ("", "automatic", "uniform", "normal", "simple", "sgm uniform", "sgm_uniform", "ddim_uniform")
)
# k-diffusion's, ComfyUI's and InvokeAI's names without what parts words, in the web UI's words.
_NAMES = {
    "ddim": "DDIM",
    "plms": "PLMS",
    "pndm": "PLMS",
    "euler": "Euler",
    "eulera": "Euler a",
    "eulerancestral": "Euler a",
    "dpmpp2m": "DPM++ 2M",
    "dpm++2m": "DPM++ 2M",
    "dpmpp2msde": "DPM++ 2M SDE",
    "dpmpp2msdegpu": "DPM++ 2M SDE",
    "dpm++2msde": "DPM++ 2M SDE",
    "unipc": "UniPC",
    "unipcbh2": "UniPC",
    "heun": "Heun",
    "lcm": "LCM",
    "tcd": "TCD",
}
_SPACES = str.maketrans("", "", " _-")


def sampler_named(name: str, schedule: str = "") -> Sampler | None:
    """Return our sampler that the web UI's name, and the noise schedule beside it, stand for."""
    name, schedule = name.strip().casefold(), schedule.strip().casefold()
    if schedule == "karras" or (name, schedule) == ("dpm++ 2m", "automatic"):
        return _OUR_NAMES.get(f"{name.removesuffix(' karras')} karras")
    return _OUR_NAMES.get(name) if schedule in PLAIN else None


def nearest(name: str, schedule: str = "") -> tuple[Sampler | None, str]:
    """Return our sampler for a program's, and its noise schedule if that is not ours."""
    if ours := named(name, schedule):
        return ours, ""
    return named(name), schedule


def named(name: str, schedule: str = "") -> Sampler | None:
    """Return our sampler that any program's name, and the schedule beside it, stand for."""
    if ours := sampler_named(name, schedule):
        return ours
    short = name.strip().casefold().removeprefix("sample_").removeprefix("k_")
    for ending in ("_k", " karras", "_karras"):
        if short.endswith(ending):
            short, schedule = short.removesuffix(ending), schedule or "karras"
    return sampler_named(_NAMES.get(short.translate(_SPACES), ""), schedule)
