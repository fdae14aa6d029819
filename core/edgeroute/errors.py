"""What can go wrong, as one tree; every error says what, where and what to type next.

EdgerouteError                exit  code of the family
├── UsageError                 2    the command line or a call's arguments
├── SourceError                3    the model that was given: missing, empty, truncated, hostile, unknown
├── PlanError                  4    no route
├── EnvironmentFailed          5    an environment cannot be built or found
├── ConverterFailed            6    a step crashed, hung, ran out of memory, or refused the model
├── VerificationFailed         7    a step's output does not load or does not compute what the source computed
├── CheckFailed                8    the file breaks a rule of the device
├── OutputError                9    the result cannot be written
├── TrustError                10    running code from the model file needs the user's word
└── PluginError               11    a plugin is broken, or asked for by name and quarantined

Exit 0 is success, 1 an internal error (please report), 12 a hand-over to a colleague who has the vendor's tool,
13 a batch of which only some succeeded, 130 an interrupt. Imports nothing of ours.
"""

from __future__ import annotations

HANDED_OVER = 12
PARTIAL = 13


class EdgerouteError(Exception):
    """Base of all errors: message (what), where, remedy (what to type), code (kebab-case, an anchor in the docs)."""

    exit_code = 1
    family = "internal-error"

    def __init__(self, message: str, *, remedy: str, where: str = "", code: str = "") -> None:
        if not remedy.strip():
            raise ValueError(f"an error without a remedy: {message}")
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.where = where
        self.code = code or self.family
        self.story: dict[str, object] = {}
        """What was tried before this was the answer, as JSON: `rejected` edges and `candidates` of a search, where there were any."""

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.message}{where}\n  → {self.remedy}"

    def as_json(self) -> dict[str, object]:
        return {"code": self.code, "message": self.message, "where": self.where, "remedy": self.remedy, "exit_code": self.exit_code}


class UsageError(EdgerouteError):
    """The command line or a call's arguments make no sense."""

    exit_code = 2
    family = "usage-error"


class SourceError(EdgerouteError):
    """The model that was given cannot be used."""

    exit_code = 3
    family = "source-error"


class PlanError(EdgerouteError):
    """No route leads from the source to the target."""

    exit_code = 4
    family = "no-route"


class EnvironmentFailed(EdgerouteError):
    """An environment, interpreter or tool is not to be had."""

    exit_code = 5
    family = "environment-failed"


class ConverterFailed(EdgerouteError):
    """A step crashed, hung, ran out of memory, or refused the model."""

    exit_code = 6
    family = "converter-failed"


class VerificationFailed(EdgerouteError):
    """A step's output does not load, or does not compute what the source computed."""

    exit_code = 7
    family = "verification-failed"


class CheckFailed(EdgerouteError):
    """The file breaks a rule of the device."""

    exit_code = 8
    family = "check-failed"


class OutputError(EdgerouteError):
    """The result cannot be written."""

    exit_code = 9
    family = "output-error"


class TrustError(EdgerouteError):
    """Running code from the model file needs the user's explicit word."""

    exit_code = 10
    family = "trust-needed"


class PluginError(EdgerouteError):
    """A plugin is broken, or asked for by name and quarantined."""

    exit_code = 11
    family = "plugin-error"
