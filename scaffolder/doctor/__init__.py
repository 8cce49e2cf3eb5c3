"""What labs need of this machine, what of it is here, and getting it ahead of time.

Nothing is ever installed, started or changed: the commands that would mend something are told.
"""

from scaffolder.doctor.examination import examine_labs
from scaffolder.doctor.fetching import fetch_needs
from scaffolder.doctor.needs import LabNeeds, list_needs

__all__ = ["LabNeeds", "examine_labs", "fetch_needs", "list_needs"]
