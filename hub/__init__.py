"""What every actor runs on: server, client, settings, TLS, logs.

Each outside library has one door here; nothing else imports it.
"""
