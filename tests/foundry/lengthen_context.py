"""Gives the tiny model a longer context, so that questions with documents and the judge's prompt fit.

    python lengthen_context.py 12288        (needs the package onnx; the result is committed)

The model's rotary position tables end at 512 positions; they are continued by their own formula, position x frequency.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

FOLDER = Path(__file__).parent / "model"


def main() -> None:
    length = int(sys.argv[1])
    model = onnx.load(FOLDER / "model.onnx")
    tables = {t.name: t for t in model.graph.initializer if t.name in ("cos_cache", "sin_cache")}
    sine, cosine = (numpy_helper.to_array(tables[name]) for name in ("sin_cache", "cos_cache"))
    frequencies = np.arctan2(sine[1].astype(float), cosine[1].astype(float))
    angles = np.outer(np.arange(length), frequencies)
    assert np.allclose(np.cos(angles[: len(cosine)]), cosine, atol=1e-3)
    for name, function in (("cos_cache", np.cos), ("sin_cache", np.sin)):
        table = numpy_helper.from_array(function(angles).astype(np.float32), name)
        tables[name].CopyFrom(table)
    (FOLDER / "model.onnx.data").unlink()
    onnx.save(model, FOLDER / "model.onnx", save_as_external_data=True, location="model.onnx.data")
    config = json.loads((FOLDER / "genai_config.json").read_text(encoding="utf-8"))
    config["model"]["context_length"] = config["search"]["max_length"] = length
    (FOLDER / "genai_config.json").write_text(json.dumps(config, indent=4), encoding="utf-8")


if __name__ == "__main__":
    main()
