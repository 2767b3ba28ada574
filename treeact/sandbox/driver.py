"""The driver: runs inside a sandbox and gives each branch a live interpreter that can be forked.

Standard library only; started as `python3 -I -u driver.py CONFIG` with framed messages on stdin
and stdout. Four kinds of process, each forked from the one before:

    supervisor   owns the stream to the host, the branches' folders and all kills; no user code
    zygote       imports modules ahead of time; no user code
    node         an interpreter that has run a branch's code and is frozen since
    child        forked from its node ahead of time; runs the next code and then is the node

Killing a child rolls the branch back to its node. A node and its descendants share one user id, so
whatever a node says is only ever believed about its own branch.

Where the host can pass descriptors, a child waits on a line as well: a stream to the host of its
own, for the one run that it is forked for. The supervisor hears of such a run from the host: to
watch it when it lasts, to kill it, or to keep the child as the branch's node when it is over.
"""

import ast
import builtins
import errno
import fcntl
import gc
import json
import linecache
import os
import random
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback
import types
import zlib
from _signal import SIGINT  # type: ignore[import-not-found]
from _signal import signal as set_handler  # that of `signal` takes its time to make enums
from _socket import socketpair  # that of `socket` asks the kernel what it knows, dear in a jail

VERSION = 1
HEADER = struct.Struct("!IIB")  # branch, length of the payload, kind

# Host to sandbox.
OPEN, EXEC, RESULT, INTERRUPT, KILL, CLOSE, PUT, GET, LIST, STAT, LINE, WATCH, KEEP = range(1, 14)
# Sandbox to host.
HELLO, READY, FAILED, STDOUT, STDERR, GAP, IMAGE, CALL, DONE, DIED, STATE, REPLY = range(32, 44)
WAITING, KEPT = 44, 45
# Between the supervisor and its processes.
FORK, RETIRE, UNFORKABLE = range(64, 67)

CHUNK = 1 << 18
PAGE = 1 << 12
MAX_LISTED = 20_000
SLOW_CALL = 0.02  # seconds
CHORE_DELAY = 0.001  # seconds
THAWING = 0.25  # seconds in which a process that was being forked has come to its stop


def encode(branch, kind, payload):
    """Return one frame; a payload that is not bytes is sent as JSON."""
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    return HEADER.pack(branch, len(payload), kind) + payload


def split(buffer, limit):
    """Cut whole frames off the front of `buffer`; ValueError when one is longer than `limit`."""
    frames, start = [], 0
    while len(buffer) - start >= HEADER.size:
        branch, length, kind = HEADER.unpack_from(buffer, start)
        if length > limit:
            raise ValueError("frame of %d bytes" % length)
        end = start + HEADER.size + length
        if end > len(buffer):
            break
        frames.append((branch, kind, bytes(buffer[start + HEADER.size : end])))
        start = end
    del buffer[:start]
    return frames


# ---------------------------------------------------------------------------------------------
# Processes
# ---------------------------------------------------------------------------------------------

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22


try:
    import ctypes

    LIBC = ctypes.CDLL(None)
except (ImportError, OSError):
    LIBC = None  # type: ignore[assignment]


def prctl(option, value):
    """Set one attribute of this process; a Python without ctypes goes without."""
    if LIBC:
        LIBC.prctl(option, value, 0, 0, 0)


def load_filter(programs):
    """Refuse system calls that no user code needs, to this process and all it starts."""
    program = bytes.fromhex(programs.get(os.uname().machine, ""))
    if not program or not LIBC:
        raise SystemExit("no system call filter: the machine is unknown or Python lacks ctypes")
    memory = ctypes.create_string_buffer(program)
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(PR_SET_SECCOMP, 2, pointer, 0, 0):
        raise SystemExit("no system call filter: the kernel refused it")


def open_ahead(path, flags=os.O_RDONLY):
    """Return a descriptor to look at something by; None when there is none to be had."""
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except OSError:
        return None


def close(fd):
    """Close a descriptor that user code may have closed before."""
    try:
        os.close(fd)
    except (OSError, TypeError):
        pass


try:  # true until the C library starts a first thread, in forks of the process as well
    NEVER_THREADED = ctypes.c_bool.in_dll(LIBC, "__libc_single_threaded")
except (NameError, TypeError, ValueError):  # an older or another C library
    NEVER_THREADED = types.SimpleNamespace(value=False)  # type: ignore[assignment]


def is_alone(own_stat):
    """Tell whether this process surely has no other thread, by its open /proc/self/stat.

    To read what is open is the one look that no jail makes dear.
    """
    try:
        said = os.pread(own_stat, PAGE, 0)
    except (OSError, TypeError):
        return False
    return said[said.rfind(b")") :].split(b" ", 19)[18:19] == [b"1"]


def count_threads():
    """Return how many threads this process has beside its first, whatever started them."""
    for pause in (0.0005, 0.002, 0):
        count = os.stat("/proc/self/task").st_nlink - 3
        if not count or threading.active_count() > 1:
            break
        time.sleep(pause)  # one that was joined may take a moment to be gone
    return count


def children(pid):
    """Return the pids of the children of `pid`, all its threads' together."""
    found = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task)) as file:
                found += map(int, file.read().split())
    except OSError as error:
        if error.errno == errno.ENOENT and os.path.exists("/proc/%d" % pid):
            return [child for child, parent in parents().items() if parent == pid]
    return found


def parents():
    """Return every visible process with its parent, for kernels that do not list children."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as file:
                    found[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return found


def send_signal(pid, number):
    """Signal a process that may have gone."""
    try:
        os.kill(pid, number)
    except OSError:
        pass


def descend(root, spare):
    """Yield a process and its descendants, but for some with all below them."""
    seen, queue = set(), [root]
    while queue:
        pid = queue.pop()
        if pid not in seen and (pid == root or pid not in spare):
            seen.add(pid)
            yield pid
            queue += children(pid)


def kill_tree(root, spare):
    """Kill a process and its descendants; all are stopped first, so that none forks away."""
    stopped, found = set(), True
    while found:
        found = False
        for pid in descend(root, spare):
            if pid not in stopped:
                send_signal(pid, signal.SIGSTOP)
                stopped.add(pid)
                found = True
    for pid in stopped:
        send_signal(pid, signal.SIGKILL)


class Freezer:
    """Stops everything that the driver started while it looks or kills, where it can.

    One signal stops all at once, so that not even a fork bomb runs ahead. It takes a process
    namespace or a jail of our own: elsewhere the signal would reach others.
    """

    def __init__(self, alone, put_off):
        self.alone, self.depth = alone or os.getpid() == 1, 0
        self.put_off, self.thawed = put_off, 0.0

    def __enter__(self):
        if self.alone and not self.depth:
            send_signal(-1, signal.SIGSTOP)
        self.depth += 1

    def __exit__(self, *_):
        self.depth -= 1
        if self.alone and not self.depth:
            self.thawed = time.monotonic()
            self.thaw()

    def thaw(self):
        """Let all go on, and for a while again: what was being forked can stop after that."""
        send_signal(-1, signal.SIGCONT)
        if time.monotonic() < self.thawed + THAWING:
            self.put_off(self, Freezer.thaw)


# ---------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------


def scan(folder, limit=MAX_LISTED):
    """Return name -> (size, mtime, inode, is regular) for the files and links below `folder`."""
    return survey(folder, limit)[0]


def survey(folder, limit=MAX_LISTED):
    """Return what `scan` does, and the names of the folders."""
    found, folders, stack = {}, set(), [""]
    while stack:
        prefix = stack.pop()
        try:
            entries = list(os.scandir(os.path.join(folder, prefix)))
        except OSError:
            continue
        for entry in entries:
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(info.st_mode):
                stack.append(prefix + entry.name + "/")
                folders.add(prefix + entry.name)
            elif stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
                regular = stat.S_ISREG(info.st_mode)
                found[prefix + entry.name] = (info.st_size, info.st_mtime_ns, info.st_ino, regular)
        if len(found) + len(folders) > limit:
            break
    return found, folders


def printable(name):
    """Return True for names that can travel as text."""
    return name.isprintable() and len(name) <= 1024


def listed(files):
    """Return [name, size] of the regular files, sorted by name."""
    return sorted([name, info[0]] for name, info in files.items() if info[3] and printable(name))


def copy_file(source, target, follow_symlinks=False):
    """Copy a regular file or link, sharing blocks where the file system can; skip anything else."""
    info = os.lstat(source)
    if stat.S_ISLNK(info.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(info.st_mode):
        with open(source, "rb") as reader, open(target, "wb") as writer:
            copy_bytes(reader, writer)
        shutil.copystat(source, target, follow_symlinks=False)
    return target


def copy_bytes(reader, writer):
    """Copy an open file to another."""
    try:
        while os.copy_file_range(reader.fileno(), writer.fileno(), 1 << 26):
            pass
    except (OSError, AttributeError):
        reader.seek(0)
        writer.truncate(0)
        shutil.copyfileobj(reader, writer, CHUNK)


def copy_into(source, target, name):
    """Make `target/name` the same as `source/name`; the folders between are made."""
    path = os.path.join(target, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    copy_file(os.path.join(source, name), path)


def copy_tree(source, target):
    """Copy a folder with its links as links, leaving out what is neither file nor folder."""
    shutil.copytree(source, target, symlinks=True, copy_function=copy_file, dirs_exist_ok=True)


def open_beneath(folder, name, flags, make_folders=False):
    """Open `name` below `folder` without following any link; only a regular file will do."""
    parts = name.split("/")
    if not printable(name) or any(part in ("", ".", "..") for part in parts):
        raise ValueError("bad file name")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            if make_folders:
                try:
                    os.mkdir(part, 0o777, dir_fd=here)
                except FileExistsError:
                    pass
            deeper = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here
            )
            os.close(here)
            here = deeper
        options = flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(parts[-1], options, 0o666, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ValueError("not a regular file")
    return fd


def write_beneath(folder, name, offset, data):
    """Write one piece of a file; the piece at 0 starts the file anew."""
    fresh = os.O_CREAT | os.O_TRUNC if offset == 0 else 0
    fd = open_beneath(folder, name, os.O_WRONLY | fresh, make_folders=True)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(fd, view, offset)
            view, offset = view[written:], offset + written
    finally:
        os.close(fd)


def read_beneath(folder, name, offset, size):
    """Return the file's size and one piece of it."""
    fd = open_beneath(folder, name, os.O_RDONLY)
    try:
        return os.fstat(fd).st_size, os.pread(fd, size, offset)
    finally:
        os.close(fd)


