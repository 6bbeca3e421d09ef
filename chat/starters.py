"""What an empty conversation offers to begin with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starter:
    title: str
    text: str


STARTERS = (
    Starter("Explain something", "Explain how a database index works, as to a new colleague."),
    Starter("Write some code", "Write a Python function that groups dates by week, with a test."),
    Starter("Compare options", "Compare three ways to store files for a small web product in a table."),
    Starter("Think it through", "Work out how many litres of paint a room of 4 × 5 × 2.5 m needs."),
)
