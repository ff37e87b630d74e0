"""Networks: generators, discriminators, and the frozen networks that losses and metrics look through."""
