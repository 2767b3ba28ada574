"""Seconds of `x = 1` in an ipykernel on this host, through jupyter_client over zmq."""

from __future__ import annotations

from time import perf_counter

from jupyter_client.manager import start_new_kernel
from serve import serve


def main() -> None:
    manager, client = start_new_kernel(kernel_name="python3")

    def measure() -> float:
        began = perf_counter()
        reply = client.execute("x = 1", reply=True, timeout=30)
        took = perf_counter() - began
        if reply["content"]["status"] != "ok":
            raise RuntimeError(str(reply["content"]))
        return took

    try:
        serve(measure)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main()
