"""Where deliveries are: one module per protocol. Each finds out what is new, and fetches it whole."""
