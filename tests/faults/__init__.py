"""Faults on purpose: real processes are killed, frozen and cut off while answers are written.

`python -m tests.faults --trials 200`. What must hold is told in `judge.py`, what goes wrong in `strikes.py`.
"""
