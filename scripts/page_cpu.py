#!/usr/bin/env python3
"""What each page costs the service, in processor time and bytes.

`accord demo` fills and serves a region (`--persons`, or a directory that is filled
already); each page is asked `--times` times over one connection, and the processor time
of the service's process over all of them is divided by them: user and system time of all
its threads, the index's follower among them. Bytes are of the page alone, not packed, without
the cached stylesheet and script. Aims: 150 ms and 200,000 bytes. Standard library only.
"""
import argparse
import http.client
import os
import re
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlencode, urlsplit

import measured

AIM_MS, AIM_BYTES = 150, 200_000
TICKS = os.sysconf("SC_CLK_TCK")


class Browser:
    """Somebody who is signed in, over one connection."""

    def __init__(self, url, name, password):
        self.host = urlsplit(url).netloc
        self.line = http.client.HTTPConnection(self.host)
        self.cookie = ""
        status, headers, _ = self.ask("POST", "/", {"name": name, "password": password})
        if status != 303:
            raise SystemExit(f"{name} cannot sign in: {status}")
        self.cookie = headers["set-cookie"].split(";")[0]
        self.token = re.search(r'name="token" value="([^"]+)"', self.get("/account")[2]).group(1)

    def ask(self, method, path, form=None):
        headers = {"cookie": self.cookie, "accept": "text/html"}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["content-type"] = "application/x-www-form-urlencoded"
        self.line.request(method, path, body, headers)
        answer = self.line.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, **form):
        return self.ask("POST", path, {"token": self.token, **form})


def spent(process):
    """Seconds of processor time of a process so far."""
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def first(browser, path, pattern):
    found = re.search(pattern, browser.get(path)[2])
    return found.group(1) if found else None


def pages(users):
    """Name, who asks, and how: a path, or a path with a form."""
    steward, auditor = users["steward"], users["auditor"]
    listed = [
        ("queue", steward, "/review"),
        ("queue, filtered", steward, "/review?kind=possible_duplicate&state=open"),
        ("work", steward, "/work"),
        ("sources", steward, "/sources"),
        ("account", steward, "/account"),
        ("search, empty", steward, "/search"),
        ("model", users["engineer"], "/models"),
        ("model in the shadow", users["engineer"], "/models/shadow"),
        ("who looked", auditor, "/audit"),
    ]
    source = first(steward, "/sources", r'href="(/sources/[^"?]+)"')
    listed.append(("scorecard", steward, source))
    kinds = re.findall(r'<option value="([a-z_]+)"', steward.get("/review")[2].split('id="kind"')[1].split("</select>")[0])
    for kind in kinds:
        task = first(steward, f"/review?kind={kind}", r'class="desk-task" href="(/review/tasks/[^"?]+)')
        if task:
            listed.append((f"question: {kind}", steward, task))
            last = task
    listed.append(("next question", steward, f"{last}/next"))
    listed.append(("previous question", steward, f"{last}/previous"))
    search = {"purpose": "measuring", "family_name": "Thornwick", "given_names": "Rupert", "birth_date": "1979-09-08"}
    listed.append(("search, found", steward, ("/search", search)))
    steward.post("/search", **search)
    found = steward.post("/search", **search)[2]
    person = re.search(r'href="(/persons/[^"]+)"', found).group(1)
    listed += [
        ("person", steward, person),
        ("person, as known then", steward, f"{person}?as_of={time.strftime('%Y-%m-%d', time.gmtime())}"),
        ("record", steward, f"{person}/records/1"),
    ]
    privacy = users.get("privacy")
    if privacy:
        privacy.post("/purpose", purpose="measuring")
        listed.append(("subject access", privacy, f"{person}/subject-access"))
    listed.append(("who looked at a person", auditor, f"/audit{person}"))
    return listed


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--binary", default="target/release/accord")
    asked.add_argument("--persons", type=int, default=20_000)
    asked.add_argument("--data", help="a demonstration's directory; made and filled when it is not there")
    asked.add_argument("--times", type=int, default=20)
    options = asked.parse_args()
    data = options.data or tempfile.mkdtemp() + "/accord-demo"
    command = [options.binary, "demo", "--data", data, "--persons", str(options.persons), "--listen", "127.0.0.1:0", "--quiet"]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while not ("\nuser engineer " in said and "listening on " in said):
            line = service.stdout.readline()
            if not line:
                raise SystemExit(service.stderr.read())
            said += line
        url = re.search(r"listening on (\S+)", said).group(1)
        known = re.findall(r"^user (\S+) password (\S+)$", said, re.MULTILINE)
        users = {name: Browser(url, name, password) for name, password in known}
        print(f"{measured.load()}; {options.times} times each, {options.persons} persons asked for")
        print(f"{'page':34} {'ms':>7} {'bytes':>8}")
        missed = 0
        for name, browser, what in pages(users):
            ask = (lambda: browser.get(what)) if isinstance(what, str) else (lambda: browser.post(what[0], **what[1]))
            status, _, text = ask()
            before = spent(service.pid)
            for _ in range(options.times):
                ask()
            ms = (spent(service.pid) - before) * 1000 / options.times
            size = len(text.encode())
            held = status in (200, 303) and ms <= AIM_MS and size <= AIM_BYTES
            missed += not held
            print(f"{name:34} {ms:7.1f} {size:8}{'' if held else f'  missed ({status})'}", flush=True)
        print(f"{missed} pages miss {AIM_MS} ms or {AIM_BYTES} bytes")
    finally:
        service.terminate()
        service.wait()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
