"""When garbage is collected while the program starts: once, after it serves.

What is imported stays for good. The collector would look through it again and again while it
grows, which takes an eighth of the time to start and frees next to nothing. Reference counts free
what is not part of a cycle at any time.
"""

import gc
from typing import Final

__all__ = ["hold", "leave_out_of_collections", "resume"]


YOUNG_OBJECTS: Final = 10_000
"""So many more objects than were freed bring a collection of the young ones; Python's 700 are the
packets of two large pictures, and a collection for each of those is 5 % of what 100 cameras cost.
"""


def hold() -> None:
    """Collect nothing until :func:`resume`. One-shot commands end before it is worth while."""
    gc.disable()


def resume() -> None:
    """Collect again, but nothing of what there is. Does nothing unless it is held."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
        gc.enable()


def leave_out_of_collections() -> None:
    """Collect everything once; what remains are the modules, which all later collections spare.

    Looking at them takes 30 ms on a fast machine, in which no picture is sent.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
