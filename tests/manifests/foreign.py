"""Writes manifests by pandas, pyarrow and DuckDB into a folder; prints, as JSON, what is in them: for each file its
rows (the columns to compare), or the words that an error must have, or the rows of a list."""

import datetime as dt
import decimal
import hashlib
import json
import sys

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

OUT = sys.argv[1]
N = 5
cases = {}


def digest(n):
    return hashlib.sha256(str(n).encode()).hexdigest()


def base(n=N):
    return {
        "id": pa.array([f"slide-{i}/ä \"{i}\".png" for i in range(n)]),
        "path": pa.array([f"items/{i}.png" for i in range(n)]),
        "length": pa.array([100 + i for i in range(n)], pa.int64()),
        "digest": pa.array([digest(i) for i in range(n)]),
        "media_type": pa.array(["image/png"] * n),
    }


def rows(columns, n=N):
    return [{name: values[i] for name, values in columns.items()} for i in range(n)]


def column(name, array, expected=None, error=None, **options):
    """A manifest with one more column, or one in the place of another."""
    file = f"{len(cases):03d}-{name.replace('.', '-')}.parquet"
    table = pa.table({**base(), name: array})
    pq.write_table(table, f"{OUT}/{file}", **options)
    told = {"id": base()["id"].to_pylist(), "digest": base()["digest"].to_pylist(), name: expected}
    cases[file] = {"error": error} if error else {"rows": rows(told)}


texts = ["tumor", None, "normal", "", "tumor"]
column("label", pa.array(texts).dictionary_encode(), texts)
column("label", pa.array(texts, pa.large_string()), texts)
column("label", pa.array(texts, pa.string_view()), texts)
column("group", pa.array([7, None, 9, -1, 0], pa.int32()), ["7", None, "9", "-1", "0"])
column("label", pa.array([True, False, None, True, True]), ["true", "false", None, "true", "true"])
column("split", pa.nulls(N), [None] * N)
column("weight", pa.nulls(N), [None] * N)
column("offset", pa.nulls(N, pa.float64()), [None] * N)
column("label", pa.array([float("nan")] * N), [None] * N)
column("label", pa.array([1.0, None, -3.0, float("nan"), 0.0]), ["1", None, "-3", None, "0"])
column("label", pa.array([1.5] * N), error="`label`")
column("width_px", pa.array([256.0, float("nan"), 3.0, None, 0.0]), [256, None, 3, None, 0])
column("width_px", pa.array([256.5] * N), error="`width_px`")
column("weight", pa.array([1, 2, 3, None, 5], pa.uint8()), [1.0, 2.0, 3.0, None, 5.0])
column("length", pa.array(["1"] * N), error="length")
for kind, low, high in [
    (pa.int8(), -128, 127), (pa.int16(), -2**15, 2**15 - 1), (pa.int32(), -2**31, 2**31 - 1),
    (pa.int64(), -2**63, 2**63 - 1), (pa.uint8(), 0, 255), (pa.uint16(), 0, 2**16 - 1),
    (pa.uint32(), 0, 2**32 - 1), (pa.uint64(), 0, 2**63 - 1),
]:
    values = [low, high, None, 1, 0]
    column("x.n", pa.array(values, kind), values)
column("x.n", pa.array([2**63, 1, 2, 3, 4], pa.uint64()), error="`x.n`")
singles = [0.1, None, -2.5, 3.0e38, 1e-45]
column("x.f", pa.array(singles, pa.float32()),
       [None if v is None else float(np.float32(v)) for v in singles])
column("x.f", pa.array([0.1, float("nan"), 1e300, None, -0.0]), [0.1, None, 1e300, None, -0.0])
column("x.f", pa.array([float("inf")] * N), error="`x.f` is infinite")
column("x.f", pa.array([1.5, 0.25, None, -2.0, 0.0], pa.float16()), error="`x.f`")
money = ["0.10", "-12345678.25", None, "0.00", "99.99"]
column("x.d", pa.array([None if v is None else decimal.Decimal(v) for v in money], pa.decimal128(18, 2)),
       [None if v is None else float(v) for v in money])
column("x.d", pa.array([decimal.Decimal("12345678901234567.89")] * N, pa.decimal128(38, 2)), error="`x.d`")
column("x.d", pa.array([decimal.Decimal(2**62), None, decimal.Decimal(-1), decimal.Decimal(0), None],
                       pa.decimal128(20, 0)), [2**62, None, -1, 0, None])
column("x.date", pa.array([dt.date(2024, 2, 29), None, dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31)]),
       ["2024-02-29", None, "0001-01-01", "9999-12-31", "1969-12-31"])
