"""What the advice of this folder saw; emptied by each test."""

customized: list[str] = []
intercepted: list[str] = []
