"""Looking after the cache of prepared pictures, which all studies of an installation share."""

from collections.abc import Iterable
from datetime import timedelta

from medclf.cohort.cache import Pruned, Pruning
from medclf.cohort.cache import prune as prune_folder
from medclf.cohort.size import parse_bytes
from medclf.errors import StudyMisuse
from medclf.study.home import Home


def prune(
    home: Home,
    *,
    older_than_days: float | None = None,
    to_bytes: str | None = None,
    transforms: Iterable[str] = (),
    everything: bool = False,
    really: bool = False,
) -> Pruned:
    """Delete prepared pictures that no process uses; they can be made again from the images.

    Rules add up: what goes must be allowed by all that are given.

    Args:
        home: whose cache.
        older_than_days: only pictures that no cohort needed for so long.
        to_bytes: only until the cache holds no more, such as `20GB`; those that were not used
            for longest go first.
        transforms: only those of these names; their beginnings will do.
        everything: needed when no other rule is given.
        really: whether they go; otherwise the same is returned and nothing is touched.

    Raises:
        StudyMisuse: no rule is given.
        MisuseError: `to_bytes` is not a number of bytes.
        CacheUnavailable: a file may not be deleted.
    """
    names = tuple(transforms)
    if not (everything or names) and older_than_days is None and to_bytes is None:
        raise StudyMisuse(
            "Nothing says which prepared pictures may go.",
            advice="Name --older-than, --to-bytes or --transform, or ask for --all.",
        )
    since = None if older_than_days is None else home.clock() - timedelta(days=older_than_days)
    bound = None if to_bytes is None else parse_bytes(to_bytes, what="The size to prune to")
    pruning = Pruning(unused_since=since, to_bytes=bound, transforms=names)
    return prune_folder(home.cache_folder, pruning, really=really)
