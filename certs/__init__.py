"""X.509: a development certificate authority, and one leaf certificate for each actor."""
