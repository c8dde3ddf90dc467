#!/usr/bin/env python3
"""What an HL7 v2 message costs: CPU of the service (user and system) a message.

    scripts/hl7_load.py [--messages 10000] [--connections 4] [--window 16] [target/release/accord]

Starts a service on a directory of its own and registers people who are made up (ADT^A28), then asks
for each by its id (QBP^Q23), on several connections, each with a window of messages under way. Every
acknowledgement is checked against its control id. Prints one JSON object for each kind of message.
"""
import argparse
import json
import os
import pathlib
import random
import re
import threading
import time

from mllp import AT, Line, header, service

SETTINGS = """
[[listener]]
trusts_network = true
[[authority]]
namespace = "RVV"
source = "pas"
[[sender]]
application = "PAS"
source = "pas"
"""
ONSETS, VOWELS, ENDS = "b br c cl d f g h k l m n p r s st t th w".split(), "a e i o u ea ou".split(), "n rd lt x ck ston ley by".split()


def name(chance):
    return "".join(chance.choice(ONSETS) + chance.choice(VOWELS) for _ in range(2)).capitalize() + chance.choice(ENDS)


def register(number):
    """The message that registers a person of this number, the same each time."""
    chance = random.Random(number)
    born = f"{chance.randint(1930, 2020)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    street = f"{chance.randint(1, 200)} {name(chance)} Road^^Leeds^^LS{chance.randint(1, 28)} {chance.randint(1, 9)}QD^^H"
    pid = f"PID|||L{number}^^^RVV||{name(chance)}^{name(chance)}^^^^^L||{born}|{chance.choice('FM')}|||{street}"
    return "\r".join([header("ADT^A28^ADT_A05", f"r{number}"), f"EVN||{AT}", pid])


def ask(number):
    return "\r".join([header("QBP^Q23^QBP_Q21", f"q{number}"), f"QPD|IHE PIX Query|q{number}|L{number}^^^RVV", "RCP|I"])


def speak(address, messages, window):
    """Sends messages on one connection; each answer must be that of the oldest under way."""
    line, under_way, messages = Line(address), [], iter(messages)
    while True:
        while len(under_way) < window and (message := next(messages, None)):
            under_way.append(message.split("|", 10)[9])
            line.send(message)
        if not under_way:
            return
        answer = line.receive()
        said = re.search(rb"\rMSA\|(\w+)\|([^|\r]*)", answer)
        wanted = under_way.pop(0)
        assert said and said[1] == b"AA" and said[2].decode() == wanted, (wanted, answer)


def cpu(process):
    """Seconds of user and system."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(what, process, address, message, arguments):
    count, connections = arguments.messages, arguments.connections
    failed = []

    def run(first):
        try:
            speak(address, (message(number) for number in range(first, count, connections)), arguments.window)
        except Exception as fault:
            failed.append(fault)

    before, started = cpu(process.pid), time.monotonic()
    threads = [threading.Thread(target=run, args=(first,)) for first in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    took = time.monotonic() - started
    print(json.dumps({
        "message": what, "messages": count, "connections": connections, "window": arguments.window,
        "cpu_ms_a_message": round((cpu(process.pid) - before) * 1000 / count, 3),
        "messages_a_second": round(count / took), "load": round(os.getloadavg()[0], 1),
    }), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("accord", nargs="?", default="target/release/accord")
    arguments = parser.parse_args()
    with service(arguments.accord, SETTINGS) as (process, address, _):
        for what, message in (("ADT^A28, new", register), ("ADT^A28, sent again", register), ("QBP^Q23", ask)):
            measure(what, process, address, message, arguments)


if __name__ == "__main__":
    main()
