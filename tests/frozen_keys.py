"""Recomputes every frozen key from its cause: BLAKE3 of RFC 8785. Usage: frozen_keys.py FROZEN_KEYS.json"""

import json
import sys

import blake3
import rfc8785

for case in json.load(open(sys.argv[1], encoding="utf-8")):
    print(blake3.blake3(rfc8785.dumps(case["cause"])).hexdigest(), case["name"])
