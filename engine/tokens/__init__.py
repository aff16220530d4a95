"""The token path: rendered rows -> ids and labels -> batches. What the inspector shows is what the trainer gets."""
