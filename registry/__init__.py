"""DOCUMENT REGISTRY: indexes what documents exist, and answers who asks (ITI TF-1 10.1.1.3)."""
