"""The settings, read once from the environment and `.env`; only `__main__` reads them."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.logs import LogFormat
from generation.options import MOST_ROWS, Compile

DISCORD_API = "https://discord.com/api/v10"
DISCORD_GATEWAY = "wss://gateway.discord.gg/"
DISCORD_CDN = "https://cdn.discordapp.com"


class DiscordSettings(BaseModel):
    """Where Discord is and who we are there."""

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


class StoreSettings(BaseModel):
    """Where jobs and pictures are kept."""

    folder: Path = Field(
        default=Path("data"), description="Folder of the database and the pictures; back it up."
    )


class GenerationSettings(BaseModel):
    """What draws, and how long it may take."""

    checkpoint: str = Field(
        default="",
        description="The default checkpoint: a catalog name, a diffusers folder or a hub id, such "
        "as stable-diffusion-v1-5/stable-diffusion-v1-5. Empty: the catalog's own default.",
    )
    catalog: Path | None = Field(
        default=None,
        description="A TOML file of checkpoints to offer. Empty: only the embedded one.",
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


class LimitSettings(BaseModel):
    """How much one person and everybody together may have waiting."""

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


class RetentionSettings(BaseModel):
    """For how long is kept what people asked for."""

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


class LogSettings(BaseModel):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least severe messages to log."
    )
    format: LogFormat = Field(
        default=LogFormat.TEXT,
        description="text for people, json for programs: an object a line.",
    )


ENV_FILE = Path(".env")


class Settings(BaseSettings):
    """Every setting; a nested one is spelt like ``DISCORD__TOKEN`` in the environment."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_nested_delimiter="__", env_ignore_empty=True, extra="ignore"
    )

    discord: DiscordSettings = DiscordSettings()
    store: StoreSettings = StoreSettings()
    generation: GenerationSettings = GenerationSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()


class SettingsError(Exception):
    """A setting is missing or out of its bound; the text is one line that names it."""


def load_settings() -> Settings:
    """Read the settings; raises SettingsError naming the first wrong one and its bound."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg']}") from None
