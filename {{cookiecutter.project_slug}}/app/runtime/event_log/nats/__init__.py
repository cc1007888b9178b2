"""The event log in NATS JetStream: `log.py` is the engine, and the others are its parts."""
