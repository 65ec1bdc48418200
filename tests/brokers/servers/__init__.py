"""Real brokers for the tests, one module each; base.py says what they have in common."""
