"""Configure without its pixels: the state of a form, what a start needs, what became of the text of a run file."""
