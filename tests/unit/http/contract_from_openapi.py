#!/usr/bin/env python3
"""Boils an OpenAPI file of Convoy's REST API down to what contract_test.cc needs.

usage: contract_from_openapi.py OPENAPI_JSON > contract.json

Kept are, for each operation, the codes of success with the shape of their `data`, the query
parameters and the shape of the request's body; for each shape that can be reached from there, the names of its properties, their types
and whether they may be null. Nothing else of the file is kept.
"""
import json
import sys


def shape_of(schema, used):
    """A schema in five words: ref, type, items, values, properties; and whether it may be null."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        used.append(name)
        return {"ref": name}
    if "allOf" in schema:
        shape = {}
        for part in schema["allOf"]:
            part = shape_of(part, used)
            shape.setdefault("properties", {}).update(part.pop("properties", {}))
            shape.update(part)
        if not shape["properties"]:
            del shape["properties"]
    else:
        shape = {"type": schema["type"]} if "type" in schema else {}
        if "items" in schema:
            shape["items"] = shape_of(schema["items"], used)
        if isinstance(schema.get("additionalProperties"), dict):
            shape["values"] = shape_of(schema["additionalProperties"], used)
        if "properties" in schema:
            shape["properties"] = {
                name: shape_of(each, used) for name, each in sorted(schema["properties"].items())
            }
    if schema.get("nullable"):
        shape["nullable"] = True
    return shape


def data_of(response, used):
    """The shape of `data` in the envelope of an answer."""
    schema = response["content"]["application/json"]["schema"]
    for part in schema.get("allOf", [schema]):
        if "data" in part.get("properties", {}):
            return shape_of(part["properties"]["data"], used)
    return {}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        openapi = json.load(file)
    used = []
    operations = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            answers = {
                code: data_of(response, used)
                for code, response in operation["responses"].items()
                if code.startswith("2")
            }
            query = [
                each["name"] for each in operation.get("parameters", []) if each["in"] == "query"
            ]
            kept = {
                "method": method.upper(),
                "path": "/api" + path,
                "query": sorted(query),
                "answers": answers,
            }
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                kept["body"] = shape_of(content["schema"], used)
            operations.append(kept)
    shapes = {}
    while used:
        name = used.pop()
        if name not in shapes:
            shapes[name] = shape_of(openapi["components"]["schemas"][name], used)
    lines = ['{"generated": "by contract_from_openapi.py from the OpenAPI file of Convoy",']
    lines.append('"operations": [')
    lines.append(",\n".join(json.dumps(each) for each in operations))
    lines.append('],\n"shapes": {')
    lines.append(",\n".join(f'"{name}": {json.dumps(shapes[name])}' for name in sorted(shapes)))
    lines.append("}}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
