"""The kernels compile for GPUs of several generations; that needs a compiler, but no GPU."""

import os
import subprocess
import sys

import pytest

from tests.support.source import ROOT

pytestmark = pytest.mark.prove
pytest.importorskip("triton")

# What a block may have on the smallest of these: RTX 30 and 40.
SHARED_BYTES = 99 * 1024


@pytest.mark.parametrize("capability", ["80", "89", "90"])
def test_kernels_compile_and_fit(capability, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.generation.engine.gpu.targets", capability],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    kernels = [line.split() for line in done.stdout.splitlines()]
    assert len(kernels) == 9
    assert all(int(shared) <= SHARED_BYTES for _, _, shared in kernels)
