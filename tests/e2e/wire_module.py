"""The module that `omg schema --format python` prints, imported: messages, codec and client."""

import functools
import importlib.util
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
OMG = os.environ.get("OMG", str(HERE.parent.parent / "build" / "omg"))


@functools.lru_cache(maxsize=None)
def source(form="python"):
    done = subprocess.run([OMG, "schema", "--format", form], env={"OMG_CONFIG": ""}, timeout=60,
                          capture_output=True, check=True)
    return done.stdout.decode()


@functools.lru_cache(maxsize=None)
def load():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "omg_wire.py")
        path.write_text(source())
        spec = importlib.util.spec_from_file_location("omg_wire", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
