"""The life of a turn: start (a transaction), run (a worker), record, stop, recover, finish."""
