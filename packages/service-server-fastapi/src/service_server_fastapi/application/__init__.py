"""What answers requests that no fast path takes: FastAPI with the user's routes, or the endpoints alone."""
