"""What the Tokens screen knows: the drafts, their rows, batches and numbers. Painted by widgets, changed by `desk`."""