moment = dt.datetime(2024, 2, 29, 13, 7, 5, 123456)
for unit, text in [("s", "13:07:05"), ("ms", "13:07:05.123"), ("us", "13:07:05.123456")]:
    cut = {"s": moment.replace(microsecond=0), "ms": moment.replace(microsecond=123000), "us": moment}[unit]
    early = dt.datetime(1900, 1, 1)
    values = pa.array([cut, None, early, cut, cut], pa.timestamp(unit))
    told = f"2024-02-29T{text}"
    column("x.t", values, [told, None, "1900-01-01T00:00:00", told, told])
    column("x.t", values.cast(pa.timestamp(unit, "UTC")), [told + "Z", None, "1900-01-01T00:00:00Z", told + "Z", told + "Z"])
nanos = pa.array([1, None, -1, 1_709_212_025_123_456_789, 0], pa.timestamp("ns"))
column("x.t", nanos, ["1970-01-01T00:00:00.000000001", None, "1969-12-31T23:59:59.999999999",
                      "2024-02-29T13:07:05.123456789", "1970-01-01T00:00:00"])
berlin = pa.array([moment] * N, pa.timestamp("us")).cast(pa.timestamp("us", "Europe/Berlin"))
column("x.t", berlin, ["2024-02-29T13:07:05.123456Z"] * N)
column("x.t", pa.array([0] * N, pa.int64()).cast(pa.timestamp("ms", "+05:30")), ["1970-01-01T00:00:00Z"] * N)
column("x.t", pa.array([moment] * N, pa.timestamp("us")), ["2024-02-29T13:07:05.123456"] * N, use_deprecated_int96_timestamps=True)
column("x.time", pa.array([dt.time(23, 59, 59, 999999), None, dt.time(0), dt.time(1, 2, 3), dt.time(4)], pa.time64("us")),
       ["23:59:59.999999", None, "00:00:00", "01:02:03", "04:00:00"])
column("x.time", pa.array([1, None, 0, 86_399_999, 1000], pa.time32("ms")),
       ["00:00:00.001", None, "00:00:00", "23:59:59.999", "00:00:01"])
column("x.b", pa.array([True, None, False, True, False]), [True, None, False, True, False])
column("x.null", pa.nulls(N), [None] * N)
column("x.list", pa.array([[1, 2]] * N), error="`x.list`")
column("x.struct", pa.array([{"a": 1}] * N), error="`x.struct`")
column("x.map", pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())), error="`x.map`")
column("x.bytes", pa.array([b"\xff\xfe"] * N), error="`x.bytes`")
column("x.bytes", pa.array([b"text"] * N), ["text"] * N)
column("x.uuid", pa.array([b"0" * 16] * N, pa.binary(16)), error="`x.uuid`")
column("x.long", pa.array(["ü" * 100_000] * N), ["ü" * 100_000] * N)
for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    column("label", pa.array(texts), texts, compression=codec)
column("label", pa.array(texts), texts, data_page_version="2.0", use_dictionary=False)
column("x.n", pa.array([1, 2, None, 4, 5]), [1, 2, None, 4, 5], use_dictionary=False,
       column_encoding={"x.n": "DELTA_BINARY_PACKED"})
column("x.s", pa.array(texts), texts, use_dictionary=False, column_encoding={"x.s": "DELTA_BYTE_ARRAY"})
for missing in ["id", "path", "length", "digest", "media_type"]:
    columns = {name: values for name, values in base().items() if name != missing}
    file = f"{len(cases):03d}-without-{missing}.parquet"
    pq.write_table(pa.table(columns), f"{OUT}/{file}")
    cases[file] = {"error": missing}
for name, value, told in [("id", None, "row 3: `id` is null"), ("path", None, "row 3: `path` is null"),
                          ("digest", None, "row 3: `digest` is null"), ("digest", "xyz", "row 3: `digest`"),
                          ("digest", digest(3).upper(), "row 3: `digest`"), ("length", -1, "row 3: `length`")]:
    columns = base()
    values = columns[name].to_pylist()
    values[3] = value
    file = f"{len(cases):03d}-bad-{name}.parquet"
    pq.write_table(pa.table({**columns, name: pa.array(values, columns[name].type)}), f"{OUT}/{file}")
    cases[file] = {"error": told}

# Row groups of other sizes than ours, and one that is larger than a batch.
MANY = 70_000
big = {**base(MANY), "x.n": pa.array(range(MANY))}
for size in [1000, 66_000, MANY]:
    file = f"many-{size}.parquet"
    pq.write_table(pa.table(big), f"{OUT}/{file}", row_group_size=size)
    cases[file] = {"rows": rows({"id": big["id"].to_pylist(), "x.n": list(range(MANY))}, MANY)}
