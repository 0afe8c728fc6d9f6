"""The protocol, pure: IHE XDS, XCA and what they stand on, values in and values out.

Nothing in here opens a socket or a file, asks the time, draws a random number, knows a database or
writes a log. What changes from call to call comes in as an argument, so every line can be tested
with plain values.
"""
