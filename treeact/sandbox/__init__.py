"""Where code runs: Docker, the embedded jail, and the branches inside them."""
