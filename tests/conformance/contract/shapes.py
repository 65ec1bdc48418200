"""The contract that tests/unit/http/contract.json holds: a judge of answers, and the same as an OpenAPI
document."""
import json
import pathlib

FILE = pathlib.Path(__file__).resolve().parents[2] / "unit" / "http" / "contract.json"
KINDS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list,
         "object": dict}
# Codes of refusals, each in the envelope.
REFUSALS = ("400", "401", "403", "404", "405", "409", "413", "415", "503")


class Contract:
    def __init__(self):
        document = json.loads(FILE.read_text())
        self.operations = document["operations"]
        self.shapes = document["shapes"]

    def resolve(self, shape):
        return self.shapes[shape["ref"]] if "ref" in shape else shape

    def faults(self, value, shape, where="data"):
        """The faults of a value against the shape. Names that the shape does not know are additions."""
        known = self.resolve(shape)
        if value is None:
            may_be = shape.get("nullable") or known.get("nullable")
            return [] if may_be else [f"{where} must not be null"]
        kind = known.get("type")
        if kind and (not isinstance(value, KINDS[kind]) or
                     (isinstance(value, bool) and kind in ("integer", "number"))):
            return [f"{where} must be of type {kind}, not {value!r}"]
        found = []
        if isinstance(value, list) and "items" in known:
            for item in value:
                found += self.faults(item, known["items"], where + "[]")
        if isinstance(value, dict):
            properties = {**known.get("properties", {}), **shape.get("properties", {})}
            for name, each in value.items():
                if name in properties:
                    found += self.faults(each, properties[name], f"{where}.{name}")
                elif "values" in known:
                    found += self.faults(each, known["values"], f"{where}.{name}")
        return found

    def judge(self, operation, status, body):
        """The faults of an answer against the contract."""
        try:
            answer = json.loads(body)
        except ValueError:
            return [f"{status} with a body that is no JSON: {body[:80]!r}"]
        if not isinstance(answer, dict) or not isinstance(answer.get("message"), str) or \
                not isinstance(answer.get("status"), bool):
            return [f"{status} without the envelope"]
        if str(status) in operation["answers"]:
            found = [] if answer["status"] else ["a success whose status is false"]
            if "data" not in answer:
                return found + ["a success without data"]
            return found + self.faults(answer["data"], operation["answers"][str(status)])
        if str(status) not in REFUSALS:
            return [f"the code {status}"]
        return [] if answer["status"] is False else ["a refusal whose status is true"]


def schema(shape):
    if "ref" in shape:
        made = {"$ref": "#/components/schemas/" + shape["ref"]}
    else:
        made = {name: shape[name] for name in ("type",) if name in shape}
        if "items" in shape:
            made["items"] = schema(shape["items"])
        if "values" in shape:
            made["additionalProperties"] = schema(shape["values"])
        if "properties" in shape:
            made["properties"] = {name: schema(each) for name, each in shape["properties"].items()}
    return {"anyOf": [made, {"type": "null"}]} if shape.get("nullable") else made


def envelope(data=None):
    fields = {"status": {"type": "boolean"}, "message": {"type": "string"}}
    if data is not None:
        fields["data"] = schema(data)
    return {"description": "", "content": {"application/json": {"schema": {
        "type": "object", "required": sorted(fields), "properties": fields}}}}


def openapi(contract, ids):
    """An OpenAPI document; `ids` gives values for the parameters of paths."""
    paths = {}
    for operation in contract.operations:
        parameters = [{"name": name, "in": "query", "schema": {"type": "string"}}
                      for name in operation["query"]]
        for part in operation["path"].split("/"):
            if part.startswith("{"):
                parameters.append({"name": part[1:-1], "in": "path", "required": True,
                                   "schema": {"type": "string", "enum": ids[part[1:-1]]}})
        answers = {code: envelope(data) for code, data in operation["answers"].items()}
        answers.update({code: envelope() for code in REFUSALS})
        made = {"parameters": parameters, "responses": answers}
        if "body" in operation:
            made["requestBody"] = {"content": {"application/json": {
                "schema": schema(operation["body"])}}}
        paths.setdefault(operation["path"], {})[operation["method"].lower()] = made
    return {"openapi": "3.1.0", "info": {"title": "contract", "version": "1"}, "paths": paths,
            "components": {"schemas": {name: schema(each)
                                       for name, each in contract.shapes.items()}}}
