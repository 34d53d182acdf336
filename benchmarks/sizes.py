"""What a model weighs, whole file and section by section, beside the zero-order bound and a file that must be unpacked.

    python benchmarks/sizes.py MODEL.joblib … [--buckets 256 --buckets 64 --buckets 32] [--layout small] [--norm mean]

The rival is 8-bit codes in a compressed sparse matrix (lengths of rows, classes, codes) with the sorted feature names and
float32 idf, each part by xz: a file to be unpacked into a dictionary. In KB of 1000 bytes; --json has all
sections.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
from provenance import provenance

import nlucompress
from nlucompress.compress import Compressed
from nlucompress.linear import LinearModel

PARTS = {"rows": "row", "slots": "slots", "index": "index"}


def rival(source: LinearModel, compressed: Compressed) -> int:
    """Bytes of names, row lengths, classes, codes and idf of the features that have a row, sorted by name, each xz'd."""
    codes = compressed.quantized.codes
    kept = np.flatnonzero(np.diff(codes.indptr))
    names = np.array([f"{i} {name}" for i, part in enumerate(source.features) for name in part], object)
    order = sorted(kept.tolist(), key=lambda i: str(names[i]))
    rows = codes.take(np.array(order, np.int64))
    width = "<u1" if codes.shape[1] <= 256 else "<u2"
    parts = ["\n".join(names[order]).encode("utf-8", "surrogatepass"), np.diff(rows.indptr).astype("<u2").tobytes(),
             rows.indices.astype(width).tobytes(), rows.data.tobytes()]  # fmt: skip
    if source.idf is not None:
        parts.append(source.idf[order].astype("<f4").tobytes())
    return sum(len(lzma.compress(part, preset=9 | lzma.PRESET_EXTREME)) for part in parts)


def measure(path: Path, buckets: int, layout: Any, norm: Any) -> dict[str, Any]:
    """One line of the table."""
    source = nlucompress.import_model(path)
    compressed = nlucompress.compress(source, buckets=buckets, layout=layout, norm=norm)
    info = compressed.model().info(bound=True)
    sections = info["sections"]
    line = {name: sum(size for key, size in sections.items() if key.startswith(part)) for name, part in PARTS.items()}
    line["rest"] = info["bytes"] - sum(line.values())
    return {"model": path.name, "buckets": buckets, "bytes": info["bytes"], **line, "coding": compressed.coding,
            "zero_order": info["zero_order"], "rival": rival(source, compressed), "sections": sections}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--buckets", type=int, action="append")
    parser.add_argument("--layout", default="small")
    parser.add_argument("--norm", default="mean")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    print(
        "| model | buckets | .nluc KB | rows | slots | index | rest | bound KB | times the bound | unpacked rival KB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    lines = []
    for path in args.models:
        for buckets in args.buckets or (256, 64, 32):
            one = measure(path, buckets, args.layout, args.norm)
            lines.append(one)
            sizes = [f"{one[name] / 1e3:.1f}" for name in ("bytes", *PARTS, "rest")]
            bound = one["zero_order"]
            print(f"| {one['model']} | {buckets} | {' | '.join(sizes)} | {bound['file'] / 1e3:.1f} | "
                  f"{bound['file_ratio']:.3f} | {one['rival'] / 1e3:.1f} |")  # fmt: skip
            sys.stdout.flush()
    if args.json:
        args.json.write_text(json.dumps({"provenance": provenance(), "results": lines}, indent=1))


if __name__ == "__main__":
    main()
