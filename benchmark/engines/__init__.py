"""Where the cells of a run are filled: one file per engine, each with `fill(root, plan, cells, inputs,
outcome, ...)`.
"""
