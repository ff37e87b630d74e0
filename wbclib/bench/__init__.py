"""Everything with a stopwatch, and the roofline."""
