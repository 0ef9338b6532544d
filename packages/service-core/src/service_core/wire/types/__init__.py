"""Types that travel: their forms in JSON, which of them are refused, and what is written other than pydantic does."""
