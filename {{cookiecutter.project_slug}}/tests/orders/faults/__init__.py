"""Three nodes on one log, many clients, and one fault after another."""
