"""Training of the bundled networks: `python -m inpainters.training RECIPE`. Imported by nobody else."""
