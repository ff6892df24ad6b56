"""Starts the app: `python app.py [--host H --port P --results DIR --share]`; Hugging Face Spaces runs this
file as it is.
"""

import os

if os.environ.get("SPACE_ID"):
    os.environ.setdefault("GRADIO_SERVER_NAME", "0.0.0.0")

if __name__ == "__main__":
    # One core for each job: where several jobs each use all cores, their threads wait for one another most of
    # the time. It has to be said before NumPy and PyTorch are imported.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

    from demo.app import main

    main()
