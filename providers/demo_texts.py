"""What Demo says."""

import re
from dataclasses import dataclass

THOUGHTS = """\
This is where a reasoning model shows its thoughts. Mine were written in advance.

The person wrote a message. I can't read it the way a model would: I only look for a few words in it, \
such as “table” or “code”. Then I pick one of the answers I was given and send it slowly, so that it looks \
like writing.
"""

TOUR = """\
# Hello from Demo

I am **not an AI**. I am a short script that came with this server, so that you can see how everything works \
before a real model is set up. Nothing you write to me leaves this machine.

## What you are looking at

- This answer is *streamed*: it arrives word by word, on every tab and device that has this conversation open.
- Close the tab and come back: the answer goes on without you.
- Press **Stop** at any time. What has been written stays.

## Code

```python
def greet(name: str) -> str:
    \"\"\"A friendly line.\"\"\"
    return f"Hello, {name}!"


print(greet("world"))
```

## A table

| Ask me for | and you get |
| --- | --- |
| `code` | a program with highlighting |
| `table` | a larger table |
| `maths` | formulas |
| `reasoning` | a longer train of thought |
| `count 500` | the numbers from 1 to 500 |

## Maths

Inline, as in $e^{i\\pi} + 1 = 0$, and set apart:

$$
\\int_{-\\infty}^{\\infty} e^{-x^2}\\,dx = \\sqrt{\\pi}
$$

> To talk to a real model, the operator of this server sets a key such as `OPENAI_API_KEY`, or starts Ollama \
on this machine.
"""

HELP = """\
I am **Demo**, a script and not an AI. Write one of these words and I show what it looks like:

1. **code** – a highlighted program
2. **table** – a table with alignment
3. **maths** – inline and displayed formulas
4. **reasoning** – visible thoughts before the answer
5. **long** – a long text to scroll through
6. **count 500** – as many numbers as you ask for, to watch the streaming

Anything else gets you the tour.
"""

_PART = """\
## Part {part}

This is part {part} of twenty. It says little, but it says it at length, so that you can scroll up while the \
rest still arrives and see that nothing jumps. The page follows the text only while you are at its end; \
scroll back and it leaves you where you are reading, with a button to return to the latest words.

- a first point, to break the lines
- a second one, with `code` in it
- a third one, in **bold**

"""
LONG = (
    "# A long text\n\nWritten in advance by people, not by an AI. It is here to be scrolled.\n\n"
    + "".join(_PART.format(part=part) for part in range(1, 21))
)

_CODE = """\
Here is a program, from a script that is no AI:

```python
from collections.abc import Iterator
from itertools import count, islice


def primes() -> Iterator[int]:
    \"\"\"Every prime number, in order.\"\"\"
    found: list[int] = []
    for number in count(2):
        if all(number % prime for prime in found):
            found.append(number)
            yield number


print(list(islice(primes(), 10)))  # [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
```

and the same idea as a query:

```sql
SELECT n FROM generate_series(2, 30) AS n
WHERE NOT EXISTS (SELECT 1 FROM generate_series(2, n - 1) AS d WHERE n % d = 0);
```

The button above each block copies it.
"""

_TABLE = """\
A table, from a script that is no AI:

| Planet | Mean distance (10⁶ km) | Day (hours) | Moons |
| :--- | ---: | ---: | :---: |
| Mercury | 57.9 | 4,222.6 | 0 |
| Venus | 108.2 | 2,802.0 | 0 |
| Earth | 149.6 | 24.0 | 1 |
| Mars | 228.0 | 24.7 | 2 |
| Jupiter | 778.5 | 9.9 | many |
| Saturn | 1,432.0 | 10.7 | many |

Numbers are aligned to the right, words to the left.
"""

_MATHS = """\
Some maths, from a script that is no AI.

The roots of $ax^2 + bx + c = 0$ with $a \\neq 0$ are

$$
x_{1,2} = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

A sum with a surprising value:

$$
\\sum_{n=1}^{\\infty} \\frac{1}{n^2} = \\frac{\\pi^2}{6}
$$

The matrix
$\\begin{pmatrix} \\cos\\theta & -\\sin\\theta \\\\ \\sin\\theta & \\cos\\theta \\end{pmatrix}$
turns the plane by $\\theta$. A price such as $5 or $10 stays text.
"""

_REASONING = """\
You can open my thoughts above: they are folded away once the answer begins, with the time they took. They \
were written in advance. I am a script and not an AI, so no thinking happened.

**In short:** reasoning comes first, the answer after it, and both are kept.
"""


@dataclass(frozen=True, slots=True)
class Showpiece:
    text: str
    thinks: bool = False


SHOWPIECES: tuple[tuple[re.Pattern[str], Showpiece], ...] = (
    (re.compile(r"\b(code|program|python|function)\b", re.IGNORECASE), Showpiece(_CODE)),
    (re.compile(r"\btables?\b", re.IGNORECASE), Showpiece(_TABLE)),
    (re.compile(r"\b(maths?|formulas?|equations?|katex|latex)\b", re.IGNORECASE), Showpiece(_MATHS)),
    (re.compile(r"\b(reason(ing)?|think(ing)?)\b", re.IGNORECASE), Showpiece(_REASONING, thinks=True)),
)
