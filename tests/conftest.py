"""What all tests share: property tests that do not time themselves, for computers that have something else to do; and Ctrl-C that arrives."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs so, and children inherit it: the tests that interrupt them would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
