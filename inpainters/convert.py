"""`python -m inpainters.convert CHECKPOINT NAME`: see `inpainters.weights.guided_diffusion`."""

import sys

from inpainters.weights.guided_diffusion import main

if __name__ == "__main__":
    sys.exit(main())
