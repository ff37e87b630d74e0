"""Measuring: distances between sets of images, what a cartoon changes in one image, and how sure a number is."""
