"""The benchmark: test sets, frozen masks, and run -> score -> report as three commands over files."""
