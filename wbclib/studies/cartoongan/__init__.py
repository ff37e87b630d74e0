"""Notebook 08: CartoonGAN's parts, its edge loss, and the released generators."""
