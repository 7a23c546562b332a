"""Parts of other frameworks as components.

The core knows the frameworks by name alone. A connector, a package of its own, registers a `Bridge` (see
`protocol.py`) under the entry point group `ragbraid.bridges`; it says which kind of component a class of its
framework is, and gives a `Part` that does the work. All that the frameworks have in common is here: one
component class for each kind, with scope, offsets, metadata, errors and cancellation looked after.
"""

from ragbraid.bridge.parts import as_component as as_component
