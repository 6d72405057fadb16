"""Serving files and portraits at the addresses that Discord's file host would have."""

from aiohttp import web

from playground.state import State
from playground.wire import portraits


class Cdn:
    """Serves what is under `/cdn`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def install(self, app: web.Application) -> None:
        """Register the addresses."""
        get = app.router.add_get
        for folder in ("attachments", "ephemeral-attachments"):
            get(rf"/cdn/{folder}/{{channel:\d+}}/{{file:\d+}}/{{name}}", self._attachment)
        get(r"/cdn/avatars/{user:\d+}/{hash}.{kind:png|webp}", self._avatar)
        get(r"/cdn/embed/avatars/{number:\d+}.png", self._default_avatar)
        get(r"/cdn/icons/{guild:\d+}/{hash}.{kind:png|webp}", self._icon)
        get(r"/cdn/app-icons/{app:\d+}/{hash}.{kind:png|webp}", self._icon)

    async def _attachment(self, request: web.Request) -> web.Response:
        match = request.match_info
        attachment = self._state.files.find(int(match["file"]), match["name"])
        if attachment is None:
            raise web.HTTPNotFound
        return web.Response(
            body=attachment.content,
            content_type=attachment.content_type,
            headers={
                "Cache-Control": "public, max-age=31536000, immutable",
                # An uploaded page or drawing must not run as a page of ours.
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _avatar(self, request: web.Request) -> web.Response:
        user = self._state.world.users.get(int(request.match_info["user"]))
        if user is None:
            raise web.HTTPNotFound
        drawn = portraits.bot() if user.bot else portraits.person(user.display_name)
        return _picture(drawn)

    async def _default_avatar(self, request: web.Request) -> web.Response:
        return _picture(portraits.person(request.match_info["number"]))

    async def _icon(self, _request: web.Request) -> web.Response:
        return _picture(portraits.bot())


def _picture(png: bytes) -> web.Response:
    headers = {"Cache-Control": "public, max-age=3600"}
    return web.Response(body=png, content_type="image/png", headers=headers)
