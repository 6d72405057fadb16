"""Debian's chromium through Playwright; where there is none, the test is skipped and says so."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

PATIENCE_MS = 60_000  # a busy machine is no failure
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM = Path("/usr/bin/chromium")
# As root, without a screen, and without the lookups that a fresh profile makes by itself.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def needs_chromium() -> None:
    """Skip the test where there is no chromium, but fail where one is required."""
    if CHROMIUM.exists():
        return
    if os.environ.get("DARKROOM_REQUIRE_BROWSER"):
        pytest.fail(f"{CHROMIUM} is missing, and DARKROOM_REQUIRE_BROWSER wants it")
    pytest.skip(f"{CHROMIUM} is missing: install Debian's chromium to run this test")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    """Open the address in a fresh window; an error in the page's scripts fails the test."""
    needs_chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = await chromium.new_page(viewport={"width": 1280, "height": 860})
            page.set_default_timeout(PATIENCE_MS)
            broken: list[str] = []
            page.on("pageerror", lambda error: broken.append(str(error)))
            page.on("console", lambda line: line.type == "error" and broken.append(line.text))
            await page.goto(url)
            yield page
            # Chromium also reports answers of 400, which are the playground's to give.
            assert [line for line in broken if "status of 400" not in line] == []
        finally:
            await chromium.close()
