"""The verbs, a module for each procedure; `frame/table.py` says which is where."""
