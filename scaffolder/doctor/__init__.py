"""What labs need of this machine, what of it is here, and getting it ahead of time.

Nothing is ever installed, started or changed: the commands that would mend something are told.
"""

from scaffolder.doctor.examination import examine
from scaffolder.doctor.fetching import fetch
from scaffolder.doctor.needs import LabNeeds, needs_of

__all__ = ["LabNeeds", "examine", "fetch", "needs_of"]
