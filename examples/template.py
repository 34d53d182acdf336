"""A tagger's features, by a Python function and by the template that describes it: the same strings.

The function stays with you; the template goes into the model's file, and a device makes the features itself.

    $ python examples/template.py wake Anna at 7
    wake   bias lower:wake shape:xxxx prefix1:w prefix3:wak BOS +1:lower:anna
    Anna   bias lower:anna shape:Xxxx prefix1:A prefix3:Ann title -1:lower:wake bigram=wake|anna +1:lower:at
    at     bias lower:at shape:xx prefix1:a prefix3:at -1:lower:anna bigram=anna|at -1:title +1:lower:7
    7      bias lower:7 shape:d prefix1:7 prefix3:7 number -1:lower:at bigram=at|7
"""

import sys
from pathlib import Path

from nlucompress.template import Template


def word2features(words, i):
    """What people write; python-crfsuite joins a key and its string by a colon."""
    word = words[i]
    shape = "".join("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word)
    found = {"bias": 1.0, f"lower:{word.lower()}": 1.0, f"shape:{shape}": 1.0}
    found.update({f"prefix{n}:{word[:n]}": 1.0 for n in (1, 3)})
    if word.istitle():
        found["title"] = 1.0
    if any(c in "0123456789" for c in word):
        found["number"] = 1.0
    if i > 0:
        found[f"-1:lower:{words[i - 1].lower()}"] = 1.0
        found[f"bigram={words[i - 1].lower()}|{word.lower()}"] = 1.0
        if words[i - 1].istitle():
            found["-1:title"] = 1.0
    else:
        found["BOS"] = 1.0
    if i + 1 < len(words):
        found[f"+1:lower:{words[i + 1].lower()}"] = 1.0
    return found


def main(words):
    """Print the features of each word; fail where the two differ."""
    template = Template.load(Path(__file__).with_suffix(".json"))
    rows = template.features(words)
    for i, word in enumerate(words):
        found = word2features(words, i)
        if found != rows[i]:
            sys.exit(f"{word}: {found} is not {rows[i]}")
        print(f"{word:6}", *found)


if __name__ == "__main__":
    main(sys.argv[1:])
