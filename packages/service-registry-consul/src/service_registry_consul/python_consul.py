"""The ``consul.Consul`` objects of python-consul2 and py-consul, whose address and credentials can be taken over.

Nothing else of these packages is used: their clients block, have no time limit by default, let CONSUL_HTTP_ADDR and
CONSUL_HTTP_TOKEN win over arguments, and are not made for several threads.
"""

from __future__ import annotations

from typing import Any

from consul import Consul


def values_of_client(client: Consul) -> dict[str, Any]:
    """The settings that a client object holds."""
    http = client.http
    cert_file, key_file = http.cert if isinstance(http.cert, tuple) else (http.cert, None)
    host = f"[{http.host}]" if ":" in http.host else http.host
    return {
        "url": f"{http.scheme}://{host}:{http.port}",
        "token": client.token,
        "datacenter": client.dc,
        "verify": http.verify is not False,
        "ca_file": http.verify if isinstance(http.verify, str) else None,
        "cert_file": cert_file,
        "key_file": key_file,
    }
