"""Small programming exercises: the words that name each, how it is asked for, and correct solutions to choose from.

In a solution `F` is the function's name, `x` and `y` its arguments; `reference` computes what it must return.
"""

# ruff: noqa: E501 - a solution stands on one line

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import factorial, gcd
from typing import Any

Answer = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Exercise:
    """`words` are its names in a prompt, best first; `inputs` says what the arguments are: text, words, numbers, n …"""

    words: tuple[str, ...]
    task: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    reference: Answer
    python: tuple[str, ...]
    javascript: tuple[str, ...]


def _fibonacci(count: int) -> int:
    low, high = 0, 1
    for _ in range(count):
        low, high = high, low + high
    return low


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        ("reverse a string", "reverse a text", "reverse"), "returns the text {x} backwards",
        ("reverse_text", "reverse_string", "flip_text"), ("text",), lambda x: x[::-1],
        ("return x[::-1]", 'return "".join(reversed(x))', 'turned = ""\nfor letter in x:\n    turned = letter + turned\nreturn turned'),
        ('return [...x].reverse().join("");', 'let turned = "";\nfor (const letter of x) {\n  turned = letter + turned;\n}\nreturn turned;'),
    ),
    Exercise(
        ("palindrome",), "tells whether the text {x} reads the same from both ends",
        ("is_palindrome", "reads_both_ways"), ("mirror",), lambda x: x == x[::-1],
        ("return x == x[::-1]", "for place in range(len(x) // 2):\n    if x[place] != x[-1 - place]:\n        return False\nreturn True"),
        ('return x === [...x].reverse().join("");',),
    ),
    Exercise(
        ("count vowels", "vowels"), "counts the vowels a, e, i, o and u in the text {x}",
        ("count_vowels", "number_of_vowels"), ("text",), lambda x: sum(letter in "aeiou" for letter in x),
        ('return sum(letter in "aeiou" for letter in x)', 'return len([letter for letter in x if letter in "aeiou"])',
         'total = 0\nfor letter in x:\n    if letter in "aeiou":\n        total += 1\nreturn total'),
        ('return [...x].filter((letter) => "aeiou".includes(letter)).length;',),
    ),
    Exercise(
        ("word frequency", "count words", "word counts"), "counts how often each word stands in the text {x}",
        ("count_words", "word_frequency"), ("sentence",), lambda x: {word: x.split().count(word) for word in x.split()},
        ("counts = {}\nfor word in x.split():\n    counts[word] = counts.get(word, 0) + 1\nreturn counts",
         "from collections import Counter\n\nreturn dict(Counter(x.split()))"),
        ("const counts = {};\nfor (const word of x.split(\" \")) {\n  counts[word] = (counts[word] || 0) + 1;\n}\nreturn counts;",),
    ),
    Exercise(
        ("anagram",), "tells whether the texts {x} and {y} have the same letters",
        ("are_anagrams", "is_anagram"), ("word", "word"), lambda x, y: sorted(x) == sorted(y),
        ("return sorted(x) == sorted(y)", "from collections import Counter\n\nreturn Counter(x) == Counter(y)"),
        ('return [...x].sort().join("") === [...y].sort().join("");',),
    ),
    Exercise(
        ("sum of squares", "squares"), "adds the squares of the numbers {x}",
        ("sum_of_squares", "add_squares"), ("numbers",), lambda x: sum(n * n for n in x),
        ("return sum(number * number for number in x)", "return sum(number**2 for number in x)",
         "total = 0\nfor number in x:\n    total += number * number\nreturn total"),
        ("return x.reduce((total, number) => total + number * number, 0);",),
    ),
    Exercise(
        ("largest number", "maximum", "largest", "max of a list"), "returns the largest of the numbers {x}",
        ("find_largest", "maximum"), ("numbers",), max,
        ("return max(x)", "best = x[0]\nfor number in x[1:]:\n    if number > best:\n        best = number\nreturn best", "return sorted(x)[-1]"),
        ("return Math.max(...x);", "return x.reduce((best, number) => (number > best ? number : best));"),
    ),
    Exercise(
        ("average", "mean"), "returns the mean of the numbers {x}",
        ("average", "mean_of"), ("numbers",), lambda x: sum(x) / len(x),
        ("return sum(x) / len(x)", "total = 0\nfor number in x:\n    total += number\nreturn total / len(x)"),
        ("return x.reduce((total, number) => total + number, 0) / x.length;",),
    ),
    Exercise(
        ("even numbers", "even"), "keeps the even ones of the numbers {x}",
        ("keep_even", "even_numbers"), ("numbers",), lambda x: [n for n in x if n % 2 == 0],
        ("return [number for number in x if number % 2 == 0]", "return list(filter(lambda number: number % 2 == 0, x))",
         "kept = []\nfor number in x:\n    if number % 2 == 0:\n        kept.append(number)\nreturn kept"),
        ("return x.filter((number) => number % 2 === 0);",),
    ),
    Exercise(
        ("remove duplicates", "duplicates", "unique values"), "drops repeated numbers from {x} and keeps the order",
        ("remove_duplicates", "unique_in_order"), ("repeats",), lambda x: list(dict.fromkeys(x)),
        ("return list(dict.fromkeys(x))", "seen = []\nfor number in x:\n    if number not in seen:\n        seen.append(number)\nreturn seen"),
        ("return [...new Set(x)];", "return x.filter((number, place) => x.indexOf(number) === place);"),
    ),
    Exercise(
        ("sort by length", "sort words", "by length"), "sorts the words {x} by length, shortest first",
        ("sort_by_length", "shortest_first"), ("words",), lambda x: sorted(x, key=len),
        ("return sorted(x, key=len)", "ordered = list(x)\nordered.sort(key=lambda word: len(word))\nreturn ordered"),
        ("return [...x].sort((first, second) => first.length - second.length);",),
    ),
    Exercise(
        ("flatten a list", "flatten", "nested list"), "joins the lists in {x} into one",
        ("flatten", "join_lists"), ("lists",), lambda x: [n for part in x for n in part],
        ("return [number for part in x for number in part]", "flat = []\nfor part in x:\n    flat.extend(part)\nreturn flat"),
        ("return x.flat();", "return [].concat(...x);"),
    ),
    Exercise(
        ("invert a dictionary", "invert", "swap keys"), "swaps the keys and the values of the dictionary {x}",
        ("invert", "swap_keys_and_values"), ("mapping",), lambda x: {value: key for key, value in x.items()},
        ("return {value: key for key, value in x.items()}", "swapped = {}\nfor key in x:\n    swapped[x[key]] = key\nreturn swapped"),
        ("return Object.fromEntries(Object.entries(x).map(([key, value]) => [value, key]));",),
    ),
    Exercise(
        ("merge dictionaries", "merge"), "merges the dictionaries {x} and {y}; where both have a key, the value of {y} counts",
        ("merge", "merge_dictionaries"), ("mapping", "mapping"), lambda x, y: {**x, **y},
        ("return {**x, **y}", "return x | y", "merged = dict(x)\nmerged.update(y)\nreturn merged"),
        ("return { ...x, ...y };", "return Object.assign({}, x, y);"),
    ),
    Exercise(
        ("factorial",), "returns the factorial of {x}",
        ("factorial", "product_up_to"), ("small",), factorial,
        ("product = 1\nfor factor in range(2, x + 1):\n    product *= factor\nreturn product", "return 1 if x < 2 else x * F(x - 1)"),
        ("return x < 2 ? 1 : x * F(x - 1);", "let product = 1;\nfor (let factor = 2; factor <= x; factor += 1) {\n  product *= factor;\n}\nreturn product;"),
    ),
    Exercise(
        ("fibonacci",), "returns the Fibonacci number {x}, counted from 0",
        ("fibonacci", "fibonacci_number"), ("small",), _fibonacci,
        ("low, high = 0, 1\nfor _ in range(x):\n    low, high = high, low + high\nreturn low", "return x if x < 2 else F(x - 1) + F(x - 2)"),
        ("return x < 2 ? x : F(x - 1) + F(x - 2);",),
    ),
    Exercise(
        ("greatest common divisor", "common divisor", "gcd"), "returns the greatest common divisor of {x} and {y}",
        ("greatest_divisor", "common_divisor"), ("n", "n"), gcd,
        ("while y:\n    x, y = y, x % y\nreturn x", "return x if y == 0 else F(y, x % y)"),
        ("return y === 0 ? x : F(y, x % y);",),
    ),
    Exercise(
        ("prime number", "prime"), "tells whether {x} is a prime number",
        ("is_prime", "check_prime"), ("n",), lambda x: x > 1 and all(x % n for n in range(2, x)),
        ("if x < 2:\n    return False\nfor divisor in range(2, int(x**0.5) + 1):\n    if x % divisor == 0:\n        return False\nreturn True",
         "return x > 1 and all(x % divisor for divisor in range(2, int(x**0.5) + 1))"),
        ("if (x < 2) {\n  return false;\n}\nfor (let divisor = 2; divisor * divisor <= x; divisor += 1) {\n  if (x % divisor === 0) {\n    return false;\n  }\n}\nreturn true;",),
    ),
    Exercise(
        ("fizzbuzz", "fizz buzz"), "returns fizz for multiples of 3, buzz for multiples of 5, fizzbuzz for both, else {x} as text",
        ("fizzbuzz", "fizz_or_buzz"), ("n",), lambda x: ("fizz" * (x % 3 == 0) + "buzz" * (x % 5 == 0)) or str(x),
        ('word = ""\nif x % 3 == 0:\n    word += "fizz"\nif x % 5 == 0:\n    word += "buzz"\nreturn word or str(x)',
         'if x % 15 == 0:\n    return "fizzbuzz"\nif x % 3 == 0:\n    return "fizz"\nif x % 5 == 0:\n    return "buzz"\nreturn str(x)'),
        ('const word = (x % 3 === 0 ? "fizz" : "") + (x % 5 === 0 ? "buzz" : "");\nreturn word || String(x);',),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """An SQL exercise over the table `T` with the group column `G` and the number column `N`; `K` is a small number."""

    words: tuple[str, ...]
    task: str
    sql: tuple[str, ...]


QUERIES: tuple[Query, ...] = (
    Query(("count per group", "count", "how many"), "counts the rows of T for each G",
          ("SELECT G, COUNT(*) AS total FROM T GROUP BY G ORDER BY G;",
           "SELECT G, COUNT(id) AS how_many FROM T GROUP BY G ORDER BY how_many DESC, G;")),
    Query(("average per group", "average", "mean"), "gives the mean N of each G in T",
          ("SELECT G, AVG(N) AS mean_N FROM T GROUP BY G ORDER BY G;",
           "SELECT G, ROUND(AVG(N), 2) AS mean_N FROM T GROUP BY G ORDER BY mean_N DESC, G;")),
    Query(("sum per group", "total", "sum"), "adds up N for each G in T",
          ("SELECT G, SUM(N) AS total_N FROM T GROUP BY G ORDER BY G;",
           "SELECT G, SUM(N) AS total_N FROM T GROUP BY G HAVING SUM(N) > K ORDER BY total_N DESC, G;")),
    Query(("top rows", "top", "largest", "highest"), "lists the three rows of T with the largest N",
          ("SELECT id, G, N FROM T ORDER BY N DESC, id LIMIT 3;",
           "SELECT * FROM T ORDER BY N DESC, id ASC LIMIT 3;")),
    Query(("rows above a value", "filter", "above", "more than"), "lists the rows of T whose N is above K",
          ("SELECT id, G, N FROM T WHERE N > K ORDER BY id;",
           "SELECT * FROM T WHERE N > K ORDER BY N, id;")),
    Query(("distinct values", "distinct", "different"), "lists the different values of G in T",
          ("SELECT DISTINCT G FROM T ORDER BY G;", "SELECT G FROM T GROUP BY G ORDER BY G;")),
    Query(("rows above the average", "subquery", "above average"), "lists the rows of T whose N is above the mean",
          ("SELECT id, G, N FROM T WHERE N > (SELECT AVG(N) FROM T) ORDER BY id;",
           "WITH means AS (SELECT AVG(N) AS mean_N FROM T)\nSELECT id, G, N FROM T, means WHERE N > mean_N ORDER BY id;")),
)  # fmt: skip


@lru_cache(maxsize=1024)
def find_exercise(prompt: str) -> Exercise | None:
    """The exercise whose longest name stands in the prompt."""
    place = _find_longest(prompt, [exercise.words for exercise in EXERCISES])
    return None if place is None else EXERCISES[place]


@lru_cache(maxsize=1024)
def find_query(prompt: str) -> Query | None:
    """The SQL exercise whose longest name stands in the prompt."""
    place = _find_longest(prompt, [query.words for query in QUERIES])
    return None if place is None else QUERIES[place]


def _find_longest(prompt: str, names: list[tuple[str, ...]]) -> int | None:
    text = prompt.lower()
    found = [
        (len(word), -place)
        for place, words in enumerate(names)
        for word in words
        if re.search(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])", text)
    ]
    return -max(found)[1] if found else None
