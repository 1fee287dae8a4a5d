"""Small real servers, and a line between client and server that breaks where a test wants it to."""
