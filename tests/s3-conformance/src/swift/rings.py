"""Writes Swift's rings: rings.py FOLDER {KIND PORT[,PORT]...}...

Each server of a kind has one device, and keeps a replica of what the ring is about.
"""

import sys

from swift.common.ring import RingBuilder

# The partitions of a ring, as a power of two. Few suffice for three devices.
PARTITION_POWER = 4

folder, *rings = sys.argv[1:]
for kind, ports in zip(rings[::2], rings[1::2]):
    ports = ports.split(",")
    builder = RingBuilder(PARTITION_POWER, replicas=len(ports), min_part_hours=1)
    for zone, port in enumerate(ports):
        builder.add_dev(
            {"region": 1, "zone": zone, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1}
        )
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{kind}.ring.gz")
