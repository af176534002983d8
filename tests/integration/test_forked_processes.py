"""Models and forked processes: every child works, and ends by itself."""

import json
import subprocess
import sys

import pytest

from emolens.media.sample import sample_image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are never forked there")

IMAGE = str(sample_image())
# Children end as programs do, by `sys.exit`: what they have is destroyed then. One that hangs is
# killed after 10 s; otherwise they take a second or two.
BEGIN = """
import concurrent.futures, json, multiprocessing, os, sys, threading, time
import emolens

image, n_threads = sys.argv[1], int(sys.argv[2])

def wait(pid):
    ends_s = time.monotonic() + 10
    while time.monotonic() < ends_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hung"

def fork(work, end=sys.exit):
    pid = os.fork()
    if not pid:
        end(0 if work() else 1)
    return wait(pid)

def label(image):
    return str(emolens.analyze(image).faces[0].label)
"""
CHILDREN = f"""{BEGIN}
def load():
    return emolens.ImageAnalyzer.load(model="labels-small", n_threads=n_threads)

def is_right(analyzer):
    return str(analyzer.analyze(image).faces[0].label) == "happy"

def nothing():
    return True

def use():
    return is_right(analyzer)

def use_in_threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return all(pool.map(is_right, [load(), analyzer]))

def load_another():
    return is_right(load())

def forget():
    global analyzer
    del analyzer
    return True

def fork_again():
    return fork(use) == 0 and use() and fork(nothing) == 0

analyzer = load()
codes = {{"loaded, nothing": fork(nothing), "loaded, use": fork(use)}}
assert use()
for work in (nothing, use, use_in_threads, load_another, forget, fork_again):
    codes[work.__name__] = fork(work)

def fork_here():
    codes["from a thread"] = fork(use, end=os._exit)  # Python ends nothing for a thread

thread = threading.Thread(target=fork_here)
thread.start()
thread.join()
busy = threading.Thread(target=use)
busy.start()
codes["while a thread works"] = fork(load_another)
busy.join()
assert use()
# Only the parent comes here.
print(json.dumps(codes))
"""
POOLS = f"""{BEGIN}
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of every fork beside threads
label(image)
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    labels = pool.map(label, [image] * 5)
with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
    labels += pool.map(label, [image] * 3)
process = context.Process(target=label, args=[image])
process.start()
process.join(10)
print(json.dumps([labels, process.exitcode]))
"""


def run(code: str, n_threads: int = 1) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, IMAGE, str(n_threads)],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("n_threads", [1, 2])
def test_children_work_and_end(n_threads: int) -> None:
    codes = json.loads(run(CHILDREN, n_threads))
    assert len(codes) == 10
    assert {child: code for child, code in codes.items() if code} == {}


def test_pools_of_processes_analyze() -> None:
    assert json.loads(run(POOLS)) == [["happy"] * 8, 0]
