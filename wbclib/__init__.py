"""White-box cartoonization, studied: the reusable code behind the notebooks.

The rooms, bottom to top (nothing imports upwards)::

    files, images, paths, options, profiles -> represent, networks -> losses, corpora
        -> train -> evaluate -> report -> cli
"""

__version__ = "0.1.0"
