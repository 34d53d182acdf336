"""FORMAT.md's worked example is a file that the library writes and reads, byte for byte.

``python tests/test_worked_example.py`` prints the example as FORMAT.md has it.
"""

import dataclasses
import re
import struct
from pathlib import Path

import mmh3
import msgpack
import numpy as np

import nlucompress
from nlucompress import fileformat, modelfile
from nlucompress.linear import LinearModel, Namespace

FORMAT = Path(nlucompress.__file__).with_name("FORMAT.md")


def example():
    """The file of a model of two words, without facts."""
    model = LinearModel((Namespace("w"),), (("play", "stop"),), np.array([[1.0], [-0.5]]), np.array([0.25]),
                        np.array(["no", "yes"]), task="binary", link="sigmoid")  # fmt: skip
    data = nlucompress.compress(model, buckets=5, layout="dense").data
    return modelfile.write(dataclasses.replace(modelfile.read(fileformat.decode(data)), facts={}))


def dump(data):
    """Offset, hex and text, 16 bytes a line; lines of zeros are left out."""
    lines = []
    for offset in range(0, len(data), 16):
        chunk = data[offset : offset + 16]
        if any(chunk):
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in chunk)
            lines.append(f"{offset:04x}  {chunk.hex(' '):<47}  {text}")
    return "\n".join(lines)


def shown():
    """The example's bytes, out of FORMAT.md."""
    (block,) = re.findall(r"```hex\n(.*?)```", FORMAT.read_text(encoding="utf-8"), re.DOTALL)
    data = bytearray(len(example()))
    for line in block.strip().splitlines():
        offset, chunk = int(line[:4], 16), bytes.fromhex(line[6:53])
        data[offset : offset + len(chunk)] = chunk
    return bytes(data)


def test_the_library_writes_the_worked_example():
    assert dump(shown()) == dump(example())
    assert shown() == example()


def test_the_worked_example_answers_as_format_md_says():
    model = nlucompress.Model(shown(), verify="full")
    assert model.decision_function(["Play it", "stop", "no"]).tolist() == [1.25, -0.25, 0.25]
    assert model.predict(["stop"]).tolist() == ["no"]


def test_the_words_beside_the_example_say_what_its_bytes_do():
    data = shown()
    words = " ".join(FORMAT.read_text(encoding="utf-8").split("## 8.")[1].split("## 9.")[0].split())
    major, minor, header_length, file_length = struct.unpack("<HHIQ", data[8:24])
    assert f"version {major}.{minor}, a header of {header_length:#x} bytes, a file of {file_length:#x}." in words
    header = msgpack.unpackb(data[64 : 64 + header_length])
    for name, offset, _, _ in header["sections"]:
        assert re.search(rf"`{name}` (\([^)]*\) )?at {offset:#x}\b", words), name
    assert f"`levels` {header['index']['levels']}, `seeds` {header['index']['seeds']}" in words
    for word in ("play", "stop"):
        h1, h2 = mmh3.hash64(word, 0, signed=False)
        assert f"*{word}* to h1 = {h1:x}, h2 = {h2:x}" in words.replace("*play* hashes to", "*play* to")


if __name__ == "__main__":
    print(dump(example()))
