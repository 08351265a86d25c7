"""Runs in a Python that has pydicom and pylibjpeg alone: decodes a file each time it is told.

Not imported by anything here; see `apart.py`. Standard input: a line for each decoding.
Standard output: a line of JSON for each.
"""

import hashlib
import json
import sys
import time
from importlib.metadata import version

from pydicom import dcmread
from pydicom.pixels import pixel_array

dataset = dcmread(sys.argv[1])
for _ in sys.stdin:
    began = time.perf_counter()
    found = pixel_array(dataset, decoding_plugin="pylibjpeg")
    took = time.perf_counter() - began
    answer = {
        "seconds": took,
        "sha256": hashlib.sha256(found.tobytes()).hexdigest(),
        "version": version("pylibjpeg-libjpeg"),
    }
    print(json.dumps(answer), flush=True)
