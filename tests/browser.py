"""Debian's chromium through Playwright; where there is none, the test is skipped and says so."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright, expect

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


DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 375, "height": 740}
AXE = Path(__file__).parent / "axe" / "axe.min.js"


@asynccontextmanager
async def opened(
    url: str, size: ViewportSize = DESKTOP, scheme: Literal["light", "dark"] = "dark"
) -> AsyncIterator[Page]:
    """Open the address in a fresh window; an error in the page's scripts fails the test."""
    needs_chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = await chromium.new_page(viewport=size, color_scheme=scheme)
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


async def violations(page: Page) -> list[str]:
    """Give what axe-core finds serious or critical on the page as it is, once it is at rest."""
    await page.evaluate(
        """() => Promise.allSettled(document.getAnimations()
          .filter(one => Number.isFinite(one.effect.getComputedTiming().endTime))
          .map(one => one.finished))"""
    )
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
