"""What can be chosen in a screen."""

from typing import Literal

#: Where structures outside the applicability domain go: into a file of their own, or among the hits.
DomainRule = Literal["separate", "ignore"]

#: How compounds are selected at a false discovery rate: all that can be, with weights for a library that is unlike the
#: table, or few of many scaffolds.
FdrMethod = Literal["cfbh", "weighted", "diverse"]

#: How hits are picked that differ: each as unlike those before as can be, or the best of each Murcko scaffold, or of
#: each cluster of similar compounds.
DiversityRule = Literal["maxmin", "scaffold", "cluster"]

#: By what measured compounds are near: by their structure, or in the model's own space.
NeighbourSpace = Literal["structure", "model"]

#: Who shares the work: processes of this machine, or the cores of a Ray cluster.
Engine = Literal["local", "ray"]
