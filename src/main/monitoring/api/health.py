"""Where do orchestrators and Prometheus ask a dashboard? On the probe routes that every process of the suite has."""

from fastapi import FastAPI
from starlette.routing import Route

from main.telemetry.probes import ProbeApp


def add_probes(app: FastAPI, probes: ProbeApp) -> None:
    """Serve the probes' paths from `app`; they bypass FastAPI's validation, so that they stay cheap."""
    app.router.routes.extend(Route(path, probes, methods=["GET", "HEAD"]) for path in probes.paths)
