"""The command ``service``: see, call, watch, measure and compare services without their interface code."""

__all__: list[str] = []
