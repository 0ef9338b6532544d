"""Records the command line against the demo with Consul, as a picture of a terminal."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from client import server_process
from rich.console import Console
from rich.text import Text

from tests.support.consul import ConsulAgent

COMPONENT = "library-component"


def old_version(service: list[str], folder: Path) -> str:
    """A description of the demo as an older version might have been."""
    written = subprocess.run([*service, "describe", "interface:LibraryComponent", "--json"], capture_output=True)
    document: Any = json.loads(written.stdout)
    describe = next(one for one in document["components"][0]["services"][0]["methods"] if one["name"] == "describe")
    describe["parameters"][1]["name"] = "words"
    describe["result"]["schema"]["required"].remove("sha256")
    describe["result"]["schema"]["properties"].pop("sha256")
    file = folder / "released.json"
    file.write_text(json.dumps(document))
    return file.name


def commands(url: str, agent: str, released: str) -> list[list[str]]:
    at_consul = ["--consul", agent]
    return [
        ["list", *at_consul],
        ["describe", url],
        ["call", COMPONENT, "describe", "name=README.md", "top=1", *at_consul],
        ["call", COMPONENT, "search", 'query={"text": "a"}', *at_consul],
        ["watch", *at_consul, "--count", "1"],
        ["bench", COMPONENT, "documents", "--for", "3s", "--rate", "200", *at_consul],
        ["diff", released, url],
    ]


def record(file: Path, width: int) -> None:
    service = [sys.executable, "-m", "service_cli"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(width), "PYTHONPATH": str(Path(__file__).parent)}
    os.environ["PYTHONPATH"] = environment["PYTHONPATH"]
    with (
        Path(os.devnull).open("w") as nowhere,
        tempfile.TemporaryDirectory() as folder,
        ConsulAgent() as agent,
        server_process("--consul", agent.url) as (url, _),
        server_process("--consul", agent.url),
    ):
        console = Console(record=True, width=width, file=nowhere, force_terminal=True)
        for words in commands(url, agent.url, old_version(service, Path(folder))):
            shown = " ".join(f"'{word}'" if " " in word else word for word in words)
            console.print(Text.assemble(("$ ", "bold green"), (f"service {shown}", "bold")))
            done = subprocess.run(
                [*service, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            # A table that is redrawn stands twice in what is not a terminal; progress bars are not recorded.
            lines = done.stdout.splitlines()
            shown_lines = lines[: len(lines) // 2] if words[0] == "watch" else lines
            console.print(Text.from_ansi("\n".join(shown_lines) if lines else done.stderr))
            console.print()
    svg = console.export_svg(title="service", unique_id="recording")
    file.write_text(
        re.sub(r"\s*@font-face \{.*?\n\s*\}", "", svg, flags=re.DOTALL), encoding="utf-8"
    )  # fonts of other hosts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--width", type=int, default=110)
    arguments = parser.parse_args()
    record(arguments.file, arguments.width)
