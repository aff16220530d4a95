"""doctor: what this machine can do, and what is missing for a good day."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil
import typer
from rich.text import Text

import engine
from engine.cli import console
from engine.errors import ExitCode
from engine.runs.paths import runs_dir

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "tokenizers", "safetensors", "textual")
LOW_DISK_GIB = 5.0
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `hint` says what to do where it is not ok."""

    name: str
    verdict: Literal["ok", "note", "bad"]
    text: str
    hint: str = ""


def doctor(as_json: bool) -> None:
    """Print the checks; exit 3 when one is bad."""
    checks = [*_packages(), _device(), _memory(), _disk(), _terminal()]
    if as_json:
        console.json_line({"version": engine.__version__, "checks": checks})
    else:
        for check in checks:
            glyph, style = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}[check.verdict]
            line = Text.assemble((f"{glyph} ", style), (f"{check.name:<14}", "dim")).append_text(
                console.safe(check.text)
            )
            console.show(line.append(f"  {check.hint}" if check.hint else "", style="dim"))
    if any(check.verdict == "bad" for check in checks):
        raise typer.Exit(ExitCode.RESOURCES)


def _packages() -> list[Check]:
    checks = [Check("python", "ok", platform.python_version())]
    for package in PACKAGES:
        try:
            checks.append(Check(package, "ok", version(package)))
        except PackageNotFoundError:
            checks.append(Check(package, "bad", "not installed", "pip install luthier again"))
    return checks


def _device() -> Check:
    try:
        import torch  # here: doctor must be able to say that torch is broken

        from engine.train.device import choose_device, describe

        device = choose_device()
        name = describe(device)
    except (ImportError, OSError, RuntimeError) as error:
        return Check("device", "bad", f"torch does not start: {error}", "install torch for this machine's driver")
    if device.type == "cuda":
        half = "bfloat16" if torch.cuda.is_bf16_supported() else "no bfloat16: float32 is used"
        return Check("device", "ok", f"{name}, {half}")
    return Check("device", "note", name, "no GPU: small models only")


def _memory() -> Check:
    memory = psutil.virtual_memory()
    return Check("memory", "ok", f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free")


def _disk() -> Check:
    place = runs_dir()
    there = next((p for p in (place, *place.parents) if p.exists()), Path("/"))
    free = shutil.disk_usage(there).free / GIB
    if not os.access(there, os.W_OK):
        return Check("runs", "bad", f"{place} cannot be written", "set LUTHIER_RUNS_DIR")
    verdict: Literal["ok", "note"] = "note" if free < LOW_DISK_GIB else "ok"
    return Check(
        "runs", verdict, f"{place}, {free:.1f} GiB free", "little room for checkpoints" if free < LOW_DISK_GIB else ""
    )


def _terminal() -> Check:
    term = os.environ.get("TERM", "")
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(False)).lower()
    if term in ("", "dumb"):
        return Check("terminal", "note", f"TERM={term or 'unset'}", "the TUI needs a terminal; the verbs do not")
    if "utf" not in encoding:
        return Check("terminal", "note", f"{term}, {encoding}", "set LANG=C.UTF-8, else charts are drawn in ASCII")
    colours = os.environ.get("COLORTERM") or "256 colours (COLORTERM is not set)"
    return Check("terminal", "ok", f"{term}, {encoding}, {colours}")
