"""Where the cells of a run are filled: one file or folder per engine, each with `fill(root, plan, cells,
inputs, outcome, ...)`.
"""
