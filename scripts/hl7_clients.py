#!/usr/bin/env python3
"""Two HL7 v2 packages of other people against the service: register, query, merge, query, unmerge.

    pip install hl7 hl7apy
    scripts/hl7_clients.py [target/debug/accord]

Starts a service on a directory of its own. Prints a line for each client; exits 1 when one of them
is not answered as it should be.
"""
import pathlib
import subprocess
import sys

import hl7
import hl7.client
from hl7apy.core import Message
from hl7apy.parser import parse_message

from mllp import AT, Line, header, service

SETTINGS = """
[[listener]]
trusts_network = true
[[authority]]
namespace = "RVV"
oid = "2.16.840.1.113883.2.1.3.2.4.18.2"
source = "pas"
[[sender]]
application = "PAS"
source = "pas"
asks_for_all = true
shows_to_people = true
"""

class WithHl7:
    """The package `hl7`: text in, a container out."""

    name = "hl7"

    def __init__(self, address):
        self.client = hl7.client.MLLPClient(*address)

    def ask(self, *segments):
        answer = self.client.send_message(hl7.parse("\r".join(segments) + "\r"))
        self.answer = hl7.parse(answer.decode("utf-8").strip("\x0b\x1c\r") + "\r")
        return str(self.answer.segment("MSA")[1])

    def ids(self):
        pids = self.answer.segments("PID")
        return sorted(str(cx[0]) for pid in pids for cx in pid[3])


class WithHl7apy:
    """The package `hl7apy`: messages built and read by its own structures."""

    name = "hl7apy"

    def __init__(self, address):
        self.line = Line(address)

    def ask(self, *segments):
        message = parse_message("\r".join(segments) + "\r", find_groups=False)
        assert isinstance(message, Message)
        self.line.send(message.to_er7().rstrip("\r"))
        self.answer = parse_message(self.line.receive().decode("utf-8"), find_groups=False)
        return self.answer.msa.msa_1.to_er7()

    def ids(self):
        pids = [segment for segment in self.answer.children if segment.name == "PID"]
        return sorted(cx.cx_1.to_er7() for pid in pids for cx in pid.pid_3)


def story(client, start, family, born):
    """What each client does, with patients of its own."""
    one, two = f"{start}1", f"{start}2"

    def pid(local_id, given):
        return f"PID|||{local_id}^^^RVV^MR||{family}^{given}^^^^^L||{born}|F|||4 Quarry Lane^^Leeds^^LS8 2QD^^H"

    def expect(what, said, wanted):
        assert said == wanted, f"{client.name}: {what}: {said!r}, not {wanted!r}\n{client.answer}"

    for local_id, given in ((one, "Imogen"), (two, "Ottoline")):
        said = client.ask(header("ADT^A28^ADT_A05", f"{local_id}r"), f"EVN||{AT}", pid(local_id, given))
        expect("register", said, "AA")
    query = (f"QPD|IHE PIX Query|{start}|{one}^^^RVV", "RCP|I")
    expect("query", client.ask(header("QBP^Q23^QBP_Q21", f"{start}q1"), *query), "AA")
    expect("ids before", client.ids(), [one])
    link = (f"EVN||{AT}|||U1^Stewart", f"PID|||{one}^^^RVV", f"PID|||{two}^^^RVV")
    expect("link", client.ask(header("ADT^A24^ADT_A24", f"{start}m"), *link), "AA")
    expect("query", client.ask(header("QBP^Q23^QBP_Q21", f"{start}q2"), *query), "AA")
    expect("ids after", client.ids(), [one, two])
    expect("unlink", client.ask(header("ADT^A37^ADT_A37", f"{start}u"), *link), "AA")
    expect("query", client.ask(header("QBP^Q23^QBP_Q21", f"{start}q3"), *query), "AA")
    expect("ids at last", client.ids(), [one])
    merge = (f"EVN||{AT}", pid(one, "Imogen"), f"MRG|{two}^^^RVV")
    expect("merge", client.ask(header("ADT^A40^ADT_A39", f"{start}a40"), *merge), "AA")
    print(f"{client.name}: registered, queried, linked, queried, unlinked, queried, merged")


def main():
    accord = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/accord").resolve()
    with service(accord, SETTINGS, "--acts-for-people") as (process, address, data):
        story(WithHl7(address), "A", "Thornwick", "19800512")
        story(WithHl7apy(address), "B", "Ravenbrook", "19530207")
        process.terminate()
        process.wait()
        subprocess.run([accord, "verify", *data], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
