"""Large requests of many small values, checked piece by piece before any value is kept."""
