"""How fast the registry is, small and large: `python -m benchmarks registry`."""
