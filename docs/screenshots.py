"""Take the README's pictures: ``make screenshots`` walks through `darkroom play` in a browser."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Locator, Page, ViewportSize, async_playwright, expect

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
SIZE = ViewportSize(width=1000, height=900)  # too narrow for the list of members
PATIENCE_MS = 120_000  # the first start measures the device
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Visitor:
    """Somebody at the page, who waits after every step until there is nothing more to come."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def type(self, line: str) -> None:
        """Write into the message box."""
        await self.page.locator("#composer").fill(line)

    async def use(self, line: str) -> None:
        """Use a command that answers privately."""
        before = await self.page.locator(".message.private:not(.notice)").count()
        await self.type(f"{line} ")
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator(".message.private:not(.notice)")).to_have_count(before + 1)
        await expect(self.page.locator(".message .thinking")).to_have_count(0)

    async def draw(self) -> None:
        """Send the command in the box and wait for its pictures."""
        await self.page.get_by_role("button", name="Send").click()
        await self._drawn(1)

    async def press(self, label: str, *, pictures: int) -> None:
        """Press a button under the first pictures that brings so many messages with pictures."""
        await self._pictures().first.get_by_role("button", name=label, exact=True).click()
        await self._drawn(pictures)

    async def look(self, label: str) -> None:
        """Press a button under the first pictures that answers privately, and go there."""
        before = await self.page.locator(".message.private:not(.notice)").count()
        await self._pictures().first.get_by_role("button", name=re.compile(f"{label}$")).click()
        await expect(self.page.locator(".message.private:not(.notice)")).to_have_count(before + 1)
        await self.page.evaluate("document.getElementById('scroller').scrollTop = 1e6")

    async def favourites(self) -> None:
        """Like the first pictures, and look at what one likes."""
        await self.look("Favourite")
        await self.use("/favourites")

    async def open(self) -> None:
        """Open the menu of the first pictures' message."""
        await self._pictures().first.click(button="right", position={"x": 500, "y": 60})

    async def _drawn(self, messages: int) -> None:
        await expect(self._pictures()).to_have_count(messages)
        last = self._pictures().last
        await expect(last.get_by_role("button", name=re.compile("Details$"))).to_be_visible()

    def _pictures(self) -> Locator:
        return self.page.locator(".message:not(.private)").filter(has=self.page.locator(".tile"))


Step = Callable[[Visitor], Awaitable[None]]

# A picture is a line: its file's name, and what is done before it is taken.
PICTURES: tuple[tuple[str, Step], ...] = (
    ("imagine", lambda visitor: visitor.type("/imagine a red apple count:4 seed:7 aspect:")),
    ("result", lambda visitor: visitor.draw()),
    ("upscale", lambda visitor: visitor.press("U1", pictures=2)),
    ("details", lambda visitor: visitor.look("Details")),
    ("history", lambda visitor: visitor.use("/history")),
    ("favourites", lambda visitor: visitor.favourites()),
    ("menu", lambda visitor: visitor.open()),
)


@asynccontextmanager
async def playing() -> AsyncIterator[str]:
    """Run `darkroom play` on a free port with a folder of its own, and give its address."""
    with tempfile.TemporaryDirectory() as folder:
        play = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "play",
            "--port",
            "0",
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LOG__LEVEL": "WARNING"},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            if play.stdout is None:
                raise RuntimeError("no output to read the address from")
            printed = ""
            while (found := ADDRESS.search(printed)) is None:
                printed += (await play.stdout.readline()).decode()
            yield found[0]
        finally:
            play.send_signal(signal.SIGINT)
            await play.wait()


async def take(address: str) -> None:
    """Take every picture."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await chromium.new_page(viewport=SIZE, color_scheme="dark")
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(address)
        await expect(page.locator("#banner")).to_be_hidden()
        for name, step in PICTURES:
            await step(Visitor(page))
            await page.mouse.move(0, 0)
            await page.wait_for_timeout(400)  # what moves, comes to rest
            await page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
            print(f"docs/screenshots/{name}.png", flush=True)
        await chromium.close()


async def main() -> None:
    """Take the pictures from a fresh start."""
    FOLDER.mkdir(exist_ok=True)
    async with playing() as address:
        await take(address)


if __name__ == "__main__":
    asyncio.run(main())
