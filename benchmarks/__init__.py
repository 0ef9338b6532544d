"""How fast it is, beside the floor, aspyx-service and gRPC: ``python -m benchmarks [--quick]``."""
