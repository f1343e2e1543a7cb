"""One configuration as a document, as code for other libraries, or trained again.

Owns the formats. May import verdict and everything below it. Begin with configuration.py.
"""

from lrsearch.export.configuration import configuration
from lrsearch.export.document import Configuration, is_configuration, load_configuration
from lrsearch.export.formats import FORMATS, exported, format_of, render, write_files
from lrsearch.export.stored import By, best_trials, chosen_trials

__all__ = [
    "FORMATS",
    "By",
    "Configuration",
    "best_trials",
    "chosen_trials",
    "configuration",
    "exported",
    "format_of",
    "is_configuration",
    "load_configuration",
    "render",
    "write_files",
]
