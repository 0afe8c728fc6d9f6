"""How much one process takes on, from everybody together and from each single client."""

from dataclasses import dataclass

from ihe.soap.mtom import ROOT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process takes on.

    Parameters
    ----------
    in_flight
        Requests that an actor works on at once; one more is told to come back (503).
    threads
        Threads of an actor for handlers and for blocking work.
    wait_s
        Seconds that a message which has come whole may wait for one of them; then it is told to
        come back (503), and nothing has been done.
    connections
        Open connections; for one more, the one that has been idle longest is closed.
    head
        Octets of an HTTP request around its body: request line, headers, framing of chunks.
    body
        Octets of one HTTP body, unpacked.
    root
        Octets of the envelope in it.
    idle_s
        Seconds without a byte, in or out, after which a client has gone; and seconds that the head
        of a request may take.
    least_rate
        Octets a second that a body must have on average, after the first `idle_s` seconds. A
        client that sends one byte now and then would otherwise hold its place for ever.
    """

    in_flight: int = 200
    threads: int = 16
    wait_s: float = 10.0
    connections: int = 1_000
    head: int = 64 * 1024
    body: int = 8 * 1024**3
    root: int = ROOT_LIMIT
    idle_s: float = 60.0
    least_rate: int = 1_024
