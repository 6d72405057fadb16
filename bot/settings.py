"""The settings, read once from the environment and `.env`; only `__main__` reads them."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.dotenv import FILE, encoding_of, misspelt
from bot.logs import LogFormat
from generation.library.folder_list import folders_in, listed
from generation.options import MOST_ROWS, Compile
from generation.worker.devices import Device, parse

DISCORD_API = "https://discord.com/api/v10"
DISCORD_GATEWAY = "wss://gateway.discord.gg/"
DISCORD_CDN = "https://cdn.discordapp.com"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class DiscordSettings(BaseModel):
    """The connection to Discord and the bot's identity."""

    token: SecretStr = Field(
        default=SecretStr(""), description="The bot's token, from Discord's developer portal."
    )
    api_url: str = Field(
        default=DISCORD_API,
        pattern="^https?://",
        description="Discord's REST address; the playground and tests point it at themselves.",
    )
    gateway_url: str = Field(
        default=DISCORD_GATEWAY, pattern="^wss?://", description="Discord's gateway address."
    )
    cdn_url: str = Field(
        default=DISCORD_CDN, pattern="^https?://", description="Discord's file host."
    )
    timeout_s: float = Field(
        default=45,
        ge=3,
        le=600,
        description="Seconds that Discord may take to answer before a request counts as lost.",
    )
    longest_pause_s: float = Field(
        default=300,
        ge=1,
        le=3600,
        description="Seconds at most between two attempts to reach Discord while it is away.",
    )
    proxy: SecretStr = Field(
        default=SecretStr(""),
        description="An HTTP proxy for everything that goes to Discord, such as "
        "http://user:password@proxy:3128. Empty: what HTTPS_PROXY and NO_PROXY, or the system's "
        "settings, say.",
    )

    @field_validator("token")
    @classmethod
    def _one_word(cls, token: SecretStr) -> SecretStr:
        written = token.get_secret_value().strip()
        if not re.fullmatch(r"[!-~]*", written):
            raise ValueError("must be one word of ASCII characters; copy it anew")
        return SecretStr(written)

    @field_validator("proxy")
    @classmethod
    def _http_proxy(cls, proxy: SecretStr) -> SecretStr:
        written = proxy.get_secret_value().strip()
        if written and not re.match(r"https?://[^/]", written):
            raise ValueError("must begin with http:// or https://; SOCKS is not supported")
        return SecretStr(written)

    def proxy_for_discord(self) -> str | None:
        """Return the proxy's address; None if none is to be used.

        This machine, where the playground runs, is never accessed through a proxy.
        """
        if written := self.proxy.get_secret_value():
            return written
        address = urlsplit(self.api_url)
        host = address.hostname or ""
        if host in LOOPBACK or proxy_bypass(host):
            return None
        found = getproxies().get(address.scheme)
        return found if found and found.startswith("http") else None


class StoreSettings(BaseModel):
    """Where jobs and pictures are stored."""

    folder: Path = Field(
        default=Path("data"), description="Folder of the database and the pictures; back it up."
    )


class GenerationSettings(BaseModel):
    """The device and checkpoints, and time limits for generating."""

    checkpoint: str = Field(
        default="",
        description="The default checkpoint: a catalog name, a diffusers folder or a hub id, such "
        "as stable-diffusion-v1-5/stable-diffusion-v1-5. Empty: the catalog's own default.",
    )
    catalog: Path | None = Field(
        default=None,
        description="A TOML file of checkpoints to offer. Empty: only the embedded one.",
    )
    devices: str = Field(
        default="auto",
        description="What draws, with a worker on each: auto is every CUDA device, or the best "
        "other one; or a list such as 0,1 (as nvidia-smi counts) or cuda:0, mps, cpu, or cpu*2 "
        "for two workers that share the cores.",
    )
    rows: int = Field(
        default=0,
        ge=0,
        le=MOST_ROWS,
        description="Rows a UNet forward may have, two for each guided picture. 0: as many as are "
        "measured to pay.",
    )
    deterministic: bool = Field(
        default=False,
        description="Draw every picture with the same bits whoever else is drawing; slower.",
    )
    fp8: bool = Field(
        default=False,
        description="Keep the denoisers' weights in 8 bits a value: half the memory, slower steps.",
    )
    compile: Compile = Field(
        default=Compile.OFF,
        description="What torch.compile does with the default checkpoint at its own size: off, "
        "default or max-autotune. Minutes at the first start, faster steps on CUDA.",
    )
    metadata: bool = Field(
        default=True,
        description="Write prompt and settings into the pictures' files, as AUTOMATIC1111 does.",
    )
    safety: bool = Field(
        default=True,
        description="Check every picture before it is shown: how likely it is not safe for work.",
    )
    tick_timeout_s: float = Field(
        default=120,
        ge=5,
        le=3600,
        description="Seconds one denoising step may take before the worker counts as hung.",
    )
    drain_s: float = Field(
        default=20,
        ge=0,
        le=3600,
        description="Seconds that running jobs may take to end when the bot is asked to stop; the "
        "next start draws again what has not. Asked twice, it does not wait.",
    )

    @field_validator("devices")
    @classmethod
    def _there(cls, written: str) -> str:
        parse(written)
        return written

    @property
    def lanes(self) -> list[Device] | None:
        """The devices, or None for all there are."""
        return parse(self.devices)