file = "empty.parquet"
pq.write_table(pa.table(base(0)), f"{OUT}/{file}")
cases[file] = {"rows": []}

# pandas: categories, missing integers that became floats, objects, time zones, its index.
frame = pd.DataFrame({name: values.to_pylist() for name, values in base().items()})
frame["label"] = pd.Categorical(["b", None, "a", "b", "a"])
frame["offset"] = [np.nan] * N
frame["width_px"] = [1.0, np.nan, 3.0, 4.0, 5.0]
frame["split"] = None
frame["x.when"] = pd.date_range("2024-01-01", periods=N, tz="Europe/Berlin")
frame["x.Int"] = pd.array([1, None, 3, 4, 5], dtype="Int64")
frame["x.flag"] = pd.array([True, None, False, True, True], dtype="boolean")
told = {
    "id": frame["id"].tolist(), "label": ["b", None, "a", "b", "a"], "offset": [None] * N,
    "width_px": [1, None, 3, 4, 5], "split": [None] * N, "weight": [None] * N, "trail": [""] * N,
    "x.when": [f"{d}T23:00:00Z" for d in ["2023-12-31", "2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]],
    "x.Int": [1, None, 3, 4, 5], "x.flag": [True, None, False, True, True],
}
frame.to_parquet(f"{OUT}/pandas.parquet")
cases["pandas.parquet"] = {"rows": rows(told)}
frame.set_index("id").reset_index().to_parquet(f"{OUT}/pandas-index.parquet", index=False, row_group_size=2)
cases["pandas-index.parquet"] = {"rows": rows(told)}

# DuckDB: enums, decimals, huge integers, times of its own.
duck = duckdb.connect()
duck.execute("SET TimeZone='UTC'")
duck.execute("CREATE TYPE mood AS ENUM ('tumor', 'normal')")
duck.execute(f"""CREATE TABLE t AS SELECT 'id-' || i AS id, 'p/' || i AS path, i::UINTEGER AS length,
    sha256(i::VARCHAR) AS digest, 'image/png' AS media_type, (CASE i % 2 WHEN 0 THEN 'tumor' ELSE 'normal' END)::mood AS label,
    i::UTINYINT AS "group", 0.5 AS weight, 12.345 AS "x.dec", TIMESTAMP '2024-02-29 01:02:03.5' AS "x.t",
    TIMESTAMP_NS '2024-02-29 01:02:03.000000007' AS "x.ns", TIMESTAMPTZ '2024-02-29 01:02:03+02' AS "x.tz", DATE '2024-02-29' AS "x.d", TIME '01:02:03' AS "x.c",
    true AS "x.b", i::USMALLINT AS "x.n" FROM range({N}) r(i)""")
duck.execute(f"COPY t TO '{OUT}/duck.parquet' (FORMAT parquet)")
cases["duck.parquet"] = {"rows": rows({
    "id": [f"id-{i}" for i in range(N)], "path": [f"p/{i}" for i in range(N)], "length": list(range(N)),
    "digest": [digest(i) for i in range(N)], "label": ["tumor", "normal"] * 2 + ["tumor"],
    "group": [str(i) for i in range(N)], "weight": [0.5] * N, "x.dec": [12.345] * N,
    "x.t": ["2024-02-29T01:02:03.500"] * N, "x.ns": ["2024-02-29T01:02:03.000000007"] * N,
    "x.tz": ["2024-02-28T23:02:03Z"] * N,
    "x.d": ["2024-02-29"] * N, "x.c": ["01:02:03"] * N, "x.b": [True] * N, "x.n": list(range(N)),
})}

# A list of files: any columns, all as text.
frame = pd.DataFrame({
    "path": ["a.svs", "b.svs"], "label": pd.Categorical(["x", None]), "n": np.array([0.1, 2.0], dtype="float32"),
    "mpp": [0.2281750559028887, np.nan], "patient": [7, 2**53 + 1],
    "when": pd.to_datetime(["2024-02-29 01:02:03", None]), "ok": [True, False],
})
frame.to_parquet(f"{OUT}/list.parquet")
cases["list.parquet"] = {"list": [
    {"path": "a.svs", "label": "x", "n": "0.1", "mpp": "0.2281750559028887", "patient": "7",
     "when": "2024-02-29T01:02:03", "ok": "true"},
    {"path": "b.svs", "n": "2", "patient": "9007199254740993", "ok": "false"},
]}
print(json.dumps(cases))
