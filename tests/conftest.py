"""What all suites under ``tests`` may use."""

pytest_plugins = ["tests.support.figures"]
