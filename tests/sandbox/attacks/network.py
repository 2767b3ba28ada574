"""Attacks over networks and sockets."""

from tests.sandbox.attacks.attack import REFUSED, Attack, refused

UDP = """
def act():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", ("127.0.0.1", HOST["udp"]))
connect("udp", ("127.0.0.1", HOST["udp"]), kind=socket.SOCK_DGRAM)
attempt("sendto", act)
"""
LISTEN = """
import select
def act():
    server = socket.create_server(("0.0.0.0", HOST["free"]))
    if select.select([server], [], [], 0.1)[0]:
        raise ValueError("somebody called")
attempt("listen", act)
"""

NETWORK = [
    refused("tcp-outward", "connect('tcp', ('1.1.1.1', 53))"),
    refused("tcp6-outward", "connect('tcp6', ('2606:4700:4700::1111', 53), socket.AF_INET6)"),
    refused("cloud-metadata", "connect('metadata', ('169.254.169.254', 80))"),
    refused("host-loopback", "connect('loopback', ('127.0.0.1', HOST['tcp']))"),
    refused("host-loopback6", "connect('loopback6', ('::1', HOST['tcp']), socket.AF_INET6)"),
    refused(
        "udp-outward",
        "connect('udp', ('8.8.8.8', 53), kind=socket.SOCK_DGRAM)",
    ),
    Attack(
        name="udp-to-host-loopback",
        code=UDP,
        stdout="udp done\nsendto done\n",  # to the sandbox's own loopback: nothing arrives
        on=("docker", "bwrap"),
    ),
    Attack(name="udp-to-host-loopback", code=UDP, stdout=REFUSED, on=("sandlock",)),
    Attack(
        name="dns",
        code="attempt('dns', socket.getaddrinfo, 'example.com', 80)",
        stdout=r"dns (EAI_\w+|-?\d+|gaierror)\n",
    ),
    refused("abstract-unix", "connect('abstract', HOST['abstract'], socket.AF_UNIX)"),
    refused("unix-of-host", "connect('unix', HOST['unix'], socket.AF_UNIX)"),
    refused(
        "docker-socket",
        """
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
    connect(path, path, socket.AF_UNIX)
""",
    ),
    refused(
        "raw-sockets",
        """
attempt("raw", socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
attempt("packet", socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0x300)
""",
    ),
    refused("vsock", "connect('vsock', (2, 1024), socket.AF_VSOCK)"),
    refused("bluetooth", "attempt('bluetooth', socket.socket, 31, socket.SOCK_RAW, 1)"),
    refused("alg", "attempt('alg', socket.socket, socket.AF_ALG, socket.SOCK_SEQPACKET, 0)"),
    Attack(
        name="listen-for-the-host",
        code=LISTEN,
        stdout="listen done\n",  # at addresses of the sandbox's own
        on=("docker", "bwrap"),
    ),
    Attack(name="listen-for-the-host", code=LISTEN, stdout=REFUSED, on=("sandlock",)),
]
