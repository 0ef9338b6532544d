"""Serves service-core components over HTTP with FastAPI and uvicorn."""
