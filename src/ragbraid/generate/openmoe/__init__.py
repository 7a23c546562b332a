from ragbraid.generate.openmoe.component import OpenMoe as OpenMoe
