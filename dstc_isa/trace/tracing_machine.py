"""Runs a launch in the order that defines its results, logs chosen warps and shows what PRINTs ask for on the way."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from dstc_isa.engine.launch import Launch
from dstc_isa.engine.reference.reference_machine import ReferenceMachine
from dstc_isa.engine.reference.warp import ReferenceWarp
from dstc_isa.engine.supervision import Supervisor, Survey
from dstc_isa.trace.log import Log
from dstc_isa.trace.logged import LoggedWarp
from dstc_isa.trace.prints import Prints

if TYPE_CHECKING:
    from dstc_isa.trace.stepper import Stepper


PATIENCE = 200_000
"""Instructions that run on the reference engine first: about as long as compiling the other one would take."""


class Complete(Exception):
    """All that was to be seen has been."""


class TracingMachine(ReferenceMachine):
    """The reference engine's order of CTAs and warps, on the compiled engine where many come without a logged warp.

    ``logged``: linear number of the CTA and number of the warp, of each to be logged. ``prints``: None if nothing is
    shown, or there is nothing to show. ``reference``: nothing runs on
    the compiled engine, of whose start ``announce`` is told.
    """

    def __init__(
        self,
        launch: Launch,
        max_instructions: int,
        log: Log,
        logged: Collection[tuple[int, int]],
        prints: Prints | None,
        *,
        reference: bool,
        announce: Callable[[str], None] | None,
        supervisor: Supervisor,
    ) -> None:
        super().__init__(launch, max_instructions, supervisor)
        self.log = log
        self.logged = frozenset(logged)
        self.prints = prints
        self.begun: list[LoggedWarp] = []
        self.reference = reference
        self.announce = announce
        self.looking = False
        self._stepper: Stepper | None = None

    @property
    def stepper(self) -> "Stepper":
        """The compiled engine, loaded when it is first wanted."""
        if self._stepper is None:
            from dstc_isa.trace.stepper import Stepper

            stops = self.prints.stops if self.prints is not None else ()
            with self.supervisor.paused():
                self._stepper = Stepper(self.launch, self.max_instructions, stops, self.announce)
        return self._stepper

    @property
    def complete(self) -> bool:
        """Whether all that was asked for has been seen, or more PRINTs than are shown."""
        logged = len(self.begun) == len(self.logged) and not any(warp.live for warp in self.begun)
        return logged and (self.prints is None or self.prints.further > 0)

    def start_cta(self, cta: int) -> list[Any]:
        """The warps of a CTA at its start; Complete if there is nothing more to be seen."""
        if self.complete:
            raise Complete
        wanted = {warp for number, warp in self.logged if number == cta}
        if not (self.reference or wanted) and self.issued.sum() >= PATIENCE:
            return [*self.stepper.start_cta(cta)]
        shared = np.zeros(self.launch.kernel.shared_bytes, np.uint8)
        warps: list[ReferenceWarp] = []
        for index in range(self.launch.warps):
            kind = LoggedWarp if index in wanted else ReferenceWarp
            warps.append(kind(self.launch, index, cta, shared))
        self.begun += [warp for warp in warps if isinstance(warp, LoggedWarp)]
        return warps

    def look(self, warp: Any, warps: list[Any]) -> None:
        """Put a fault on a warp that is in an endless loop; what is tried out is not logged."""
        if not isinstance(warp, ReferenceWarp):
            self.stepper.look(warp)
            return
        self.looking = True
        super().look(warp, warps)
        self.looking = False

    def run_warp(self, warp: Any, budget: int) -> None:
        """Issue until no lane of the warp is ready, it faults, or the budget is used up."""
        watched = self.prints is not None or isinstance(warp, LoggedWarp)
        if self.looking or (isinstance(warp, ReferenceWarp) and not watched):
            super().run_warp(warp, budget)
            return
        while warp.active and not warp.fault and budget > 0:
            self._ask()
            pc, active = warp.pc, warp.active
            if self.prints is not None:
                self.prints.arrive(warp)
                if self.prints.further and self.complete:
                    raise Complete
            budget -= self._issue(warp, budget)
            if self.prints is not None:
                self.prints.leave(warp, pc, active)

    def _issue(self, warp: Any, budget: int) -> int:
        """Let a warp issue one instruction, or up to the next one that is to be looked at; how many it were."""
        if not isinstance(warp, ReferenceWarp):
            alone = self.prints is not None and warp.pc in self.prints.before_behind
            return self.stepper.run(warp, 1 if alone else budget)
        issue = super().run_warp
        if isinstance(warp, LoggedWarp):
            instruction = self.instructions[warp.pc] if warp.pc < len(self.instructions) else None
            self.log.step(warp, instruction, lambda: issue(warp, 1))
        else:
            issue(warp, 1)
        return 1

    def survey(self) -> Survey:
        """How far the run is, what the compiled engine ran included."""
        found = super().survey()
        return found if self._stepper is None else evolve(found, issued=found.issued + self._stepper.counts[0, :-1])

    def _ask(self) -> None:
        if self.supervisor.due():
            raise self.supervisor.timed_out()
