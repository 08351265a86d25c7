"""leakage.html: copies side by side, because only a person can say which label is right.

The page holds the prepared pictures themselves and no path, name or number of a person;
whoever may see the images may see the page.
"""

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from medclf.cohort.copies import Pictures
from medclf.cohort.copy_groups import CopyGroup

_SHOWN_GROUPS = 60  # about 2 MB; leakage.json has them all
_SHOWN_PICTURES = 6  # of a group
_SIDE = 224  # px
_JPEG_QUALITY = 85

_TEXT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Copies in {{ name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
section { border-top: 1px solid #ccc; padding: .75rem 0; }
h2 { font-size: 1rem; margin: 0 0 .5rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; }
figure { margin: 0; }
img { display: block; width: 224px; height: 224px; background: #000; }
figcaption { font-size: .85rem; max-width: 224px; }
.grave { color: #a40000; }
</style>
</head>
<body>
<h1>Copies in {{ name }}</h1>
{% if warnings %}<ul>{% for warning in warnings %}<li>{{ warning }}</li>{% endfor %}</ul>{% endif %}
{% if not groups %}<p>No copies were found.</p>{% endif %}
{% if left_out %}<p>The first {{ groups | length }} groups; {{ left_out }} more are in
leakage.json.</p>{% endif %}
{% for group in groups %}
<section>
<h2>{{ loop.index }}. {{ group.sameness }}, agreement {{ "%.3f" | format(group.agreement) }}
{%- if group.contradict %} <span class="grave">contradicting labels</span>{% endif %}
{%- if group.crosses %} <span class="grave">in several parts</span>{% endif %}</h2>
<div class="row">
{% for picture in group.pictures %}
<figure><img src="{{ picture.source }}" alt="{{ picture.caption }}">
<figcaption>{{ picture.caption }}</figcaption></figure>
{% endfor %}
</div>
</section>
{% endfor %}
</body>
</html>
"""

_TEMPLATE = Environment(
    autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
).from_string(_TEXT)


def gallery(
    name: str, groups: Sequence[CopyGroup], pictures: Pictures, warnings: Sequence[str]
) -> str:
    """Return the page of a study's copies.

    Args:
        name: of the study.
        groups: of copies; contradicting and crossing ones come first.
        pictures: prepared, row for row the manifest's.
        warnings: sentences for the top.
    """
    ordered = sorted(groups, key=lambda g: (not g.contradict, not g.crosses, g.rows))
    shown = ordered[:_SHOWN_GROUPS]
    return _TEMPLATE.render(
        name=name,
        warnings=list(warnings),
        left_out=len(ordered) - len(shown),
        groups=[
            {
                "sameness": group.sameness.value,
                "agreement": group.agreement,
                "contradict": group.contradict,
                "crosses": group.crosses,
                "pictures": [
                    {"source": _source(pictures[row]), "caption": _caption(group, place)}
                    for place, row in enumerate(group.rows[:_SHOWN_PICTURES])
                ],
            }
            for group in shown
        ],
    )


def _caption(group: CopyGroup, place: int) -> str:
    line = group.lines[place]
    where = f"line {line}" if line else f"row {group.rows[place] + 1}"
    return ", ".join(filter(None, (where, group.labels[place], group.parts[place])))


def _source(picture: np.ndarray) -> Markup:
    small = cv2.resize(np.asarray(picture), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    encoded = base64.b64encode(data.tobytes()).decode()
    return Markup(f"data:image/jpeg;base64,{encoded}")  # noqa: S704 - base64 holds no markup
