"""What other programs make of a drill's formats: report.json against its schema, metrics.prom read by the reference parser of
OpenMetrics, the statement against the files that it names. Usage: formats.py FOLDER SCHEMA. Needs Debian's python3-jsonschema and
python3-prometheus-client."""

import hashlib
import json
import os
import sys

import jsonschema
from prometheus_client.openmetrics import parser

folder, schema_path = sys.argv[1:]


def read(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


report = json.loads(read("report.json"))
with open(schema_path, encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.validators.validator_for(schema).check_schema(schema)
jsonschema.validate(report, schema)

families = {family.name: family for family in parser.text_string_to_metric_families(read("metrics.prom"))}
assert "drill_verdict" in families, families
for family in families.values():
    for sample in family.samples:
        assert sample.timestamp is None, sample
measured = report["measured"]["rto"]["seconds"]
if measured is not None:
    found = families["drill_rto_seconds"].samples[0].value
    assert abs(found - measured) < 1e-6, (found, measured)

statement = json.loads(read("statement.intoto.json"))
assert statement["_type"] == "https://in-toto.io/Statement/v1"
assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
assert (statement["predicate"]["result"] == "PASSED") == (report["verdict"] == "pass")
named = statement["subject"] + statement["predicate"]["configuration"]
assert {"report.json", "events.jsonl", "plan.json"} <= {item["name"] for item in named}, named
for item in named:
    with open(os.path.join(folder, item["name"]), "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == item["digest"]["sha256"], item

note = json.loads(read("notify.json"))
assert note["verdict"] == report["verdict"] and note["exit_code"] == report["exit_code"]
assert note["text"] and note["blocks"]
for line in read("events.jsonl").splitlines():
    json.loads(line)
