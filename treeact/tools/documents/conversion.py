"""The child process that turns one hostile file into text: run by path, never imported.

    python -I conversion.py CONFIG < file > text

Parsers of documents are large, partly in C, and have been made to hang, to fill the memory and to
open other files; so they run here, with limits, and as far as the kernel allows it without network
and with no files but Python's own.
"""

import contextlib
import ctypes
import io
import json
import os
import re
import resource
import signal
import sys
import sysconfig
from pathlib import Path
from typing import Any

MEMORY = 1536 * 1024**2
"""Bytes of address space: the parsers' own code takes a third of it."""
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
CHARSETS = re.compile(r"(?i)(utf|iso|windows|cp|latin|koi|big5|gb|euc|shift|ascii|us-|mac|sjis)")
"""Names of real charsets: Python knows other codecs too, some with a hostile running time."""


def main() -> None:
    """Read, convert, write; the exit status is 0, or the reason is the last line of stderr."""
    config = json.loads(sys.argv[1])
    limit(config["seconds"])
    try:
        convert = CONVERTERS.get(config["kind"], from_text)
        prepare(config["kind"])
        confine()
        text = convert(sys.stdin.buffer.read(), config)
    except MemoryError:
        fail("it takes too much memory")
    except RecursionError:
        fail("it is nested too deeply")
    except ImportError as error:
        fail(f"missing package: {error.name or error}")
    except Exception as error:
        fail(f"{type(error).__name__}: {str(error)[:300]}")
    sys.stdout.buffer.write(text[: config["characters"]].encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    os._exit(0)


def fail(reason: str) -> None:
    """Say why there is no text, and end."""
    sys.stderr.write("\n" + " ".join(reason.split()))
    sys.stderr.flush()
    os._exit(1)


def limit(seconds: int) -> None:
    """Bound memory, time and files, and go where the network is not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(2 * seconds)  # even when nobody is left to kill it
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET)  # where it may not, nothing happens


def prepare(kind: str) -> None:
    """Import what a kind needs while files can still be read."""
    if kind == "page":
        import trafilatura  # noqa: F401
    elif kind in CONVERTERS:
        import markitdown.converters  # noqa: F401


def confine() -> None:
    """Leave only Python's own files to be read, where the kernel can see to that."""
    with contextlib.suppress(Exception):
        import sandlock

        paths = {*sysconfig.get_paths().values(), os.path.realpath(sys.base_prefix)}
        wanted = map(Path, [*paths, "/dev/null", "/dev/urandom"])
        readable = [str(path) for path in wanted if path.exists()]
        sandlock.confine(sandlock.Sandbox(fs_readable=readable))


# Kinds ------------------------------------------------------------------------------------------


def with_markitdown(converter: str) -> Any:
    """Return the conversion by one of markitdown's converters."""

    def convert(data: bytes, config: dict[str, Any]) -> str:
        from markitdown import StreamInfo, converters

        info = StreamInfo(extension=config["kind"], charset="utf-8")
        source = decode(data, config["charset"]).encode() if config["kind"] in MARKED_UP else data
        result = getattr(converters, converter)().convert(io.BytesIO(source), info)
        # between pages stands a form feed, behind which "^" in a pattern finds no line
        return str(result.markdown).replace("\f", "\n")

    return convert


def from_page(data: bytes, config: dict[str, Any]) -> str:
    """Return the title in the first line, then the main text of a web page with its links."""
    import trafilatura
    from lxml import html

    source = decode(data, config["charset"])
    tree = html.document_fromstring(source.encode(), parser=html.HTMLParser(encoding="utf-8"))
    title = " ".join((tree.findtext(".//title") or "").split())[:300]
    text = trafilatura.extract(
        source,
        url=config["url"],
        output_format="markdown",
        include_links=True,
        favor_recall=True,
    )
    if not text or len(text) < len(tree.text_content()) // 20:  # no article: all that there is
        text = with_markitdown("HtmlConverter")(source.encode(), {**config, "kind": ".html"})
    return f"{title}\n{text}"


def from_text(data: bytes, config: dict[str, Any]) -> str:
    """Return text as it is."""
    return decode(data, config["charset"])


def decode(data: bytes, declared: str) -> str:
    """Return bytes as text: by their mark, as declared, as they themselves say, as they look."""
    for mark, name in MARKS.items():
        if data.startswith(mark):
            return data.decode(name, "replace")
    said = META_CHARSET.search(data[:4096])
    for name in (declared, said[1].decode() if said else "", "utf-8"):
        if CHARSETS.match(name):
            with contextlib.suppress(LookupError, UnicodeError):
                return data.decode(name)
    return guess(data)


def guess(data: bytes) -> str:
    """Return bytes as the text that they look most like."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:65536]).best()
    return data.decode(best.encoding if best else "utf-8", "replace")


MARKED_UP = (".html", ".csv")
CONVERTERS = {
    "page": from_page,
    ".pdf": with_markitdown("PdfConverter"),
    ".docx": with_markitdown("DocxConverter"),
    ".xlsx": with_markitdown("XlsxConverter"),
    ".pptx": with_markitdown("PptxConverter"),
    ".html": with_markitdown("HtmlConverter"),
    ".csv": with_markitdown("CsvConverter"),
}

if __name__ == "__main__":
    main()
