"""Why a server does not start in a process whose threads gevent or eventlet has replaced."""

from __future__ import annotations

import sys
from typing import Any, Final

from service_core import LocalServiceException


def refuse_green_threads() -> None:
    """Raise LocalServiceException if the threads of this process are greenlets.

    The event loop of a server runs in a thread of its own; as a greenlet it would stop all others for ever.
    """
    for library, patched in _PATCHED.items():
        if patched():
            raise LocalServiceException(
                f"{library} has replaced the threads of this process, and a server needs those of the system; "
                f"start the server in a process without {library}'s monkey patching (under gunicorn with the worker "
                "class uvicorn_worker.UvicornWorker)"
            )


def _by_gevent() -> bool:
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _by_eventlet() -> bool:
    patcher: Any = sys.modules.get("eventlet.patcher")
    return patcher is not None and bool(patcher.is_monkey_patched("thread"))


_PATCHED: Final = {"gevent": _by_gevent, "eventlet": _by_eventlet}
