#!/usr/bin/env python3
"""A FHIR client of other people against the service: register, query, merge, query, unmerge.

    pip install fhirpy
    scripts/fhir_clients.py [target/debug/accord]

Starts a service on a directory of its own. Prints a line; exits 1 when the client is not answered
as it should be, and says that it is left out where the package is not installed.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound
except ImportError:
    print("left out: pip install fhirpy")
    sys.exit(0)

AUTHORITY = "https://id.example.org/pas"


def patient(client, local_id, given, born):
    """A Patient to be saved."""
    return client.resource(
        "Patient",
        identifier=[{"system": AUTHORITY, "value": local_id}],
        name=[{"family": "Thornwick", "given": [given]}],
        gender="female",
        birthDate=born,
        address=[{"line": ["4 Quarry Lane"], "postalCode": "LS8 2QD"}],
    )


def person_of(saved):
    """The person that a record's Patient refers to."""
    return next(link["other"]["reference"] for link in saved["link"] if link["type"] == "refer").split("/")[1]


def expect(what, said, wanted):
    assert said == wanted, f"fhirpy: {what}: {said!r}, not {wanted!r}"


def story(feed, steward):
    one, other = patient(feed, "1", "Imogen", "1980-05-12"), patient(feed, "2", "Ottoline", "1953-02-07")
    for record in (one, other):
        record.save()
    expect("register", one["id"].startswith("R-") and other["id"].startswith("R-"), True)
    person, retired = person_of(one), person_of(other)
    assert person != retired, "two people are one"

    def found(local_id):
        people = steward.resources("Patient").search(identifier=f"{AUTHORITY}|{local_id}").fetch()
        return [found["id"] for found in people]

    expect("query", (found("1"), found("2")), ([person], [retired]))
    by_name = steward.resources("Patient").search(family="Thornwick", birthdate="1980-05-12").fetch()
    expect("query by name", [found["id"] for found in by_name], [person])
    reason = {"name": "reason", "valueString": "one and the same"}

    def parameters(*given):
        return {"resourceType": "Parameters", "parameter": [*given, reason]}

    def reference(name, id):
        return {"name": name, "valueReference": {"reference": f"Patient/{id}"}}

    both = parameters(reference("source-patient", retired), reference("target-patient", person))
    merged = steward.execute("Patient/$merge", data=both)
    merge = next(it["valueString"] for it in merged["parameter"] if it["name"] == "merge")
    expect("query", (found("1"), found("2")), ([person], [person]))
    expect("the retired id", steward.get("Patient", retired)["link"][0]["type"], "replaced-by")
    steward.execute("Patient/$unmerge", data=parameters({"name": "merge", "valueString": merge}))
    expect("query", (found("1"), found("2")), ([person], [retired]))
    try:
        steward.get("Patient", "P-00000000000070008000000000000000")
        raise AssertionError("fhirpy: an unknown id is found")
    except ResourceNotFound:
        pass
    try:
        steward.resources("Patient").search(nonsense="1").fetch()
        raise AssertionError("fhirpy: an unknown parameter is passed over")
    except OperationOutcome:
        pass
    print("fhirpy: registered, queried, merged, queried, unmerged, queried")


def main():
    accord = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/accord").resolve()
    with tempfile.TemporaryDirectory() as folder:
        data = ["--data", f"{folder}/data"]
        add = ["source", "add", "pas", "--name", "Hospital", "--authority", AUTHORITY]
        subprocess.run([accord, *add, *data], check=True)

        def token(actor, *more):
            made = [accord, "token", "create", "--actor", actor, *more, *data]
            return subprocess.run(made, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

        feed = token("pas", "--role", "integration", "--source", "pas")
        steward = token("sam", "--role", "steward", "--person")
        serve = [accord, "serve", "--listen", "127.0.0.1:0", *data]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
            try:
                address = None
                for line in service.stdout:
                    address = re.match(r"listening on (http://\S+)", line)
                    if address:
                        break
                base = f"{address[1]}/fhir/R4"
                client = SyncFHIRClient(base, authorization=f"Bearer {feed}")
                reason = {"Accord-Reason": "a trial"}
                person = SyncFHIRClient(base, authorization=f"Bearer {steward}", extra_headers=reason)
                story(client, person)
            finally:
                service.terminate()
        subprocess.run([accord, "verify", *data], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
