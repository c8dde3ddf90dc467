"""Who asks what, and what the document cannot say in a schema."""

import json
import os

import schemathesis


def is_for_people(path):
    """Whether a steward does it, and no system."""
    return "/review/" in path or path.endswith(("/history", "/release"))


@schemathesis.auth(refresh_interval=None)
class Token:
    """The token of an account that may do what the operation does."""

    def get(self, case, context):
        operation = context.operation
        if operation.method.upper() == "POST" and operation.path.endswith("/sources"):
            return os.environ["TOKEN_ADMINISTRATOR"]
        if is_for_people(operation.path):
            return os.environ["TOKEN_STEWARD"]
        return os.environ["TOKEN_SYSTEM"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
        # A person says why.
        if is_for_people(context.operation.path):
            case.headers["Accord-Reason"] = "test"


@schemathesis.check
def too_many_says_when(context, response, case):
    """A refusal by the rate says when to come back, in the form of every problem."""
    if response.status_code != 429:
        return
    # One byte for each, so that the run can tell that it met any.
    with open(os.environ["LIMITED"], "a") as met:
        met.write(".")
    after = response.headers.get("retry-after", [""])[0]
    assert after.isdigit() and int(after) >= 1, f"Retry-After: {after!r}"
    media = response.headers.get("content-type", [""])[0]
    assert media.startswith("application/problem+json"), media
    problem = json.loads(response.content)
    assert problem["status"] == 429, problem
    assert problem["type"] and problem["detail"] and problem["request_id"], problem


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Narrows what is good data to what gets past the door, so that more of it
    reaches the ledger. What is bad data stays bad."""
    # Acting for a person needs all of its headers and a source that allows it:
    # tests/service/access.rs sends those.
    acting = {f"#/components/parameters/{name}" for name in ("User", "Role", "Organisation")}
    for path in raw_schema["paths"].values():
        for operation in path.values():
            operation["parameters"] = [
                parameter
                for parameter in operation["parameters"]
                if parameter.get("$ref") not in acting
            ]
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path" and parameter["name"] == "source":
                    parameter["schema"] = {"type": "string", "enum": ["gp", "pas"]}
                if parameter.get("in") == "path" and parameter["name"] == "person":
                    known = [os.environ["PERSON"], "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]
                    parameter["schema"] = {"type": "string", "enum": known}
                if parameter.get("in") == "path" and parameter["name"] == "task":
                    known = [os.environ["TASK"], "T-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]
                    parameter["schema"] = {"type": "string", "enum": known}
                if parameter.get("in") == "path" and parameter["name"] == "local_id":
                    parameter["schema"]["maxLength"] = 40
    schemas = raw_schema["components"]["schemas"]
    for name in ("SubmittedRecord", "NamedRecord"):
        # Any notation of a date is taken, and nothing but a date.
        schemas[name]["properties"]["effective_at"] = {
            "type": ["string", "null"],
            "enum": ["2026-01-02", "2026-03-01T09:00:00Z", "2027-12-31T23:59:59+01:00", None],
        }
    # A search is for somebody, or it is refused.
    searched = schemas["SearchBody"]["properties"]
    for name in ("birth_date", "birth_date_from", "birth_date_to", "death_date"):
        searched[name]["enum"] = ["1980-05-12", "1980-05", "1990", "", None]
    searched["gender"]["enum"] = ["female", "male", "", None]
    searched["nhs_number"]["enum"] = ["9990000018", "", None]
    # A batch is lines; here they are a list until they are sent.
    for path in raw_schema["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/x-ndjson" in content:
                named = {"$ref": "#/components/schemas/NamedRecord"}
                content["application/x-ndjson"] = {
                    "schema": {"type": "array", "items": named, "maxItems": 5}
                }
                line = {"$ref": "#/components/schemas/BatchLine"}
                answer = operation["responses"]["200"]["content"]["application/x-ndjson"]
                answer["schema"] = {"type": "array", "items": line}


@schemathesis.serializer("application/x-ndjson")
def to_lines(context, value):
    if isinstance(value, bytes):
        return value
    values = value if isinstance(value, list) else [value]
    return "".join(json.dumps(value) + "\n" for value in values).encode()


@schemathesis.deserializer("application/x-ndjson")
def from_lines(context, response):
    return [json.loads(line) for line in response.content.splitlines()]
