"""Which worker of pytest-xdist gets which tests.

Files that act on the laptop cloud take turns. Dealt out like all others, they made one
worker wait for the other's; so one worker has them all, and the rest goes on beside it.
"""

from __future__ import annotations

from xdist.scheduler.loadfile import LoadFileScheduling

THE_CLOUD = "the laptop cloud"
ON_THE_CLOUD = (
    "tests/access/test_laptop_cloud.py",
    "tests/end_to_end/",
    "tests/fuzz/test_on_the_laptop.py",
    "tests/inner_door/test_on_the_cloud.py",
)
"""A file that is missing here is dealt out alone: slower, and no less right."""


def on_the_cloud(nodeid: str) -> bool:
    """Whether a test is one of those that take turns."""
    return nodeid.startswith(ON_THE_CLOUD)


class OneWorkerForTheCloud(LoadFileScheduling):
    """A file is one worker's, and all files on the cloud are the same worker's."""

    def _split_scope(self, nodeid: str) -> str:
        return THE_CLOUD if on_the_cloud(nodeid) else super()._split_scope(nodeid)
