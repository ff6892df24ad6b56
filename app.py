"""Starts the app: `python app.py [--host H --port P --results DIR --share]`; Hugging Face Spaces runs this
file as it is.
"""

import os

if os.environ.get("SPACE_ID"):
    os.environ.setdefault("GRADIO_SERVER_NAME", "0.0.0.0")

from demo.app import main

if __name__ == "__main__":
    main()
