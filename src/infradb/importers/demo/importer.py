"""Joins the lab's parts into one run."""

from infradb import clock
from infradb.importers.demo.derive import Meter
from infradb.importers.demo.gather import Gathered
from infradb.importers.demo.hardware import tell_hardware
from infradb.importers.demo.naming import tell_naming
from infradb.importers.demo.software import tell_software
from infradb.observation import CollectionRun, ScopeResult


def collect(seed: int = 1) -> CollectionRun:
    """Return the whole lab; the seed moves only measured values.

    Some things in it are wrong on purpose, so that the findings have something to find:

    - lab1 is stopped, but its guest lab1-ct claims to run;
    - stirling-pdf and metube run images tagged `latest`;
    - 192.168.1.20 of old-nas is noted in the network `lan`, which does not contain it, and was last seen in 2024;
    - calibre-web exited with code 137 although it should restart, and syncthing is unhealthy;
    - the disk sdd of nas failed SMART while its pool still says online;
    - the last backup of docker3 failed, and the warranty of opnsense has run out;
    - a firewall rule for testing still allows everything from the network `lan`.
    """
    started_at = clock.now()
    gathered, meter = Gathered(), Meter(seed)
    tell_hardware(gathered, meter, started_at)
    tell_software(gathered, meter)
    tell_naming(gathered)
    return CollectionRun("demo", started_at, (ScopeResult("lab", "complete", tuple(gathered.answers)),))
