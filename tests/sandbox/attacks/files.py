"""Attacks on files and secrets outside the working folder."""

from tests.sandbox.attacks.attack import REFUSED, Attack, refused

TEMPORARY = """
attempt("tmp", write, "/tmp/" + HOST["token"])
attempt("shm", write, "/dev/shm/" + HOST["token"])
"""
ATTRIBUTES = """
attempt("chmod", os.chmod, HOST["canary"], 0o600)
attempt("chown", os.chown, HOST["canary"], 65534, 65534)
attempt("utime", os.utime, HOST["canary"], (0, 0))
attempt("setxattr", os.setxattr, HOST["canary"], "user.pwned", b"1")
"""

FILES = [
    refused(
        "write-outside",
        """
import sys
for folder in ("/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/root", "/home", "/var", "/var/tmp",
               "/opt", "/dev", "/run", "/proc/self", "/boot", "/sandbox", HOST["folder"],
               os.path.dirname(sys.executable), os.path.dirname(os.__file__)):
    attempt(folder, write, os.path.join(folder, HOST["token"]))
""",
    ),
    Attack(
        name="write-temporary-folder",
        code=TEMPORARY,
        stdout="tmp done\nshm done\n",  # the container's own
        on=("docker",),
    ),
    Attack(name="write-temporary-folder", code=TEMPORARY, stdout=REFUSED, on=("sandlock", "bwrap")),
    refused(
        "change-programs",
        """
import glob, sys, json
NODE_FILE = type(NODE).serve.__code__.co_filename
for path in ("/usr/bin/env", "/bin/sh", sys.executable, json.__file__, "/etc/passwd",
             "/usr/bin/python3", NODE_FILE):
    if os.path.exists(path):
        attempt(path, open_to_write, path)
""",
    ),
    refused(
        "secrets-of-the-host",
        """
for path in ("/etc/shadow", "/root/.bashrc", "/root/.ssh", "/proc/1/root/etc/shadow",
             HOST["secret"], HOST["canary"], HOST["repository"], "/etc/ssl/private/key.pem",
             "/proc/kcore", "/var/lib/docker", "/proc/1/environ", "/proc/1/mem"):
    attempt(path, lambda: os.listdir(path) if os.path.isdir(path) else read(path))
""",
    ),
    Attack(
        name="environment-of-the-host",
        code="""
print([name for name in os.environ if "SECRET" in name or "KEY" in name or "TOKEN" in name])
try:
    print(HOST["value"] in open("/proc/self/environ").read())
except OSError:
    print("closed")
""",
        stdout=r"\[\]\n(False|closed)\n",
    ),
    refused(
        "temporary-files-of-the-host",
        """
attempt("list", os.listdir, HOST["folder"])
attempt("make", os.mkdir, HOST["folder"] + "/made")
attempt("read", read, HOST["canary"])
attempt("write", write, HOST["canary"])
attempt("link", os.link, HOST["canary"], "link")
attempt("unlink", os.unlink, HOST["canary"])
""",
    ),
    Attack(
        name="attributes-of-the-host",
        code=ATTRIBUTES,
        stdout=REFUSED,
        on=("docker", "bwrap"),
    ),
    Attack(
        name="attributes-of-the-host",
        code=ATTRIBUTES,
        stdout=r"chmod done\nchown done\nutime done\nsetxattr done\n",  # which does nothing
        on=("sandlock",),
    ),
    Attack(
        name="look-for-files-of-the-host",
        code="attempt('stat', os.stat, HOST['canary'])",
        stdout="stat ENOENT\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="look-for-files-of-the-host",
        code="attempt('stat', os.stat, HOST['canary'])",
        stdout="stat done\n",  # that it is there, its size and times; not what is in it
        on=("sandlock",),
    ),
    Attack(
        name="files-of-a-sibling",
        code="""
folders = os.path.dirname(os.path.dirname(os.getcwd()))
for number in os.listdir(folders):
    path = os.path.join(folders, number, "work", "mine.txt")
    if os.path.exists(path):
        print(read(path))
""",
        stdout=r"(b'mine'\n)+",
    ),
]