class ModelSettings(BaseModel):
    """Where models lie: files as the community shares them, in any program's folders."""

    folders: str = Field(
        default="models",
        description="Folders of models, separated by commas, or a JSON list: of A1111, Forge or "
        "ComfyUI, or any folder with files in it, which are found without a restart. `darkroom "
        "models` lists, checks, adds and removes them.",
    )

    @field_validator("folders")
    @classmethod
    def _some(cls, folders: str) -> str:
        listed(folders)
        return folders

    @property
    def paths(self) -> list[Path]:
        """The folders; without a home directory for ``~``, as they are written."""
        return folders_in(self.folders)


class LimitSettings(BaseModel):
    """Limits per person, per server, and in total."""

    waiting: int = Field(default=200, ge=1, le=10_000, description="Jobs that may wait altogether.")
    waiting_per_person: int = Field(
        default=10, ge=1, le=1000, description="Jobs one person may have waiting or running."
    )
    running_per_person: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Jobs of one person that may run at the same time. More lets one person alone "
        "fill a large device; fewer keeps more of it free for who comes next.",
    )
    waiting_per_server: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Jobs one server may have waiting or running; direct messages and people's own "
        "installs count as one together. Empty: as many as there are places left then, so that "
        "another server always finds one.",
    )
    pictures_per_day: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Pictures one person may ask for in a day (UTC), in all servers and direct "
        "messages together, whatever moderators grant. Empty: no ceiling.",
    )
    seconds_per_day: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Seconds of device time one person may use in a day (UTC), likewise. Empty: no "
        "ceiling.",
    )
    direct_messages: bool = Field(
        default=True, description="Whether people may ask for pictures in direct messages."
    )
    user_installs: bool = Field(
        default=True,
        description="Whether people may install the bot for themselves, and ask for pictures in "
        "servers that did not invite it.",
    )


class RetentionSettings(BaseModel):
    """How long prompts and pictures are kept."""

    pictures_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which a job's pictures are removed, but for somebody's favourites. "
        "0: never.",
    )
    prompts_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which the words are removed from a job; who asked, and when, stays "
        "on record. 0: never.",
    )


class RaySettings(BaseModel):
    """Several machines, with the extra darkroom[ray]; see docs/several-machines.md."""

    address: str = Field(
        default="",
        description="The head of a Ray cluster, such as 10.0.0.1:6379, whose nodes draw, too. "
        "Empty: only this machine draws.",
    )
    namespace: str = Field(
        default="darkroom",
        pattern=r"^[\w.-]{1,60}$",
        description="What tells bots that share a cluster apart: each needs another.",
    )

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        written = address.strip()
        if not written:
            return ""
        if not re.fullmatch(r"[^\s/@]+:[0-9]{1,5}", written):
            raise ValueError("must be host:port, such as 10.0.0.1:6379")
        if find_spec("ray") is None:
            raise ValueError("needs Ray: pip install -c constraints.txt -e '.[ray]'")
        return written


class LogSettings(BaseModel):
    """Logging to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least severe messages to log."
    )
    format: LogFormat = Field(
        default=LogFormat.TEXT,
        description="text for people, json for programs: an object a line.",
    )


class MonitoringSettings(BaseModel):
    """Health and figures for whoever operates the bot."""

    address: str = Field(
        default="",
        description="Where /livez, /readyz and /metrics are answered, such as 127.0.0.1:9464. They "
        "ask for no password: other machines should reach them only through a network of yours. "
        "Empty: nowhere.",
    )

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, written: str) -> str:
        _listen(written)
        return written

    @property
    def listen(self) -> tuple[str, int] | None:
        """The host and the port; None if nothing is answered."""
        return _listen(self.address)


def _listen(written: str) -> tuple[str, int] | None:
    """Return the host and the port of an address; raises ValueError."""
    if not written.strip():
        return None
    try:
        parts = urlsplit(f"//{written.strip()}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    whole = host is not None and parts.netloc == written.strip() and "@" not in written
    if not whole or host is None or port is None:
        raise ValueError("must be a host and a port from 0 to 65535, such as 127.0.0.1:9464")
    return host, port


class Settings(BaseSettings):
    """Every setting; a nested one is spelled like ``DISCORD__TOKEN`` in the environment."""

    model_config = SettingsConfigDict(
        env_file=FILE, env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    discord: DiscordSettings = DiscordSettings()
    store: StoreSettings = StoreSettings()
    generation: GenerationSettings = GenerationSettings()
    models: ModelSettings = ModelSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionSettings = RetentionSettings()
    ray: RaySettings = RaySettings()
    log: LogSettings = LogSettings()
    monitoring: MonitoringSettings = MonitoringSettings()


class SettingsError(Exception):
    """A setting is missing or out of range; the text is one line that names it."""


def load_settings() -> Settings:
    """Read the settings; raises SettingsError naming the first invalid one and its limit."""
    try:
        encoding = encoding_of(FILE)
        if (complaint := misspelt(FILE, encoding, names())) is not None:
            raise SettingsError(complaint)
        return Settings(_env_file_encoding=encoding)
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{FILE}: cannot be read ({error})") from None


def names() -> list[str]:
    """Return every setting's name as spelled in the environment."""
    found = []
    for group, field in Settings.model_fields.items():
        fields = getattr(field.annotation, "model_fields", {})
        found += [f"{group}__{name}".upper() for name in fields]
    return found
