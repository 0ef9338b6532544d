"""The ways to run a server. The table of ``docs/how-to/deploy.md`` is made from them; tests serve in each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENVIRONMENTS", "GRANIAN", "GUNICORN", "SERVERS", "WAYS", "Environment", "Way", "table"]

GUNICORN = "gunicorn {app} -b 127.0.0.1:{port} -k uvicorn_worker.UvicornWorker --graceful-timeout 30"
GRANIAN = "granian {app} --host 127.0.0.1 --port {port}"
HYPERCORN = "hypercorn {app} -b 127.0.0.1:{port} --graceful-timeout 30"
SERVERS = {"uvicorn": "0.54", "gunicorn": "27.0", "uvicorn-worker": "0.4", "hypercorn": "0.18", "granian": "2.8"}
"""The series of each distribution that the tests use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A command that serves the work. ``{app}``, ``{port}``, ``{uds}`` and ``{fd}`` are filled in."""

    name: str
    command: str
    workers: int = 1
    restarts: bool = False
    """Whether it goes on after a start that has failed."""
    hides_failure: bool = False
    """Whether a failed start ends it with exit code 0."""
    needs: tuple[str, ...] = ()
    """Distributions beside the packages and uvicorn."""
    note: str = ""
    """What a reader has to know."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Something that starts, signals or forks a server or a client."""

    name: str
    note: str
    test: str
    """Where it is tested: a file, and the beginning of a test's name."""


WAYS = [
    Way(
        name="`boot`",
        command="tests.integration.lifecycle.work",
        note="returns when requests are answered; `wait()` until a signal",
    ),
    Way(name="`run`", command="tests.integration.lifecycle.work run", note="until a signal"),
    Way(
        name="`uvicorn app:app --port N`",
        command="uvicorn {app} --port {port}",
        note="set `SERVICE_SERVER_PORT` to the same port",
    ),
    Way(
        name="`uvicorn --workers 4`",
        command="uvicorn {app} --port {port} --workers 4",
        workers=4,
        hides_failure=True,
        note="ends with exit code 0 if the start fails, so watch its log or its readiness",
    ),
    Way(
        name="`uvicorn --reload`",
        command="uvicorn {app} --port {port} --reload --reload-dir tests/seed",
        restarts=True,
        note="for development; after a start that failed it waits for the next change of a file",
    ),
    Way(
        name="`uvicorn --fd`",
        command="uvicorn {app} --fd {fd}",
        note="a socket that a supervisor has bound",
    ),
    Way(
        name="`uvicorn --uds`",
        command="uvicorn {app} --uds {uds}",
        note="behind a proxy: registration waits until the address of `SERVICE_SERVER_HOST` and `SERVICE_SERVER_PORT` "
        "answers, which is the proxy's. For clients of this machine set `SERVICE_SERVER_UDS` instead: see "
        "[Unix sockets](unix-sockets.md)",
    ),
    Way(
        name="`gunicorn -k uvicorn_worker.UvicornWorker`",
        command=f"{GUNICORN} -w 2",
        workers=2,
        needs=("gunicorn", "uvicorn-worker"),
        note="`--graceful-timeout` must exceed the longest stop. SIGINT and SIGQUIT are its quick shutdown: calls in "
        "flight get no time",
    ),
    Way(
        name="`gunicorn --preload`",
        command=f"{GUNICORN} -w 2 --preload",
        workers=2,
        needs=("gunicorn", "uvicorn-worker"),
        note="the workers are forked from a process that has imported the application",
    ),
    Way(
        name="`gunicorn --max-requests`",
        command=f"{GUNICORN} -w 2 --max-requests 1000 --max-requests-jitter 500",
        workers=2,
        needs=("gunicorn", "uvicorn-worker"),
        note="with `--max-requests-jitter`, else all workers end at once and nothing is registered meanwhile",
    ),
    Way(
        name="`hypercorn`",
        command=HYPERCORN,
        needs=("hypercorn",),
        hides_failure=True,
        note="stops accepting as soon as the signal comes, beside the propagation delay and not after it; calls in "
        "flight finish. `--graceful-timeout`, 3 s by default, must exceed the longest call. Exit code 0 if the "
        "start fails",
    ),
    Way(name="`hypercorn -w 2`", command=f"{HYPERCORN} -w 2", workers=2, needs=("hypercorn",), hides_failure=True),
    Way(
        name="`granian --interface asgi`",
        command=f"{GRANIAN} --interface asgi",
        needs=("granian",),
        note="stops accepting at the signal, as hypercorn does; calls in flight finish",
    ),
    Way(
        name="`granian --interface asgi --workers 2`",
        command=f"{GRANIAN} --interface asgi --workers 2",
        workers=2,
        needs=("granian",),
    ),
]
ENVIRONMENTS = [
    Environment(
        name="process 1 of a container",
        note="ends by itself after a stop, also where a signal without a handler would be ignored",
        test="tests/integration/lifecycle/test_recipes.py::test_the_command_of_the_image_runs_as_process_1",
    ),
    Environment(
        name="systemd, `KillMode=control-group`",
        note="reports `READY=1` and `STOPPING=1` where `NOTIFY_SOCKET` is set",
        test="tests/integration/lifecycle/test_recipes.py::test_the_unit_of_systemd_is_valid",
    ),
    Environment(
        name="docker compose, `docker stop`",
        note="the recipe below, by docker-compose in an engine",
        test="tests/containers/test_compose.py::test_the_services_of_the_recipe_are_called_and_stop_in_order",
    ),
    Environment(
        name="`multiprocessing` inside a server: fork, forkserver, spawn",
        note="pools and `Process.terminate` work; no child runs the shutdown",
        test="tests/integration/lifecycle/test_children.py::test_a_method_of_a_server_may_use_pools",
    ),
    Environment(
        name="a client that forks",
        note="the children follow servers that move",
        test="tests/integration/lifecycle/test_children.py::test_forked_workers_of_a_client_follow",
    ),
    Environment(
        name="celery's prefork pool, `--max-tasks-per-child`",
        note="the parent may host a server and call it; children continue to call it, and none runs the shutdown",
        test="tests/ecosystem/test_prefork.py::test_children_call_and_are_replaced",
    ),
]


def table() -> str:
    """The table of the documentation, in Markdown."""
    rows = [(way.name, _versions(way), way.note) for way in WAYS]
    rows += [(environment.name, "", environment.note) for environment in ENVIRONMENTS]
    lines = [f"| {name} | {versions} | {note} |" for name, versions, note in rows]
    return "\n".join(["| way | tested with | to know |", "|---|---|---|", *lines])


def _versions(way: Way) -> str:
    own = () if "{app}" in way.command and not way.command.startswith("uvicorn ") else ("uvicorn",)
    return ", ".join(f"{name} {SERVERS[name]}" for name in (*own, *way.needs))
