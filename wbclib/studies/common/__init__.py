"""What several notebooks need: sets of pictures, methods, variants of a run and their table, captions."""
