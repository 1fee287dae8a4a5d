"""What deliveries look like: readers that turn bytes or records into Arrow batches of text."""
