"""How the `toon` corpus is drawn: colours, ink, things, people, places. The door is wbclib.corpora.toon."""
