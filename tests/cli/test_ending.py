"""An end from outside that arrives where Python or a library makes something else of it."""

import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no such signals")

_SIGNALS = pytest.mark.parametrize(
    ("number", "what"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated"), (signal.SIGHUP, "terminated")],
)


def _run_command(body, number):
    """The program with a command that sends itself a signal."""
    program = f"""
        import os, sys, weakref
        from molgraph_cli import app

        def end():
            os.kill(os.getpid(), {int(number)})

        class Held:
            pass

        def command():
        {textwrap.indent(textwrap.dedent(body), " " * 12).strip().join(["    ", ""])}

        app.app.command("ends")(command)
        sys.argv = ["molgraph", "ends"]
        app.run()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if line]


@_SIGNALS
@pytest.mark.parametrize(
    "body",
    [
        "end()",
        "held = Held(); ref = weakref.ref(held, lambda _: end()); del held\n__import__('time').sleep(20)",
        "Held.__del__ = lambda _: end(); Held()\n__import__('time').sleep(20)",
        "try:\n    end()\nexcept BaseException as error:\n    raise ImportError('no such library') from None",
    ],
    ids=["at once", "in a callback", "in a finalizer", "in an import"],
)
def test_it_is_one_line(body, number, what):
    code, out, told = _run_command(body, number)
    assert (code, out, told) == (128 + number, "", [f"molgraph: {what}; no incomplete output is left"])


def test_what_else_is_dropped_is_still_told():
    code, _, told = _run_command("Held.__del__ = lambda _: [][0]; Held()", signal.SIGTERM)
    assert code == 0
    assert "Exception ignored in" in told[0]
    assert told[-1] == "IndexError: list index out of range"
