"""comfy-script: runs a graph on the server at ADDRESS, and again from the cache, and writes the picture that it gives as
OUT/noise.png; then the same picture blurred as OUT/blurred.png. It has no way to upload one.

    FOLDER/comfy-script/bin/python comfyscript.py FOLDER ADDRESS OUT
"""

import os
import sys

from comfy_script.runtime import Workflow, load

_, _, address, out = sys.argv
os.makedirs(out, exist_ok=True)
load(address)

# Made from the node definitions of the server.
from comfy_script.runtime.nodes import Blur, NoiseImage, SaveImage  # noqa: E402


def picture(prefix, make):
    """The picture that a graph saves."""
    with Workflow() as workflow:
        saved = SaveImage(make(), prefix)
    assert workflow.task is not None, "the server has refused the graph"
    workflow.task.wait()
    result = workflow.task.wait_result(saved)
    assert result is not None, f"the job has ended without an output of {prefix}"
    (image,) = result.wait()
    assert (image.format, image.size) == ("PNG", (16, 16)), f"{prefix}: {image}"
    return image


def noise():
    return NoiseImage(width=16, height=16, seed=2)


first = picture("comfy_script", noise)
first.save(os.path.join(out, "noise.png"))
print("comfy-script: noise.png is a PNG of 16x16")

again = picture("comfy_script", noise)
assert again.tobytes() == first.tobytes(), "the cached picture is another one"
print("comfy-script: the cached job gives the same picture")

blurred = picture("comfy_script_blurred", lambda: Blur(noise(), sigma=1.5))
assert blurred.tobytes() != first.tobytes(), "the blurred picture is the other one"
blurred.save(os.path.join(out, "blurred.png"))
print("comfy-script: blurred.png is a PNG of 16x16", flush=True)

# Its watcher never ends.
os._exit(0)
