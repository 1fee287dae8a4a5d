"""The demo: a small telecom operator that serves its data over the real protocols, and what drives it."""