def open_descriptors(gap=64):
    """Yield open descriptors from 3 on, until `gap` in a row are closed; cheaper than /proc."""
    width = max(1, min(gap, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))  # what `poll` takes
    start = last = 3
    while start < last + gap:
        look = select.poll()
        for fd in range(start, start + width):
            look.register(fd, 0)
        closed = {fd for fd, event in look.poll(0) if event & select.POLLNVAL}
        for fd in range(start, start + width):
            if fd not in closed:
                last = fd
                yield fd
        start += width


def reopen_files(old, new, spare):
    """Give this process its own offsets: open regular files below `old` again, below `new`."""
    for fd in open_descriptors():
        try:
            path = "" if fd in spare else os.readlink("/proc/self/fd/%d" % fd)
            if not path.startswith(old + "/") or not stat.S_ISREG(os.fstat(fd).st_mode):
                continue
            flags = fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_SYNC)
            fresh = os.open(new + path[len(old) :], flags | os.O_CLOEXEC)
            os.lseek(fresh, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
            os.dup2(fresh, fd, inheritable=os.get_inheritable(fd))
            os.close(fresh)
        except OSError:
            continue


# ---------------------------------------------------------------------------------------------
# Supervisor
# ---------------------------------------------------------------------------------------------


class Peer:
    """A process that the supervisor talks to: the zygote, or a node or child of a branch."""

    def __init__(self, sock, branch):
        sock.setblocking(False)
        self.sock = sock
        self.branch = branch
        self.pid = None  # as the kernel says, from its first message
        self.background = set()  # its children that are to live on, by what it says
        self.retired = False  # told that nobody needs it any more
        self.ready = False  # it has said hello
        self.line = None  # number of the line to the host that it waits on
        self.fault = None  # why it was killed before anybody knew whether it ran
        self.inbox = bytearray()
        self.outbox = []  # pairs of bytes and the descriptors that go with the first of them

    def send(self, kind, payload, fds=()):
        """Queue one frame and send what the socket takes; descriptors follow it on one byte."""
        self.outbox.append((memoryview(encode(0, kind, payload)), []))
        if fds:
            self.outbox.append((memoryview(b"+"), [os.dup(fd) for fd in fds]))
        return self.flush()

    def flush(self):
        """Send queued bytes; return False when some had to stay."""
        while self.outbox:
            data, fds = self.outbox[0]
            try:
                sent = send_fds(self.sock, data, fds) if fds else os.write(self.sock.fileno(), data)
            except BlockingIOError:
                return False
            except OSError:
                sent = len(data)  # it has gone; its end of file is on the way
            for fd in fds:
                os.close(fd)
            self.outbox[0] = (data[sent:], [])
            if sent == len(data):
                del self.outbox[0]
        return True

    def receive(self):
        """Return the next bytes; the first ones tell the sender's pid."""
        if self.pid is not None:
            return os.read(self.sock.fileno(), CHUNK)
        data, extra, _, _ = self.sock.recvmsg(CHUNK, socket.CMSG_SPACE(12))
        for level, kind, body in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self.pid = struct.unpack("3i", body[:12])[0]
        return data


MSG_CMSG_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0x40000000)


def is_socket(fd):
    """Tell whether a descriptor is a socket's."""
    return stat.S_ISSOCK(os.fstat(fd).st_mode)


