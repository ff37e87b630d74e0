"""Ways to a cartoon that the papers compare with: functions of uint8 photographs (N, H, W, 3) to the same shape."""
