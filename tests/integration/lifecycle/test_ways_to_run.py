"""Each way to run a server: calls are answered, the workers share a registration, a signal to the group is one stop."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from service_core import ServiceManager
from tests.integration.lifecycle.ways import GUNICORN, Way, end_the_group_under_load, forwarding, running
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

WAYS = [
    Way(name="boot", command="tests.integration.lifecycle.work"),
    Way(name="run", command="tests.integration.lifecycle.work run"),
    Way(name="uvicorn", command="uvicorn {app} --port {port}"),
    Way(name="uvicorn --workers 4", command="uvicorn {app} --port {port} --workers 4", workers=4),
    Way(name="uvicorn --reload", command="uvicorn {app} --port {port} --reload --reload-dir tests/seed"),
    Way(name="uvicorn --fd", command="uvicorn {app} --fd {fd}"),
    Way(name="uvicorn --uds", command="uvicorn {app} --uds {uds}"),
    Way(name="gunicorn", command=f"{GUNICORN} -w 2", workers=2),
    Way(name="gunicorn --preload", command=f"{GUNICORN} -w 2 --preload", workers=2),
]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_a_signal_to_the_whole_group_cuts_off_no_call_and_deregisters_once(
    way: Way, consul: ConsulAgent, manager: ServiceManager, figures: Figures, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(running(way, consul, tmp_path))
        if "{uds}" in way.command:
            await stack.enter_async_context(forwarding(server.port, tmp_path / "server.sock"))
        await end_the_group_under_load(way, server, consul, manager, figures)
