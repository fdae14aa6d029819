"""What a step did to the model: samples, the same arrays through both files, numbers, a verdict.

`preprocess`, `thresholds` and this file import nothing but the standard library: the parent process may use them.
Everything else needs numpy and runs in the worker, called with plain JSON and answering in plain JSON:

    samples.prepare     pictures or arrays → a Calibration
    execute.reference   the pristine source on the measured samples → its outputs in a folder
    execute.measure     a step's file on the same samples → a Verification
    execute.smoke       a file without a reference: opens, runs, repeats itself → a Verification
    attribution.blame   two files, layer by layer → where the loss enters
"""
