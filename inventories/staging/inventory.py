"""Staging, as a worked example: one host that gets every change before production does.

Copy this directory for an environment of your own; inventories/production shows more.
"""

# Lists are groups of hosts, and a group's name picks its file in group_data. Keep clear of names
# that have one in the checkout's own group_data, "lab" for one: that file would apply here too.
staging = [
    # 10.10.0.128/28 leaves 15 addresses for instances: the first one stays free, for the shim.
    ("app1.staging.example", {"container_range": "10.10.0.128/28"}),
]
