"""Train a CRF on words, compress it with the template of its features, load it, tag words.

    $ python examples/entities.py turn on the lamp in the kitchen
    turn on the [lamp](device) in the [kitchen](room)

Needs python-crfsuite for the training; sklearn-crfsuite takes the same features. The file that is loaded needs neither,
and no Python function: the features are made of the words by the template in it.
"""

import sys
import tempfile
from pathlib import Path

import pycrfsuite

import nlucompress
from nlucompress.template import Template

SENTENCES = [
    "turn on the [lamp](device) in the [kitchen](room)", "switch the [radio](device) off", "close the [blinds](device)",
    "turn the [heating](device) down in the [living room](room)", "is the [window](device) in the [office](room) open",
    "[bedroom](room) [lamp](device) on", "open the [door](device) of the [garage](room)", "good night", "turn it off",
]  # fmt: skip
TEMPLATE = Path(__file__).with_suffix(".json")


def parsed(sentence):
    """Words and tags of a sentence whose entities are marked."""
    words, tags = [], []
    for i, part in enumerate(sentence.replace(")", "[").split("[")):
        inside, _, kind = part.partition("](")
        for number, word in enumerate(inside.split()):
            words.append(word)
            tags.append(f"{'I' if number else 'B'}-{kind}" if i % 2 else "O")
    return words, tags


def marked(words, tags):
    """The sentence with its entities marked; the other way round."""
    out = []
    for word, tag in zip(words, tags, strict=True):
        if tag[0] == "I" and out and out[-1].endswith(f"]({tag[2:]})"):
            out[-1] = out[-1].replace("](", f" {word}](")
        else:
            out.append(word if tag == "O" else f"[{word}]({tag[2:]})")
    return " ".join(out)


def main(words):
    """Train, compress, load, tag."""
    template = Template.load(TEMPLATE)
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.0, "c2": 0.1})
    for sentence in SENTENCES:
        tokens, tags = parsed(sentence)
        trainer.append(template.features(tokens), tags)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "entities.crfsuite"), Path(folder, "entities.nluc")
        trainer.train(str(source))
        nlucompress.compress(source, template=template).save(target)
        tagger = nlucompress.load(target)
        print(f"{source.stat().st_size:,} bytes of CRFsuite, {target.stat().st_size:,} compressed", file=sys.stderr)
        print(marked(words, tagger.tag(words)))
        del tagger


if __name__ == "__main__":
    main(sys.argv[1:])
