"""HL7 v2 over MLLP, and a service to speak it to. Standard library only."""
import contextlib
import pathlib
import re
import socket
import subprocess
import tempfile

AT = "20260301101500"


def header(kind, control_id):
    return f"MSH|^~\\&|PAS|RVV|ACCORD|KENT|{AT}||{kind}|{control_id}|P|2.5"


class Line:
    """A connection: messages go out and come in, each in its frame."""

    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def send(self, message):
        self.socket.sendall(b"\x0b" + message.encode() + b"\r\x1c\r")

    def receive(self):
        """The next message without its frame."""
        while b"\x1c\r" not in self.unread:
            read = self.socket.recv(65536)
            assert read, "the service closed the connection"
            self.unread += read
        message, self.unread = self.unread.split(b"\x1c\r", 1)
        return message.lstrip(b"\x0b")


@contextlib.contextmanager
def service(accord, settings, *source):
    """A service on a directory of its own that knows the source `pas`: its process, its
    address, and the arguments that name its data."""
    accord = pathlib.Path(accord).resolve()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "hl7.toml"
        file.write_text(settings)
        data = ["--data", f"{folder}/data"]
        subprocess.run([accord, "source", "add", "pas", "--name", "Hospital", *source, *data], check=True)
        serve = ["serve", "--listen", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--hl7", file, *data]
        with subprocess.Popen([accord, *serve], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                found = None
                for line in process.stdout:
                    found = re.match(r"hl7 on mllp://(.*):(\d+)", line) or found
                    if line.startswith("listening"):
                        break
                yield process, (found[1], int(found[2])), data
            finally:
                process.terminate()
