"""What an exploration leaves behind: who was blamed for what, what was measured, and where it arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from edgeroute.errors import CheckFailed, EdgerouteError, PlanError, VerificationFailed
from edgeroute.types import Artifact, Converter, Json, LeftOut, StepRecord, ValidationReport, Verification


class Breach(VerificationFailed):
    """A step whose output does not compute what the source computes, with the numbers that say so."""

    def __init__(self, verification: Verification, message: str, *, remedy: str, where: str, code: str) -> None:
        super().__init__(message, remedy=remedy, where=where, code=code)
        self.verification = verification


class Stage(IntEnum):
    """How far a file came before an error stopped it: the further, the more the error says of the network and the device."""

    NOWHERE = 0
    ON_ITS_WAY = 1
    QUANTIZING = 2
    JUDGED = 3


@dataclass
class Trail:
    """What was tried so far, and who was blamed for what."""

    blamed: dict[str, dict[str, LeftOut]] = field(default_factory=dict)
    """Digest of an artifact → key of an edge → why it was given up."""
    rejected: list[dict[str, Json]] = field(default_factory=list)
    errors: list[EdgerouteError] = field(default_factory=list)
    quantizing: list[EdgerouteError] = field(default_factory=list)
    """Those of the errors that an int8 step ended in, or the device's compiler."""
    verified: list[StepRecord] = field(default_factory=list)
    """Every step that was verified, on the final route or not: partial results survive."""
    before: dict[str, ValidationReport] = field(default_factory=dict)
    """Digest of a file that goes into a device's compiler → what the device's rules say of it."""
    breaches: dict[str, dict[str, Breach]] = field(default_factory=dict)
    """Digest of an artifact → key of an int8 edge → how its output's numbers broke the marks."""

    @property
    def noisy(self) -> list[Breach]:
        """Every int8 step that failed over its numbers, in the order of their failing."""
        return [breach for by_key in self.breaches.values() for breach in by_key.values()]

    @property
    def telling(self) -> EdgerouteError | None:
        """The error that says most: of those where a file came furthest the first, since routes are taken in the order of their merit."""
        return max(self.errors, key=self._stage, default=None)

    @property
    def stage(self) -> Stage:
        """How far the file came that came furthest."""
        return max(map(self._stage, self.errors), default=Stage.NOWHERE)

    def _stage(self, error: EdgerouteError) -> Stage:
        if isinstance(error, CheckFailed):
            return Stage.JUDGED
        if isinstance(error, PlanError):
            return Stage.NOWHERE
        return Stage.QUANTIZING if any(error is e for e in self.quantizing) else Stage.ON_ITS_WAY

    def blame(self, artifact: Artifact, converter: Converter, error: EdgerouteError, *, quantizing: bool) -> None:
        reason = LeftOut(converter.key, f"it failed on this file: {error.message}", error.remedy)
        self.blamed.setdefault(artifact.sha256, {})[converter.key] = reason
        self.rejected.append(
            {"converter": converter.name, "key": converter.key, "from": artifact.format, "reason": error.message, **error.as_json()}
        )
        self.errors.append(error)
        self.quantizing += [error] if quantizing else []
        if isinstance(error, Breach) and error.verification.kind == "int8" and error.verification.outputs:
            self.breaches.setdefault(artifact.sha256, {})[converter.key] = error

    def only_noise_behind(self, artifact: Artifact) -> bool:
        """Whether an artifact was left because all that quantized it was too noisy: another float file of the same network changes nothing."""
        noisy, blamed = self.breaches.get(artifact.sha256, {}), self.blamed.get(artifact.sha256, {})
        return bool(noisy) and noisy.keys() == blamed.keys()


@dataclass(frozen=True)
class Arrival:
    """The end of a route that worked."""

    artifact: Artifact
    steps: tuple[StepRecord, ...]
    validation: ValidationReport
    handed: Converter | None = None
    """The edge that is left to a colleague: `artifact` is then what goes into it, and `validation` speaks of that file."""
    before: ValidationReport | None = None
    """What the rules said of the file before it was compiled."""
    origin: Artifact | None = None
    """The file that the last step was given."""

    @property
    def measured(self) -> Verification | None:
        """The last verification with numbers."""
        return next((s.verification for s in reversed(self.steps) if s.verification and s.verification.outputs), None)
