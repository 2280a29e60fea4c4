"""Run the simulation by hand, from the directory ``tests``:

    python -m simulation --seed 7 --calls 20000 --faults

Prints what was run; of a failure, what is broken and the events of the call that it is about.
"""

import argparse
import sys
from time import process_time

from simulation.driver import NODE, Simulation
from simulation.rows import Broken

from ccmiddleware.ids import interaction_id
from ccmiddleware.pbx.events import ChannelEvent, Event


def trace(seed: int, calls: int, faults: bool, broken: Broken) -> list[Event]:
    """The events of the call that is broken: the run made once more, and written down."""
    again = Simulation(seed, calls, faults=faults)
    again.trace = []
    try:
        again.run()
    except Broken as same:
        if same.interaction is None:
            return []
        mine = {
            event.uniqueid
            for event in again.trace
            if isinstance(event, ChannelEvent)
            and interaction_id(NODE, event.linkedid) == broken.interaction
        }
    return [event for event in again.trace if _about(event, mine)]


def _about(event: Event, mine: set[str]) -> bool:
    names = ("uniqueid", "dest_uniqueid", "transferee_uniqueid", "second_uniqueid")
    return any(getattr(event, name, "") in mine for name in names)


def line(event: Event) -> str:
    """An event in one line: its class and every field that has a value."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "at"}
    shown = " ".join(f"{name}={value}" for name, value in fields.items() if value)
    return f"{event.at:%H:%M:%S.%f} {type(event).__name__} {shown}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--faults", action="store_true", help="gaps, lost links, restarts")
    asked = parser.parse_args()
    begun = process_time()
    try:
        report = Simulation(asked.seed, asked.calls, faults=asked.faults).run()
    except Broken as broken:
        print(f"BROKEN with seed {asked.seed}: {broken}\n")
        for event in trace(asked.seed, asked.calls, asked.faults, broken):
            print(line(event))
        return 1
    seconds = process_time() - begun
    print(report)
    print(f"{report.calls / seconds:.0f} calls/s in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
