"""`GET /health`: whether the app answers, for whoever keeps it running."""

from importlib.metadata import PackageNotFoundError, version

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.server.jobs import Runner
from inpainters import registry


def health_route(runner: Runner) -> Route:
    """The route: `{status, version, methods, waiting}`, the methods that are ready here and the jobs that
    wait for their turn or are under way. It tells nothing of visitors.
    """

    async def health(request: Request) -> JSONResponse:
        del request
        ready = sum(registry.unavailable(name) is None for name in registry.METHODS)
        told = {"status": "ok", "version": _version(), "methods": ready, "waiting": runner.unfinished}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    return Route("/health", health)


def _version() -> str:
    try:
        return version("inpainting")
    except PackageNotFoundError:
        return "source"
