"""The Gradio app: one file per tab over code that runs without a browser."""
