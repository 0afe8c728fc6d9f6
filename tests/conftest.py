"""Fixtures that several packages' tests use."""

pytest_plugins = ("tests.databases",)
