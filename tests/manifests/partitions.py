"""Reads OUT/partitions as pyarrow, pandas and DuckDB do, and holds every row to OUT/manifest.parquet; prints how many rows
each found."""

import glob
import json
import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

out, by = sys.argv[1], sys.argv[2:]
place = out + "/partitions"
expected = pq.read_table(out + "/manifest.parquet").to_pylist()


def text(name, value):
    """As partitions name it: an empty text is none, numbers are text."""
    if name not in by:
        return value
    return None if value in (None, "") else str(value)


def same(rows):
    names = set(expected[0])
    assert all(set(row) == names for row in rows[:10]), (set(rows[0]) ^ names)
    told = lambda rows: sorted(
        (tuple((name, text(name, row[name])) for name in sorted(names)) for row in rows), key=lambda row: dict(row)["id"])
    assert told(rows) == told(expected)
    return len(rows)


def none(value):
    return None if value is None or value != value else value


found = {"pyarrow": same(ds.dataset(place, partitioning="hive").to_table().to_pylist())}

# Without a schema pandas cannot read a partition of nulls, its own neither.
kinds = pa.schema([(name, pa.string()) for name in by])
frame = pd.read_parquet(place, partitioning=ds.partitioning(kinds, flavor="hive"))
rows = []
for row in frame.astype(object).to_dict("records"):
    row = {name: none(value) for name, value in row.items()}
    for name in ("offset", "weight"):
        row[name] = none(row[name])
    rows.append(row)
found["pandas"] = same(rows)

# DuckDB takes Hive's name of null for a text.
nulls = ", ".join(f"""nullif("{name}"::VARCHAR, '__HIVE_DEFAULT_PARTITION__') AS "{name}\"""" for name in by)
duck = duckdb.sql(f"SELECT * REPLACE ({nulls}) FROM read_parquet('{place}/**/*.parquet', hive_partitioning=true)")
names = duck.columns
found["duckdb"] = same([dict(zip(names, row)) for row in duck.fetchall()])
assert glob.glob(place + "/**/*.parquet", recursive=True)
print(json.dumps(found))
