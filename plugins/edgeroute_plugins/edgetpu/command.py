"""The compiler's command line from the options."""

from __future__ import annotations

from edgeroute.types import Finding, Severity
from edgeroute_plugins.edgetpu.options import Options


def flags(options: Options, *, search: bool) -> list[str]:
    """Everything between the compiler's name and the model; the long names where they are known, `-a` for the one that is not."""
    words = ["--show_operations"]
    if options.min_runtime_version:
        words += ["--min_runtime_version", str(options.min_runtime_version)]
    if options.timeout:
        words += ["--timeout_sec", str(options.timeout)]
    if options.intermediate_tensors:
        words += ["--intermediate_tensors", ",".join(options.intermediate_tensors)]
    if options.num_segments > 1:
        words += ["--num_segments", str(options.num_segments)]
    if options.multiple_subgraphs:
        words += ["-a"]
    if search:
        words += ["--search_delegate"]
        words += ["--delegate_search_step", str(options.delegate_search_step)] if options.delegate_search_step else []
    return words


def outputs(stem: str, options: Options) -> list[str]:
    """Names of the files that the compiler leaves."""
    if options.num_segments <= 1:
        return [f"{stem}_edgetpu.tflite"]
    return [f"{stem}_segment_{i}_of_{options.num_segments}_edgetpu.tflite" for i in range(options.num_segments)]


def delivered(stem: str, options: Options) -> list[str]:
    """Their names as they are handed on: all by the name of the first."""
    return [f"{stem}.tflite", *(f"{stem}.segment-{i}-of-{options.num_segments}.tflite" for i in range(1, options.num_segments))]


def findings(options: Options) -> tuple[Finding, ...]:
    """What is to be known of a model in several files."""
    if options.num_segments <= 1:
        return ()
    return (
        Finding(
            "edgetpu-segments",
            Severity.WARNING,
            f"the model is {options.num_segments} files, to be run one after the other; the device's rules and the sidecar speak of the first",
            "a camera has one Edge TPU, where one file is faster: leave out --set edgetpu-compiler.num_segments; or feed each file what the one "
            "before it gives, by the names of the tensors",
            where="edgetpu-compiler",
            cost=0.5,
        ),
    )
