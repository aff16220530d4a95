"""What the Data screen knows: the open sources, their views and pages. Painted by widgets, changed by `desk`."""
