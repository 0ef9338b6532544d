"""``python -m service_cli`` is the command ``service``."""

from service_cli.program import main

main()
