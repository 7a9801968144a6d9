"""
This module asks whether telemetry arrives, and names the first place where it does not.

``own`` looks at the user's side: settings, libraries, the door that telemetry leaves by. ``stack``
follows a probe of each kind through the Collector to every backend. Both give checks one by one.
"""
