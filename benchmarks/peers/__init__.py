"""The service beside what people would use instead: one run, in turns, the same client for all.

Every server gets the same commands, sends the same event of 190 bytes to every client, and an ack
to the sender; what differs is how. Each part of the comparison is a module here.
"""

PARTS = (
    "peers.fan_out",
    "peers.round_trip",
    "peers.pace",
    "peers.crowd",
    "peers.durable",
    "peers.guards",
    "peers.machine_share",
)
