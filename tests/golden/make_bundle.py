"""Makes the golden bundle, of golden models: frozen as they are. Refuses to touch it if it is there: delete it first."""

import hashlib
from pathlib import Path

from nlucompress import bundle

FOLDER = Path(__file__).parent
PATH = FOLDER / "bundle-v1.0.nlub"

if __name__ == "__main__":
    plain, binary = FOLDER / "model-v1.1-plain.nluc", FOLDER / "model-v1.1-binary.nluc"
    bundle.create(PATH, {"intents": plain, "Straße": binary})
    bundle.add(PATH, {"再生": plain})
    PATH.with_suffix(".sha256").write_text(hashlib.sha256(PATH.read_bytes()).hexdigest() + "\n")