def send_fds(sock, data, fds):
    """Send bytes with descriptors."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(fds), *fds))]
    return sock.sendmsg([data], rights)


def receive_fds(sock, count):
    """Take the descriptors that come with the next byte."""
    fds = passed_fds(sock.recvmsg(1, socket.CMSG_SPACE(4 * count), MSG_CMSG_CLOEXEC)[1])
    return fds if len(fds) == count else os._exit(1)


def passed_fds(extra):
    """Return the descriptors in what `recvmsg` calls ancillary data."""
    rights = [body for _, kind, body in extra if kind == socket.SCM_RIGHTS]
    return [fd for body in rights for (fd,) in struct.iter_unpack("i", body[: len(body) // 4 * 4])]


class Capture:
    """One output stream of a branch: the beginning is sent at once, the end after the run."""

    def __init__(self, kind, fd, limit):
        self.kind, self.fd, self.half = kind, fd, max(limit // 2, 1)
        os.set_blocking(fd, False)
        self.reset()

    def reset(self):
        """Begin a new run."""
        self.room, self.tail, self.dropped = self.half, bytearray(), 0

    def read(self, emit):
        """Take what is in the pipe; return False when there was nothing."""
        try:
            data = os.read(self.fd, CHUNK)
        except OSError:
            return False
        if self.room:
            emit(self.kind, data[: self.room])
        self.tail += data[self.room :]
        self.room = max(0, self.room - len(data))
        if len(self.tail) > self.half + CHUNK:
            self.trim()
        return bool(data)

    def trim(self):
        """Keep the last half of the limit."""
        excess = max(0, len(self.tail) - self.half)
        del self.tail[:excess]
        self.dropped += excess

    def finish(self, emit):
        """Take the rest, send what was kept of the end, and say how much was not."""
        rounds = 64  # what the pipe can hold; a process that outlives the run may go on writing
        while rounds and self.read(emit):
            rounds -= 1
        self.trim()
        if self.dropped:
            emit(
                GAP,
                {"stream": "stdout" if self.kind == STDOUT else "stderr", "bytes": self.dropped},
            )
        if self.tail:
            emit(self.kind, bytes(self.tail))
        self.reset()


class Branch:
    """What the supervisor knows of one branch."""

    def __init__(self, number, folder):
        self.number = number
        self.folder = folder
        self.work = os.path.join(folder, "work")
        self.saved = os.path.join(folder, "saved")
        self.node = None
        self.child = None
        self.holders = []  # former nodes that live on because background processes are theirs
        self.line = None  # number and descriptor of the line for the next child
        self.running = None  # the peer that runs code now
        self.direct = False  # the run in progress talks to the host over its line
        self.pending = None  # code sent to a child that has not said hello
        self.restoring = None  # what to report once a killed run's successor is ready
        self.signal = False  # an interrupt came before the child said hello
        self.captures = []
        self.writers = []

    def peers(self):
        """Return every process of the branch."""
        return [peer for peer in (self.child, self.node, *self.holders) if peer]


class Supervisor:
    """The only process that talks to the host, and the only one that starts and kills others."""

    def __init__(self, config, source, sink, lifeline):
        self.config, self.limits = config, config["limits"]
        self.root = os.path.realpath(config["root"])
        self.source, self.sink, self.lifeline = source, sink, lifeline
        self.socket = socket.socket(fileno=source) if is_socket(source) else None
        self.inbox = bytearray()
        self.descriptors = []  # that came with frames which are still to be acted on
        self.poll = select.epoll()
        self.handlers = {}
        self.branches = {}
        self.pids = {}
        self.zygote = None
        self.cleaners = set()
        self.frozen = Freezer(config["alone"], self.put_off)
        self.next_check = 0.0
        self.chores = {}  # by branch: what can wait until whoever waits for a run has its answer
        self.chores_due = 0.0
        self.actions = {
            OPEN: self.open,
            EXEC: self.exec,
            RESULT: self.result,
            INTERRUPT: self.interrupt,
            KILL: self.kill,
            CLOSE: self.close,
            PUT: self.put,
            GET: self.get,
            LIST: self.list,
            STAT: self.stat,
            WATCH: self.watch_run,
            KEEP: self.keep,
        }
        self.reports = {
            HELLO: self.on_hello,
            UNFORKABLE: self.on_unforkable,
            DONE: self.on_done,
            CALL: self.on_running,
            IMAGE: self.on_running,
            STATE: self.on_idle,
            REPLY: self.on_idle,
        }

    # The stream to the host -----------------------------------------------------------------

    def emit(self, branch, kind, payload):
        """Send one frame to the host."""
        view = memoryview(encode(branch, kind, payload))
        while view:
            view = view[os.write(self.sink, view) :]

    def serve(self):
        """Serve until the host's end of the stream closes."""
        self.start_zygote()
        self.watch(self.source, self.on_host)
        if self.lifeline != self.source:
            self.watch(self.lifeline, self.on_lifeline)
        self.emit(0, HELLO, {"version": VERSION, "python": sys.version.split()[0]})
        while self.source in self.handlers:
            events = self.poll.poll(self.patience())
            for fd, _ in events:
                handler = self.handlers.get(fd)
                if handler:
                    handler()
            if self.chores and (not events or time.monotonic() >= self.chores_due):
                for branch in list(self.chores):
                    self.do_chore(branch)
            self.check_usage()
            self.reap()

    def on_lifeline(self):
        """End with stdin, whatever other stream the host uses."""
        if not os.read(self.lifeline, CHUNK):
            self.unwatch(self.source)

    def watch(self, fd, handler):
        """Call `handler` when `fd` can be read."""
        self.handlers[fd] = handler
        self.poll.register(fd, select.EPOLLIN)

    def unwatch(self, fd):
        """Stop watching `fd`."""
        if self.handlers.pop(fd, None):
            self.poll.unregister(fd)

    def put_off(self, branch, chore):
        """Do something a moment later, or before a branch is asked for something else."""
        self.chores_due = self.chores_due if self.chores else time.monotonic() + CHORE_DELAY
        self.chores[branch] = chore

    def do_chore(self, branch):
        """Do now what was put off for a branch."""
        chore = self.chores.pop(branch, None)
        if chore:
            chore(branch)

    def on_host(self):
        """Act on what the host sent."""
        data = self.read_host()
        if not data:
            self.unwatch(self.source)
        self.inbox += data
        for number, kind, payload in split(self.inbox, 1 << 31):
            branch = self.branches.get(number)
            if kind == OPEN:
                self.open(number, payload)
            elif kind == LINE:
                self.take_line(branch, payload)
            elif branch:
                self.do_chore(branch)
                self.actions[kind](branch, payload)
            else:
                self.emit(number, FAILED, {"error": "no such branch"})

    def read_host(self):
        """Return the next bytes of the host, and put the descriptors aside that came with them."""
        if self.socket is None:
            return os.read(self.source, CHUNK)
        data, extra, _, _ = self.socket.recvmsg(CHUNK, socket.CMSG_SPACE(64), MSG_CMSG_CLOEXEC)
        self.descriptors += passed_fds(extra)
        return data

    # Peers ----------------------------------------------------------------------------------

    def start_zygote(self):
        """Fork the zygote; it never sees the host's stream."""
        ours, theirs = self.pair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self.poll.close()
            for fd in {self.source, self.sink, self.lifeline}:
                os.close(fd)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run_to_the_end(Node(theirs, self.config).serve)
        theirs.close()
        self.zygote = self.adopt(ours, None)
        self.zygote.pid = pid

    def pair(self):
        """Return a socket pair of which the first end learns the other's pid."""
        ours, theirs = socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        return ours, theirs

    def adopt(self, sock, branch):
        """Watch a new peer."""
        peer = Peer(sock, branch)
        self.watch(sock.fileno(), lambda: self.on_peer(peer))
        return peer

    def spawn(self, parent, branch, message, fds=()):
        """Have `parent` fork a process for `branch`."""
        ours, theirs = self.pair()
        peer = self.adopt(ours, branch)
        message = dict(message, branch=branch.number, folder=branch.folder, fds=1 + len(fds))
        self.tell(parent, FORK, message, [theirs.fileno(), *fds])
        theirs.close()
        return peer

    def spawn_child(self, branch, **message):
        """Fork the process of a branch's next run, which takes the line that is there for it."""
        (number, fd), branch.line = branch.line or (None, -1), None
        branch.child = self.spawn(branch.node, branch, message, [fd] if number else [])
        branch.child.line = number
        if number:
            os.close(fd)

    def tell(self, peer, kind, payload, fds=()):
        """Send to a peer; what its socket does not take now goes when it can."""
        if not peer.send(kind, payload, fds):
            self.poll.modify(peer.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def on_peer(self, peer):
        """Read a peer, or send it what was waiting."""
        if peer.outbox and peer.flush():
            self.poll.modify(peer.sock.fileno(), select.EPOLLIN)
        try:
            data = peer.receive()
        except BlockingIOError:
            return
        except OSError:
            data = b""
        peer.inbox += data
        if peer.pid:
            self.pids[peer.pid] = peer
        try:
            frames = split(peer.inbox, self.limits["frame"])
            for _, kind, payload in frames:
                self.on_frame(peer, kind, payload)
        except (ValueError, KeyError, TypeError) as error:
            self.on_gone(peer, "broke the protocol: %s" % error)
        else:
            if not data:
                self.on_gone(peer, None)

    def on_frame(self, peer, kind, payload):
        """Act on one frame of a peer that may be hostile."""
        if peer.sock.fileno() < 0:
            return
        if kind not in self.reports:
            raise ValueError("frame of kind %d" % kind)
        if peer.branch:
            self.reports[kind](peer, kind, payload)
        elif kind == UNFORKABLE:
            self.on_unforkable(peer, kind, payload)

    def forget(self, peer):
        """Stop talking to a peer."""
        if peer.sock.fileno() >= 0:
            self.unwatch(peer.sock.fileno())
            peer.sock.close()
        for _, fds in peer.outbox:
            for fd in fds:
                os.close(fd)
        peer.outbox = []
        self.pids.pop(peer.pid, None)

    def destroy(self, peer):
        """Kill a peer with its descendants, but not the nodes that were forked from it."""
        if peer.pid:
            kill_tree(peer.pid, set(self.pids) | {os.getpid()})
        self.forget(peer)

    def reap(self):
        """Collect orphans that have ended."""
        try:
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self.cleaners.discard(pid)
        except ChildProcessError:
            pass

    # Reports of peers -----------------------------------------------------------------------

    def on_hello(self, peer, kind, payload):
        """A forked process is ready, which it says once."""
        branch = peer.branch
        if peer.ready:
            return
        peer.ready = True
        if peer is branch.node and branch.writers:
            for fd in branch.writers:
                os.close(fd)
            branch.writers = []
            self.emit(branch.number, READY, {})
            self.spawn_child(branch)
        elif peer is branch.child:
            branch.pending = None
            if branch.restoring is not None:
                report = json.loads(payload)
                self.report_death(branch, True, status=report["status"], files=report["files"])
            if branch.signal:
                self.interrupt(branch, b"")
            if peer.line:
                self.emit(branch.number, WAITING, {"line": peer.line})

    def on_unforkable(self, peer, kind, payload):
        """A process could not fork, for the reason it gives."""
        report = json.loads(payload)
        branch = self.branches.get(report["branch"])
        if not branch:
            return
        if branch.writers and branch.node.pid is None:
            self.discard(branch)
            self.emit(branch.number, FAILED, {"error": str(report["error"])[:1000]})
        elif peer is branch.node and branch.child and branch.child.pid is None:
            self.forget(branch.child)
            if branch.restoring is not None:
                self.report_death(branch, False)
            elif branch.running is branch.child:
                branch.running = peer
                self.tell(peer, EXEC, branch.pending)
            branch.child = branch.pending = None

    def on_done(self, peer, kind, payload):
        """A run is over and its state is kept: the child is the node now."""
        branch = peer.branch
        if branch.running is not peer or branch.direct:
            return
        self.stop_capture(branch)
        self.emit(branch.number, DONE, payload)
        self.settle(branch, peer)
        self.put_off(branch, self.fork_ahead)

    def settle(self, branch, peer):
        """Make the process whose run is over the branch's node."""
        branch.running, branch.signal, branch.direct = None, False, False
        if peer is branch.child:
            if branch.node:
                branch.holders.append(branch.node)
            branch.node = peer if peer.sock.fileno() >= 0 else None
        branch.child = None

    def fork_ahead(self, branch):
        """Have the next run's process forked."""
        if branch.node:
            self.spawn_child(branch)

    def on_running(self, peer, kind, payload):
        """Pass on what a run sends while it runs."""
        if peer.branch.running is peer and not peer.branch.direct:
            self.emit(peer.branch.number, kind, payload)

    def on_idle(self, peer, kind, payload):
        """Pass on what a node says between runs."""
        if peer is peer.branch.node:
            if kind == STATE:
                peer.background = set(json.loads(payload)["background"])
                self.retire_holders(peer.branch)
            self.emit(peer.branch.number, kind, payload)

    def retire_holders(self, branch):
        """Let the nodes before a branch's node go, now that it needs them no more."""
        for holder in branch.holders:
            if not holder.retired:
                holder.retired = True
                self.tell(holder, RETIRE, b"")

    def on_gone(self, peer, reason):
        """A peer ended, or has to end because of what it sent."""
        branch = peer.branch
        if branch is None:
            raise SystemExit("the zygote ended")
        if self.is_explained(peer):
            return
        if branch.running is peer:
            self.lose(branch, reason)
            return
        if peer is branch.child and peer.line and peer.ready:
            self.bury(peer, reason)
            return
        self.destroy(peer)
        if peer in branch.holders:
            branch.holders.remove(peer)
        elif peer is branch.child:
            self.replace_child(branch)
        elif peer is branch.node:
            branch.node = None
            if branch.writers:
                self.discard(branch)
                self.emit(branch.number, FAILED, {"error": reason or "the fork ended"})

    def replace_child(self, branch):
        """Fork another child for one that ended before it could run."""
        branch.child = None
        if branch.restoring is not None:
            self.report_death(branch, False)
        elif branch.node and branch.node.pid:
            self.spawn_child(branch)

    def bury(self, peer, reason):
        """Kill a child that has ended, perhaps in a run that only the host knows of.

        The host sees the end of its line and has it killed in any case, which brings a successor.
        """
        peer.fault = reason
        with self.frozen:
            self.destroy(peer)
            self.kill_strays(peer.branch)

    def is_explained(self, peer):
        """Tell whether a child never came to be because its node could not fork and has said so."""
        branch = peer.branch
        if peer is branch.child and branch.node and peer.pid is None:
            self.on_peer(branch.node)
        return peer.sock.fileno() < 0

    def lose(self, branch, reason):
        """Kill the run of a branch and go back to its node, if there is one."""
        peer = branch.running
        with self.frozen:
            self.destroy(peer)
            self.kill_strays(branch)
        self.stop_capture(branch)
        branch.running, branch.pending = None, None
        branch.signal, branch.direct = False, False
        branch.restoring = {"reason": reason or peer.fault}
        if peer is branch.child and branch.node:
            self.spawn_child(branch, restore=True, reap=peer.pid or 0)
        else:
            branch.child = None
            self.report_death(branch, False)

    def report_death(self, branch, restored, status=None, files=True):
        """Tell the host how a run died and whether the branch is as before."""
        report = dict(branch.restoring, restored=restored, status=status, files=files)
        branch.restoring = None
        self.emit(branch.number, DIED, report)

    def kill_strays(self, branch):
        """Kill what the killed run moved out of its own tree, to a node or to the supervisor."""
        spare = set(self.pids) | {self.zygote.pid} | self.cleaners
        for peer in (branch.node, *branch.holders):
            if peer and peer.pid:
                for pid in set(children(peer.pid)) - spare - peer.background:
                    kill_tree(pid, spare)
        for pid in set(children(os.getpid())) - spare:
            kill_tree(pid, spare)

    # Requests of the host -------------------------------------------------------------------

    def open(self, number, payload):
        """Fork a branch from the zygote, or from another branch's node."""
        message = json.loads(payload)
        origin = self.branches.get(message["parent"])
        if origin:
            self.do_chore(origin)
        parent = origin.node if origin else self.zygote
        if parent is None or (origin and origin.running is parent) or number in self.branches:
            self.emit(number, FAILED, {"error": "its state cannot be forked now"})
            return
        branch = Branch(number, os.path.join(self.root, str(number)))
        pipes = [os.pipe(), os.pipe()]
        branch.writers = [pipe[1] for pipe in pipes]
        for kind, pipe in zip((STDOUT, STDERR), pipes):
            branch.captures.append(Capture(kind, pipe[0], self.limits["output"]))
        self.branches[number] = branch
        branch.node = self.spawn(
            parent, branch, message, branch.writers + [pipe[0] for pipe in pipes]
        )

    def exec(self, branch, payload):
        """Run code in the child, or in the node itself when that could not be forked."""
        if branch.child and branch.child.sock.fileno() < 0:  # buried, and the host knows it not yet
            self.spawn_child(branch, restore=True, reap=branch.child.pid)
        target = branch.child or branch.node
        if target is None:
            branch.restoring = {"reason": "its processes had ended"}
            self.report_death(branch, False)
            return
        branch.running = target
        branch.pending = payload if target.pid is None else None
        self.tell(target, EXEC, payload)
        self.put_off(branch, self.start_capture)

    def take_line(self, branch, payload):
        """Put a line aside for the next child."""
        fd = self.descriptors.pop(0)
        if branch and branch.line is None:
            branch.line = json.loads(payload)["line"], fd
        else:
            os.close(fd)

    def watch_run(self, branch, payload):
        """Watch a run over the child's line, which has lasted a moment."""
        if branch.child:
            branch.running, branch.direct = branch.child, True
            self.start_capture(branch)

    def keep(self, branch, payload):
        """A run over the child's line is over and its state is kept."""
        if json.loads(payload)["flush"]:
            self.stop_capture(branch)
            self.emit(branch.number, KEPT, {})
        if branch.child:
            self.settle(branch, branch.child)
            self.fork_ahead(branch)

    def start_capture(self, branch):
        """Send a run's output as it comes; that of a run of less than a moment comes at its end."""
        for capture in branch.captures:
            self.watch(capture.fd, lambda capture=capture: capture.read(branch_emit(self, branch)))

    def stop_capture(self, branch):
        """Send the rest of a run's output; later output waits in the pipe for the next run."""
        self.chores.pop(branch, None)
        for capture in branch.captures:
            self.unwatch(capture.fd)
            capture.finish(branch_emit(self, branch))

    def result(self, branch, payload):
        """Pass a tool's result on."""
        if branch.running:
            self.tell(branch.running, RESULT, payload)

    def interrupt(self, branch, payload):
        """Interrupt a run, with the processes in its group."""
        peer = branch.running
        if peer and peer.pid is None:
            branch.signal = True
        elif peer:
            branch.signal = False
            try:
                os.killpg(peer.pid, signal.SIGINT)
            except OSError:
                send_signal(peer.pid, signal.SIGINT)

    def kill(self, branch, payload):
        """Kill a run."""
        if branch.running:
            self.lose(branch, None)

    def close(self, branch, payload):
        """Kill a branch and remove its files."""
        self.discard(branch)
        self.emit(branch.number, REPLY, b"{}\n")

    def discard(self, branch):
        """Kill what belongs to a branch; a process of its own removes the folder meanwhile."""
        self.branches.pop(branch.number, None)
        self.chores.pop(branch, None)
        with self.frozen:
            for peer in branch.peers():
                self.destroy(peer)
        for capture in branch.captures:
            self.unwatch(capture.fd)
            os.close(capture.fd)
        for fd in branch.writers + ([branch.line[1]] if branch.line else []):
            os.close(fd)
        branch.writers, branch.line = [], None
        if os.path.isdir(branch.folder):
            self.cleaners.add(remove_folders(branch.folder))

    def put(self, branch, payload):
        """Write one piece of a file, and of its saved copy."""
        head, _, data = payload.partition(b"\n")
        request = json.loads(head)
        try:
            write_beneath(branch.work, request["name"], request["offset"], data)
            if os.path.isdir(branch.saved):
                write_beneath(branch.saved, request["name"], request["offset"], data)
            self.reply(branch, {})
        except (OSError, ValueError) as error:
            self.reply(branch, {"error": describe(error)})

    def get(self, branch, payload):
        """Read one piece of a file."""
        request = json.loads(payload)
        try:
            size, data = read_beneath(
                branch.work, request["name"], request["offset"], request["size"]
            )
            self.reply(branch, {"size": size}, data)
        except (OSError, ValueError) as error:
            self.reply(branch, {"error": describe(error)})

    def list(self, branch, payload):
        """List the working folder."""
        self.reply(branch, {"files": listed(scan(branch.work))[:MAX_LISTED]})

    def stat(self, branch, payload):
        """Ask the node what memory it holds; only it may look."""
        if branch.node and branch.running is not branch.node:
            self.tell(branch.node, STAT, b"")
        else:
            self.reply(branch, {"memory": 0})

    def reply(self, branch, report, data=b""):
        """Answer a request."""
        self.emit(branch.number, REPLY, json.dumps(report).encode() + b"\n" + data)

    # Watchdog -------------------------------------------------------------------------------

    def patience(self):
        """Return how long to wait for events, in seconds: short while the watchdog has work."""
        if self.chores:
            return CHORE_DELAY
        busy = self.config["watchdog"] and any(b.running for b in self.branches.values())
        return max(0.01, self.next_check - time.monotonic()) if busy else -1

    def check_usage(self):
        """Kill the greediest running branch when all together exceed a limit nobody else holds."""
        begin = time.monotonic()
        if not self.config["watchdog"] or begin < self.next_check:
            return
        running = [branch for branch in self.branches.values() if branch.running]
        os.stat("/proc/self/task")
        if time.monotonic() - begin > SLOW_CALL:  # a jail that is busy with what a fork bomb asks
            with self.frozen:
                self.enforce(running)
        else:
            self.enforce(running)
        self.next_check = time.monotonic() + max(0.1, 10 * (time.monotonic() - begin))

    def enforce(self, running):
        """Compare what the running branches use with the limits."""
        files = {branch: self.count_files(branch) for branch in running}
        for name, unit, measure in (
            ("processes", "processes", self.count_tasks),
            ("memory", "bytes of memory", self.count_memory),
            ("disk", "bytes of files", lambda branch: files[branch][0]),
            ("inodes", "files", lambda branch: files[branch][1]),
        ):
            used = {branch: measure(branch) for branch in running if branch.running}
            if sum(used.values()) > self.limits[name]:
                reason = "more than %d %s" % (self.limits[name], unit)
                self.lose(max(used, key=used.get), "the limit was exceeded: " + reason)

    def tree(self, branch):
        """Return the pids of a run and its descendants, as far as they are worth counting."""
        if not branch.running.pid:
            return []
        every = descend(branch.running.pid, set(self.pids))
        return [pid for pid, _ in zip(every, range(self.limits["processes"] + 1))]

    def count_tasks(self, branch):
        """Count the processes and threads of a run."""
        total = 0
        for pid in self.tree(branch):
            try:
                total += os.stat("/proc/%d/task" % pid).st_nlink - 2
            except OSError:
                continue
        return total

    def count_memory(self, branch):
        """Estimate the bytes of a run and its descendants.

        What a fork shares with the run cannot be seen from outside; of that, a quarter is counted.
        A process that may not be looked at counts as an eighth of the limit.
        """
        own = resident_bytes(branch.running.pid) or 0
        total, unknown = own, self.limits["memory"] // 8
        for pid in self.tree(branch):
            if pid != branch.running.pid:
                other = resident_bytes(pid)
                total += unknown if other is None else max(other - own, other // 4)
        return total

    def count_files(self, branch):
        """Return the bytes and the number of a branch's files, deleted ones that are open too."""
        size, number = count_files(branch.folder, self.limits["disk"], self.limits["inodes"])
        deleted = {}
        for pid in self.tree(branch):
            deleted.update(deleted_files(pid))
        return size + sum(deleted.values()), number + len(deleted)

    def shutdown(self):
        """Kill everything and remove every file."""
        if self.frozen.alone:
            send_signal(-1, signal.SIGKILL)
        for pid in children(os.getpid()):
            kill_tree(pid, {os.getpid()})
        for name in os.listdir(self.root):
            os.waitpid(remove_folders(os.path.join(self.root, name)), 0)


def run_to_the_end(serve):
    """Serve and exit: what user code raises must not unwind into the supervisor's frames below."""
    try:
        serve()
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(1)


def remove_folders(*folders):
    """Remove folders in a process of its own, by a program that minds no depth; return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            os.execv("/bin/rm", ["rm", "-rf", "--", *folders])
        finally:
            os._exit(1)
    return pid


def branch_emit(supervisor, branch):
    """Return a function that sends frames of one branch."""
    return lambda kind, payload: supervisor.emit(branch.number, kind, payload)


def describe(error):
    """Return a short text for a failed file operation, without paths."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)[:500]


def resident_bytes(pid):
    """Return the bytes that a process has in memory and no file backs, shared ones among them.

    None when it may not be looked at: a jail can keep a process closed that never called it.
    """
    size = 0
    try:
        with open("/proc/%d/status" % pid) as file:
            for line in file:
                if line.startswith(("RssAnon:", "RssShmem:")):
                    size += int(line.split()[1]) * 1024
    except PermissionError:
        return None
    except (OSError, TypeError, ValueError):
        pass
    return size


def count_files(folder, most_bytes, most_files):
    """Return the bytes on disk and the number of everything below `folder`, until one is enough."""
    size, number, stack = 0, 0, [folder]
    while stack and size <= most_bytes and number <= most_files:
        try:
            for entry in os.scandir(stack.pop()):
                number += 1
                if number > most_files:
                    break
                size += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # what lies so deep could not be counted
                number += most_files
    return size, number


def deleted_files(pid):
    """Return inode -> bytes of the files that a process holds open though they have no name."""
    found = {}
    try:
        for entry in os.scandir("/proc/%d/fd" % pid):
            info = entry.stat()
            if stat.S_ISREG(info.st_mode) and not info.st_nlink:
                found[info.st_ino] = info.st_blocks * 512
    except OSError:
        pass
    return found


# ---------------------------------------------------------------------------------------------
# Node
# ---------------------------------------------------------------------------------------------


class ToolError(Exception):
    """A tool call was wrong or failed."""


class Stop(BaseException):
    """Ends a run because a tool said so."""


class Node:
    """The zygote, a node or a child: what the process that runs user code knows of itself."""

    def __init__(self, sock, config):
        self.sock = sock
        self.line = -1  # a descriptor to the host itself, for the next run alone
        self.source = self.sink = sock.fileno()
        self.limits, self.config = config["limits"], config
        self.preload = list(config["preload"])
        self.folder = None
        self.temporary = set()
        self.listing, self.folders = {}, set()  # the working folder after the last run
        self.mark, self.marked = None, 0
        self.saves = True
        self.forked = set()
        self.status = None  # how the killed predecessor ended
        self.ahead = False  # forked ahead for the next run of the same branch, which is yet to come
        self.cell = None
        self.background = []  # processes of the user's that live on after a run
        self.unread, self.output = [], None  # the read ends of stdout and stderr, to look at
        self.place = self.own_stat = None  # descriptors of the working folder and /proc/self/stat
        self.before = None  # what this process had used before its run
        self.foreign = False  # user code has forked this process
        os.register_at_fork(after_in_child=self.on_fork)

    # Talking to the supervisor --------------------------------------------------------------

    def send(self, kind, payload):
        """Send one frame."""
        view = memoryview(encode(0, kind, payload))
        while view:
            view = view[os.write(self.sink, view) :]

    def receive(self):
        """Return the kind and payload of the next frame.

        From the supervisor nothing is read ahead, so that descriptors that follow a frame are not
        lost. The host sends one frame at a time over a line, and no descriptors.
        """
        ahead = PAGE if self.source == self.line else HEADER.size
        data = os.read(self.source, ahead)
        if len(data) < HEADER.size:
            data += self.read(HEADER.size - len(data), ahead) if data else os._exit(0)
        _, length, kind = HEADER.unpack_from(data)
        missing = HEADER.size + length - len(data)
        if missing > 0:
            data += self.read(missing, missing)
        return kind, data[HEADER.size :]

    def read(self, least, most):
        """Return so many bytes; a process without anybody to serve ends.

        Plain reads and writes are used because some jails make every socket call dear.
        """
        data = b""
        while len(data) < least:
            piece = os.read(self.source, most - len(data))
            if not piece:
                os._exit(0)
            data = data + piece if data else piece
        return data

    def on_fork(self):
        """Take notice that this is another process now."""
        self.foreign = True

    def serve(self):
        """Serve the supervisor; every process forked here goes on in this loop."""
        freeze_garbage()
        while True:
            try:
                self.import_ahead()
                if self.line >= 0:
                    self.choose_stream()
                kind, payload = self.receive()
                if kind == FORK:
                    self.fork(json.loads(payload))
                elif kind == EXEC:
                    self.execute(payload)
                elif kind == RETIRE:
                    self.retire()
                elif kind == STAT:
                    self.send(REPLY, json.dumps({"memory": proportional_memory()}).encode() + b"\n")
            except KeyboardInterrupt:
                continue
            except ConnectionError:
                os._exit(0)

    def choose_stream(self):
        """Wait for the supervisor and the host, and read from the one who says something."""
        both = select.poll()
        both.register(self.line, select.POLLIN)
        both.register(self.sock, select.POLLIN)
        ready = [fd for fd, _ in both.poll()]
        self.source = self.sink = self.line if self.line in ready else self.sock.fileno()

    def leave_line(self):
        """Speak to the supervisor alone from now on."""
        self.source = self.sink = self.sock.fileno()
        if self.line >= 0:
            os.close(self.line)
            self.line = -1

    def import_ahead(self):
        """Import modules one by one while there is nothing else to do."""
        while self.preload and not select.select([self.sock], [], [], 0)[0]:
            name = self.preload.pop(0)
            try:
                __import__(name)
            except Exception as error:
                os.write(2, ("cannot import %s: %r\n" % (name, error)).encode())
            if not self.preload:
                freeze_garbage()

    # Forking --------------------------------------------------------------------------------

    def fork(self, message):
        """Fork; the new process is a child of the same branch, or the node of a new one."""
        fds = receive_fds(self.sock, message["fds"])
        error = self.prepare(message)
        if error is None:
            try:
                state = random.getstate()
                pid = os.fork()
                if pid == 0:
                    random.setstate(state)  # the random module seeds itself anew in every fork
                    self.begin(message, fds)
                    return
                self.forked.add(pid)
            except Exception as problem:  # user code can replace what is called here
                error = "fork failed: " + describe(problem)
        if error is not None:  # said before the socket that was to be the new process's closes
            self.send(UNFORKABLE, {"branch": message["branch"], "error": error})
        for fd in fds:
            os.close(fd)
        if self.folder == message["folder"]:
            report = {"step": self.cell.step, "digest": self.digest(), "forkable": error is None}
            self.send(STATE, dict(report, background=self.background))

    def prepare(self, message):
        """Collect ended children, save files; return why this process cannot be forked, or None."""
        self.status = None
        try:
            if message.get("reap"):
                self.status = wait_status(os.waitpid(message["reap"], 0)[1])
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            if self.folder == message["folder"]:
                self.background = sorted(set(children(os.getpid())) - self.forked)
        except ChildProcessError:
            self.background = []
        if self.folder == message["folder"] and not message.get("restore"):
            self.save_files()
        threads = 0 if is_alone(self.own_stat) else count_threads()
        return "threads are alive: %d" % threads if threads else None

    def begin(self, message, fds):
        """Make a forked process independent of the one it came from."""
        self.foreign = False
        os.setsid()
        self.sock.close()
        self.sock = socket.socket(fileno=fds[0])
        self.source = self.sink = fds[0]
        close(self.own_stat)
        self.own_stat = None
        self.forked = set()
        self.ahead = self.folder == message["folder"]
        if self.ahead:
            self.line = fds[1] if len(fds) == 2 else -1
        else:
            self.write_to(fds[1:])
        if self.folder is None:
            self.begin_root(message)
        elif self.folder != message["folder"]:
            old, self.folder = self.folder, message["folder"]
            self.enter(old)
        else:
            reopen_files(self.folder, self.folder, self.descriptors())
            if message.get("restore"):
                self.restore_files()
        self.send(HELLO, {"status": self.status, "files": self.saves})
        if self.ahead:
            self.get_ready()
            for code in REHEARSED:
                if not select.select([self.sock], [], [], 0)[0]:
                    self.rehearse(code)
                    self.get_ready()

    def write_to(self, pipes):
        """Make two pipes stdout and stderr, and keep their other ends to see what is in them."""
        for target, fd in zip((1, 2), pipes):
            os.dup2(fd, target, inheritable=True)
            os.close(fd)
        for fd in self.unread:
            close(fd)
        self.unread, self.output = pipes[2:], select.poll()
        for fd in self.unread:
            self.output.register(fd, select.POLLIN)

    def begin_root(self, message):
        """Turn a fork of the zygote into a fresh interpreter."""
        self.folder = message["folder"]
        self.preload = []
        self.limit_process()
        random.seed(message["seed"])
        if "numpy" in sys.modules and hasattr(sys.modules["numpy"], "random"):
            sys.modules["numpy"].random.seed(message["seed"])
        self.enter(None)
        for name in ("stdout", "stderr"):
            fd = 1 if name == "stdout" else 2
            stream = open(
                fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, stream)
            setattr(sys, "__%s__" % name, stream)
        sys.path.insert(0, "")
        self.cell = Cell(self)
        self.cell.add_tools(message["tools"])

    def descriptors(self):
        """Return the descriptors that are this object's own."""
        return {self.sock.fileno(), self.line, self.place, self.own_stat, *self.unread}

    def limit_process(self):
        """Set what one process may use, and keep siblings out of its memory."""
        limits = self.limits
        base = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        wanted = {
            "AS": limits["memory"] + base,
            "CORE": 0,
            # A file that came to the limit is kept; the rest has to fit beside it, or every later
            # run would be killed for what this one left.
            "FSIZE": limits["disk"] - limits["disk"] // 16,
            "NOFILE": limits["open_files"],
            "CPU": limits["cpu_seconds"],
            "NPROC": self.config["nproc"],
        }
        for name, value in wanted.items():
            if value is not None:
                lower_limit(getattr(resource, "RLIMIT_" + name), value)
        prctl(PR_SET_DUMPABLE, 1)  # without it the next file is not ours to write
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("1000")
        except OSError:
            pass
        prctl(PR_SET_DUMPABLE, 0)

    def retire(self):
        """End, unless processes that this one started are to live on."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not set(children(os.getpid())) - self.forked:
            os._exit(0)

    # Files ----------------------------------------------------------------------------------

    @property
    def work(self):
        """The working folder."""
        return os.path.join(self.folder, "work")

    @property
    def temp(self):
        """The folder for temporary files."""
        return os.path.join(self.folder, "tmp")

    def enter(self, old):
        """Make the branch's folder, with a copy of another branch's files, and go there."""
        place = os.getcwd() if old else self.work
        empty = bool(old) and self.is_still_empty()
        os.mkdir(self.folder)
        copied = False
        for part in ("work", "tmp"):
            target = os.path.join(self.folder, part)
            os.mkdir(target)
            if old and not (part == "work" and empty) and os.listdir(os.path.join(old, part)):
                copy_tree(os.path.join(old, part), target)
                copied = True
        if old:
            reopen_files(old, self.folder, self.descriptors())
            place = self.folder + place[len(old) :] if place.startswith(old + "/") else self.work
        os.chdir(place if place == self.work or os.path.isdir(place) else self.work)
        os.environ.update(HOME=self.work, PWD=self.work, TMPDIR=self.temp)
        if "tempfile" in sys.modules:
            sys.modules["tempfile"].tempdir = None
        before = self.listing
        self.listing, self.folders = survey(self.work) if copied else ({}, set())
        if old:
            self.listing = {name: before.get(name) and info for name, info in self.listing.items()}
            self.saves = True
        close(self.place)
        self.place = open_ahead(self.work, os.O_PATH)
        self.synced, self.temporary = {}, set()
        if copied:
            self.save_files()

    def is_still_empty(self):
        """Tell whether the working folder surely is empty as it was at the last look."""
        try:
            here = os.fstat(self.place)
        except (OSError, TypeError):
            return False
        before, self.mark = self.mark, (here.st_mtime_ns, here.st_ctime_ns)
        same = self.mark == before and self.mark[0] < self.marked - 10**8
        self.marked = self.marked if same else time.time_ns()
        return same and not self.listing and not self.folders

    def changed_files(self):
        """Return the regular files that differ from the last listing, and remember the new one."""
        if self.is_still_empty():
            return []
        now, self.folders = survey(self.work)
        changed = {name: info for name, info in now.items() if self.listing.get(name) != info}
        self.listing = now
        return listed(changed)

    def save_files(self):
        """Bring the copy up to date from which a killed run's files are restored."""
        saved = os.path.join(self.folder, "saved")
        self.temporary = set(scan(self.temp))
        if sum(info[0] for info in self.listing.values()) > self.limits["disk"] // 4:
            self.saves = False
            remove_folders(saved)
        if not self.saves:
            return
        os.makedirs(saved, exist_ok=True)
        try:
            for name, info in self.listing.items():
                if self.synced.get(name) != info:
                    copy_into(self.work, saved, name)
            for name in set(self.synced) - set(self.listing):
                os.unlink(os.path.join(saved, name))
            self.synced = dict(self.listing)
        except OSError:
            self.saves = False
            remove_folders(saved)

    def restore_files(self):
        """Undo what a killed run did to the files, as far as there was room for copies."""
        saved = os.path.join(self.folder, "saved")
        self.restore_folders()
        now = scan(self.work)
        kept = scan(saved) if self.saves else self.listing
        try:
            for name in set(scan(self.temp)) - self.temporary:
                os.unlink(os.path.join(self.temp, name))
            for name in set(now) - set(kept):
                os.unlink(os.path.join(self.work, name))
            for name in kept if self.saves else ():
                if now.get(name) is None or now[name] != self.listing.get(name):
                    copy_into(saved, self.work, name)
        except OSError:
            self.saves = False
        self.listing = scan(self.work)
        self.synced = dict(self.listing)

    def restore_folders(self):
        """Remove the folders that a killed run made, and make those that it removed."""
        now = survey(self.work)[1]
        new = sorted(name for name in now - self.folders if os.path.dirname(name) not in now)
        new += sorted(
            name for name in now - self.folders if os.path.dirname(name) in now & self.folders
        )
        paths = [os.path.join(self.work, name) for name in new]
        for start in range(0, len(paths), 1000):
            os.waitpid(remove_folders(*paths[start : start + 1000]), 0)
        for name in self.folders - now:
            os.makedirs(os.path.join(self.work, name), exist_ok=True)

    # Running --------------------------------------------------------------------------------

    def get_ready(self):
        """Do ahead what a run needs; while it runs, its orphans come to this process alone."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        if self.ahead:  # else the parent is no frozen node, and may be about to retire
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.own_stat is None:
            self.own_stat = open_ahead("/proc/self/stat")
        set_handler(SIGINT, self.cell.on_interrupt)
        self.before = resource.getrusage(resource.RUSAGE_SELF)

    def execute(self, payload):
        """Run code and report."""
        if not self.ahead:
            self.get_ready()
        head, _, code = payload.partition(b"\n")
        step, _, put = head.partition(b" ")
        report = self.perform(code.decode("utf-8", "surrogatepass"), int(step), put)
        if self.foreign:
            os._exit(0)  # a process that user code forked has come to the end of that code
        self.send(DONE, encode_report(report))
        self.ahead = False
        self.leave_line()
        prctl(PR_SET_PDEATHSIG, 0)
        prctl(PR_SET_CHILD_SUBREAPER, 0)  # successors, orphaned in turn, are the supervisor's

    def perform(self, code, step, put):
        """Run code and return the report."""
        if put:
            now = scan(self.work)
            self.listing.update((name, now[name]) for name in json.loads(put) if name in now)
        report = self.cell.run(code, step)
        before, after = self.before, resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        report["cpu"] = round(max(spent, 0.0), 6)
        report["memory"] = after.ru_maxrss * 1024
        report["files"] = self.changed_files()[:MAX_LISTED]
        report["output"] = bool(self.output.poll(0))  # the supervisor has to read it
        return report

    def rehearse(self, code):
        """Run next to nothing while nobody waits: it touches the pages that a fork has to copy.

        The first run after a fork takes about three times as long without it. Its messages go
        through a pipe to this process itself.
        """
        cell, namespace, step, line = self.cell, self.cell.namespace, self.cell.step, self.line
        ends = ()
        try:
            ends = self.line, sink = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            cell.namespace = {"__builtins__": builtins}
            os.write(sink, encode(0, EXEC, b"0\n" + code))
            self.choose_stream()
            payload = self.receive()[1]
            self.sink = sink
            self.execute(payload)
        except OSError:  # no descriptor to be had, or more to say than a pipe takes
            pass
        finally:
            for fd in ends[self.line < 0 :]:
                os.close(fd)
            self.source = self.sink = self.sock.fileno()
            cell.namespace, cell.step, self.ahead, self.line = namespace, step, True, line

    def digest(self):
        """Return a fingerprint of the user's names and files, to check a rebuilt state by."""
        found = {}
        for name, value in list(self.cell.namespace.items()):
            if type(name) is not str or name.startswith("_") or name in self.cell.own:
                continue
            if len(found) < 500:
                found[name[:100]] = fingerprint(value)
        files = repr([(name, info[0]) for name, info in sorted(self.listing.items())])
        return {"names": found, "files": "%08x" % zlib.crc32(files.encode("utf-8", "replace"))}


def encode_report(report):
    """Return the report of a run: as JSON, for which that of most takes too little time."""
    said = report["status"], report["value"], report["error"], report["notes"], report["files"]
    if said == ("ok", None, None, [], []):
        return PLAIN_REPORT.pack(report["cpu"], report["memory"], report["output"])
    return json.dumps(report).encode()


REHEARSED = b"x = 1\nx", b"x = 1"  # what ends in an expression takes another way than what does not
PLAIN_REPORT = struct.Struct("!dQ?")  # of nothing but processor time, memory, and output to come


def freeze_garbage():
    """Keep the collector off what is there now, so that forks go on sharing its pages."""
    gc.collect()
    gc.freeze()


def lower_limit(which, value):
    """Set a resource limit, no higher than the hard limit in force."""
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def wait_status(status):
    """Return an exit code, negative for the signal that killed."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def proportional_memory():
    """Return the bytes that this process holds, shared pages divided among their users."""
    try:
        with open("/proc/self/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def fingerprint(value, depth=2):
    """Return the type of a value, with a checksum of its content when that is small and plain."""
    kind = type(value)
    if any(kind is plain for plain in (int, float, complex, bool, str, bytes, type(None))):
        small = value.bit_length() < 10_000 if kind is int else True
        text = repr(value[:10_000] if kind in (str, bytes) else value) if small else ""
        return "%s:%08x" % (kind.__name__, zlib.crc32(text.encode("utf-8", "replace")))
    if any(kind is plain for plain in (list, tuple, dict, set, frozenset)):
        text = "%s[%d]" % (kind.__name__, len(value))
        if depth and len(value) <= 50 and kind in (list, tuple):
            text += ",".join(fingerprint(item, depth - 1) for item in value)
        elif depth and len(value) <= 50 and kind is dict:
            pairs = value.items()
            text += ",".join(fingerprint(k, 0) + fingerprint(v, depth - 1) for k, v in pairs)
        return "%s:%08x" % (kind.__name__, zlib.crc32(text.encode()))
    return type_name(kind)[:100]


def type_name(kind):
    """Return the name of a type with its module, without asking the type: it may be hostile."""
    module = type.__dict__["__dict__"].__get__(kind).get("__module__")
    name = type.__dict__["__name__"].__get__(kind)
    return "%s.%s" % (module, name) if type(module) is str else name


# ---------------------------------------------------------------------------------------------
# Running code
# ---------------------------------------------------------------------------------------------


class Cell:
    """The namespace of user code, and what runs it piece by piece."""

    def __init__(self, node):
        self.node = node
        self.limits = node.limits
        self.lock = threading.Lock()
        self.running = False  # an interrupt may be raised
        self.talking = False  # an interrupt has to wait until a message is whole
        self.interrupted = False
        self.stopped = False
        self.step = 0
        self.calls = 0
        self.images = 0
        self.notes = []
        self.rewrite = None  # a function that changes the syntax tree of code before it runs
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self.namespace.update(
            __builtins__=builtins, ToolError=ToolError, display=self.display, __annotations__={}
        )
        ToolError.__module__ = "__main__"
        self.own = {"ToolError", "display"}
        sys.meta_path.insert(0, FigureBackend(self))
        os.environ["MPLBACKEND"] = "module://" + FigureBackend.NAME

    def on_interrupt(self, *_):
        """Handle SIGINT: raise in user code, and nowhere else."""
        self.interrupted = self.running
        if self.running and not self.talking:
            raise KeyboardInterrupt

    def run(self, source, step):
        """Run one piece of code; return its report."""
        self.interrupted = self.stopped = False
        self.step, self.images, self.notes = step, 0, []
        report = {"status": "ok", "value": None, "error": None}
        try:
            self.running = True
            try:
                report["value"] = self.run_source(source, "<step %d>" % step)
            except Stop:
                pass
            except BaseException as error:
                report["status"] = "error"
                report["error"] = describe_error(error, self.node.folder)
                if self.interrupted and isinstance(error, KeyboardInterrupt):
                    report["status"] = "interrupted"
            self.capture_figures()
            flush_streams()
            self.running = False
        except BaseException as error:  # an interrupt or a fault of user code in the lines above
            self.running = False
            report["status"] = "interrupted" if self.interrupted else "error"
            report["error"] = describe_error(error, self.node.folder)
        if self.stopped and report["status"] != "interrupted":
            report.update(status="stopped", error=None)
        threads = 0 if NEVER_THREADED.value or is_alone(self.node.own_stat) else count_threads()
        if threads:
            note = "threads still alive: %d; until they end, this state can only be rebuilt by"
            self.notes.append(note % threads + " running its code again, not copied")
        report["notes"] = self.notes
        return report

    def run_source(self, source, name):
        """Run all statements; return the text of the last one's value if it is an expression."""
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        if not self.rewrite and ends_in_statement(source):
            self.evaluate(source, name, "exec")
            return None
        tree = compile(source, name, "exec", ast.PyCF_ONLY_AST)
        if self.rewrite:
            self.rewrite(tree)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        if tree.body:
            self.evaluate(tree, name, "exec")
        if last is None:
            return None
        value = self.evaluate(ast.Expression(last.value), name, "eval")
        return None if value is None else self.show(value)

    def evaluate(self, tree, name, mode):
        """Run compiled code, in an event loop when it awaits at its top level."""
        code = compile(tree, name, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if not code.co_flags & 0x80:  # CO_COROUTINE
            return eval(code, self.namespace)
        import asyncio

        return asyncio.run(eval(code, self.namespace))

    # Showing values -------------------------------------------------------------------------

    def show(self, value):
        """Return the text of a value, and capture its picture if it has one."""
        draw = getattr(type(value), "_repr_png_", None)
        if draw:
            picture = draw(value)
            if isinstance(picture, bytes):
                self.send_image(picture)
        return shorten(as_text(value), self.limits["value"])

    def display(self, *values):
        """Show values in the middle of a piece of code."""
        for value in values:
            print(self.show(value))

    def send_image(self, data):
        """Send one PNG, within the limits of a run."""
        if self.images >= self.limits["images"]:
            note = "pictures after the first %d were dropped" % self.limits["images"]
            if note not in self.notes:
                self.notes.append(note)
        elif not data.startswith(b"\x89PNG\r\n\x1a\n"):
            self.notes.append("a picture was no PNG and dropped")
        elif len(data) > min(self.limits["image_bytes"], self.limits["frame"]):
            self.notes.append("a picture of %d bytes was too large and dropped" % len(data))
        else:
            self.images += 1
            with self.lock:
                self.exchange(IMAGE, bytes(data))

    def capture_figures(self, *_args, **_kwargs):
        """Send every open figure and close it."""
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        if helpers is None:
            return
        import io

        for manager in helpers.Gcf.get_all_fig_managers():
            buffer = io.BytesIO()
            manager.canvas.figure.savefig(buffer, format="png", bbox_inches="tight")
            self.send_image(buffer.getvalue())
        helpers.Gcf.destroy_all()

    # Tools ----------------------------------------------------------------------------------

    def add_tools(self, tools):
        """Define a function for each tool of the host."""
        for tool in tools:
            self.namespace[tool["name"]] = self.make_tool(tool["name"], tool.get("stub"))
            self.own.add(tool["name"])

    def make_tool(self, name, stub):
        """Return a function that calls a tool, with the signature and docstring of its stub."""

        def call(*args, **kwargs):
            return self.call(name, args, kwargs)

        call.__name__ = call.__qualname__ = name
        call.__module__ = "__main__"
        if stub:
            scope = {"__name__": "__main__"}
            source = "from __future__ import annotations\n" + stub
            exec(compile(source, "<tool>", "exec", dont_inherit=True), scope)
            call.__doc__, call.__wrapped__ = scope[name].__doc__, scope[name]
        return call

    def call(self, name, args, kwargs):
        """Call a tool of the host and wait for its result."""
        request = {"tool": name, "args": plain(args, name), "kwargs": plain(kwargs, name)}
        with self.lock:
            self.calls += 1
            request["id"] = self.calls
            payload = json.dumps(request, allow_nan=False).encode()
            if len(payload) > self.limits["frame"]:
                raise ToolError("the arguments of %s are larger than a message may be" % name)
            answer = self.exchange(CALL, payload, self.calls)
        if answer.get("stop"):
            self.stopped = True
            raise Stop
        if answer.get("error") is not None:
            raise ToolError(answer["error"])
        return answer.get("value")

    def exchange(self, kind, payload, number=None):
        """Send a message and wait for the answer to `number`, without tearing either."""
        main = threading.current_thread() is threading.main_thread()
        self.talking = main or self.talking
        try:
            self.node.send(kind, payload)
            while number is not None:
                if main:
                    self.wait_readable()
                answer = json.loads(self.node.receive()[1])
                if answer.get("id") == number:
                    return answer
        finally:
            if main:
                self.talking = False
        if self.interrupted and main:
            raise KeyboardInterrupt
        return None

    def wait_readable(self):
        """Wait for the other side; the only place of an exchange where an interrupt is raised."""
        self.talking = False
        if self.interrupted:
            raise KeyboardInterrupt
        select.select([self.node.source], [], [])
        self.talking = True


class FigureBackend:
    """Importer of a matplotlib backend that captures figures instead of showing them."""

    NAME = "treeact_figures"

    def __init__(self, cell):
        self.cell = cell

    def find_spec(self, name, path=None, target=None):
        """Claim the backend's name."""
        if name != self.NAME:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)

    def create_module(self, spec):
        """Use the default module."""

    def exec_module(self, module):
        """Fill the module."""
        from matplotlib.backends import backend_agg

        module.FigureCanvas = backend_agg.FigureCanvasAgg
        module.show = self.cell.capture_figures


UNSURE = frozenset("'\"()[]{}\\;#\r\f")


def ends_in_statement(source):
    """Tell whether code surely ends in an assignment or a block, which spares it a syntax tree.

    A line that closes no string and no bracket began where it begins.
    """
    rest, _, last = source.rstrip("\n").rpartition("\n")
    name, equals, value = last.partition("=")
    assigns = equals and value[:1] != "=" and name.rstrip(" ").isidentifier()
    sure = assigns or last.startswith((" ", "\t"))
    return sure and UNSURE.isdisjoint(last) and not rest.endswith("\\")


def flush_streams():
    """Send what Python has buffered of stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


def as_text(value):
    """Return what a REPL would echo; tables whole where they are of a readable size."""
    kind = type(value)
    if kind.__module__.startswith("pandas.") and kind.__name__ in ("DataFrame", "Series"):
        options = {"max_cols": 30, "line_width": 200} if kind.__name__ == "DataFrame" else {}
        return value.to_string(max_rows=60, min_rows=20, **options)
    return repr(value)


def shorten(text, limit):
    """Cut the middle out of a long text and say so."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n... %d characters left out ...\n%s" % (text[:half], len(text) - limit, text[-half:])


def describe_error(error, folder):
    """Return type, message and traceback of an exception, with the user's own frames only."""
    try:
        report = traceback.TracebackException.from_exception(error, compact=True)
        keep_own_frames(report, folder)
        text = "".join(report.format())
    except BaseException:
        text = "(its traceback cannot be shown)"
    try:
        message = str(error)
    except BaseException:
        message = "(its text cannot be shown)"
    return {
        "type": type.__dict__["__name__"].__get__(type(error))[:200],
        "message": shorten(message, 4000),
        "traceback": shorten(text, 16000),
    }


def keep_own_frames(report, folder):
    """Drop frames of the driver and of libraries, in an exception and all it came from."""
    frames = [
        frame for frame in report.stack if frame.filename.startswith(("<step ", folder + "/"))
    ]
    report.stack = traceback.StackSummary.from_list(frames)
    linked = [report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())]
    for other in linked:
        if other is not None:
            keep_own_frames(other, folder)


def plain(value, where):
    """Return a value as JSON knows it; TypeError names the place of what it cannot be."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise TypeError("%s: %r cannot be passed to a tool" % (where, value))
        return float(value)
    if isinstance(value, dict):
        return {
            plain_key(key, where): plain(item, "%s[%r]" % (where, key))
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset, range)) or type(value).__name__ in VIEWS:
        return [plain(item, "%s[%d]" % (where, index)) for index, item in enumerate(value)]
    return plain_object(value, where)


VIEWS = ("dict_keys", "dict_values", "dict_items", "deque")


def plain_key(key, where):
    """Return a dictionary key as text."""
    if isinstance(key, (str, int, float, bool)) or key is None:
        return key if isinstance(key, str) else json.dumps(key)
    raise TypeError("%s: a key of type %s cannot be passed to a tool" % (where, type(key).__name__))


def plain_object(value, where):
    """Convert the objects of common libraries."""
    module, name = type(value).__module__.split(".")[0], type(value).__name__
    if hasattr(type(value), "__dataclass_fields__"):
        fields = {key: getattr(value, key) for key in type(value).__dataclass_fields__}
        return plain(fields, where)
    if hasattr(type(value), "isoformat"):
        return value.isoformat()
    if module == "pandas" and name == "DataFrame":
        return plain(value.to_dict("records"), where)
    if module in ("numpy", "pandas") and hasattr(value, "tolist"):
        return plain(value.tolist(), where)
    if isinstance(value, int):
        return int(value)
    if hasattr(value, "__fspath__"):
        return plain(os.fspath(value), where)
    if module in ("decimal", "uuid", "fractions"):
        return str(value)
    if "enum" in sys.modules and isinstance(value, sys.modules["enum"].Enum):
        return plain(value.value, where)
    raise TypeError("%s: a value of type %s cannot be passed to a tool" % (where, name))


# ---------------------------------------------------------------------------------------------
# Start
# ---------------------------------------------------------------------------------------------


def connect(door):
    """Return a descriptor of the host's socket at this path, None when there is no way to it."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(door)
        except OSError:
            return None
        return sock.detach()


def main():
    """Move the protocol off stdin and stdout, then serve the host."""
    config = json.loads(sys.argv[1])
    lifeline, sink = os.dup(0), os.dup(1)
    source = connect(config["door"]) if config.get("door") else None
    if source is None:
        source = lifeline
    else:
        os.close(sink)
        sink = source
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("MPLCONFIGDIR", os.path.join(config["root"], ".matplotlib"))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if config["filters"]:
        load_filter(config["filters"])
    supervisor = Supervisor(config, source, sink, lifeline)
    try:
        supervisor.serve()
    except BrokenPipeError:
        pass
    finally:
        supervisor.shutdown()


if __name__ == "__main__":
    main()
