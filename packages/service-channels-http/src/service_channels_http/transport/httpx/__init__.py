"""The transport over httpx clients."""
